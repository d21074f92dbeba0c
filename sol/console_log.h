/* What a guest says, as a text file for people: a hub's reader that puts a time stamp before each
 * line and starts a new file when one is full.
 *
 *     2026-11-22 18:47:41.671 [    0.000000] Linux version ...
 *     2026-11-22 18:47:43.002 --- the guest was reset ---
 *
 * The time is local, of the line's first byte. Carriage returns before a line feed are left out,
 * all else is as the guest sent it, escape sequences included. Files are made with mode 0600. When
 * FILE has reached its size it becomes FILE.1, that FILE.2 and so on, and the oldest goes.
 *
 * Written without waiting for the disk, on the loop thread. What cannot be written (a full disk) is
 * lost, told of in the log once, and marked in the file when that works again. */
#ifndef SOL_CONSOLE_LOG_H
#define SOL_CONSOLE_LOG_H

#include <stdint.h>

struct hub;
struct console_log;

/* `path` is copied; `size` in bytes; `keep` full files beside the present one. The file is opened
 * when there is something to write. *log becomes the caller's, and is freed before or after the
 * hub. 0, -ENOMEM, or -EPIPE while the hub is being freed. */
int console_log_new(struct hub *hub, const char *path, uint64_t size, unsigned keep,
                    struct console_log **log);
/* NULL is allowed. */
void console_log_free(struct console_log *log);

#endif
