/* A timer of libuv's that few of its owners ever start: it is allocated at its first start, so that
 * each of ten thousand BMCs has a pointer instead of a handle. Loop thread. */
#ifndef VBMC_BASE_RARE_TIMER_H
#define VBMC_BASE_RARE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

/* Runs `on_end` once, in `ms` milliseconds, in place of what the timer was started for before; its
 * data is `owner`. `*timer` is NULL before the first start. False if there is no memory: it does
 * not run. */
bool rare_timer_start(uv_timer_t **timer, uv_loop_t *loop, void *owner, uv_timer_cb on_end,
                      uint64_t ms);
/* It does not run any more. One that was never started is allowed, here and below. */
void rare_timer_stop(uv_timer_t *timer);
/* Stops and frees it; `*timer` is NULL then. The loop has to turn once more. */
void rare_timer_close(uv_timer_t **timer);

#endif
