#include "sol/hub.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "sol/history.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"
#include "vbmc/base/stream.h"

TAILQ_HEAD(hub_readers, hub_reader);
TAILQ_HEAD(hub_writers, hub_writer);

struct hub_reader {
    TAILQ_ENTRY(hub_reader) link;
    struct hub *hub; /* NULL once that is gone */
    const struct hub_reader_events *events;
    void *context;
    uint64_t serial; /* those made during a round of callbacks are left out of it */
    uint64_t cursor;
    size_t peeked; /* bytes from the cursor on that the reader has in hand */
    uint64_t lost;
    bool dead; /* freed during a round of callbacks, to be released after it */
};

struct hub_writer {
    TAILQ_ENTRY(hub_writer) link;
    TAILQ_ENTRY(hub_writer) waiting_link;
    struct hub *hub; /* NULL once that is gone */
    const struct hub_writer_events *events;
    void *context;
    bool waiting;
};

struct hub {
    struct ring *scrollback; /* the history's, if there is one: it alone may change it then */
    struct history *history; /* NULL without a file */
    struct ring *queue;
    uint64_t sent; /* position in the queue: the source took what is before it */
    unsigned holds;

    struct stream *source;
    enum stream_link link;
    char source_text[HUB_TEXT_SIZE];

    struct hub_readers readers;
    uint64_t next_serial;
    struct hub_writers writers;
    struct hub_writers waiting; /* in the order of their turns */
    struct hub_writer *turn;    /* whose writable callback is running */

    /* Callbacks may free what is being walked over: while `rounds` is not 0, nothing that the lists
     * hold is released, nor the hub itself. */
    unsigned rounds;
    bool closing;

    hub_break_fn *send_break;
    void *break_context;
    hub_clock_fn *clock;
    void *clock_context;
    uint64_t last_received_ms;
};

static uint64_t system_clock(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- rounds of callbacks ---- */

static void release_hub(struct hub *hub)
{
    if (hub->history)
        history_free(hub->history);
    else
        ring_free(hub->scrollback);
    ring_free(hub->queue);
    free(hub);
}

static void begin_round(struct hub *hub)
{
    hub->rounds++;
}

/* The hub may be gone after this. */
static void end_round(struct hub *hub)
{
    struct hub_reader *reader, *next;

    if (--hub->rounds > 0)
        return;
    for (reader = TAILQ_FIRST(&hub->readers); reader; reader = next) {
        next = TAILQ_NEXT(reader, link);
        if (reader->dead) {
            TAILQ_REMOVE(&hub->readers, reader, link);
            free(reader);
        }
    }
    if (hub->closing)
        release_hub(hub);
}

/* Calls `available`, or `notice` if there is one. */
static void tell_readers(struct hub *hub, const struct hub_notice *notice)
{
    uint64_t limit = hub->next_serial;
    struct hub_reader *reader;

    if (hub->closing)
        return;
    begin_round(hub);
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
    end_round(hub);
}

void hub_notify(struct hub *hub, enum hub_notice_kind kind, const char *text)
{
    const struct hub_notice notice = {
        .kind = kind,
        .text = text,
        .position = ring_end(hub->scrollback),
        .time_ms = hub->clock(hub->clock_context),
    };

    tell_readers(hub, &notice);
}

/* ---- writers ---- */

static size_t queue_used(const struct hub *hub)
{
    return ring_end(hub->queue) - hub->sent;
}

static size_t queue_room(const struct hub *hub)
{
    return ring_capacity(hub->queue) - queue_used(hub);
}

static void stop_waiting(struct hub_writer *writer)
{
    if (writer->waiting)
        TAILQ_REMOVE(&writer->hub->waiting, writer, waiting_link);
    writer->waiting = false;
}

/* Tells those who wait that there is room, one after the other, while there is; or that the source
 * is lost. A writer that waits again takes its place in the list again. */
static void tell_writers(struct hub *hub)
{
    struct hub_writer *writer;

    if (hub->turn) /* its callback came here; the round that called it goes on */
        return;
    begin_round(hub);
    while (!hub->closing && (writer = TAILQ_FIRST(&hub->waiting)) &&
           (hub->link != STREAM_CONNECTED || queue_used(hub) <= ring_capacity(hub->queue) / 2)) {
        stop_waiting(writer);
        hub->turn = writer;
        if (writer->events->writable)
            writer->events->writable(writer->context);
        hub->turn = NULL;
    }
    end_round(hub);
}

/* Passes on to the source what it takes, unless it is held back. No callbacks. 0; or negative if it
 * takes nothing any more, and disconnected follows. Bytes left mean that the source will call when
 * it takes more. */
static int flush_queue(struct hub *hub)
{
    const uint8_t *bytes;
    size_t size;

    while (hub->holds == 0 && (size = ring_peek(hub->queue, hub->sent, &bytes)) > 0) {
        ssize_t taken = stream_write(hub->source, bytes, size);
        if (taken < 0) {
            hub->sent = ring_end(hub->queue);
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
    if (hub->link != STREAM_CONNECTED)
        return -ENOTCONN;
    if (size == 0)
        return 0;
    if (!may_write(writer)) {
        if (!writer->waiting)
            TAILQ_INSERT_TAIL(&hub->waiting, writer, waiting_link);
        writer->waiting = true;
        return 0;
    }
    stop_waiting(writer);
    while (taken < size && queue_room(hub) > 0) {
        size_t piece = size - taken < queue_room(hub) ? size - taken : queue_room(hub);
        ring_append(hub->queue, (const uint8_t *)bytes + taken, piece);
        taken += piece;
        if (flush_queue(hub) < 0)
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
    }
    free(writer);
}

void hub_set_break(struct hub *hub, hub_break_fn *function, void *context)
{
    hub->send_break = function;
    hub->break_context = context;
}

int hub_send_break(struct hub *hub)
{
    if (!hub->send_break) {
        log_info("console: a break was ignored, since there is no way to send it to this guest");
        return -ENOTSUP;
    }
    return hub->send_break(hub->break_context);
}

/* ---- the source ---- */

static void on_received(void *context, const uint8_t *bytes, size_t size)
{
    struct hub *hub = context;

    if (hub->history)
        history_append(hub->history, bytes, size);
    else
        ring_append(hub->scrollback, bytes, size);
    hub->last_received_ms = hub->clock(hub->clock_context);
    tell_readers(hub, NULL);
}

/* The same failure over and over is told once. */
static void on_state(void *context, enum stream_link link, const char *reason)
{
    static const enum hub_notice_kind kinds[] = {
        [STREAM_DISCONNECTED] = HUB_NOTICE_SOURCE_LOST,
        [STREAM_CONNECTED] = HUB_NOTICE_SOURCE_CONNECTED,
        [STREAM_TAKEN_OVER] = HUB_NOTICE_TAKEN_OVER,
    };
    struct hub *hub = context;
    char text[HUB_TEXT_SIZE];

    snprintf(text, sizeof text, "%s", reason);
    if (hub->link == link && strcmp(hub->source_text, text) == 0)
        return;
    bool goes_on = hub->link == STREAM_CONNECTED && link == STREAM_CONNECTED; /* hub_hand_over */
    hub->link = link;
    memcpy(hub->source_text, text, sizeof text);
    if (!goes_on)
        hub->sent = ring_end(hub->queue);
    begin_round(hub);
    tell_writers(hub);
    if (!hub->closing)
        hub_notify(hub, kinds[link], text);
    end_round(hub);
}

static void on_writable(void *context)
{
    struct hub *hub = context;

    flush_queue(hub);
    tell_writers(hub);
}

static const struct stream_events source_events = {
    .received = on_received,
    .state = on_state,
    .writable = on_writable,
};

void hub_hold_input(struct hub *hub)
{
    hub->holds++;
}

void hub_release_input(struct hub *hub)
{
    assert(hub->holds > 0);
    if (--hub->holds == 0 && hub->link == STREAM_CONNECTED)
        on_writable(hub);
}

static void drop_source(struct hub *hub)
{
    struct stream *source = hub->source;

    hub->source = NULL;
    hub->link = STREAM_DISCONNECTED;
    hub->sent = ring_end(hub->queue);
    if (source)
        stream_close(source);
}

void hub_detach(struct hub *hub, const char *reason)
{
    bool was_connected = hub->link == STREAM_CONNECTED;

    if (!hub->source)
        return;
    drop_source(hub);
    snprintf(hub->source_text, sizeof hub->source_text, "%s", reason);
    begin_round(hub);
    tell_writers(hub);
    if (was_connected && !hub->closing)
        hub_notify(hub, HUB_NOTICE_SOURCE_LOST, reason);
    end_round(hub);
}

void hub_attach(struct hub *hub, struct stream *stream)
{
    begin_round(hub);
    hub_detach(hub, "another source takes its place");
    if (hub->closing || hub->source) { /* a callback freed the hub, or was here before us */
        stream_close(stream);
    } else {
        hub->source = stream;
        stream_open(stream, &source_events, hub);
    }
    end_round(hub);
}

struct stream *hub_hand_over(struct hub *hub, struct stream *stream)
{
    struct stream *former = hub->source;

    if (former)
        former->events = NULL;
    hub->source = stream;
    stream_open(stream, &source_events, hub);
    return former;
}

bool hub_has_source(const struct hub *hub)
{
    return hub->source != NULL;
}

bool hub_is_connected(const struct hub *hub)
{
    return hub->link == STREAM_CONNECTED;
}

const char *hub_source_text(const struct hub *hub)
{
    return hub->source_text;
}

/* ---- readers ---- */

int hub_reader_new(struct hub *hub, enum hub_from from, size_t lines,
                   const struct hub_reader_events *events, void *context,
                   struct hub_reader **reader)
{
    struct hub_reader *created;

    *reader = NULL;
    if (hub->closing)
        return -EPIPE;
    created = calloc(1, sizeof *created);
    if (!created)
        return -ENOMEM;
    created->hub = hub;
    created->events = events;
    created->context = context;
    created->serial = hub->next_serial++;
    switch (from) {
    case HUB_FROM_END:
        created->cursor = ring_end(hub->scrollback);
        break;
    case HUB_FROM_START:
        created->cursor = ring_start(hub->scrollback);
        break;
    case HUB_FROM_LINES:
        created->cursor = ring_find_lines(hub->scrollback, lines);
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

/* ---- the hub ---- */

int hub_new(const struct hub_options *options, struct hub **hub)
{
    static const struct hub_options defaults;
    struct hub *created = calloc(1, sizeof *created);
    int result = 0;

    *hub = NULL;
    if (!created)
        return -ENOMEM;
    if (!options)
        options = &defaults;
    TAILQ_INIT(&created->readers);
    TAILQ_INIT(&created->writers);
    TAILQ_INIT(&created->waiting);
    created->clock = options->clock ? options->clock : system_clock;
    created->clock_context = options->clock_context;
    created->scrollback =
        ring_new(options->history_size ? options->history_size : HUB_HISTORY_SIZE);
    created->queue = ring_new(options->queue_size ? options->queue_size : HUB_QUEUE_SIZE);
    if (!created->scrollback || !created->queue)
        result = -ENOMEM;
    else if (options->history_file)
        result = history_open(options->history_file, created->scrollback, &created->history);
    if (result < 0)
        release_hub(created);
    else
        *hub = created;
    return result;
}

void hub_free(struct hub *hub)
{
    struct hub_reader *reader;
    struct hub_writer *writer;

    if (!hub || hub->closing)
        return;
    begin_round(hub);
    hub->closing = true;
    drop_source(hub);
    while ((writer = TAILQ_FIRST(&hub->writers))) {
        stop_waiting(writer);
        TAILQ_REMOVE(&hub->writers, writer, link);
        writer->hub = NULL;
    }
    while ((reader = TAILQ_FIRST(&hub->readers))) {
        TAILQ_REMOVE(&hub->readers, reader, link);
        reader->hub = NULL;
        if (reader->dead)
            free(reader);
        else if (reader->events->closed)
            reader->events->closed(reader->context); /* which may free it */
    }
    end_round(hub);
}

unsigned hub_count_readers(const struct hub *hub)
{
    const struct hub_reader *reader;
    unsigned count = 0;

    for (reader = TAILQ_FIRST(&hub->readers); reader; reader = TAILQ_NEXT(reader, link))
        count += !reader->dead;
    return count;
}

unsigned hub_count_writers(const struct hub *hub)
{
    const struct hub_writer *writer;
    unsigned count = 0;

    for (writer = TAILQ_FIRST(&hub->writers); writer; writer = TAILQ_NEXT(writer, link))
        count++;
    return count;
}

uint64_t hub_last_received_ms(const struct hub *hub)
{
    return hub->last_received_ms;
}

size_t hub_history_length(const struct hub *hub)
{
    return ring_end(hub->scrollback) - ring_start(hub->scrollback);
}
