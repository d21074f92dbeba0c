/* Two or three hypervisors with one guest, as they are, and as a daemon sees them that has a real
 * struct placement and a real struct bmc. Chance is by a seed, and what is done is noted. One at a
 * time; asserts by cmocka. */
#ifndef TESTS_FAKE_PLACEMENT_WORLD_H
#define TESTS_FAKE_PLACEMENT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/host/placement.h"

#define HOSTS_MAX 3

enum qemu { QEMU_NONE, QEMU_RUNS, QEMU_SOURCE, QEMU_TARGET };

/* A machine with its libvirtd, as it is and as the daemon sees it. */
struct host {
    struct host_domain domain; /* the daemon's; there while `seen` */
    struct placement_hypervisor *place;
    const char *name;
    /* True. */
    bool defined;
    enum qemu qemu;
    int64_t run;                  /* libvirt's id of it */
    enum host_stop_reason reason; /* what libvirt says of a domain that is off */
    bool gone;                    /* switched off for good, as far as anybody knows */
    bool configured;
    /* Seen. */
    bool connected;
    bool dirty; /* an event is on its way */
    bool acted; /* and is of what the daemon did itself */
    bool seen;
    enum host_stop_reason told; /* by an event, of an end that has not been looked at */
    /* What libvirt is doing for the daemon. */
    bool busy;
    bool abandoned; /* starts nothing any more */
    enum host_power_action action;
    host_done_fn *done;
    void *context;
};

struct placement_world {
    struct host hosts[HOSTS_MAX];
    unsigned host_count;
    struct placement placement;
    struct bmc bmc;
    struct host *source, *target; /* of the migration under way */
    bool restore_waits;           /* for the guest to be seen */
};
extern struct placement_world world;

/* The daemon starts, connected to none; the guest runs on the first hypervisor, or nowhere. */
void world_begin(unsigned number);
void world_end(void);

/* The next random number, 0 .. below - 1. */
uint32_t world_draw(uint32_t below);
/* A step, for world_broken(). */
void world_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fails, and says the seed and the steps. */
void world_broken(const char *what);

/* ---- what is true ---- */

void world_start_qemu(struct host *host, enum qemu qemu);
void world_end_qemu(struct host *host, enum host_stop_reason reason);
/* An event is on its way, if the daemon is connected. */
void world_changed(struct host *host);
/* The next step of what libvirt was told to do there. */
void world_run_operation(struct host *host);

/* ---- the daemon ---- */

/* With what was stored by the one before it. */
void world_start_daemon(void);
void world_connect(struct host *host);
void world_disconnect(struct host *host);
/* It looks at the guest there, as an event or the list of all domains makes it. */
void world_look(struct host *host, bool live);
/* Wherever an event is on its way. */
void world_look_at_all(void);
/* It decides again which copy is the guest. */
void world_follow(void);
void world_tick(uint64_t ms);

#endif
