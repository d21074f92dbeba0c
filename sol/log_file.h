/* A text file that is appended to by the disk's thread (disk.h), and becomes FILE.1, that FILE.2
 * and so on, when it has reached its size and a line has ended; the oldest goes. Files are made
 * with mode 0600, their folder (0700) where it is missing.
 *
 * What the disk does not take at once waits in memory, up to 256 KiB for a file and 64 MiB for all.
 * What comes beyond that is lost, and the file says where and how much. */
#ifndef SOL_LOG_FILE_H
#define SOL_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#define LOG_FILE_PENDING_MAX ((size_t)256 * 1024)

struct log_file;

/* `path` is copied; `size` in bytes; `keep` full files beside the present one. The file is opened
 * when there is something to write. 0, -ENOMEM or -EAGAIN. */
int log_file_new(const char *path, uint64_t size, unsigned keep, struct log_file **file);
/* What waits is still written. NULL is allowed. */
void log_file_free(struct log_file *file);
/* Queues text; never waits. */
void log_file_append(struct log_file *file, const char *text, size_t size);

#endif
