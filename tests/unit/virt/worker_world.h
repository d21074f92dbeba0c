/* What the tests of a hypervisor's threads share: a worker on connections to libvirt's test driver,
 * which open as the test says, jobs that wait at a gate, and a loop that runs until a condition
 * holds. One at a time; everything asserts by cmocka.
 *
 * It has a virConnectIsAlive and a shutdown of its own in place of libvirt's and libc's, so that it
 * is linked into these tests alone. */
#ifndef TESTS_UNIT_VIRT_WORKER_WORLD_H
#define TESTS_UNIT_VIRT_WORKER_WORLD_H

#include <pthread.h>
#include <stdbool.h>

#include <libvirt/libvirt.h>
#include <uv.h>

#include "vbmc/virt/worker.h"

#define WORLD_DEADLINE_MS 60000
#define WORLD_OWN_MAX     64

enum answer {
    OPENS,
    REFUSES,
    HANGS,         /* until the gate opens */
    NEVER_ANSWERS, /* a real connection, to a socket that nobody reads */
};

struct world {
    uv_loop_t loop;
    struct inbox *inbox;
    struct worker *worker;
    char folder[64];
    char uri[256]; /* of the one who never answers */
    int listener;
    int line[2]; /* in place of the consoles' socket, and its other end; -1: none */
    int watch;   /* of the first one */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic(virConnectPtr) dead;    /* as virConnectIsAlive says */
    _Atomic int main_at_first_shut; /* whether it was still there; -1: no socket was shut */
    /* Under the lock. */
    enum answer main_answer, answer;
    bool in_process; /* set before the start */
    bool gate;       /* open */
    virConnectPtr keepers;
    virConnectPtr own[WORLD_OWN_MAX]; /* every one that was opened beside it */
    unsigned own_count;
    unsigned mains; /* that were opened */
    unsigned mains_closed;
    unsigned asked;        /* for another */
    unsigned opening;      /* others now */
    unsigned opening_most; /* at once */
    unsigned running;      /* jobs that wait at the gate */
    unsigned running_most;
    /* Loop thread. */
    unsigned done;
    bool ended;
    unsigned wanted; /* jobs that are waited for */
};

extern struct world world;

struct job {
    struct worker_job job;
    bool waits; /* at the gate */
    virConnectPtr used;
};

/* For cmocka: the loop, libvirt's, and the socket of the one who never answers. */
int world_setup_group(void **state);
int world_teardown_group(void **state);
/* For cmocka: nothing has happened, and the gate is closed; opens it and stops. */
int world_setup(void **state);
int world_teardown(void **state);

/* A worker whose main connection, and whose others, are answered so. */
void world_start(enum answer main_answer, enum answer answer);
/* Stops, and lets the loop run until that is over. */
void world_stop(int line);
#define STOP() world_stop(__LINE__)
/* Of the line in place of the consoles' socket. */
void world_end_line(void);

void world_submit(struct job *job, void (*submit_to)(struct worker *, struct worker_job *));
void world_submit_long(struct job *job, enum worker_long kind);
/* For a job with a `run` of its own. */
void world_done(struct worker_job *job);
void world_set_gate(bool open);

/* The condition is asked for every few milliseconds, since other threads bring it about. */
void world_turn_until(bool (*condition)(void), int line);
#define TURN_UNTIL(condition) world_turn_until(condition, __LINE__)
void world_turn_until_done(unsigned count, int line);
#define TURN_UNTIL_DONE(count) world_turn_until_done(count, __LINE__)
/* These three are conditions. */
bool world_all_have_their_own(void);
bool world_is_opening(void);
bool world_so_many_run(void); /* world.wanted */

/* Of those under the lock. */
unsigned world_read_counter(const unsigned *counter);
/* It was opened beside the main one. */
bool world_is_own(virConnectPtr connection);

#endif
