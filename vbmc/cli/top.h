/* `vbmc top`: all BMCs at a glance. */
#ifndef VBMC_CLI_TOP_H
#define VBMC_CLI_TOP_H

extern const struct cli_verb cli_verb_top;

#endif
