/* What the files of the hub share: rounds of callbacks, readers, writers. Only hub*.c include this.
 */
#ifndef SOL_HUB_INTERNAL_H
#define SOL_HUB_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sol/hub.h"
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
    /* Of what a hub holds in memory there is nothing before the guest says something, or somebody
     * reads or types: thousands of guests have a console that nobody uses. */
    struct ring *scrollback; /* the history's, if there is one: it alone may change it then */
    struct history *history; /* NULL without a file */
    size_t history_size, queue_size;
    char *history_file;
    struct ring *queue; /* while there are writers */
    uint64_t sent;      /* position in the queue: the source took what is before it */
    unsigned holds;

    struct stream *source;
    bool ending;      /* the source is: `end_reason` */
    char *end_reason; /* kept_text.h */
    enum stream_link link;
    char *source_text; /* the same */

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

static inline bool hub_takes_input(const struct hub *hub)
{
    return hub->link == STREAM_CONNECTED && !hub->ending;
}

/* ---- hub_scrollback.c ---- */

/* The scrollback, made and restored from its file if this is its first use. NULL: no memory. */
struct ring *hub_scrollback(struct hub *hub);

/* ---- hub_rounds.c ---- */

void hub_begin_round(struct hub *hub);
/* The hub may be gone after this. */
void hub_end_round(struct hub *hub);
/* Frees the hub, whose readers and writers are gone. */
void hub_release(struct hub *hub);

/* ---- hub_readers.c ---- */

/* Calls `available` of all readers, or `notice` if there is one. */
void hub_tell_readers(struct hub *hub, const struct hub_notice *notice);
/* Takes the hub from all of them, and tells those that live. In a round. */
void hub_close_readers(struct hub *hub);

/* ---- hub_writers.c ---- */

/* What was typed and not taken yet is dropped. */
void hub_empty_queue(struct hub *hub);

/* Tells those who wait that there is room, one after the other, while there is; or that the source
 * is lost. A writer that waits again takes its place in the list again. */
void hub_tell_writers(struct hub *hub);
/* Passes on to the source what it takes, unless it is held back. No callbacks. 0; or negative if it
 * takes nothing any more, and disconnected follows. Bytes left mean that the source will call when
 * it takes more. */
int hub_flush_queue(struct hub *hub);
/* Takes the hub from all of them. */
void hub_close_writers(struct hub *hub);

#endif
