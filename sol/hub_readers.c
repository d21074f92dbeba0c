#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sol/hub_internal.h"
#include "vbmc/base/ring.h"

void hub_tell_readers(struct hub *hub, const struct hub_notice *notice)
{
    uint64_t limit = hub->next_serial;
    struct hub_reader *reader;

    if (hub->closing)
        return;
    hub_begin_round(hub);
    for (reader = TAILQ_FIRST(&hub->readers); reader; reader = TAILQ_NEXT(reader, link)) {
        if (reader->dead || reader->serial >= limit)
            continue;
        if (notice && reader->events->notice)
            reader->events->notice(reader->context, notice);
        else if (!notice && reader->events->available)
            reader->events->available(reader->context);
        if (hub->closing) /* the list is no more */
            break;
    }
    hub_end_round(hub);
}

void hub_close_readers(struct hub *hub)
{
    struct hub_reader *reader;

    while ((reader = TAILQ_FIRST(&hub->readers))) {
        TAILQ_REMOVE(&hub->readers, reader, link);
        reader->hub = NULL;
        if (reader->dead)
            free(reader);
        else if (reader->events->closed)
            reader->events->closed(reader->context); /* which may free it */
    }
}

int hub_reader_new(struct hub *hub, enum hub_from from, size_t lines,
                   const struct hub_reader_events *events, void *context,
                   struct hub_reader **reader)
{
    *reader = NULL;
    if (hub->closing)
        return -EPIPE;
    const struct ring *scrollback = hub_scrollback(hub);
    struct hub_reader *created = scrollback ? calloc(1, sizeof *created) : NULL;
    if (!created)
        return -ENOMEM;
    created->hub = hub;
    created->events = events;
    created->context = context;
    created->serial = hub->next_serial++;
    switch (from) {
    case HUB_FROM_END:
        created->cursor = ring_end(scrollback);
        break;
    case HUB_FROM_START:
        created->cursor = ring_start(scrollback);
        break;
    case HUB_FROM_LINES:
        created->cursor = ring_find_lines(scrollback, lines);
        break;
    }
    TAILQ_INSERT_TAIL(&hub->readers, created, link);
    *reader = created;
    return 0;
}

void hub_reader_free(struct hub_reader *reader)
{
    if (!reader)
        return;
    if (reader->hub && reader->hub->rounds > 0) {
        reader->dead = true;
        return;
    }
    if (reader->hub)
        TAILQ_REMOVE(&reader->hub->readers, reader, link);
    free(reader);
}

/* Counts as lost what went out of the ring under the cursor, except what the reader has in hand. */
static void catch_up(struct hub_reader *reader)
{
    uint64_t start = ring_start(reader->hub->scrollback);

    if (reader->cursor < start) {
        reader->lost += start - reader->cursor;
        reader->cursor = start;
    }
}

void hub_reader_peek(struct hub_reader *reader, const uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (!reader->hub)
        return;
    catch_up(reader);
    *size = ring_peek(reader->hub->scrollback, reader->cursor, bytes);
    reader->peeked = *size;
}

void hub_reader_consume(struct hub_reader *reader, size_t size)
{
    assert(size <= reader->peeked || !reader->hub);
    if (!reader->hub)
        return;
    reader->cursor += size;
    reader->peeked -= size;
}

uint64_t hub_reader_take_lost(struct hub_reader *reader)
{
    uint64_t lost;

    if (reader->hub && reader->peeked == 0)
        catch_up(reader);
    lost = reader->lost;
    reader->lost = 0;
    return lost;
}

uint64_t hub_reader_position(const struct hub_reader *reader)
{
    uint64_t start = reader->hub ? ring_start(reader->hub->scrollback) : 0;

    return reader->cursor < start ? start : reader->cursor;
}

uint64_t hub_reader_pending(const struct hub_reader *reader)
{
    return reader->hub ? ring_end(reader->hub->scrollback) - hub_reader_position(reader) : 0;
}

unsigned hub_count_readers(const struct hub *hub)
{
    const struct hub_reader *reader;
    unsigned count = 0;

    for (reader = TAILQ_FIRST(&hub->readers); reader; reader = TAILQ_NEXT(reader, link))
        count += !reader->dead;
    return count;
}
