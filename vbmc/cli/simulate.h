/* `vbmc facility simulate`: how much down-time a redundancy policy leaves. */
#ifndef VBMC_CLI_SIMULATE_H
#define VBMC_CLI_SIMULATE_H

struct cli;

/* Runs it; the first name is "simulate". Returns an exit code, with a failure reported. */
int cli_run_simulate(struct cli *cli);

#endif
