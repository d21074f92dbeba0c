/* So many at once, then one in so much time: for log lines that a stranger can cause. */
#ifndef VBMC_BASE_RATE_H
#define VBMC_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    unsigned used;
    uint64_t since_ms; /* as of which `used` holds */
};

#define RATE_MORE_SIZE 40

/* Whether there may be one more now; counts it if so. */
bool rate_take(struct rate *rate, unsigned burst, uint64_t each_ms, uint64_t now_ms);
/* " (N more before)" for a line behind so many that were left out, which are told then; "" for
 * none.
 */
void rate_tell_more(unsigned *left_out, char more[RATE_MORE_SIZE]);

#endif
