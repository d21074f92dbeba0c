/* The shell that SSH users get: some of the verbs of `vbmc`, over one connection to the daemon that
 * was there before it. Also `vbmc shell`. */
#ifndef VBMC_CLI_SHELL_H
#define VBMC_CLI_SHELL_H

/* `vbmc shell`. */
extern const struct cli_verb cli_verb_shell;

#define CLI_SHELL_NAME "vbmc-shell" /* as which the daemon's program is the shell */
#define CLI_SHELL_FD   3            /* the connection to the daemon */

/* The program vbmc-shell: as root it becomes nobody first. Descriptor CLI_SHELL_FD is a connection
 * that the daemon serves (control_adopt) and that understands the verb "connect" (see
 * vbmc/cli/client.h). Arguments, after "--" if that is there, are one command; without any,
 * commands are read from standard input. $VBMC_ACCOUNT says to whom it speaks. Returns the exit
 * status of the last command. */
int cli_shell_main(int argc, char **argv);

#endif
