/* The escape key of `vbmc console`: what is typed goes to the guest, except for Ctrl-], which opens
 * a menu, and the one key after it. */
#ifndef VBMC_TERM_ESCAPE_H
#define VBMC_TERM_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_ESCAPE_KEY  0x1d /* Ctrl-] */
#define CLI_ESCAPE_MENU "q leave, b break, n NMI, h history, ] literal"

enum cli_escape_event {
    CLI_ESCAPE_NOTHING, /* everything is used up */
    CLI_ESCAPE_SEND,    /* bytes for the guest; a menu is closed */
    CLI_ESCAPE_OPENED,  /* show the menu */
    CLI_ESCAPE_CLOSED,  /* from here on: hide the menu, and do that */
    CLI_ESCAPE_LEAVE,
    CLI_ESCAPE_BREAK,
    CLI_ESCAPE_NMI,
    CLI_ESCAPE_HISTORY,
};

struct cli_escape {
    bool is_open;
};

/* Takes the next event off what was typed; `*bytes` and `*size` move on. With CLI_ESCAPE_SEND,
 * `*send` and `*send_size` are what goes to the guest, in the input or static.
 *
 * A key that is no entry of the menu closes it and is dropped as a whole: the rest of the sequence
 * of an arrow or function key, or of a character in UTF-8, goes with its first byte, as far as it
 * came in the same read. */
enum cli_escape_event cli_escape_next(struct cli_escape *escape, const uint8_t **bytes,
                                      size_t *size, const uint8_t **send, size_t *send_size);

#endif
