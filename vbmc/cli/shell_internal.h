/* What the files of the shell share. */
#ifndef VBMC_CLI_SHELL_INTERNAL_H
#define VBMC_CLI_SHELL_INTERNAL_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "vbmc/cli/main.h"

struct shell {
    struct cli_options base;           /* which daemon, for `vbmc shell` */
    struct cli_connection *connection; /* NULL: each request opens one */
    int status;                        /* of the last command */
    bool is_over;
};

/* Set by SIGINT. */
extern volatile sig_atomic_t cli_shell_interrupted;

/* A command line with what it needs to ask the daemon. */
struct cli cli_shell_begin(const struct shell *shell);
/* Runs one line; sets status and is_over. */
void cli_shell_run_line(struct shell *shell, char *line);
void cli_shell_run_words(struct shell *shell, int count, char **words);

/* The command of that name, or NULL. */
const struct cli_verb *cli_shell_find(const char *name);
/* The names of all, NULL at the end. */
const char *const *cli_shell_names(void);
bool cli_shell_takes_name(const struct cli_verb *command);
/* The names of the BMCs there are: a JSON array of strings, which the caller puts; NULL when the
 * daemon does not say. */
struct json_object *cli_shell_bmcs(const struct shell *shell);

/* cli_shell_edit.c: reads commands at a terminal, with a prompt, until the user leaves. */
void cli_shell_edit(struct shell *shell);

#endif
