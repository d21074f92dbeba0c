/* The commands of the shell, and the lines and words that call them. */
#ifndef VBMC_CLI_SHELL_COMMANDS_H
#define VBMC_CLI_SHELL_COMMANDS_H

#include <stdbool.h>

#include "vbmc/cli/options.h"

struct cli_verb;

struct shell {
    struct cli_options base;           /* which daemon, for `vbmc shell` */
    struct cli_connection *connection; /* NULL: each request opens one */
    int status;                        /* of the last command */
    bool is_over;
};

/* Runs one line, which it changes; sets status and is_over. */
void cli_shell_run_line(struct shell *shell, char *line);
/* The same for a line that is split already. */
void cli_shell_run_words(struct shell *shell, int count, char **words);

/* Those that help lists, in its order, with NULL at the end. */
const struct cli_verb *const *cli_shell_commands(void);
/* The command of that name, or NULL. */
const struct cli_verb *cli_shell_find(const char *name);
bool cli_shell_takes_name(const struct cli_verb *command);
/* The names of the BMCs there are: a JSON array of strings, which the caller puts; NULL when the
 * daemon does not say. */
struct json_object *cli_shell_bmcs(const struct shell *shell);

#endif
