#include "vbmc/host/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PAUSE_FIRST_MS 250
#define PAUSE_MAX_MS   2000

struct worker {
    const struct worker_ops *ops;
    void *context;
    struct inbox *inbox;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    struct worker_job *first;
    struct worker_job *last;
    bool lost;
    bool stopping;
    /* Worker thread. */
    virConnectPtr connection;
    unsigned pause_ms;
    struct timespec next_try;
};

static void deliver_job(struct inbox_item *item)
{
    struct worker_job *job = (struct worker_job *)((char *)item - offsetof(struct worker_job, item));

    job->done(job);
}

static void set_next_try(struct worker *worker)
{
    clock_gettime(CLOCK_MONOTONIC, &worker->next_try);
    worker->next_try.tv_sec += worker->pause_ms / 1000;
    worker->next_try.tv_nsec += worker->pause_ms % 1000 * 1000000L;
    if (worker->next_try.tv_nsec >= 1000000000L) {
        worker->next_try.tv_sec++;
        worker->next_try.tv_nsec -= 1000000000L;
    }
    worker->pause_ms = worker->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : worker->pause_ms * 2;
}

static bool try_is_due(const struct worker *worker)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > worker->next_try.tv_sec ||
           (now.tv_sec == worker->next_try.tv_sec && now.tv_nsec >= worker->next_try.tv_nsec);
}

static void open_connection(struct worker *worker)
{
    char text[WORKER_TEXT_SIZE] = "";

    worker->connection = worker->ops->open(worker->context, text);
    if (worker->connection) {
        worker->pause_ms = PAUSE_FIRST_MS;
    } else {
        worker->ops->failed(worker->context, text);
        set_next_try(worker);
    }
}

static void close_connection(struct worker *worker)
{
    if (worker->connection)
        worker->ops->close(worker->context, worker->connection);
    worker->connection = NULL;
}

/* Waits for something to do. The job, or NULL if there is none or the worker stops. */
static struct worker_job *next_job(struct worker *worker, bool *stopping, bool *lost)
{
    pthread_mutex_lock(&worker->lock);
    while (!worker->first && !worker->stopping && !worker->lost) {
        if (worker->connection)
            pthread_cond_wait(&worker->changed, &worker->lock);
        else if (pthread_cond_timedwait(&worker->changed, &worker->lock, &worker->next_try) != 0)
            break;
    }
    struct worker_job *job = worker->first;
    if (job) {
        worker->first = job->next;
        if (!worker->first)
            worker->last = NULL;
    }
    *stopping = worker->stopping;
    *lost = worker->lost;
    worker->lost = false;
    pthread_mutex_unlock(&worker->lock);
    return job;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    bool stopping = false, lost;

    while (!stopping) {
        if (!worker->connection && try_is_due(worker))
            open_connection(worker);
        struct worker_job *job = next_job(worker, &stopping, &lost);
        if (lost)
            close_connection(worker);
        if (stopping)
            close_connection(worker);
        for (; job; job = stopping ? next_job(worker, &stopping, &lost) : NULL) {
            job->run(job, worker->connection);
            inbox_post(worker->inbox, &job->item);
        }
    }
    return NULL;
}

struct worker *worker_start(const struct worker_ops *ops, void *context, struct inbox *inbox)
{
    struct worker *worker = calloc(1, sizeof *worker);
    pthread_condattr_t attributes;

    if (!worker)
        return NULL;
    worker->ops = ops;
    worker->context = context;
    worker->inbox = inbox;
    worker->pause_ms = PAUSE_FIRST_MS;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
        free(worker);
        return NULL;
    }
    return worker;
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
    job->next = NULL;
    job->item.deliver = deliver_job;
    pthread_mutex_lock(&worker->lock);
    if (worker->last)
        worker->last->next = job;
    else
        worker->first = job;
    worker->last = job;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_connection_lost(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->lost = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
