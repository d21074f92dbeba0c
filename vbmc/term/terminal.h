/* The user's terminal while a guest has it: raw mode, and the way back whichever way the program
 * ends. One terminal at a time. */
#ifndef VBMC_TERM_TERMINAL_H
#define VBMC_TERM_TERMINAL_H

struct cli_screen;

/* Puts the terminal `in` to raw mode; -1: there is none to type at. `out` is the terminal that
 * shows the guest's output, or -1, and `screen` says what that did to it. Until
 * cli_terminal_leave, also when the program crashes or exits, the way back is taken care of. 0, or
 * a negative error of the system. `screen` must outlive it. */
int cli_terminal_enter(int in, int out, const struct cli_screen *screen);
/* Raw mode again, after the process was stopped and goes on. */
void cli_terminal_reenter(void);
/* Back to how things were, for good or (before the process stops) for a while. Does nothing without
 * cli_terminal_enter. */
void cli_terminal_suspend(void);
void cli_terminal_leave(void);

#endif
