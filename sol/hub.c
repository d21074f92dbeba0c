#include "sol/hub.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sol/history.h"
#include "sol/hub_internal.h"
#include "vbmc/base/kept_text.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"
#include "vbmc/base/stream.h"
#include "vbmc/base/utf8.h"

#define NOTICE_SIZE 512

static uint64_t system_clock(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void hub_notify(struct hub *hub, enum hub_notice_kind kind, const char *text)
{
    char harmless[NOTICE_SIZE];
    struct hub_notice notice = {.kind = kind, .text = harmless};

    if (TAILQ_EMPTY(&hub->readers)) /* each has made the scrollback */
        return;
    notice.position = ring_end(hub->scrollback);
    notice.time_ms = hub->clock(hub->clock_context);
    snprintf(harmless, sizeof harmless, "%s", text);
    utf8_make_harmless(harmless);
    hub_tell_readers(hub, &notice);
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
    struct ring *scrollback = hub_scrollback(hub);

    if (hub->history)
        history_append(hub->history, bytes, size);
    else if (scrollback)
        ring_append(scrollback, bytes, size);
    else
        log_error("console: no memory for what the guest says: lost");
    hub->last_received_ms = hub->clock(hub->clock_context);
    hub_tell_readers(hub, NULL);
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

    if (hub->ending && link != STREAM_CONNECTED) {
        hub_detach(hub, kept_text(hub->end_reason));
        return;
    }
    snprintf(text, sizeof text, "%s", reason);
    if (hub->link == link && strcmp(kept_text(hub->source_text), text) == 0)
        return;
    bool goes_on = hub->link == STREAM_CONNECTED && link == STREAM_CONNECTED; /* hub_hand_over */
    hub->link = link;
    kept_text_set(&hub->source_text, text);
    if (!goes_on)
        hub_empty_queue(hub);
    hub_begin_round(hub);
    hub_tell_writers(hub);
    if (!hub->closing)
        hub_notify(hub, kinds[link], text);
    hub_end_round(hub);
}

static void on_writable(void *context)
{
    struct hub *hub = context;

    hub_flush_queue(hub);
    hub_tell_writers(hub);
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
    hub->ending = false;
    hub->link = STREAM_DISCONNECTED;
    hub_empty_queue(hub);
    if (source)
        stream_close(source);
}

void hub_detach(struct hub *hub, const char *reason)
{
    bool was_connected = hub->link == STREAM_CONNECTED;
    char text[HUB_TEXT_SIZE]; /* the reason may be end_reason */

    if (!hub->source)
        return;
    snprintf(text, sizeof text, "%s", reason);
    drop_source(hub);
    kept_text_set(&hub->source_text, text);
    hub_begin_round(hub);
    hub_tell_writers(hub);
    if (was_connected && !hub->closing)
        hub_notify(hub, HUB_NOTICE_SOURCE_LOST, text);
    hub_end_round(hub);
}

void hub_let_end(struct hub *hub, const char *reason)
{
    if (hub->link != STREAM_CONNECTED) {
        hub_detach(hub, reason);
        return;
    }
    hub->ending = true;
    kept_text_set(&hub->end_reason, reason);
    hub_empty_queue(hub);
    hub_tell_writers(hub);
}

void hub_attach(struct hub *hub, struct stream *stream)
{
    hub_begin_round(hub);
    hub_detach(hub, hub->ending ? kept_text(hub->end_reason) : "another source takes its place");
    if (hub->closing || hub->source) { /* a callback freed the hub, or was here before us */
        stream_close(stream);
    } else {
        hub->source = stream;
        stream_open(stream, &source_events, hub);
    }
    hub_end_round(hub);
}

struct stream *hub_hand_over(struct hub *hub, struct stream *stream)
{
    struct stream *former = hub->source;

    if (former && hub->link != STREAM_CONNECTED) {
        stream_close(former);
        former = NULL;
    }
    if (former)
        former->events = NULL;
    hub->ending = false;
    hub->source = stream;
    stream_open(stream, &source_events, hub);
    return former;
}

bool hub_has_source(const struct hub *hub)
{
    return hub->source && !hub->ending;
}

bool hub_is_connected(const struct hub *hub)
{
    return hub_takes_input(hub);
}

const char *hub_source_text(const struct hub *hub)
{
    return kept_text(hub->source_text);
}

/* ---- the hub ---- */

int hub_new(const struct hub_options *options, struct hub **hub)
{
    static const struct hub_options defaults;

    *hub = NULL;
    if (!options)
        options = &defaults;
    if (options->history_file && options->history_file[0] == '\0')
        return -EINVAL;
    struct hub *created = calloc(1, sizeof *created);
    if (!created)
        return -ENOMEM;
    TAILQ_INIT(&created->readers);
    TAILQ_INIT(&created->writers);
    TAILQ_INIT(&created->waiting);
    created->clock = options->clock ? options->clock : system_clock;
    created->clock_context = options->clock_context;
    created->history_size = options->history_size ? options->history_size : HUB_HISTORY_SIZE;
    created->queue_size = options->queue_size ? options->queue_size : HUB_QUEUE_SIZE;
    if (options->history_file && !(created->history_file = strdup(options->history_file))) {
        hub_release(created);
        return -ENOMEM;
    }
    *hub = created;
    return 0;
}

void hub_free(struct hub *hub)
{
    if (!hub || hub->closing)
        return;
    hub_begin_round(hub);
    hub->closing = true;
    drop_source(hub);
    hub_close_writers(hub);
    hub_close_readers(hub);
    hub_end_round(hub);
}

uint64_t hub_last_received_ms(const struct hub *hub)
{
    return hub->last_received_ms;
}

size_t hub_history_length(struct hub *hub)
{
    const struct ring *scrollback = hub_scrollback(hub);

    return scrollback ? ring_end(scrollback) - ring_start(scrollback) : 0;
}
