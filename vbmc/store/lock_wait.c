#include "vbmc/store/lock_wait.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/log.h"
#include "vbmc/store/lock.h"

#define REASON_SIZE 512

struct lock_wait {
    uv_timer_t timer; /* first, so that the handle is the whole */
    uv_work_t work;
    char *state_dir;
    void (*taken)(void *context, int lock);
    void *context;
    bool is_trying; /* `work` is under way */
    bool is_over;
    bool is_closed; /* the timer */
    char reason[REASON_SIZE];
    /* Of the last try, written by libuv's thread. */
    int result;
    int lock;
    char error[REASON_SIZE];
};

static void release(struct lock_wait *wait)
{
    if (!wait->is_closed || wait->is_trying)
        return;
    free(wait->state_dir);
    free(wait);
}

static void run_try(uv_work_t *work)
{
    struct lock_wait *wait = work->data;

    wait->result = store_lock_take(wait->state_dir, STORE_LOCK_STAND, &wait->lock, wait->error,
                                   sizeof wait->error);
}

/* What hinders for good, as far as is known here, is an error. */
static void note_reason(struct lock_wait *wait)
{
    bool is_usual = wait->result == -EBUSY || wait->result == -ENOENT;

    if (strcmp(wait->reason, wait->error) == 0)
        return;
    memcpy(wait->reason, wait->error, sizeof wait->reason);
    log_write(is_usual ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "standby, waiting: %s", wait->reason);
}

static void try_again(uv_timer_t *timer);

static void on_tried(uv_work_t *work, int cancelled)
{
    struct lock_wait *wait = work->data;

    wait->is_trying = false;
    if (wait->is_over) {
        if (cancelled == 0 && wait->result == 0)
            close(wait->lock);
        release(wait);
        return;
    }
    if (wait->result == 0) {
        wait->is_over = true;
        wait->taken(wait->context, wait->lock);
        return;
    }
    note_reason(wait);
    uv_timer_start(&wait->timer, try_again, LOCK_WAIT_MS, 0);
}

static void try_again(uv_timer_t *timer)
{
    struct lock_wait *wait = (struct lock_wait *)timer;

    wait->is_trying = uv_queue_work(timer->loop, &wait->work, run_try, on_tried) == 0;
    if (!wait->is_trying)
        uv_timer_start(timer, try_again, LOCK_WAIT_MS, 0);
}

struct lock_wait *lock_wait_start(uv_loop_t *loop, const char *state_dir,
                                  void (*taken)(void *context, int lock), void *context)
{
    struct lock_wait *wait = calloc(1, sizeof *wait);

    if (!wait || !(wait->state_dir = strdup(state_dir))) {
        free(wait);
        return NULL;
    }
    wait->taken = taken;
    wait->context = context;
    wait->work.data = wait;
    snprintf(wait->reason, sizeof wait->reason, "%s: not tried yet", state_dir);
    uv_timer_init(loop, &wait->timer);
    try_again(&wait->timer);
    return wait;
}

const char *lock_wait_reason(const struct lock_wait *wait)
{
    return wait->reason;
}

static void on_closed(uv_handle_t *handle)
{
    struct lock_wait *wait = (struct lock_wait *)handle;

    wait->is_closed = true;
    release(wait);
}

void lock_wait_stop(struct lock_wait *wait)
{
    if (!wait)
        return;
    wait->is_over = true;
    if (wait->is_trying)
        uv_cancel((uv_req_t *)&wait->work);
    uv_close((uv_handle_t *)&wait->timer, on_closed);
}
