/* One command line of `vbmc`, or of its shell: what its files share. */
#ifndef VBMC_CLI_CLI_H
#define VBMC_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/cli/options.h"

enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_FAILED = 1, /* refused or failed */
    CLI_EXIT_USAGE = 2,
};

struct cli {
    struct cli_options options;
    const struct cli_verb *verb;
    struct cli_connection *connection; /* borrowed; NULL: each request opens one */
    bool in_shell;                     /* further commands follow */
    bool progress_in_place;            /* one line, on a terminal */
    struct json_object *targets;       /* of select.h; NULL: one BMC, or none */
    char **replaced_names;
};

/* Runs a verb; returns an exit code, having said why if it is not 0. */
typedef int cli_run(struct cli *cli);

struct cli_verb {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *help;      /* its first line is for the list of verbs */
    unsigned groups;       /* of options, see cli_option_group */
    size_t names_min;
    size_t names_max;
    cli_run *run;
};

#endif
