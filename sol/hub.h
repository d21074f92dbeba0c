/* The console of one guest: what its UART says goes to any number of readers, what they type comes
 * back to it.
 *
 *     source (a struct stream) --> scrollback ring --> readers, each with its own cursor
 *     source <-- one bounded queue <-- writers, in order of arrival
 *
 * The guest and the source come and go, the hub stays, with its history. Nobody waits for a reader:
 * one that is too slow loses its oldest bytes and is told how many.
 *
 * All on the loop thread. Every callback may call any function of the hub; free the reader or
 * writer it belongs to, or others; and free the hub. None is called from inside hub_reader_new,
 * hub_writer_new, hub_write or the functions that only look. */
#ifndef SOL_HUB_H
#define SOL_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream;
struct hub;
struct hub_reader;
struct hub_writer;

#define HUB_HISTORY_SIZE ((size_t)256 * 1024)
#define HUB_QUEUE_SIZE   ((size_t)16 * 1024)
#define HUB_TEXT_SIZE    160

/* Milliseconds since the epoch. */
typedef uint64_t hub_clock_fn(void *context);

struct hub_options {
    size_t history_size;      /* bytes of scrollback; 0: HUB_HISTORY_SIZE */
    size_t queue_size;        /* bytes typed but not yet taken by the source; 0: HUB_QUEUE_SIZE */
    const char *history_file; /* where the scrollback survives the daemon; NULL: nowhere */
    hub_clock_fn *clock;      /* NULL: the system's */
    void *clock_context;
};

/* `options` may be NULL; it is copied. *hub becomes the caller's. 0; -EINVAL for an empty
 * history_file; -ENOMEM. The history is restored when the guest first says something, or is first
 * read; a file that cannot be read or written is warned about in the log and no failure. */
int hub_new(const struct hub_options *options, struct hub **hub);
/* Closes the source. Readers get `closed`; they and the writers stay to be freed by their owners,
 * at any time, and have nothing to read and -EPIPE to write from now on. NULL is allowed. */
void hub_free(struct hub *hub);

/* ---- the source ---- */

/* The UART is at the other end of `stream`, which is not yet opened, is opened here and belongs to
 * the hub. A former source is closed. */
void hub_attach(struct hub *hub, struct stream *stream);
/* The same, where the stream goes on where the former source ended: no notice says that this is
 * lost, it counts as connected as it was, and what was typed is kept until the stream is connected.
 * A former source that is connected is the caller's, to be closed; it reports nothing more. NULL:
 * there was none. */
struct stream *hub_hand_over(struct hub *hub, struct stream *stream);
/* Closes the source, if there is one. Readers of a connected one get HUB_NOTICE_SOURCE_LOST with
 * `reason`. What was typed and not yet taken is dropped, as whenever the connection is lost: a
 * guest does not get at its next start what was meant for its last. */
void hub_detach(struct hub *hub, const char *reason);
/* The guest has left the source, which may still hold what it said: that is taken, until the source
 * ends, which is then as hub_detach. Nothing can be typed meanwhile. */
void hub_let_end(struct hub *hub, const char *reason);
/* False of one that is let end. */
bool hub_has_source(const struct hub *hub);
bool hub_is_connected(const struct hub *hub);
/* What the source last said of itself, or hub_detach; "" at first. Good until the next change. */
const char *hub_source_text(const struct hub *hub);

/* ---- notices ---- */

enum hub_notice_kind {
    HUB_NOTICE_SOURCE_CONNECTED,
    HUB_NOTICE_SOURCE_LOST,
    HUB_NOTICE_TAKEN_OVER, /* lost, because somebody else opened the console */
    HUB_NOTICE_GUEST_ON,
    HUB_NOTICE_GUEST_OFF,
    HUB_NOTICE_GUEST_RESET,
    HUB_NOTICE_PEOPLE, /* somebody came or went */
    HUB_NOTICE_MESSAGE,
};

struct hub_notice {
    enum hub_notice_kind kind;
    const char *text;  /* one line, may be ""; borrowed */
    uint64_t position; /* as of hub_reader_position: bytes before it came before the notice */
    uint64_t time_ms;  /* by the hub's clock */
};

/* Tells all readers; of the text, 511 bytes at most, with '?' for what could drive a terminal. The
 * first three kinds come from the hub itself, the others from here. */
void hub_notify(struct hub *hub, enum hub_notice_kind kind, const char *text);

/* ---- readers ---- */

/* Each may be NULL. */
struct hub_reader_events {
    /* Bytes came, also while older ones are still unread. */
    void (*available)(void *context);
    /* At once, not when the reader gets to its position. */
    void (*notice)(void *context, const struct hub_notice *notice);
    /* The last call: the hub is gone. */
    void (*closed)(void *context);
};

enum hub_from {
    HUB_FROM_END,   /* only what comes from now on */
    HUB_FROM_START, /* with all the history there is */
    HUB_FROM_LINES, /* with the last `lines` lines of it */
};

/* `lines` counts for HUB_FROM_LINES only. `events` is borrowed until hub_reader_free. What there is
 * of history can be read at once; `available` is not called for it. *reader becomes the caller's.
 * 0; -EPIPE while the hub is being freed; -ENOMEM. */
int hub_reader_new(struct hub *hub, enum hub_from from, size_t lines,
                   const struct hub_reader_events *events, void *context,
                   struct hub_reader **reader);
void hub_reader_free(struct hub_reader *reader); /* NULL is allowed */

/* The next bytes that lie in one piece (more may follow); *size is 0 if there are none. The pointer
 * is good until the loop thread returns to the loop, so copy them or write them at once. */
void hub_reader_peek(struct hub_reader *reader, const uint8_t **bytes, size_t *size);
/* Done with the first `size` bytes, at most what the last hub_reader_peek returned. May come later,
 * when a write has ended: bytes peeked and consumed never count as lost. */
void hub_reader_consume(struct hub_reader *reader, size_t size);
/* How many bytes it lost since last asked, because the ring went round before it read them. They
 * are missing before what hub_reader_peek returns. */
uint64_t hub_reader_take_lost(struct hub_reader *reader);
/* Bytes it has yet to read. */
uint64_t hub_reader_pending(const struct hub_reader *reader);
/* Position in all that the guest ever said of the next byte it reads. */
uint64_t hub_reader_position(const struct hub_reader *reader);

/* ---- writers ---- */

struct hub_writer_events {
    /* After a hub_write that took less than all: there is room, and it is this writer's turn, or
     * the source was lost. May be NULL. */
    void (*writable)(void *context);
};

/* As hub_reader_new. */
int hub_writer_new(struct hub *hub, const struct hub_writer_events *events, void *context,
                   struct hub_writer **writer);
/* What it has written stays in the queue. NULL is allowed. */
void hub_writer_free(struct hub_writer *writer);

/* Queues bytes for the UART and returns how many were taken: all, if there is room and nobody has
 * waited for longer. After less than all, `writable` follows. What is taken in one call stays
 * together, and a writer of whom a part was taken has the next turn with its rest.
 * -ENOTCONN without a connected source; -EPIPE when the hub is gone; -ENOMEM. */
ssize_t hub_write(struct hub_writer *writer, const void *bytes, size_t size);

/* Keeps what is typed in the queue, until hub_release_input was called as often: for what has to
 * reach the guest before it by another way, as a break does. */
void hub_hold_input(struct hub *hub);
void hub_release_input(struct hub *hub);

/* How a break is sent to the UART; NULL: it cannot. 0, or a negative error. */
typedef int hub_break_fn(void *context);
void hub_set_break(struct hub *hub, hub_break_fn *function, void *context);
/* What the function returns; -ENOTSUP, and a line in the log, if there is none. */
int hub_send_break(struct hub *hub);

/* ---- who is there ---- */

unsigned hub_count_readers(const struct hub *hub);
unsigned hub_count_writers(const struct hub *hub);
/* When the guest last said something, by the hub's clock; 0 if not since hub_new. */
uint64_t hub_last_received_ms(const struct hub *hub);
/* Bytes of history there are. */
size_t hub_history_length(struct hub *hub);

#endif
