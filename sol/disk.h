/* Files that threads of their own write, so that a slow or hung disk holds up nothing but them.
 *
 * What is to be written stays with the file's owner, in memory that the owner bounds: the loop
 * thread says that there is something (disk_file_wake), and the thread comes for it. The files of
 * a disk take turns, a piece at a time. One that cannot be written is tried again every two
 * seconds, and the others go on. */
#ifndef SOL_DISK_H
#define SOL_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

/* Each has its own thread: the files of the one may be on a disk that hangs, those of the other
 * are then written all the same. */
enum disk {
    DISK_STATE, /* below the state folder */
    DISK_LOGS,  /* below a folder of the administrator's choice */
    DISK_COUNT
};

struct disk_file;
struct iovec;

enum disk_result {
    DISK_DONE, /* there is nothing left to write */
    DISK_MORE, /* another turn, please */
};

/* All called on the disk's thread, one at a time for a file. */
struct disk_file_ops {
    /* Writes a piece of what there is. DISK_DONE, DISK_MORE or a negative error. */
    int (*write)(struct disk_file *file);
    /* The last call, after disk_file_end and after a write that did not say DISK_MORE. */
    void (*release)(struct disk_file *file);
};

/* Part of its owner. All but `ops` belongs to disk.c. */
struct disk_file {
    const struct disk_file_ops *ops;
    enum disk disk;
    enum {
        DISK_FILE_IDLE,
        DISK_FILE_QUEUED,
        DISK_FILE_WRITING,
        DISK_FILE_FAILED, /* waits for its next try */
    } state;
    bool woken; /* while it was being written */
    bool ended;
    uint64_t retry_ms;
    const char *path;
    TAILQ_ENTRY(disk_file) link;
    TAILQ_ENTRY(disk_file) ended_link;
};

/* Prepares a file and starts the disk's thread if it does not run. `path` is borrowed until
 * `release`; NULL: nobody waits for this one by its path. 0 or a negative error. */
int disk_file_begin(struct disk_file *file, enum disk disk, const char *path,
                    const struct disk_file_ops *ops);
/* There is something to write. From any thread. */
void disk_file_wake(struct disk_file *file);
/* The owner lets go of it: what is there is written, with one try if that fails, and `release`
 * follows. From the loop thread, without waiting. */
void disk_file_end(struct disk_file *file);

/* Waits until every file that was ended is released, also those ended long ago; for at most so
 * long, and not at all for a disk that has hung for so long already. False if the disk did not come
 * to it. With a `path` only the files of that path count: at once where none of them was ended,
 * whatever the disk does. NULL: all. */
bool disk_settle(enum disk disk, const char *path, unsigned limit_ms);
/* Waits until all has been written that can be; a file that failed is tried again at once. False
 * after `limit_ms`. */
bool disk_flush(enum disk disk, unsigned limit_ms);
/* The end of the program: disk_flush for all disks within `limit_ms`, then their threads end. One
 * that hangs is left behind, with a line in the log. */
void disk_finish(unsigned limit_ms);

/* Makes the folder of the file with that path, mode 0700, where it is missing. 0 or a negative
 * error. */
int disk_make_folder(const char *path);

/* writev(2), or what a test has put in its place. */
typedef ssize_t disk_writev_fn(int fd, const struct iovec *pieces, int count);
ssize_t disk_writev(int fd, const struct iovec *pieces, int count);
void disk_set_writev(disk_writev_fn *function); /* NULL: writev(2) */

#endif
