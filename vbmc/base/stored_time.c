#include "vbmc/base/stored_time.h"

#include <string.h>

#include "vbmc/base/wall_clock.h"

void stored_clock_read(struct stored_clock *clock, int64_t now_ms)
{
    memset(clock, 0, sizeof *clock);
    boot_id_read(clock->boot);
    clock->ahead_ms = wall_clock_ms() - now_ms;
}

int64_t stored_time_of(const struct stored_clock *clock, int64_t at_ms)
{
    return at_ms + clock->ahead_ms;
}

int64_t stored_time_moment(const struct stored_clock *clock, int64_t time_ms, int64_t now_ms)
{
    struct stored_clock present;

    stored_clock_read(&present, now_ms);
    if (clock->boot[0] && strcmp(clock->boot, present.boot) == 0)
        return time_ms - clock->ahead_ms;
    return time_ms - present.ahead_ms;
}
