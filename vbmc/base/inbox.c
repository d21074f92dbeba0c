#include "vbmc/base/inbox.h"

#include <pthread.h>
#include <stdlib.h>

struct inbox {
    uv_async_t wake;
    pthread_mutex_t lock;
    struct inbox_item *first; /* under the lock, as `last` */
    struct inbox_item *last;
};

void inbox_drain(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct inbox_item *item = inbox->first;
    inbox->first = inbox->last = NULL;
    pthread_mutex_unlock(&inbox->lock);

    while (item) {
        struct inbox_item *next = item->next;
        item->deliver(item);
        item = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    inbox_drain(wake->data);
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
