/* The screen of `vbmc top`, by ncurses: taking the terminal, drawing on it, keys, and the way back
 * whichever way the program ends. One per process. */
#ifndef VBMC_CLI_TOP_SCREEN_H
#define VBMC_CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/cli/top_rows.h"

/* What is to be seen. */
struct cli_top_view {
    const struct cli_top_rows *rows;
    const char *clock;   /* when the rows were true */
    const char *trouble; /* "": none; the rows are old */
    enum cli_top_sort sort;
    size_t first; /* row at the top; put right where it is too far down */
};

enum cli_top_key {
    CLI_TOP_KEY_NONE,  /* no further key has been typed */
    CLI_TOP_KEY_OTHER, /* also the window's new size */
    CLI_TOP_KEY_QUIT,
    CLI_TOP_KEY_ASK,
    CLI_TOP_KEY_REVERSE,
    CLI_TOP_KEY_UP,
    CLI_TOP_KEY_DOWN,
    CLI_TOP_KEY_PAGE_UP,
    CLI_TOP_KEY_PAGE_DOWN,
    CLI_TOP_KEY_HOME,
    CLI_TOP_KEY_END,
    CLI_TOP_KEY_SORT, /* + enum cli_top_sort */
};

/* Takes standard input and output. -ENOTSUP for a terminal that cannot place its cursor, or that
 * nobody knows. */
int cli_top_screen_open(bool colour);
/* Gives the terminal back. Does nothing when it is not open. */
void cli_top_screen_close(void);
/* Back to the screen after the process was stopped; `cli_top_screen_leave` goes before. */
void cli_top_screen_leave(void);
void cli_top_screen_return(void);

void cli_top_screen_draw(struct cli_top_view *view);
/* Rows that fit. */
size_t cli_top_screen_page(void);
enum cli_top_key cli_top_screen_key(void);

#endif
