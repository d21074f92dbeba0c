#include "vbmc/base/rate.h"

#include <stdio.h>

bool rate_take(struct rate *rate, unsigned burst, uint64_t each_ms, uint64_t now_ms)
{
    uint64_t over = (now_ms - rate->since_ms) / each_ms;

    rate->since_ms += over * each_ms;
    rate->used = over < rate->used ? rate->used - (unsigned)over : 0;
    if (rate->used >= burst)
        return false;
    if (rate->used++ == 0)
        rate->since_ms = now_ms;
    return true;
}

void rate_tell_more(unsigned *left_out, char more[RATE_MORE_SIZE])
{
    more[0] = '\0';
    if (*left_out > 0)
        snprintf(more, RATE_MORE_SIZE, " (%u more before)", *left_out);
    *left_out = 0;
}
