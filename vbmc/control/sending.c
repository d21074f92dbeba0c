#include "vbmc/control/sending.h"

#include <stdlib.h>
#include <uv.h>

#include "vbmc/base/array.h"
#include "vbmc/control/console_frame.h"
#include "vbmc/control/control.h"

#define SENDING_MAX 16 /* held for clients that have not read them yet */
#define STALL_MS    30000

/* Bytes on their way to a client, as frames: header, some of the bytes, header, ..., and the header
 * of the end. */
struct sending {
    uv_write_t write;
    uv_timer_t timer; /* looks whether the client reads */
    uv_stream_t *stream;
    size_t left; /* when last looked */
    uint8_t *bytes;
    uv_buf_t *buffers;
    uint8_t headers[][CONSOLE_FRAME_HEADER];
};

static unsigned sending_count;

static void on_timer_closed(uv_handle_t *handle)
{
    struct sending *sending = CONTAINER_OF((uv_timer_t *)handle, struct sending, timer);

    free(sending->bytes);
    free(sending->buffers);
    free(sending);
}

static void close_stream(uv_stream_t *stream)
{
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, control_stream_closed);
}

static void on_sent(uv_write_t *write, int status)
{
    struct sending *sending = CONTAINER_OF(write, struct sending, write);

    (void)status; /* a client that left is none the worse for it */
    close_stream(sending->stream);
    uv_close((uv_handle_t *)&sending->timer, on_timer_closed);
    sending_count--;
}

static void on_stall(uv_timer_t *timer)
{
    struct sending *sending = CONTAINER_OF(timer, struct sending, timer);
    size_t left = uv_stream_get_write_queue_size(sending->stream);

    if (left == sending->left)
        close_stream(sending->stream); /* ends the write */
    sending->left = left;
}

static size_t frame_count(size_t size)
{
    return (size + CONSOLE_FRAME_MAX - 1) / CONSOLE_FRAME_MAX;
}

/* NULL if there is no memory. Takes over the bytes. */
static struct sending *new_sending(uint8_t *bytes, size_t length)
{
    size_t frames = frame_count(length);
    struct sending *sending = calloc(1, sizeof *sending + (frames + 1) * CONSOLE_FRAME_HEADER);
    uv_buf_t *buffers = calloc(2 * frames + 1, sizeof *buffers);

    if (!sending || !buffers) {
        free(sending);
        free(buffers);
        return NULL;
    }
    sending->buffers = buffers;
    for (size_t i = 0; i < frames; i++) {
        size_t begin = i * CONSOLE_FRAME_MAX, left = length - begin;
        size_t size = left < CONSOLE_FRAME_MAX ? left : CONSOLE_FRAME_MAX;
        console_frame_put_header(sending->headers[i], CONSOLE_OUTPUT, size);
        *buffers++ = uv_buf_init((char *)sending->headers[i], CONSOLE_FRAME_HEADER);
        *buffers++ = uv_buf_init((char *)bytes + begin, (unsigned)size);
    }
    console_frame_put_header(sending->headers[frames], CONSOLE_END, 0);
    *buffers = uv_buf_init((char *)sending->headers[frames], CONSOLE_FRAME_HEADER);
    sending->bytes = bytes;
    return sending;
}

bool control_send(struct control_request *request, struct json_object *result, uint8_t *bytes,
                  size_t size)
{
    unsigned buffer_count = 2 * (unsigned)frame_count(size) + 1;
    struct sending *sending = sending_count < SENDING_MAX ? new_sending(bytes, size) : NULL;

    if (!sending)
        return false;
    sending->stream = control_request_take_over(request, result);
    if (!sending->stream) {
        free(sending->bytes);
        free(sending->buffers);
        free(sending);
        return true;
    }
    sending_count++;
    uv_timer_init(sending->stream->loop, &sending->timer);
    uv_timer_start(&sending->timer, on_stall, STALL_MS, STALL_MS);
    int failed =
        uv_write(&sending->write, sending->stream, sending->buffers, buffer_count, on_sent);
    if (failed)
        on_sent(&sending->write, failed);
    return true;
}
