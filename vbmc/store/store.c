#include "vbmc/store/store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/store/file.h"
#include "vbmc/store/schema.h"
#include "vbmc/store/sql.h"

struct entry {
    struct store_job job;
    void (*follow)(void *data, int result); /* NULL: it is about no other */
    int result;
    struct entry *next;
};

struct queue {
    struct entry *first;
    struct entry **end;
};

struct store {
    struct store_file file;
    uv_async_t *async; /* on the heap: it outlives the store until the loop has closed it */
    uv_thread_t writer;
    int last_error; /* the writer's own: a lasting trouble is logged once */
    int followed;   /* the writer's own: the result of the last job that follows none */

    uv_mutex_t mutex; /* guards the rest */
    uv_cond_t wake;
    struct queue waiting;
    struct queue finished;
    bool closing;
    bool held;
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_append(struct queue *queue, struct entry *first, struct entry **end)
{
    if (!first)
        return;
    *queue->end = first;
    queue->end = end;
}

/* The writer thread -------------------------------------------------------------------------- */

static int run_kept(sqlite3 *db, const char *text)
{
    struct sql sql;

    sql_begin_kept(&sql, db, text);
    return sql_end(&sql);
}

static int run_in_savepoint(sqlite3 *db, struct entry *entry)
{
    int result = run_kept(db, "SAVEPOINT job");

    if (result == 0)
        result = entry->job.run(db, entry->job.data);
    if (sqlite3_get_autocommit(db)) /* SQLite gave the whole transaction up, as on a full disk */
        return result < 0 ? result : -EIO;
    if (result < 0) {
        sql_run(db, "ROLLBACK TO job");
        run_kept(db, "RELEASE job");
        return result;
    }
    return run_kept(db, "RELEASE job");
}

/* Runs the entries from `first` up to, not including, `end` in one transaction and sets their
 * results. 0 if it was committed; a negative error if none of them is stored. */
static int run_transaction(struct store *store, struct entry *first, const struct entry *end)
{
    sqlite3 *db = store->file.writer;
    int result = sql_run(db, "BEGIN IMMEDIATE");

    for (struct entry *entry = first; result == 0 && entry != end; entry = entry->next) {
        if (entry->follow)
            entry->follow(entry->job.data, store->followed);
        entry->result = run_in_savepoint(db, entry);
        if (!entry->follow)
            store->followed = entry->result;
        if (sqlite3_get_autocommit(db))
            result = entry->result;
    }
    if (result == 0)
        result = sql_run(db, "COMMIT");
    if (result < 0) {
        if (!sqlite3_get_autocommit(db))
            sql_run(db, "ROLLBACK");
        for (struct entry *entry = first; entry != end; entry = entry->next) {
            entry->result = result;
            if (!entry->follow)
                store->followed = result;
        }
    }
    return result;
}

/* The same, but where the disk is full, what the write-ahead log holds of it is given back first.
 */
static int run_with_room(struct store *store, struct entry *first, const struct entry *end)
{
    int result = run_transaction(store, first, end);

    if (result == -ENOSPC && store_file_checkpoint(&store->file) == 0)
        result = run_transaction(store, first, end);
    return result;
}

static void note_outcome(struct store *store, int result)
{
    if (result == store->last_error)
        return;
    if (result < 0)
        log_error("state.db: %s: changes are not stored", strerror(-result));
    else
        log_info("state.db: changes are stored again");
    store->last_error = result;
}

/* One transaction for all; where that fails, one each, so that the job that cannot be stored does
 * not take the others with it. */
static void run_group(struct store *store, struct entry *first)
{
    int result = run_with_room(store, first, NULL);

    if (result < 0 && result != -EBUSY && first->next) {
        for (struct entry *entry = first; entry; entry = entry->next)
            result = run_with_room(store, entry, entry->next);
    }
    for (const struct entry *entry = first; entry && result == 0; entry = entry->next) {
        if (entry->result < 0 && entry->result != -EINVAL)
            result = entry->result;
    }
    note_outcome(store, result);
    for (struct entry *entry = first; entry; entry = entry->next) {
        if (entry->job.release)
            entry->job.release(entry->job.data);
    }
}

static void writer_main(void *argument)
{
    struct store *store = argument;

    uv_mutex_lock(&store->mutex);
    for (;;) {
        while ((!store->waiting.first || store->held) && !store->closing)
            uv_cond_wait(&store->wake, &store->mutex);
        if (!store->waiting.first)
            break;
        struct queue group = store->waiting;
        struct entry **end = group.end;
        queue_init(&store->waiting);
        uv_mutex_unlock(&store->mutex);

        run_group(store, group.first);

        uv_mutex_lock(&store->mutex);
        queue_append(&store->finished, group.first, end);
        uv_async_send(store->async);
    }
    uv_mutex_unlock(&store->mutex);
}

/* The loop thread ---------------------------------------------------------------------------- */

static void call_finished(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    struct entry *entry = store->finished.first;
    queue_init(&store->finished);
    uv_mutex_unlock(&store->mutex);

    while (entry) {
        struct entry *next = entry->next;
        if (entry->job.done)
            entry->job.done(entry->job.context, entry->result);
        free(entry);
        entry = next;
    }
}

static void on_async(uv_async_t *async)
{
    call_finished(async->data);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static int start_writer(struct store *store, uv_loop_t *loop)
{
    int result = uv_async_init(loop, store->async, on_async);

    if (result < 0) {
        free(store->async);
        return result;
    }
    store->async->data = store;
    result = uv_thread_create(&store->writer, writer_main, store);
    if (result < 0)
        uv_close((uv_handle_t *)store->async, free_handle);
    return result;
}

int store_open(uv_loop_t *loop, const char *state_dir, struct store **store, char *error,
               size_t error_size)
{
    return store_open_locked(loop, state_dir, -1, store, error, error_size);
}

int store_open_locked(uv_loop_t *loop, const char *state_dir, int lock, struct store **store,
                      char *error, size_t error_size)
{
    struct store *opened = calloc(1, sizeof *opened);
    uv_async_t *async = calloc(1, sizeof *async);

    if (!opened || !async) {
        snprintf(error, error_size, "%s: %s", state_dir, strerror(ENOMEM));
        free(opened);
        free(async);
        if (lock >= 0)
            close(lock);
        return -ENOMEM;
    }
    int result = store_file_open(&opened->file, state_dir, lock, error, error_size);
    if (result < 0) {
        free(opened);
        free(async);
        return result;
    }
    opened->async = async;
    queue_init(&opened->waiting);
    queue_init(&opened->finished);
    uv_mutex_init(&opened->mutex);
    uv_cond_init(&opened->wake);
    result = start_writer(opened, loop);
    if (result < 0) {
        snprintf(error, error_size, "%s: the writer thread: %s", state_dir, uv_strerror(result));
        store_file_close(&opened->file);
        uv_cond_destroy(&opened->wake);
        uv_mutex_destroy(&opened->mutex);
        free(opened);
        return result;
    }
    *store = opened;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    uv_mutex_lock(&store->mutex);
    store->closing = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
    uv_thread_join(&store->writer);
    call_finished(store);
    uv_close((uv_handle_t *)store->async, free_handle);
    store_file_close(&store->file);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->mutex);
    free(store);
}

int store_submit(struct store *store, const struct store_job *job)
{
    return store_submit_behind(store, job, NULL);
}

int store_submit_behind(struct store *store, const struct store_job *job,
                        void (*follow)(void *data, int result))
{
    struct entry *entry = calloc(1, sizeof *entry);
    int result = entry ? 0 : -ENOMEM;

    if (entry) {
        entry->job = *job;
        entry->follow = follow;
        uv_mutex_lock(&store->mutex);
        if (store->closing)
            result = -ESHUTDOWN;
        else
            queue_append(&store->waiting, entry, &entry->next);
        uv_cond_signal(&store->wake);
        uv_mutex_unlock(&store->mutex);
    }
    if (result < 0) {
        free(entry);
        if (job->release)
            job->release(job->data);
    }
    return result;
}

void store_hold(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    store->held = true;
    uv_mutex_unlock(&store->mutex);
}

void store_release(struct store *store)
{
    uv_mutex_lock(&store->mutex);
    store->held = false;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
}

sqlite3 *store_reader(struct store *store)
{
    return store->file.reader;
}

/* A domain that is gone ---------------------------------------------------------------------- */

static int run_forget(sqlite3 *db, void *data)
{
    return schema_forget_domain(db, data);
}

int store_forget_domain(struct store *store, const struct uuid *uuid, store_done_fn done,
                        void *context)
{
    struct uuid *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = *uuid;
    return store_submit(store, &(struct store_job){run_forget, free, copy, done, context});
}
