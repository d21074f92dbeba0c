/* Where a guest's output goes, in the order it came: a terminal, a pipe, a socket or a file. Lines
 * for the user stand between it on a terminal, and go to standard error where it is none. */
#ifndef VBMC_TERM_OUTPUT_H
#define VBMC_TERM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_OUTPUT_LINE_MAX 2048 /* bytes that a line for the user takes at most */

struct cli_output;

/* `may_wait`: nothing else is to be done while the other end of a pipe does not read. The
 * descriptors are borrowed. NULL if there is no memory. */
struct cli_output *cli_output_new(int fd, int err, bool may_wait);
void cli_output_free(struct cli_output *output); /* NULL is allowed */

bool cli_output_is_terminal(const struct cli_output *output);
/* What the bytes that were written have done to the terminal. */
struct cli_screen *cli_output_screen(struct cli_output *output);

/* How many bytes cli_output_put takes now, with room for a few lines left. */
size_t cli_output_room(const struct cli_output *output);
/* Queues bytes of the guest, at most cli_output_room. */
void cli_output_put(struct cli_output *output, const uint8_t *bytes, size_t size);
/* A line for the user; brackets are put around it if it has none. */
void cli_output_tell(struct cli_output *output, const char *text);
/* The menu below the cursor, and away again with what was there restored. */
void cli_output_show_menu(struct cli_output *output, const char *menu);
void cli_output_hide_menu(struct cli_output *output);

bool cli_output_is_empty(const struct cli_output *output);
/* Writes what can be written without waiting; to be called when poll says that something can. 0, or
 * the negative error of the system. */
int cli_output_write(struct cli_output *output);

#endif
