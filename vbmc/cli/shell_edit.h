/* The shell at a terminal. */
#ifndef VBMC_CLI_SHELL_EDIT_H
#define VBMC_CLI_SHELL_EDIT_H

struct shell;

/* Reads commands with a prompt, line editing and completion, and runs them, until the user leaves.
 */
void cli_shell_edit(struct shell *shell);

/* Reads what it later needs of the terminal's description, for who cannot open files then. */
void cli_shell_edit_prepare(void);

#endif
