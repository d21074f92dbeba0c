/* One thread per hypervisor connection, for the calls to libvirt that block. It owns the connection:
 * opens it, runs jobs on it in order, closes it when it is lost, and tries again with a growing
 * pause (a quarter of a second to two seconds). */
#ifndef VBMC_HOST_WORKER_H
#define VBMC_HOST_WORKER_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/inbox.h"

#define WORKER_TEXT_SIZE 256

/* Embedded in whatever a job needs. */
struct worker_job {
    struct inbox_item item;
    struct worker_job *next;
    /* Worker thread. `connection` is NULL while there is none. */
    void (*run)(struct worker_job *job, virConnectPtr connection);
    /* Loop thread, after run; owns the job again. Runs also for jobs that a stopping worker did not
     * get to (their `run` is then called with NULL). */
    void (*done)(struct worker_job *job);
};

/* What the worker needs of its hypervisor. */
struct worker_ops {
    /* Worker thread. Opens the connection and prepares it (callbacks, first look at the domains);
     * NULL, with a reason in `text`, if that fails. */
    virConnectPtr (*open)(void *context, char text[WORKER_TEXT_SIZE]);
    /* Worker thread. Undoes and closes. */
    void (*close)(void *context, virConnectPtr connection);
    /* Worker thread. Tells that opening failed. */
    void (*failed)(void *context, const char *text);
};

struct worker;

/* NULL if the thread cannot be had. The inbox carries finished jobs to the loop. */
struct worker *worker_start(const struct worker_ops *ops, void *context, struct inbox *inbox);
void worker_submit(struct worker *worker, struct worker_job *job);
/* Any thread. The connection is dead: the next job, or nobody's, opens a new one. */
void worker_connection_lost(struct worker *worker);
/* Closes the connection, ends the thread and hands out every job. Blocks until a call to libvirt that
 * is under way returns. */
void worker_stop(struct worker *worker);

#endif
