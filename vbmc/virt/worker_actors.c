/* The threads beside the keeper: each opens a connection of its own when it is its turn, and does
 * jobs. */
#include <stddef.h>

#include "vbmc/virt/worker_internal.h"

#define PATIENCE_MS      1000 /* of jobs, for a connection that is being opened */
#define PATIENCE_LONG_MS 10000
#define LOOK_AGAIN_MS    100
#define REFUSED_PAUSE_MS 10000 /* before another one is asked for again */

/* What one does next. */
struct turn {
    enum {
        TURN_END,
        TURN_OPEN, /* a connection */
        TURN_JOB,
    } kind;
    struct actor *opened; /* whose own connection it is */
    struct worker_job *job;
    unsigned *counted;        /* how many of that kind of long jobs run; NULL: another job */
    virConnectPtr connection; /* for the job; NULL: there is none */
    bool is_shared;           /* that is a reference to the keeper's */
    unsigned generation;
};

/* Under the lock. */
static bool has_own(const struct actor *actor)
{
    const struct worker *worker = actor->worker;

    return worker->connection && actor->connection && actor->generation == worker->generation &&
           virConnectIsAlive(actor->connection) > 0;
}

/* Under the lock. The queue that its next job comes from; NULL if there is none. */
static struct job_queue *next_queue(const struct actor *actor)
{
    struct worker *worker = actor->worker;

    if (actor->for_consoles)
        return worker->consoles.first ? &worker->consoles : NULL;
    if (worker->actions.first)
        return &worker->actions;
    for (unsigned i = 0; i < WORKER_LONG_KINDS; i++) {
        if (worker->longs[i].first &&
            (worker->longs_running[i] < WORKER_LONG_MAX || worker->stopping))
            return &worker->longs[i];
    }
    return NULL;
}

/* Of the long jobs from that queue; NULL: it has other ones. */
static unsigned *running_of(struct worker *worker, const struct job_queue *queue)
{
    for (unsigned i = 0; i < WORKER_LONG_KINDS; i++) {
        if (queue == &worker->longs[i])
            return &worker->longs_running[i];
    }
    return NULL;
}

/* Under the lock. Another thread for actions has nothing to do; `with_own`: and has its own
 * connection. */
static bool is_another_free(const struct actor *actor, bool with_own)
{
    const struct worker *worker = actor->worker;

    for (unsigned i = 0; i < WORKER_ACTION_THREADS; i++) {
        const struct actor *other = &worker->actors[i];
        if (other != actor && other->waits && (!with_own || has_own(other)))
            return true;
    }
    return false;
}

/* Under the lock. A connection is being opened, and not for longer than that. */
static bool is_opening(const struct worker *worker, uint64_t patience_ms)
{
    return worker->opening && worker_now_ms() < worker->opening_since_ms + patience_ms;
}

static bool may_open(const struct worker *worker)
{
    return worker->connection && !worker->stopping && !worker->opening &&
           worker_now_ms() >= worker->open_after_ms;
}

/* Under the lock. For whom a thread opens a connection now; NULL: for nobody. The consoles have one
 * thread, which is not to wait for that: another one opens theirs. */
static struct actor *opens_for(struct actor *actor)
{
    struct actor *consoles = &actor->worker->actors[WORKER_ACTION_THREADS];

    if (actor->for_consoles || !may_open(actor->worker))
        return NULL;
    if (!has_own(consoles) && consoles->waits)
        return consoles;
    return has_own(actor) ? NULL : actor;
}

/* Under the lock. Whether it does a job with the keeper's connection: not if that is used, one of
 * its own is about to be there, or another thread has one. */
static bool may_share(const struct actor *actor)
{
    if (!worker_is_main_free(actor->worker))
        return false;
    if (is_opening(actor->worker, PATIENCE_MS))
        return false;
    if (actor->for_consoles)
        return !(may_open(actor->worker) && is_another_free(actor, false));
    return !is_another_free(actor, true);
}

/* Under the lock. No thread has a connection of its own, and none is about to have one. */
static bool is_refused(const struct worker *worker)
{
    if (may_open(worker) || is_opening(worker, PATIENCE_LONG_MS))
        return false;
    for (unsigned i = 0; i < WORKER_ACTION_THREADS; i++) {
        if (has_own(&worker->actors[i]))
            return false;
    }
    return true;
}

/* Under the lock. Whether a job from that queue may only be done with a connection of the thread's
 * own: a long one would keep the keeper from the main one, and so all states of guests unread. */
static bool needs_own(struct worker *worker, const struct job_queue *queue)
{
    return running_of(worker, queue) && !worker->ops->is_in_process(worker->context);
}

/* Under the lock. */
static bool may_begin(const struct actor *actor, const struct job_queue *queue)
{
    struct worker *worker = actor->worker;

    if (has_own(actor) || !worker->connection || worker->stopping)
        return true;
    return needs_own(worker, queue) ? is_refused(worker) : may_share(actor);
}

static void take_job(struct actor *actor, struct job_queue *queue, struct turn *turn)
{
    struct worker *worker = actor->worker;
    bool own = has_own(actor);

    turn->kind = TURN_JOB;
    turn->job = worker_pop(queue);
    turn->counted = running_of(worker, queue);
    if (turn->counted)
        ++*turn->counted;
    if (worker->stopping || !worker->connection || (!own && needs_own(worker, queue)))
        return;
    turn->connection = own ? actor->connection : worker->connection;
    turn->is_shared = !own;
    if (own)
        return;
    virConnectRef(worker->connection);
    worker_use_main(worker);
}

/* Under the lock. False if it has to wait. No job before the first attempt to connect has ended. */
static bool choose(struct actor *actor, struct turn *turn)
{
    struct worker *worker = actor->worker;
    struct job_queue *queue = next_queue(actor);

    *turn = (struct turn){.kind = TURN_END, .generation = worker->generation};
    turn->opened = opens_for(actor);
    if (turn->opened) {
        turn->kind = TURN_OPEN;
        worker->opening = turn->opened;
        worker->opening_since_ms = worker_now_ms();
        return true;
    }
    if (!queue)
        return worker->stopping;
    if (!worker->stopping && !worker->tried)
        return false;
    if (!may_begin(actor, queue))
        return false;
    take_job(actor, queue, turn);
    return true;
}

static void wait_for_turn(struct actor *actor, struct turn *turn)
{
    struct worker *worker = actor->worker;

    pthread_mutex_lock(&worker->lock);
    actor->waits = true;
    if (actor->for_consoles && !has_own(actor))
        pthread_cond_broadcast(&worker->actors_wanted); /* another one opens it now */
    while (!choose(actor, turn)) {
        if (next_queue(actor)) /* that another one may do, or this one a little later */
            worker_wait_until(worker, &worker->actors_wanted, worker_now_ms() + LOOK_AGAIN_MS);
        else
            pthread_cond_wait(&worker->actors_wanted, &worker->lock);
    }
    actor->waits = false;
    pthread_cond_broadcast(&worker->actors_wanted); /* others may have waited for this one */
    pthread_mutex_unlock(&worker->lock);
}

/* Under the lock. Its own connection, to be closed; NULL: none. One that is older than the keeper's
 * present connection waits for nobody. */
static virConnectPtr take_own(struct actor *actor)
{
    virConnectPtr connection = actor->connection;
    struct worker *worker = actor->worker;

    actor->connection = NULL;
    if (!connection)
        return NULL;
    if (actor->generation != worker->generation)
        virt_loop_shut(&actor->socket);
    else if (actor->for_consoles && virConnectIsAlive(connection) == 0)
        worker->consoles_lost = true;
    return connection;
}

static void close_own(struct actor *actor)
{
    pthread_mutex_lock(&actor->worker->lock);
    virConnectPtr connection = take_own(actor);
    pthread_mutex_unlock(&actor->worker->lock);
    if (connection)
        virConnectClose(connection);
}

/* If the keeper has given its connection up meanwhile, this one's time is over too. The thread that
 * it is for may have ended. */
static void open_own(struct actor *actor, unsigned generation)
{
    struct worker *worker = actor->worker;

    close_own(actor);
    pthread_mutex_lock(&worker->lock);
    actor->socket = (struct virt_loop_socket){
        .is_shut = worker->stopping || !worker->connection || worker->generation != generation,
    };
    pthread_mutex_unlock(&worker->lock);
    virConnectPtr connection =
        worker->ops->open_another(worker->context, actor->for_consoles, &actor->socket);
    pthread_mutex_lock(&worker->lock);
    actor->connection = connection;
    actor->generation = generation;
    worker->opening = NULL;
    if (!has_own(actor) && worker->generation == generation)
        worker->open_after_ms = worker_now_ms() + REFUSED_PAUSE_MS;
    bool stays = has_own(actor) && !worker->stopping;
    virConnectPtr left = stays ? NULL : take_own(actor);
    pthread_cond_broadcast(&worker->actors_wanted);
    pthread_mutex_unlock(&worker->lock);
    if (left)
        virConnectClose(left);
}

static void do_job(struct actor *actor, const struct turn *turn)
{
    struct worker *worker = actor->worker;

    worker_run_job(worker, turn->job, turn->connection);
    if (turn->is_shared)
        virConnectClose(turn->connection);
    pthread_mutex_lock(&worker->lock);
    if (turn->is_shared)
        worker_leave_main(worker);
    if (turn->counted)
        --*turn->counted;
    pthread_cond_broadcast(&worker->actors_wanted);
    pthread_mutex_unlock(&worker->lock);
}

void *worker_act(void *argument)
{
    struct actor *actor = argument;
    struct turn turn;

    for (wait_for_turn(actor, &turn); turn.kind != TURN_END; wait_for_turn(actor, &turn)) {
        if (turn.kind == TURN_OPEN)
            open_own(turn.opened, turn.generation);
        else
            do_job(actor, &turn);
    }
    close_own(actor);
    pthread_mutex_lock(&actor->worker->lock);
    /* The loop may still have a stream of that connection, and so close it only now: that would
     * wait for the other end. */
    if (actor->for_consoles)
        virt_loop_shut(&actor->socket);
    actor->ended = true;
    pthread_cond_signal(&actor->worker->keeper_wanted);
    pthread_mutex_unlock(&actor->worker->lock);
    return NULL;
}
