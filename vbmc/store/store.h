/* The daemon's durable state: <state-dir>/state.db, an SQLite database.
 *
 * Changes are jobs. They run on a writer thread in the order of their submission, as many as wait
 * in one transaction, and each one's `done` is called on the loop thread after the commit has
 * reached the disk: what a `done` with 0 reports survives kill -9 and power loss. Reading is for
 * the start of the daemon: the load_all functions of the typed files run on the calling thread. */
#ifndef VBMC_STORE_STORE_H
#define VBMC_STORE_STORE_H

#include <sqlite3.h>
#include <stddef.h>
#include <uv.h>

struct store;
struct uuid;

/* Called on the loop thread, in the order of submission. `result` is 0 or a negative errno: -ENOSPC
 * (disk full), -EROFS, -EBUSY, -EIO, -EUCLEAN (database damaged), -EINVAL (value refused). */
typedef void (*store_done_fn)(void *context, int result);

struct store_job {
    /* Runs on the writer thread inside a savepoint, which an error undoes. Returns 0 or a negative
     * errno (sql.h yields these). May be run again after the transaction around it failed. */
    int (*run)(sqlite3 *db, void *data);
    void (*release)(void *data); /* frees data, from any thread; NULL: nothing to free */
    void *data;
    store_done_fn done; /* NULL: nobody waits for it */
    void *context;
};

/* Creates the folder (0700) and the database (0600) if missing, brings an older one up to date and
 * starts the writer thread, so not before a fork into the background. Refuses a folder that another
 * daemon has open, a database of a newer program and a damaged one (which is left as it is).
 * Returns 0, or a negative error with one line in `error`. */
int store_open(uv_loop_t *loop, const char *state_dir, struct store **store, char *error,
               size_t error_size);
/* The same for who has the lock on the folder (lock.h): `lock` becomes the store's, also on
 * failure. */
int store_open_locked(uv_loop_t *loop, const char *state_dir, int lock, struct store **store,
                      char *error, size_t error_size);

/* Finishes every job in the queue, calls all `done`s, and closes. The loop has to run once more
 * afterwards to forget its handle. NULL is allowed. */
void store_close(struct store *store);

/* Queues a copy of `job`; from any thread. Returns 0, or -ENOMEM or -ESHUTDOWN (from a `done`
 * during store_close): then data was released and `done` will not be called. */
int store_submit(struct store *store, const struct store_job *job);

/* The same for a job that is about the one before it, which has no `follow`: ahead of each `run`,
 * `follow` is called on the writer thread with `data` and the result that one had. */
int store_submit_behind(struct store *store, const struct store_job *job,
                        void (*follow)(void *data, int result));

/* What is submitted between these is written in one transaction, unless the disk refuses it. Loop
 * thread. */
void store_hold(struct store *store);
void store_release(struct store *store);

/* The connection for reading, for the thread that opened the store. Sees what is committed. */
sqlite3 *store_reader(struct store *store);

/* Removes everything known about one domain. As store_submit. */
int store_forget_domain(struct store *store, const struct uuid *uuid, store_done_fn done,
                        void *context);

#endif
