#include "vbmc/virt/worker.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "vbmc/base/array.h"
#include "vbmc/virt/loop.h"
#include "vbmc/virt/worker_internal.h"

#define PAUSE_FIRST_MS  250
#define PAUSE_MAX_MS    2000
#define CONSOLES_END_MS 500

static struct actor *consoles_of(struct worker *worker)
{
    return &worker->actors[WORKER_ACTION_THREADS];
}

/* ---- the keeper ---- */

/* Under the lock. */
static void set_connection(struct worker *worker, virConnectPtr connection)
{
    worker->connection = connection;
    worker->generation += connection != NULL;
    worker->tried = true;
    worker->open_after_ms = 0;
    pthread_cond_broadcast(&worker->actors_wanted);
}

/* False if it stops: then nothing is opened any more. */
static bool begin_opening(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool begins = !worker->stopping;
    if (begins)
        worker->socket = (struct virt_loop_socket){0};
    pthread_mutex_unlock(&worker->lock);
    return begins;
}

static void open_connection(struct worker *worker)
{
    char text[WORKER_TEXT_SIZE] = "";

    if (!begin_opening(worker))
        return;
    virConnectPtr connection = worker->ops->open(worker->context, text, &worker->socket);
    pthread_mutex_lock(&worker->lock);
    set_connection(worker, connection);
    pthread_mutex_unlock(&worker->lock);
    if (connection) {
        worker->pause_ms = PAUSE_FIRST_MS;
        return;
    }
    worker->ops->failed(worker->context, text);
    worker->next_try_ms = worker_now_ms() + worker->pause_ms;
    worker->pause_ms = worker->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : worker->pause_ms * 2;
}

/* Under the lock. Nothing waits any longer for the other end of the main connection, and of those
 * that ended with it. */
static void end_waits(struct worker *worker)
{
    virt_loop_shut(&worker->socket);
    if (worker->opening)
        virt_loop_shut(&worker->opening->socket);
    virt_loop_shut(&consoles_of(worker)->socket);
}

/* Of the main connection, which another thread may be using. */
static void begin_use(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker_use_main_next(worker);
    pthread_mutex_unlock(&worker->lock);
}

static void end_use(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker_leave_main(worker);
    pthread_mutex_unlock(&worker->lock);
}

/* A thread that begins to open one of its own sees either that the main one is gone (open_own), or
 * its socket is shut: both are done in one go. */
static void close_connection(struct worker *worker, bool lost)
{
    pthread_mutex_lock(&worker->lock);
    virConnectPtr connection = worker->connection;
    if (connection)
        set_connection(worker, NULL);
    if (lost)
        end_waits(worker);
    pthread_mutex_unlock(&worker->lock);
    if (!connection)
        return;
    begin_use(worker);
    worker->ops->close(worker->context, connection);
    end_use(worker);
}

static void run_look(struct worker *worker, struct worker_job *job)
{
    begin_use(worker);
    worker_run_job(worker, job, worker->connection);
    end_use(worker);
}

/* Waits for something to do. The job, or NULL if there is none. */
static struct worker_job *next_look(struct worker *worker, bool *stopping, bool *lost)
{
    pthread_mutex_lock(&worker->lock);
    while (!worker->looks.first && !worker->stopping && !worker->lost) {
        if (worker->connection)
            pthread_cond_wait(&worker->keeper_wanted, &worker->lock);
        else if (worker_now_ms() >= worker->next_try_ms)
            break;
        else
            worker_wait_until(worker, &worker->keeper_wanted, worker->next_try_ms);
    }
    struct worker_job *job = worker_pop(&worker->looks);
    *stopping = worker->stopping;
    *lost = worker->lost;
    worker->lost = false;
    pthread_mutex_unlock(&worker->lock);
    return job;
}

static void keep(struct worker *worker)
{
    bool stopping = false, lost;

    while (!stopping) {
        if (!worker->connection && worker_now_ms() >= worker->next_try_ms)
            open_connection(worker);
        struct worker_job *job = next_look(worker, &stopping, &lost);
        if (lost || stopping)
            close_connection(worker, lost);
        for (; job; job = stopping ? next_look(worker, &stopping, &lost) : NULL)
            run_look(worker, job);
    }
}

/* ---- life ---- */

static void join_actors(struct worker *worker)
{
    for (unsigned i = 0; i < worker->actor_count; i++)
        pthread_join(worker->actors[i].thread, NULL);
}

/* Their thread may wait for a guest that takes no input, two minutes (connection.c). Once it has
 * ended their socket is shut too (worker_act). */
static void end_consoles(struct worker *worker)
{
    struct actor *consoles = consoles_of(worker);
    uint64_t until = worker_now_ms() + CONSOLES_END_MS;

    pthread_mutex_lock(&worker->lock);
    while (!consoles->ended && worker_now_ms() < until)
        worker_wait_until(worker, &worker->keeper_wanted, until);
    if (!consoles->ended)
        virt_loop_shut(&consoles->socket);
    pthread_mutex_unlock(&worker->lock);
}

/* The keeper ends last: what it posts then comes after everything else. */
static void *keep_and_end(void *argument)
{
    struct worker *worker = argument;

    keep(worker);
    end_consoles(worker);
    join_actors(worker);
    inbox_post(worker->inbox, worker->ended);
    return NULL;
}

/* What opens a connection is not waited for. */
static void stop_threads(struct worker *worker, struct inbox_item *ended)
{
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    worker->ended = ended;
    if (!worker->connection)
        virt_loop_shut(&worker->socket);
    if (worker->opening)
        virt_loop_shut(&worker->opening->socket);
    pthread_cond_signal(&worker->keeper_wanted);
    pthread_cond_broadcast(&worker->actors_wanted);
    pthread_mutex_unlock(&worker->lock);
}

static void release(struct worker *worker)
{
    pthread_cond_destroy(&worker->keeper_wanted);
    pthread_cond_destroy(&worker->actors_wanted);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

static bool start_threads(struct worker *worker)
{
    for (; worker->actor_count < ARRAY_SIZE(worker->actors); worker->actor_count++) {
        struct actor *actor = &worker->actors[worker->actor_count];
        actor->worker = worker;
        actor->for_consoles = worker->actor_count == WORKER_ACTION_THREADS;
        if (pthread_create(&actor->thread, NULL, worker_act, actor) != 0)
            return false;
    }
    return pthread_create(&worker->keeper, NULL, keep_and_end, worker) == 0;
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
    pthread_cond_init(&worker->keeper_wanted, &attributes);
    pthread_cond_init(&worker->actors_wanted, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!start_threads(worker)) {
        stop_threads(worker, NULL);
        join_actors(worker);
        release(worker);
        return NULL;
    }
    return worker;
}

static void deliver_job(struct inbox_item *item)
{
    struct worker_job *job = CONTAINER_OF(item, struct worker_job, item);

    job->done(job);
}

static void submit(struct worker *worker, struct job_queue *queue, struct worker_job *job)
{
    job->item.deliver = deliver_job;
    pthread_mutex_lock(&worker->lock);
    worker_push(queue, job);
    if (queue == &worker->looks)
        pthread_cond_signal(&worker->keeper_wanted);
    else
        pthread_cond_broadcast(&worker->actors_wanted);
    pthread_mutex_unlock(&worker->lock);
}

void worker_submit_action(struct worker *worker, struct worker_job *job)
{
    submit(worker, &worker->actions, job);
}

void worker_submit_long(struct worker *worker, enum worker_long kind, struct worker_job *job)
{
    submit(worker, &worker->longs[kind], job);
}

void worker_submit_look(struct worker *worker, struct worker_job *job)
{
    submit(worker, &worker->looks, job);
}

void worker_submit_console(struct worker *worker, struct worker_job *job)
{
    submit(worker, &worker->consoles, job);
}

/* Under the lock, so that the keeper does not close it meanwhile. */
bool worker_connection_lives(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool lives = !worker->connection || virConnectIsAlive(worker->connection) != 0;
    pthread_mutex_unlock(&worker->lock);
    return lives;
}

bool worker_consoles_live(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    virConnectPtr connection = consoles_of(worker)->connection;
    bool lives = !worker->consoles_lost && (!connection || virConnectIsAlive(connection) != 0);
    worker->consoles_lost = false;
    pthread_mutex_unlock(&worker->lock);
    return lives;
}

void worker_connection_lost(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->lost = true;
    pthread_cond_signal(&worker->keeper_wanted);
    pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker, struct inbox_item *ended)
{
    stop_threads(worker, ended);
}

void worker_free(struct worker *worker)
{
    pthread_join(worker->keeper, NULL);
    release(worker);
}
