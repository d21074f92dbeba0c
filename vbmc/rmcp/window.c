#include "vbmc/rmcp/window.h"

#define MAP_BITS 32

struct window window_rmcpplus(void)
{
    return (struct window){.below = WINDOW_BELOW, .above = WINDOW_ABOVE};
}

/* As if all numbers before the first had been seen. */
struct window window_lan15(uint32_t first)
{
    return (struct window){
        .started = true,
        .below = WINDOW_LAN15,
        .above = WINDOW_LAN15,
        .highest = first - 1,
        .seen = UINT32_MAX,
    };
}

/* Differences are taken modulo 2^32: FFFFFFFFh is followed by 1. */
bool window_accepts(const struct window *window, uint32_t sequence)
{
    uint32_t above = sequence - window->highest;
    uint32_t below = window->highest - sequence;

    if (sequence == 0)
        return false;
    if (!window->started)
        return true;
    if (below <= window->below)
        return (window->seen & UINT32_C(1) << below) == 0;
    return above <= window->above;
}

void window_commit(struct window *window, uint32_t sequence)
{
    uint32_t above = sequence - window->highest;
    uint32_t below = window->highest - sequence;

    if (!window->started) {
        window->started = true;
        window->highest = sequence;
        window->seen = 1;
    } else if (below <= window->below) {
        window->seen |= UINT32_C(1) << below;
    } else {
        window->seen = above < MAP_BITS ? window->seen << above | 1 : 1;
        window->highest = sequence;
    }
}
