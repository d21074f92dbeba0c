/* Items handed to the loop thread from any thread, delivered in the order they were posted; of a
 * long queue some at each turn of the loop. */
#ifndef VBMC_BASE_INBOX_H
#define VBMC_BASE_INBOX_H

#include <uv.h>

struct inbox;

/* Embedded in whatever is posted. `deliver` runs on the loop thread and owns the item again. */
struct inbox_item {
    struct inbox_item *next;
    void (*deliver)(struct inbox_item *item);
};

/* NULL if there is no memory. */
struct inbox *inbox_new(uv_loop_t *loop);
/* Any thread. Until delivery the item belongs to the inbox. */
void inbox_post(struct inbox *inbox, struct inbox_item *item);
/* Delivers what is there now; the loop does it by itself, this is for shutting down. */
void inbox_drain(struct inbox *inbox);
/* Nobody may post any more. Delivers what is left, then frees on the loop's next turn. */
void inbox_free(struct inbox *inbox);

#endif
