/* The `vbmc` command: what its files share. */
#ifndef VBMC_CLI_MAIN_H
#define VBMC_CLI_MAIN_H

#include <stddef.h>

#include "vbmc/cli/cli.h"

/* The whole `vbmc` command; returns its exit code. */
int cli_main(int argc, char **argv);
/* In the order of the help. */
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;
const struct cli_verb *cli_find_verb(const char *name);
/* Runs cli->verb with the options and names that were parsed, after looking whether there are as
 * many names as it takes. */
int cli_call_verb(struct cli *cli);
void cli_print_verb_help(const struct cli_verb *verb, const char *program, unsigned groups);
int cli_run_help(struct cli *cli);
int cli_run_complete(struct cli *cli);
int cli_run_version(struct cli *cli);

/* cli_verbs.c: what the daemon answers. */
extern cli_run cli_run_add, cli_run_names, cli_run_list, cli_run_show, cli_run_power,
    cli_run_discover, cli_run_hypervisor, cli_run_define, cli_run_undefine, cli_run_dumpxml,
    cli_run_bootdev, cli_run_reload, cli_run_status, cli_run_nmi, cli_run_dump;

/* cli_list.c, beside list, show, discover and status: who is logged in. */
extern cli_run cli_run_who;

/* cli_console.c, cli_screenshot.c, cli_shell.c */
extern cli_run cli_run_console, cli_run_break, cli_run_screenshot, cli_run_shell;

/* cli_readings.c: what a BMC knows of its server; cli_top.c: what all of them do, live. */
extern cli_run cli_run_sensors, cli_run_sel, cli_run_fru, cli_run_top;

/* cli_room.c: what breaks in a server and in the room, with its help. */
extern cli_run cli_run_inject, cli_run_facility;
extern const char cli_inject_help[], cli_facility_help[];

/* cli_simulate.c: `vbmc facility simulate`, whose first name is "simulate". */
extern cli_run cli_run_simulate;

#endif
