/* `vbmc top`: all BMCs at a glance. */
#ifndef VBMC_CLI_TOP_H
#define VBMC_CLI_TOP_H

struct cli_verb;

extern const struct cli_verb cli_verb_top;

#endif
