/* A guest in memory: a struct host_domain whose operations end as the test says, at once or when it
 * says so. It remembers what it was asked. */
#ifndef TESTS_FAKE_FAKE_HOST_H
#define TESTS_FAKE_FAKE_HOST_H

#include <stdbool.h>

#include "vbmc/host/host.h"

#define FAKE_HOST_CALLS_MAX 64
#define FAKE_HOST_PLACE     11

struct fake_host_call {
    enum fake_host_call_kind {
        FAKE_HOST_POWER,
        FAKE_HOST_SET_BOOT,
        FAKE_HOST_SEND_BREAK,
        FAKE_HOST_SET_LINK,
        FAKE_HOST_SET_CPU_QUOTA,
    } kind;
    enum host_power_action action; /* these two: power */
    unsigned cycle_interval_s;
    struct host_boot_override override; /* set_boot */
    char alias[32];                     /* send_break */
    uint8_t mac[6];                     /* these two: set_link */
    bool up;
    unsigned permille;  /* set_cpu_quota */
    host_done_fn *done; /* NULL: ended or cancelled */
    void *context;
};

struct fake_host {
    struct host_domain domain;
    struct host_hardware hardware; /* the domain's; the test may change it */
    bool waits;                    /* operations end by fake_host_finish, not at once */
    int result;                    /* of those that end at once */
    struct fake_host_call calls[FAKE_HOST_CALLS_MAX]; /* in the order of the calls */
    unsigned count;
    unsigned finished; /* the first so many have ended */
    unsigned cancels;
};

/* Operations succeed at once. The guest has one socket, vCPU and module, and neither disks nor
 * NICs; it has not been sampled. */
void fake_host_init(struct fake_host *host, enum host_power_state state);
/* Ends the oldest operation that has not ended; a cancelled one ends silently. */
void fake_host_finish(struct fake_host *host, int result);
/* The call made last. */
const struct fake_host_call *fake_host_last(const struct fake_host *host);

#endif
