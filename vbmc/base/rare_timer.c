#include "vbmc/base/rare_timer.h"

#include <stdlib.h>

bool rare_timer_start(uv_timer_t **timer, uv_loop_t *loop, void *owner, uv_timer_cb on_end,
                      uint64_t ms)
{
    if (!*timer) {
        *timer = calloc(1, sizeof **timer);
        if (!*timer)
            return false;
        uv_timer_init(loop, *timer);
        (*timer)->data = owner;
    }
    uv_timer_start(*timer, on_end, ms, 0);
    return true;
}

void rare_timer_stop(uv_timer_t *timer)
{
    if (timer)
        uv_timer_stop(timer);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void rare_timer_close(uv_timer_t **timer)
{
    if (*timer)
        uv_close((uv_handle_t *)*timer, on_closed);
    *timer = NULL;
}
