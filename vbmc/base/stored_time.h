/* Points in time that are stored. What runs goes by the monotonic clock, which ends with the boot
 * of the machine; the time of day goes on, but may be set. So a moment is stored as a time of day,
 * and beside it by how much that was ahead of the monotonic clock, and in which boot: as long as
 * that lasts it is the same moment again, whatever became of the time of day meanwhile. */
#ifndef VBMC_BASE_STORED_TIME_H
#define VBMC_BASE_STORED_TIME_H

#include <stdint.h>

#include "vbmc/base/boot_id.h"

/* All zero: not known, as versions before stored it; only the time of day counts then. */
struct stored_clock {
    char boot[BOOT_ID_SIZE];
    int64_t ahead_ms;
};

/* What to store beside times of day. `now_ms` is monotonic, here and below. */
void stored_clock_read(struct stored_clock *clock, int64_t now_ms);

/* A moment as milliseconds since 1970, and back. */
int64_t stored_time_of(const struct stored_clock *clock, int64_t at_ms);
int64_t stored_time_moment(const struct stored_clock *clock, int64_t time_ms, int64_t now_ms);

#endif
