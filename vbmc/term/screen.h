/* What a guest's output has done to the terminal that shows it, as far as it must be undone when
 * the terminal goes back to the user's shell: modes of ECMA-48, DEC's and xterm's. */
#ifndef VBMC_TERM_SCREEN_H
#define VBMC_TERM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_SCREEN_PARAMETERS_MAX 16
#define CLI_SCREEN_RESET_MAX      512

/* All zero is a terminal as it was found. */
struct cli_screen {
    uint32_t changed; /* bit n: entry n of the table of modes */
    bool is_dirty;    /* there was an escape sequence at all */
    bool in_line;     /* the cursor is not known to be in the first column */
    uint8_t state;
    uint8_t marker; /* of a control sequence: '?', '>', ..., or 0 */
    uint8_t middle; /* its intermediate byte, or 0 */
    uint16_t parameters[CLI_SCREEN_PARAMETERS_MAX];
    uint8_t parameter; /* the one that is being read */
};

/* Looks at bytes on their way to the terminal. */
void cli_screen_feed(struct cli_screen *screen, const uint8_t *bytes, size_t size);

/* Writes what undoes it all to `bytes`; how many bytes that takes, 0 if there is nothing to undo.
 * May be called in a signal handler. */
size_t cli_screen_reset(const struct cli_screen *screen, char bytes[CLI_SCREEN_RESET_MAX]);

#endif
