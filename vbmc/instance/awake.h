/* The BMCs whose servers have something to do about once a second; those of all others are at rest.
 * Loop thread. */
#ifndef VBMC_INSTANCE_AWAKE_H
#define VBMC_INSTANCE_AWAKE_H

#include <stdint.h>

struct instance;

/* The beginning is all zeros. */
struct awake_list {
    struct instance *first;
};

/* For instance.c: it is awake at first. */
void instance_begin_awake(struct instance *instance);
void instance_end_awake(struct instance *instance);

/* Something may be different for its server. */
void instance_wake(struct instance *instance);
/* The same, of what was so from that time on. */
void instance_wake_since(struct instance *instance, uint64_t since_ms);
/* Lets the time since the last call pass in those that are awake. About once a second. */
void instance_step_awake(struct awake_list *list);

#endif
