#include "vbmc/verbs/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/control/console_frame.h"
#include "vbmc/host/host.h"
#include "vbmc/verbs/scope.h"

/* The domain of the BMC that the request names; NULL after an error was answered. */
static struct virt_domain *named_domain(const struct verbs *verbs, struct json_object *arguments,
                                        struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct virt_domain *domain = instance ? instance_domain(instance) : NULL;

    if (instance && !domain)
        control_reply_error(request, CONTROL_FAILED,
                            "its hypervisor cannot be reached, or the domain is not there");
    return domain;
}

static void reply_failure(struct control_request *request, int result, const char *text)
{
    control_reply_error(request, result == -EEXIST ? CONTROL_EXISTS : CONTROL_FAILED, "%s",
                        text ? text : strerror(-result));
}

/* {"text": text} */
static struct json_object *text_result(const char *text)
{
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "text", json_object_new_string(text ? text : ""));
    return result;
}

/* ---- add-serial ---- */

static void serial_added(void *context, int result, const char *text)
{
    if (result < 0)
        reply_failure(context, result, text);
    else
        control_reply_ok(context, text_result(text));
}

void verbs_add_serial(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct virt_domain *domain = named_domain(verbs, arguments, request);

    if (domain)
        hypervisor_add_serial(domain, serial_added, request);
}

/* ---- screenshot ---- */

#define SENDING_MAX 16 /* pictures held for clients that have not read them yet */
#define STALL_MS    30000

/* A picture on its way to a client, as frames: header, part of the picture, header, ..., and the
 * header of the end. */
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

/* NULL if there is no memory. Takes over the bytes of the picture. */
static struct sending *new_sending(struct host_picture *picture)
{
    size_t frames = frame_count(picture->size);
    struct sending *sending = calloc(1, sizeof *sending + (frames + 1) * CONSOLE_FRAME_HEADER);
    uv_buf_t *buffers = calloc(2 * frames + 1, sizeof *buffers);

    if (!sending || !buffers) {
        free(sending);
        free(buffers);
        return NULL;
    }
    sending->buffers = buffers;
    for (size_t i = 0; i < frames; i++) {
        size_t begin = i * CONSOLE_FRAME_MAX, left = picture->size - begin;
        size_t size = left < CONSOLE_FRAME_MAX ? left : CONSOLE_FRAME_MAX;
        console_frame_put_header(sending->headers[i], CONSOLE_OUTPUT, size);
        *buffers++ = uv_buf_init((char *)sending->headers[i], CONSOLE_FRAME_HEADER);
        *buffers++ = uv_buf_init((char *)picture->bytes + begin, (unsigned)size);
    }
    console_frame_put_header(sending->headers[frames], CONSOLE_END, 0);
    *buffers = uv_buf_init((char *)sending->headers[frames], CONSOLE_FRAME_HEADER);
    sending->bytes = picture->bytes;
    picture->bytes = NULL;
    return sending;
}

static void send_picture(struct control_request *request, struct host_picture *picture)
{
    struct json_object *result = json_object_new_object();
    unsigned buffer_count = 2 * (unsigned)frame_count(picture->size) + 1;

    json_object_object_add(result, "mime", json_object_new_string(picture->mime));
    json_object_object_add(result, "size", json_object_new_int64((int64_t)picture->size));
    struct sending *sending = sending_count < SENDING_MAX ? new_sending(picture) : NULL;
    if (!sending) {
        json_object_put(result);
        control_reply_error(request, CONTROL_FAILED, "too many screenshots are being sent");
        return;
    }
    sending->stream = control_request_take_over(request, result);
    if (!sending->stream) {
        free(sending->bytes);
        free(sending->buffers);
        free(sending);
        return;
    }
    sending_count++;
    uv_timer_init(sending->stream->loop, &sending->timer);
    uv_timer_start(&sending->timer, on_stall, STALL_MS, STALL_MS);
    int failed =
        uv_write(&sending->write, sending->stream, sending->buffers, buffer_count, on_sent);
    if (failed)
        on_sent(&sending->write, failed);
}

static void screenshot_taken(void *context, int result, struct host_picture *picture,
                             const char *text)
{
    if (result < 0)
        reply_failure(context, result, text);
    else
        send_picture(context, picture);
}

void verbs_screenshot(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct virt_domain *domain = named_domain(verbs, arguments, request);

    if (domain)
        host_screenshot(virt_domain_host(domain), screenshot_taken, request);
}

/* ---- dump ---- */

static void dump_goes_on(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    double share = (double)done_bytes / (double)total_bytes;

    control_progress(context, "%d%% of %llu MiB", (int)(share * 100),
                     (unsigned long long)(total_bytes >> 20));
}

static void dump_done(void *context, int result, const char *text)
{
    if (result < 0)
        reply_failure(context, result, text);
    else
        control_reply_ok(context, text_result(text));
}

void verbs_dump(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    const char *path = qmp_json_string(arguments, "file");
    const char *refused = path ? host_dump_path_problem(path) : "the request names no file";

    if (refused) {
        control_reply_error(request, CONTROL_USAGE, "%s", refused);
        return;
    }
    struct virt_domain *domain = named_domain(verbs, arguments, request);
    if (domain)
        host_dump(virt_domain_host(domain), path, dump_goes_on, dump_done, request);
}
