#include "vbmc/virt/worker.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "vbmc/base/array.h"

#define PAUSE_FIRST_MS 250
#define PAUSE_MAX_MS   2000

#define ACTION_THREADS 4

struct job_queue {
    struct worker_job *first;
    struct worker_job *last;
    pthread_cond_t wanted; /* a job came, or the threads are to end */
};

/* A thread beside the keeper. */
struct actor {
    struct worker *worker;
    struct job_queue *queue; /* the worker's; its jobs are this thread's */
    pthread_t thread;
    /* Its own. */
    virConnectPtr connection; /* NULL: not open */
    unsigned generation;      /* of the keeper's connection when it was opened */
};

struct worker {
    const struct worker_ops *ops;
    void *context;
    struct inbox *inbox;
    pthread_t keeper;
    struct actor actors[ACTION_THREADS + 1]; /* the last one's jobs are the consoles' */
    unsigned actor_count;
    pthread_mutex_t lock;
    /* Under the lock. */
    struct job_queue looks;
    struct job_queue actions;
    struct job_queue consoles;
    virConnectPtr connection;          /* written by the keeper; others take a reference */
    unsigned generation;               /* how often it was opened */
    virConnectPtr consoles_connection; /* the consoles' thread's own, while it has one */
    bool tried;                        /* the first attempt to open it has ended */
    bool lost;
    bool stopping;
    struct inbox_item *ended;
    /* Keeper thread. */
    unsigned pause_ms;
    struct timespec next_try;
};

static void push(struct job_queue *queue, struct worker_job *job)
{
    job->next = NULL;
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct worker_job *pop(struct job_queue *queue)
{
    struct worker_job *job = queue->first;

    if (job) {
        queue->first = job->next;
        if (!queue->first)
            queue->last = NULL;
    }
    return job;
}

static void deliver_job(struct inbox_item *item)
{
    struct worker_job *job = CONTAINER_OF(item, struct worker_job, item);

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

static void set_connection(struct worker *worker, virConnectPtr connection)
{
    pthread_mutex_lock(&worker->lock);
    worker->connection = connection;
    worker->generation += connection != NULL;
    worker->tried = true;
    pthread_cond_broadcast(&worker->actions.wanted);
    pthread_cond_broadcast(&worker->consoles.wanted);
    pthread_mutex_unlock(&worker->lock);
}

static void open_connection(struct worker *worker)
{
    char text[WORKER_TEXT_SIZE] = "";
    virConnectPtr connection = worker->ops->open(worker->context, text);

    if (connection) {
        worker->pause_ms = PAUSE_FIRST_MS;
        set_connection(worker, connection);
    } else {
        set_connection(worker, NULL);
        worker->ops->failed(worker->context, text);
        set_next_try(worker);
    }
}

static void close_connection(struct worker *worker)
{
    virConnectPtr connection = worker->connection;

    if (!connection)
        return;
    set_connection(worker, NULL);
    worker->ops->close(worker->context, connection);
}

static void run_job(struct worker *worker, struct worker_job *job, virConnectPtr connection)
{
    job->run(job, connection);
    inbox_post(worker->inbox, &job->item);
}

/* Waits for something to do. The job, or NULL if there is none. */
static struct worker_job *next_look(struct worker *worker, bool *stopping, bool *lost)
{
    pthread_mutex_lock(&worker->lock);
    while (!worker->looks.first && !worker->stopping && !worker->lost) {
        if (worker->connection)
            pthread_cond_wait(&worker->looks.wanted, &worker->lock);
        else if (pthread_cond_timedwait(&worker->looks.wanted, &worker->lock, &worker->next_try) !=
                 0)
            break;
    }
    struct worker_job *job = pop(&worker->looks);
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
        if (!worker->connection && try_is_due(worker))
            open_connection(worker);
        struct worker_job *job = next_look(worker, &stopping, &lost);
        if (lost || stopping)
            close_connection(worker);
        for (; job; job = stopping ? next_look(worker, &stopping, &lost) : NULL)
            run_job(worker, job, worker->connection);
    }
}

/* ---- the other threads ---- */

/* What a thread does next. */
struct turn {
    struct worker_job *job; /* NULL: only opens its connection */
    virConnectPtr keepers;  /* a reference; NULL: there is none */
    unsigned generation;
};

/* Under the lock. No job before the first attempt to connect has ended. */
static bool has_turn(const struct actor *actor)
{
    const struct worker *worker = actor->worker;

    return worker->stopping || (worker->tried && actor->queue->first) ||
           (worker->connection && worker->generation != actor->generation);
}

/* Waits for it. False when the worker stops and nothing is left. */
static bool wait_for_turn(struct actor *actor, struct turn *turn)
{
    struct worker *worker = actor->worker;

    pthread_mutex_lock(&worker->lock);
    while (!has_turn(actor))
        pthread_cond_wait(&actor->queue->wanted, &worker->lock);
    turn->job = pop(actor->queue);
    turn->keepers = worker->stopping ? NULL : worker->connection;
    turn->generation = worker->generation;
    bool ends = worker->stopping && !turn->job;
    if (turn->keepers)
        virConnectRef(turn->keepers);
    pthread_mutex_unlock(&worker->lock);
    return !ends;
}

static bool is_current(struct worker *worker, unsigned generation)
{
    pthread_mutex_lock(&worker->lock);
    bool current = !worker->stopping && worker->connection && worker->generation == generation;
    pthread_mutex_unlock(&worker->lock);
    return current;
}

static void set_own(struct actor *actor, virConnectPtr connection)
{
    struct worker *worker = actor->worker;

    actor->connection = connection;
    if (actor->queue != &worker->consoles)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->consoles_connection = connection;
    pthread_mutex_unlock(&worker->lock);
}

static void close_own(struct actor *actor)
{
    virConnectPtr connection = actor->connection;

    if (!connection)
        return;
    set_own(actor, NULL);
    virConnectClose(connection);
}

/* The thread's own connection, or NULL. Opening it may take as long as the hypervisor hangs; if the
 * keeper has given that up meanwhile, the job's time is over. */
static virConnectPtr open_own(struct actor *actor, const struct turn *turn)
{
    struct worker *worker = actor->worker;

    if (actor->connection && actor->generation == turn->generation &&
        virConnectIsAlive(actor->connection) > 0)
        return actor->connection;
    close_own(actor);
    set_own(actor, worker->ops->open_another(worker->context, turn->keepers,
                                             actor->queue == &worker->consoles));
    actor->generation = turn->generation;
    if (!is_current(worker, turn->generation))
        close_own(actor);
    return actor->connection;
}

static void *act(void *argument)
{
    struct actor *actor = argument;
    struct turn turn;

    while (wait_for_turn(actor, &turn)) {
        virConnectPtr own = turn.keepers ? open_own(actor, &turn) : NULL;
        if (turn.job)
            run_job(actor->worker, turn.job, own);
        if (actor->connection == turn.keepers)
            close_own(actor); /* the keeper decides how long it is open */
        if (turn.keepers)
            virConnectClose(turn.keepers);
    }
    close_own(actor);
    return NULL;
}

static void join_actors(struct worker *worker)
{
    for (unsigned i = 0; i < worker->actor_count; i++)
        pthread_join(worker->actors[i].thread, NULL);
}

/* The keeper ends last: what it posts then comes after everything else. */
static void *keep_and_end(void *argument)
{
    struct worker *worker = argument;

    keep(worker);
    join_actors(worker);
    inbox_post(worker->inbox, worker->ended);
    return NULL;
}

static void stop_threads(struct worker *worker, struct inbox_item *ended)
{
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    worker->ended = ended;
    pthread_cond_signal(&worker->looks.wanted);
    pthread_cond_broadcast(&worker->actions.wanted);
    pthread_cond_broadcast(&worker->consoles.wanted);
    pthread_mutex_unlock(&worker->lock);
}

static void release(struct worker *worker)
{
    pthread_cond_destroy(&worker->looks.wanted);
    pthread_cond_destroy(&worker->actions.wanted);
    pthread_cond_destroy(&worker->consoles.wanted);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

static bool start_threads(struct worker *worker)
{
    for (; worker->actor_count < ARRAY_SIZE(worker->actors); worker->actor_count++) {
        struct actor *actor = &worker->actors[worker->actor_count];
        actor->worker = worker;
        actor->queue = worker->actor_count < ACTION_THREADS ? &worker->actions : &worker->consoles;
        if (pthread_create(&actor->thread, NULL, act, actor) != 0)
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
    pthread_cond_init(&worker->looks.wanted, &attributes);
    pthread_cond_init(&worker->actions.wanted, NULL);
    pthread_cond_init(&worker->consoles.wanted, NULL);
    pthread_condattr_destroy(&attributes);
    if (!start_threads(worker)) {
        stop_threads(worker, NULL);
        join_actors(worker);
        release(worker);
        return NULL;
    }
    return worker;
}

static void submit(struct worker *worker, struct job_queue *queue, struct worker_job *job)
{
    job->item.deliver = deliver_job;
    pthread_mutex_lock(&worker->lock);
    push(queue, job);
    pthread_cond_signal(&queue->wanted);
    pthread_mutex_unlock(&worker->lock);
}

void worker_submit_action(struct worker *worker, struct worker_job *job)
{
    submit(worker, &worker->actions, job);
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
    virConnectPtr connection = worker->consoles_connection;
    bool lives = !connection || virConnectIsAlive(connection) != 0;
    pthread_mutex_unlock(&worker->lock);
    return lives;
}

void worker_connection_lost(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->lost = true;
    pthread_cond_signal(&worker->looks.wanted);
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
