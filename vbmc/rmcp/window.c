#include "vbmc/rmcp/window.h"

#define MAP_BITS 32

/* Differences are taken modulo 2^32: FFFFFFFFh is followed by 1. */
bool window_accepts(const struct window *window, uint32_t sequence)
{
    uint32_t above = sequence - window->highest;
    uint32_t below = window->highest - sequence;

    if (sequence == 0)
        return false;
    if (!window->started)
        return true;
    if (below <= WINDOW_BELOW)
        return (window->seen & UINT32_C(1) << below) == 0;
    return above <= WINDOW_ABOVE;
}

void window_commit(struct window *window, uint32_t sequence)
{
    uint32_t above = sequence - window->highest;
    uint32_t below = window->highest - sequence;

    if (!window->started) {
        *window = (struct window){.started = true, .highest = sequence, .seen = 1};
    } else if (below <= WINDOW_BELOW) {
        window->seen |= UINT32_C(1) << below;
    } else {
        window->seen = above < MAP_BITS ? window->seen << above | 1 : 1;
        window->highest = sequence;
    }
}
