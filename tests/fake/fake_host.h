/* A guest in memory: a struct host_domain whose operations end as the test says, at once or when it
 * says so. It remembers what it was asked. */
#ifndef TESTS_FAKE_FAKE_HOST_H
#define TESTS_FAKE_FAKE_HOST_H

#include <stdbool.h>

#include "vbmc/host/host.h"

#define FAKE_HOST_CALLS_MAX 64

struct fake_host_call {
    bool is_boot;   /* set_boot */
    bool is_break;  /* send_break; neither: power */
    char alias[32]; /* of a break */
    enum host_power_action action;
    unsigned cycle_interval_s;
    struct host_boot_override override;
    host_done_fn *done; /* NULL: ended or cancelled */
    void *context;
};

struct fake_host {
    struct host_domain domain;
    bool waits; /* operations end by fake_host_finish, not at once */
    int result; /* of those that end at once */
    struct fake_host_call calls[FAKE_HOST_CALLS_MAX]; /* in the order of the calls */
    unsigned count;
    unsigned finished; /* the first so many have ended */
    unsigned cancels;
};

/* Operations succeed at once. */
void fake_host_init(struct fake_host *host, enum host_power_state state);
/* Ends the oldest operation that has not ended; a cancelled one ends silently. */
void fake_host_finish(struct fake_host *host, int result);
/* The call made last. */
const struct fake_host_call *fake_host_last(const struct fake_host *host);

#endif
