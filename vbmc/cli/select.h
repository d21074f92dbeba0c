/* Which BMCs a command line means, where that may be many: a pattern in place of NAME, or --all,
 * --tag, --hypervisor, --state. The daemon says what it knows of each ("select" of the verbs list
 * and top); what is meant is decided here. */
#ifndef VBMC_CLI_SELECT_H
#define VBMC_CLI_SELECT_H

#include <stdbool.h>
#include <stddef.h>

struct cli;
struct cli_options;
struct json_object;

/* Whether the text has what makes a pattern: * ? or [, and no = (which a tag has). */
bool cli_select_is_pattern(const char *text);
/* Whether one of --all, --tag, --hypervisor and --state is given. */
bool cli_select_has_filter(const struct cli_options *options);

/* {"select": true, "power": true}: the daemon's rows have what cli_select_filter looks at. */
struct json_object *cli_select_arguments(void);
/* Those of a list's rows that the options and one of the `count` names, if there are any, mean;
 * borrows the rows. */
struct json_object *cli_select_filter(const struct cli_options *options, char *const *names,
                                      size_t count, struct json_object *rows);

/* Before a verb that takes CLI_GROUP_SELECT and acts on each BMC: where the command line means many
 * asks which there are, and sets cli->targets, rows of the daemon's list. names[0] of the options
 * is NULL then, and what follows NAME stands where it does otherwise. An exit code, with a failure
 * reported: nothing matches. */
int cli_select(struct cli *cli);
/* Frees what cli_select has made. */
void cli_select_clear(struct cli *cli);

#endif
