/* What the model of a BMC needs of the outside: clock, timer and the way to the disk. Internal. */
#ifndef VBMC_INSTANCE_HOOKS_H
#define VBMC_INSTANCE_HOOKS_H

#include <stdint.h>

#include "vbmc/bmc/core.h"

struct instance;

extern const struct bmc_hooks instance_hooks;

/* Monotonic, in ms. */
uint64_t instance_now_ms(void);
/* The timer runs: what has something to do is asked at that time at the latest. */
void instance_wake_at(struct instance *instance, uint64_t at_ms);

#endif
