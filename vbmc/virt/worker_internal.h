/* The threads of a hypervisor, for the files that make them up. */
#ifndef VBMC_VIRT_WORKER_INTERNAL_H
#define VBMC_VIRT_WORKER_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vbmc/virt/loop.h"
#include "vbmc/virt/worker.h"

struct job_queue {
    struct worker_job *first;
    struct worker_job *last;
};

/* A thread beside the keeper. */
struct actor {
    struct worker *worker;
    bool for_consoles; /* else for actions and long jobs */
    pthread_t thread;
    /* Under the lock. */
    virConnectPtr connection; /* its own; NULL: not open */
    unsigned generation;      /* of the keeper's connection when it was opened */
    bool waits;               /* for a job */
    struct virt_loop_socket socket;
    bool ended;
};

struct worker {
    const struct worker_ops *ops;
    void *context;
    struct inbox *inbox;
    pthread_t keeper;
    struct actor actors[WORKER_ACTION_THREADS + 1]; /* the last one is for consoles */
    unsigned actor_count;
    pthread_mutex_t lock;
    pthread_cond_t keeper_wanted; /* a look came, the connection is lost, or it is to end */
    pthread_cond_t actors_wanted; /* something has changed that their next turn depends on */
    /* Under the lock. */
    struct job_queue looks;
    struct job_queue actions;
    struct job_queue longs[WORKER_LONG_KINDS];
    unsigned longs_running[WORKER_LONG_KINDS];
    struct job_queue consoles;
    virConnectPtr connection; /* written by the keeper; others take a reference */
    bool main_is_used;        /* by a thread that calls libvirt with it, and must be alone */
    bool keeper_waits;        /* to use it */
    unsigned generation;      /* how often it was opened */
    struct virt_loop_socket socket;
    struct actor *opening; /* its own connection; NULL: nobody is */
    uint64_t opening_since_ms;
    uint64_t open_after_ms; /* one was refused: no other is asked for before */
    bool tried;             /* the first attempt to open the main one has ended */
    bool lost;
    bool consoles_lost; /* their connection died, and was given up before anybody was told */
    bool stopping;
    struct inbox_item *ended;
    /* Keeper thread. */
    unsigned pause_ms;
    uint64_t next_try_ms;
};

void worker_push(struct job_queue *queue, struct worker_job *job);
/* NULL: it is empty. */
struct worker_job *worker_pop(struct job_queue *queue);
/* Runs it on this thread, and has the loop deliver it. */
void worker_run_job(struct worker *worker, struct worker_job *job, virConnectPtr connection);

/* Under the lock. The main connection is used by this thread from now on. For others than the
 * keeper: it is free (worker_is_main_free). */
void worker_use_main(struct worker *worker);
bool worker_is_main_free(const struct worker *worker);
/* Keeper thread, under the lock. Waits until it is free. */
void worker_use_main_next(struct worker *worker);
/* Under the lock. */
void worker_leave_main(struct worker *worker);

/* Monotonic. */
uint64_t worker_now_ms(void);
/* Under the lock. Returns when `wanted` was signalled, or at that time. */
void worker_wait_until(struct worker *worker, pthread_cond_t *wanted, uint64_t ms);

/* worker_actors.c: the thread of a struct actor. */
void *worker_act(void *actor);

#endif
