/* The threads of one hypervisor, for the calls to libvirt that block.
 *
 * The keeper owns the main connection, from which events come: opens it, closes it when it is lost,
 * and tries again with a growing pause (a quarter of a second to two seconds). It alone looks at
 * domains, so that what it reports comes to the loop in the order in which it was true.
 *
 * Actions (starting a guest, stopping it: seconds each) run on a few threads beside it, so that one
 * guest does not wait for another. Who submits them keeps the actions of one domain in order. Long
 * jobs run on the same threads, so many of each kind: however many guests hang in one kind, the
 * others find a thread, and actions too. The consoles have a thread of their own, which runs their
 * jobs in order.
 *
 * Each thread has a connection of its own, opened after the main one, so that two never wait for
 * answers on the same one. In libvirt's client a thread that waits reads the socket for the others
 * too: their requests may stay unsent until something else happens (seen with 9.0: a guest whose
 * QEMU was stopped made each call about any other take seconds), and when the connection dies the
 * next thread may use the stack of the one before, which ended (CVE-2024-4418, up to 10.3).
 *
 * One thread opens its connection at a time: a libvirtd that has as many clients as it takes
 * (max_clients) lets it wait without an end. Jobs wait for that a second at most; then, or if no
 * other connection is to be had, a thread does its job with the main one. For the reasons above one
 * thread at a time does so, and the keeper does not meanwhile. Long jobs never do, and fail where
 * no other connection is to be had: nobody would look at the guests until they end. A driver in
 * this process has no client that they could disturb. */
#ifndef VBMC_VIRT_WORKER_H
#define VBMC_VIRT_WORKER_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/inbox.h"

#define WORKER_TEXT_SIZE 512

/* Jobs that may take minutes, or as long as their guest hangs. */
enum worker_long {
    WORKER_LONG_SAMPLING,
    WORKER_LONG_SCREENSHOT,
    WORKER_LONG_DUMP,
    WORKER_LONG_PROGRESS, /* looks at how far a dump is */
    WORKER_LONG_KINDS,
};

/* Of each kind at once. */
#define WORKER_LONG_MAX 2
/* Two are always left for actions. */
#define WORKER_ACTION_THREADS (WORKER_LONG_KINDS * WORKER_LONG_MAX + 2)

struct virt_loop_socket;

/* Embedded in a job's own struct. */
struct worker_job {
    struct inbox_item item;
    struct worker_job *next;
    /* One of the threads. `connection` is that thread's, or the main one; NULL while there is none.
     */
    void (*run)(struct worker_job *job, virConnectPtr connection);
    /* Loop thread, after run; owns the job again. Runs also for jobs that a stopping worker did not
     * get to (their `run` is then called with NULL). */
    void (*done)(struct worker_job *job);
};

/* What the worker needs of its hypervisor. `socket` is noted (virt_loop_note_socket) while a
 * connection is opened; the worker shuts it to end that. */
struct worker_ops {
    /* Keeper thread. Opens the connection and prepares it (callbacks, first look at the domains);
     * NULL, with a reason in `text`, if that fails. */
    virConnectPtr (*open)(void *context, char text[WORKER_TEXT_SIZE],
                          struct virt_loop_socket *socket);
    /* The other threads, one at a time. Opens one more; NULL if none is to be had. */
    virConnectPtr (*open_another)(void *context, bool for_consoles,
                                  struct virt_loop_socket *socket);
    /* Any thread. Whether many may call libvirt with one connection at once. Known once `open` has
     * returned one. */
    bool (*is_in_process)(void *context);
    /* Keeper thread. Undoes `open`. */
    void (*close)(void *context, virConnectPtr connection);
    /* Keeper thread. Reports that opening failed. */
    void (*failed)(void *context, const char *text);
};

struct worker;

/* NULL if the threads cannot be started. The inbox carries finished jobs to the loop. */
struct worker *worker_start(const struct worker_ops *ops, void *context, struct inbox *inbox);
/* A job that calls libvirt to change something. */
void worker_submit_action(struct worker *worker, struct worker_job *job);
/* WORKER_LONG_MAX of its kind run at once. */
void worker_submit_long(struct worker *worker, enum worker_long kind, struct worker_job *job);
/* A job that only looks; they run in order. */
void worker_submit_look(struct worker *worker, struct worker_job *job);
/* A job for a console; they run in order, on one connection. */
void worker_submit_console(struct worker *worker, struct worker_job *job);
/* False if there is a main connection and libvirt knows that it is dead. Does not wait for the
 * other end. */
bool worker_connection_lives(struct worker *worker);
/* The same of the consoles' connection, and once after a dead one was replaced. Its streams do not
 * end with it: libvirt tells a stream nothing of that. */
bool worker_consoles_live(struct worker *worker);
/* Any thread. The connection is dead: the keeper closes it and opens a new one. */
void worker_connection_lost(struct worker *worker);
/* Has the threads finish every job, close their connections and end; `ended` is posted as the last
 * item. Does not block. A call to libvirt that an action thread or the keeper has begun may take
 * long; the opening of a connection is ended at once, and what waits for a console soon. */
void worker_stop(struct worker *worker, struct inbox_item *ended);
/* After `ended` was delivered. */
void worker_free(struct worker *worker);

#endif
