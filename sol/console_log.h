/* What a guest says, as a text file for people: a hub's reader that puts a time stamp before each
 * line and starts a new file when one is full.
 *
 *     2026-11-22 18:47:41.671 [    0.000000] Linux version ...
 *     2026-11-22 18:47:43.002 --- the guest was reset ---
 *
 * The time is local, of the line's first byte. Carriage returns before a line feed are left out,
 * all else is as the guest sent it, escape sequences included. The file, and what becomes of it
 * when it is full or cannot be written, is a log_file's. */
#ifndef SOL_CONSOLE_LOG_H
#define SOL_CONSOLE_LOG_H

#include <stdint.h>

struct hub;
struct console_log;

/* Path, size and kept files as for log_file_new. *log becomes the caller's, and is freed before or
 * after the hub. 0, -ENOMEM, -EAGAIN, or -EPIPE while the hub is being freed. */
int console_log_new(struct hub *hub, const char *path, uint64_t size, unsigned keep,
                    struct console_log **log);
/* NULL is allowed. */
void console_log_free(struct console_log *log);

#endif
