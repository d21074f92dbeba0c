/* `vbmc doctor`: looks for what is wrong, and says what to do. */
#ifndef VBMC_CLI_DOCTOR_H
#define VBMC_CLI_DOCTOR_H

struct cli;

/* The verb doctor: prints its findings in the format asked for. CLI_EXIT_FAILED if one of them is a
 * problem. */
int cli_run_doctor(struct cli *cli);

#endif
