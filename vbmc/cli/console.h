/* The verbs that open a guest's console: console and break. */
#ifndef VBMC_CLI_CONSOLE_H
#define VBMC_CLI_CONSOLE_H

extern const struct cli_verb cli_verb_console, cli_verb_break;

#endif
