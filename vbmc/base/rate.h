/* So many at once, then one in so much time: for log lines that a stranger can cause. */
#ifndef VBMC_BASE_RATE_H
#define VBMC_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    unsigned used;
    uint64_t since_ms; /* as of which `used` holds */
};

/* Whether there may be one more now; counts it if so. */
bool rate_take(struct rate *rate, unsigned burst, uint64_t each_ms, uint64_t now_ms);

#endif
