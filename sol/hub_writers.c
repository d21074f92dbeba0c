/* What is typed into the guest: a queue to the source, and whose turn it is to fill it. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "sol/hub_internal.h"
#include "vbmc/base/ring.h"

static size_t queue_used(const struct hub *hub)
{
    return hub->queue ? ring_end(hub->queue) - hub->sent : 0;
}

static size_t queue_room(const struct hub *hub)
{
    return hub->queue_size - queue_used(hub);
}

void hub_empty_queue(struct hub *hub)
{
    hub->sent = hub->queue ? ring_end(hub->queue) : 0;
}

/* Once nobody types any more, and all that was typed is gone. */
static void release_queue(struct hub *hub)
{
    if (!TAILQ_EMPTY(&hub->writers) || queue_used(hub) > 0)
        return;
    ring_free(hub->queue);
    hub->queue = NULL;
    hub->sent = 0;
}

static void stop_waiting(struct hub_writer *writer)
{
    if (writer->waiting)
        TAILQ_REMOVE(&writer->hub->waiting, writer, waiting_link);
    writer->waiting = false;
}

void hub_tell_writers(struct hub *hub)
{
    struct hub_writer *writer;

    if (hub->turn) /* its callback came here; the round that called it goes on */
        return;
    hub_begin_round(hub);
    while (!hub->closing && (writer = TAILQ_FIRST(&hub->waiting)) &&
           (!hub_takes_input(hub) || queue_used(hub) <= hub->queue_size / 2)) {
        stop_waiting(writer);
        hub->turn = writer;
        if (writer->events->writable)
            writer->events->writable(writer->context);
        hub->turn = NULL;
    }
    hub_end_round(hub);
}

int hub_flush_queue(struct hub *hub)
{
    const uint8_t *bytes;
    size_t size;

    while (hub->holds == 0 && queue_used(hub) > 0) {
        size = ring_peek(hub->queue, hub->sent, &bytes);
        ssize_t taken = stream_write(hub->source, bytes, size);
        if (taken < 0) {
            hub_empty_queue(hub);
            return (int)taken;
        }
        hub->sent += (uint64_t)taken;
        if ((size_t)taken < size)
            break;
    }
    return 0;
}

/* A writer may go ahead when it has the turn, or nobody has and it waits for longest, or nobody
 * waits. */
static bool may_write(const struct hub_writer *writer)
{
    const struct hub *hub = writer->hub;
    const struct hub_writer *first = TAILQ_FIRST(&hub->waiting);

    if (hub->turn)
        return hub->turn == writer;
    return !first || first == writer;
}

ssize_t hub_write(struct hub_writer *writer, const void *bytes, size_t size)
{
    struct hub *hub = writer->hub;
    size_t taken = 0;

    if (!hub)
        return -EPIPE;
    if (!hub_takes_input(hub))
        return -ENOTCONN;
    if (size == 0)
        return 0;
    if (!may_write(writer)) {
        if (!writer->waiting)
            TAILQ_INSERT_TAIL(&hub->waiting, writer, waiting_link);
        writer->waiting = true;
        return 0;
    }
    if (!hub->queue && !(hub->queue = ring_new(hub->queue_size)))
        return -ENOMEM;
    stop_waiting(writer);
    while (taken < size && queue_room(hub) > 0) {
        size_t piece = size - taken < queue_room(hub) ? size - taken : queue_room(hub);
        ring_append(hub->queue, (const uint8_t *)bytes + taken, piece);
        taken += piece;
        if (hub_flush_queue(hub) < 0)
            return -ENOTCONN;
    }
    if (taken < size) {
        TAILQ_INSERT_HEAD(&hub->waiting, writer, waiting_link); /* its rest belongs next to it */
        writer->waiting = true;
    }
    return (ssize_t)taken;
}

int hub_writer_new(struct hub *hub, const struct hub_writer_events *events, void *context,
                   struct hub_writer **writer)
{
    *writer = NULL;
    if (hub->closing)
        return -EPIPE;
    *writer = calloc(1, sizeof **writer);
    if (!*writer)
        return -ENOMEM;
    (*writer)->hub = hub;
    (*writer)->events = events;
    (*writer)->context = context;
    TAILQ_INSERT_TAIL(&hub->writers, *writer, link);
    return 0;
}

void hub_writer_free(struct hub_writer *writer)
{
    if (!writer)
        return;
    if (writer->hub) {
        stop_waiting(writer);
        TAILQ_REMOVE(&writer->hub->writers, writer, link);
        if (writer->hub->turn == writer)
            writer->hub->turn = NULL;
        release_queue(writer->hub);
    }
    free(writer);
}

void hub_close_writers(struct hub *hub)
{
    struct hub_writer *writer;

    while ((writer = TAILQ_FIRST(&hub->writers))) {
        stop_waiting(writer);
        TAILQ_REMOVE(&hub->writers, writer, link);
        writer->hub = NULL;
    }
}

unsigned hub_count_writers(const struct hub *hub)
{
    const struct hub_writer *writer;
    unsigned count = 0;

    for (writer = TAILQ_FIRST(&hub->writers); writer; writer = TAILQ_NEXT(writer, link))
        count++;
    return count;
}
