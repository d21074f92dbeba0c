/* The `vbmc` command, with all its verbs. */
#ifndef VBMC_CLI_MAIN_H
#define VBMC_CLI_MAIN_H

#include <stddef.h>

/* The whole `vbmc` command; returns its exit code. */
int cli_main(int argc, char **argv);
/* All verbs, in the order of the help. */
extern const struct cli_verb *const cli_verbs[];
extern const size_t cli_verb_count;
/* The verb of that name, or NULL. */
const struct cli_verb *cli_find_verb(const char *name);

#endif
