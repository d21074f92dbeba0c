/* The machine's clock of the day. A BMC's own clock may be set by its clients; this one is not
 * theirs. Whoever runs the machine may set it: what has to last through that goes by the monotonic
 * clock. */
#ifndef VBMC_BASE_WALL_CLOCK_H
#define VBMC_BASE_WALL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since 1970. */
static inline int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

#endif
