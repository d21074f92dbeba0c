/* An asynchronous byte stream on the loop thread: a serial source, libvirt's console stream, an SSH
 * channel. Who uses one opens it once and then hears of connected and disconnected in turn, as
 * often as it goes and comes: reconnecting is the stream's business.
 *
 * Rules for both sides:
 *   - everything happens on the loop thread, nothing blocks;
 *   - no callback runs from inside stream_open, stream_write or stream_close;
 *   - a callback may call any of these functions, stream_close included;
 *   - after stream_close no callback comes, and the stream releases itself. */
#ifndef VBMC_BASE_STREAM_H
#define VBMC_BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum stream_link {
    STREAM_DISCONNECTED, /* so it begins */
    STREAM_CONNECTED,
    STREAM_TAKEN_OVER, /* disconnected, because somebody else took it; comes back when it is free */
};

/* What the user of a stream is told. All three must be there. */
struct stream_events {
    /* At least one byte, borrowed for the call. */
    void (*received)(void *context, const uint8_t *bytes, size_t size);
    /* `reason` is one line for people, borrowed: why it is disconnected, or what it is connected
     * to. Disconnected may be repeated, once for each failed attempt. Connected means writable. */
    void (*state)(void *context, enum stream_link link, const char *reason);
    /* There is room again. Always comes after a stream_write that took less than all, unless the
     * connection is lost first, whatever was written since. */
    void (*writable)(void *context);
};

struct stream;

struct stream_ops {
    /* Starts connecting. Called once. What fails is reported by `state`. */
    void (*open)(struct stream *stream);
    /* Copies bytes away for sending. The number taken, which may be less than `size` and 0: then
     * `writable` follows; or -ENOTCONN, or another negative error with nothing taken, after which
     * disconnected follows. Bytes taken but not sent when the connection ends are lost. */
    ssize_t (*write)(struct stream *stream, const uint8_t *bytes, size_t size);
    /* The end, opened or not. This may be called from inside a callback of the stream's own, so
     * what it still touches on the way out must be released later. */
    void (*close)(struct stream *stream);
};

/* To be embedded in the stream's own structure, `ops` being set. */
struct stream {
    const struct stream_ops *ops;
    const struct stream_events *events; /* NULL before stream_open and after stream_close */
    void *context;
};

/* ---- for who uses a stream ---- */

/* `events` is borrowed until stream_close. */
static inline void stream_open(struct stream *stream, const struct stream_events *events,
                               void *context)
{
    stream->events = events;
    stream->context = context;
    stream->ops->open(stream);
}

static inline ssize_t stream_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    return stream->ops->write(stream, bytes, size);
}

/* The stream is gone for the caller. */
static inline void stream_close(struct stream *stream)
{
    stream->events = NULL;
    stream->ops->close(stream);
}

/* ---- for who implements one: nothing happens once it is closed ---- */

static inline void stream_report_received(struct stream *stream, const uint8_t *bytes, size_t size)
{
    if (stream->events)
        stream->events->received(stream->context, bytes, size);
}

static inline void stream_report_state(struct stream *stream, enum stream_link link,
                                       const char *reason)
{
    if (stream->events)
        stream->events->state(stream->context, link, reason);
}

static inline void stream_report_writable(struct stream *stream)
{
    if (stream->events)
        stream->events->writable(stream->context);
}

#endif
