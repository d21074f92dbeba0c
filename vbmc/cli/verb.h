/* A verb of `vbmc`, or a command of its shell, whichever it is: runs it and prints its help. */
#ifndef VBMC_CLI_VERB_H
#define VBMC_CLI_VERB_H

struct cli;
struct cli_verb;

/* Runs cli->verb with the options and names that were parsed, after looking whether there are as
 * many names as it takes. Returns an exit code, with a failure reported. */
int cli_call_verb(struct cli *cli);
/* Prints usage, help and options on standard output. `program` is what stands before the verb ("":
 * nothing), `groups` are those of cli_option_group that every verb takes. */
void cli_print_verb_help(const struct cli_verb *verb, const char *program, unsigned groups);

#endif
