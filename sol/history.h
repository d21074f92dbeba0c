/* A ring kept on disk, so that what a guest said is still there after the daemon was restarted or
 * killed: a file to which every piece is appended, and which is rewritten from the ring, aside
 * and then renamed, when it has grown by the size of the ring.
 *
 * File (mode 0600, little endian): a header (magic "vbmchist", version 1, position of the first
 * byte as 64 bits, checksum) and records (size, checksum, bytes). The checksum is FNV-1a of all
 * before it in the header, and of a record's size and bytes. A record cut short at the end is what
 * a kill leaves behind. At most about twice the ring's capacity and 128 KiB.
 *
 * Written without fsync: it survives the death of the daemon, and after one of the host it may lack
 * its end. Written by the thread of the disk (disk.h), from the ring, so that nothing has to wait
 * in memory beside it: what a slow or full disk did not take is written as soon as it does, as long
 * as the ring still holds it; if it does not, the file is rewritten. A few files are open at a
 * time; one that was closed and is not as it was left is rewritten too. There is none before the
 * guest has said something. */
#ifndef SOL_HISTORY_H
#define SOL_HISTORY_H

#include <stddef.h>

struct ring;
struct history;

/* Restores what `path` holds to `ring`, which must be empty, and keeps it there from now on. A file
 * that is damaged is ignored from there on, with a warning; its folder is made (0700) if it is
 * missing. The ring becomes the history's, except after a failure: it may be read by the thread
 * that called this, and changed by history_append alone. *history becomes the caller's. Reading is
 * done here, and waits for the disk.
 * 0; -EINVAL for an empty path; -ENOMEM or -EAGAIN. Trouble with the file is no failure. */
int history_open(const char *path, struct ring *ring, struct history **history);
/* The file stays, and what it lacks is still written; disk_settle waits for that. Frees the ring.
 * NULL is allowed. */
void history_free(struct history *history);

/* Appends to the ring, and to the file when the disk comes to it. */
void history_append(struct history *history, const void *bytes, size_t size);

/* Removes a file, and what a kill left of its successor, if it is there, behind what is still to be
 * written to it. 0 or a negative error; failures to remove it go to the log. */
int history_remove(const char *path);

#endif
