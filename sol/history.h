/* A ring kept on disk, so that what a guest said is still there after the daemon was restarted or
 * killed: a file to which every piece is appended, and which is written anew from the ring, aside
 * and then renamed, when it has grown by the size of the ring.
 *
 * File (mode 0600, little endian): a header (magic "vbmchist", version 1, position of the first
 * byte as 64 bits, checksum) and records (size, checksum, bytes). The checksum is FNV-1a of all
 * before it in the header, and of a record's size and bytes. A record cut short at the end is what
 * a kill leaves behind. At most about twice the ring's capacity and 128 KiB.
 *
 * Written without fsync: it survives the death of the daemon, and after one of the host it may lack
 * its end. Writes go to the page cache from the loop thread. A file that cannot be written is
 * warned about once, and tried again when as much as the ring holds has passed. */
#ifndef SOL_HISTORY_H
#define SOL_HISTORY_H

#include <stddef.h>

struct ring;
struct history;

/* Restores what `path` holds to `ring`, which must be empty and is borrowed until history_free, and
 * keeps it there from now on. A file that is damaged is ignored from there on, with a warning.
 * *history becomes the caller's. 0; -EINVAL for an empty path; -ENOMEM. Trouble with the file is no
 * failure. */
int history_open(const char *path, struct ring *ring, struct history **history);
/* The file stays. NULL is allowed. */
void history_free(struct history *history);

/* To be called after the same bytes were appended to the ring. */
void history_append(struct history *history, const void *bytes, size_t size);

#endif
