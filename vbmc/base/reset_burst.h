/* What counts as one reset of a guest. SeaBIOS answers a reset of a booted guest with another of
 * its own, because it finds its memory used: a machine reset that somebody made arrives as two
 * RESET events or more, and so does a start with a boot override. The event log, the restart cause,
 * the boot override and the notices of the console take all of them for one, by the same rule: a
 * RESET is part of what began it if it comes within RESET_BURST_MS of that. The time counts from
 * the first, so that a guest which resets again and again is not one burst without an end. */
#ifndef VBMC_BASE_RESET_BURST_H
#define VBMC_BASE_RESET_BURST_H

#include <stdbool.h>
#include <stdint.h>

/* The firmware's second reset comes within a second under emulation, and within three on a machine
 * with much else to do; no system boots and resets itself in this time. */
#define RESET_BURST_MS 5000

struct reset_burst {
    bool any;
    uint64_t since_ms; /* monotonic */
};

/* A start, or a reset that was asked for: what follows belongs to it. */
static inline void reset_burst_begin(struct reset_burst *burst, uint64_t now_ms)
{
    *burst = (struct reset_burst){.any = true, .since_ms = now_ms};
}

/* Takes a RESET event. True if it begins a burst, false if it is part of the present one. */
static inline bool reset_burst_take(struct reset_burst *burst, uint64_t now_ms)
{
    if (burst->any && now_ms - burst->since_ms < RESET_BURST_MS)
        return false;
    reset_burst_begin(burst, now_ms);
    return true;
}

#endif
