#include "vbmc/base/inbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct inbox {
    uv_async_t wake;
    pthread_mutex_t lock;
    struct inbox_item *first; /* under the lock, as `last` */
    struct inbox_item *last;
    struct inbox_item *taken; /* off the above, not yet delivered; loop thread only */
};

/* Behind a long queue the loop has to turn in between: it has signals and packets to see to. */
#define TURN_NS (UINT64_C(20) * 1000 * 1000)

static void refill(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->taken = inbox->first;
    inbox->first = inbox->last = NULL;
    pthread_mutex_unlock(&inbox->lock);
}

/* Delivers the next item that was taken; false if there is none. */
static bool deliver_next(struct inbox *inbox)
{
    struct inbox_item *item = inbox->taken;

    if (!item)
        return false;
    inbox->taken = item->next;
    item->deliver(item);
    return true;
}

void inbox_drain(struct inbox *inbox)
{
    while (deliver_next(inbox))
        ;
    refill(inbox);
    while (deliver_next(inbox))
        ;
}

static void on_wake(uv_async_t *wake)
{
    struct inbox *inbox = wake->data;
    uint64_t until = uv_hrtime() + TURN_NS;

    /* What was posted meanwhile is of this wake, too: wakes that come close together are one. */
    do {
        if (!inbox->taken)
            refill(inbox);
        if (!deliver_next(inbox))
            return;
    } while (uv_hrtime() < until);
    uv_async_send(wake);
}

struct inbox *inbox_new(uv_loop_t *loop)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);

    if (!inbox)
        return NULL;
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->wake.data = inbox;
    if (uv_async_init(loop, &inbox->wake, on_wake) < 0) {
        pthread_mutex_destroy(&inbox->lock);
        free(inbox);
        return NULL;
    }
    return inbox;
}

void inbox_post(struct inbox *inbox, struct inbox_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->last)
        inbox->last->next = item;
    else
        inbox->first = item;
    inbox->last = item;
    pthread_mutex_unlock(&inbox->lock);
    uv_async_send(&inbox->wake);
}

static void on_closed(uv_handle_t *handle)
{
    struct inbox *inbox = handle->data;

    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox)
        return;
    inbox_drain(inbox);
    uv_close((uv_handle_t *)&inbox->wake, on_closed);
}
