#include "qmp/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/framing.h"
#include "vbmc/base/json.h"
#include "qmp/transport.h"
#include "vbmc/base/log.h"

#define NEGOTIATION_ID 0U /* the client never uses it */

enum stream_state {
    STREAM_GREETING,
    STREAM_NEGOTIATING,
    STREAM_READY,
    STREAM_STOPPED,
};

struct qmp_stream {
    struct qmp_client *client;
    struct qmp_framing *framing;
    qmp_stream_write_fn *write;
    void *context;
    enum stream_state state;
    char error[QMP_ERROR_SIZE];
};

int qmp_stream_create(struct qmp_client *client, qmp_stream_write_fn *write, void *context,
                      struct qmp_stream **stream)
{
    struct qmp_stream *created = calloc(1, sizeof *created);

    *stream = NULL;
    if (!created || qmp_framing_create(&created->framing) < 0) {
        free(created);
        return -ENOMEM;
    }
    created->client = client;
    created->write = write;
    created->context = context;
    *stream = created;
    return 0;
}

void qmp_stream_free(struct qmp_stream *stream)
{
    if (!stream)
        return;
    qmp_framing_free(stream->framing);
    free(stream);
}

const char *qmp_stream_error(const struct qmp_stream *stream)
{
    return stream->error;
}

void qmp_stream_stop(struct qmp_stream *stream)
{
    stream->state = STREAM_STOPPED;
}

bool qmp_stream_is_ready(const struct qmp_stream *stream)
{
    return stream->state == STREAM_READY;
}

static int refuse(struct qmp_stream *stream, const char *reason)
{
    snprintf(stream->error, sizeof stream->error, "%s", reason);
    return -EPROTO;
}

int qmp_stream_send(struct qmp_stream *stream, unsigned id, struct json_object *command)
{
    CLEANUP_FREE char *line = NULL;
    const char *text;
    int length;

    if (qmp_json_add(command, "id", json_object_new_int64(id)) < 0)
        return -ENOMEM;
    text = json_object_to_json_string_ext(command,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text)
        return -ENOMEM;
    length = asprintf(&line, "%s\r\n", text);
    if (length < 0) {
        line = NULL;
        return -ENOMEM;
    }
    return stream->write(stream->context, line, (size_t)length);
}

static int take_greeting(struct qmp_stream *stream, struct json_object *message)
{
    CLEANUP_JSON struct json_object *command = NULL;

    if (!qmp_json_member(message, "QMP", json_type_object))
        return refuse(stream, "the server did not greet as a QMP server");
    command = json_object_new_object();
    if (!command ||
        qmp_json_add(command, "execute", json_object_new_string("qmp_capabilities")) < 0)
        return refuse(stream, "out of memory");
    stream->state = STREAM_NEGOTIATING;
    if (qmp_stream_send(stream, NEGOTIATION_ID, command) < 0)
        return refuse(stream, "the connection takes no data");
    return 0;
}

static int take_negotiation_reply(struct qmp_stream *stream, struct json_object *message)
{
    const char *text = qmp_json_string(qmp_json_member(message, "error", json_type_object), "desc");

    if (!json_object_object_get_ex(message, "return", NULL)) {
        snprintf(stream->error, sizeof stream->error, "the server refused to negotiate: %s",
                 text ? text : "no reason given");
        return -EPROTO;
    }
    stream->state = STREAM_READY;
    qmp_client_transport_ready(stream->client);
    return 0;
}

static int take_event(struct qmp_stream *stream, struct json_object *message)
{
    const char *event = qmp_json_string(message, "event");
    struct json_object *data = NULL;

    if (!event)
        return refuse(stream, "an event without a name");
    json_object_object_get_ex(message, "data", &data);
    qmp_client_event(stream->client, event, data);
    return 0;
}

static int take_reply(struct qmp_stream *stream, struct json_object *message)
{
    struct json_object *member = qmp_json_member(message, "id", json_type_int);
    int64_t id = -1;

    /* QEMU itself answers without an id when it could not parse what it got. */
    if (!member || !qmp_json_integer(member, &id) || id < 0 || id > UINT_MAX) {
        log_debug("qmp: dropped a reply without an id of ours: %.200s",
                  json_object_to_json_string(message));
        return 0;
    }
    if (stream->state == STREAM_READY && id != NEGOTIATION_ID)
        qmp_client_reply(stream->client, (unsigned)id, message);
    else if (stream->state == STREAM_NEGOTIATING && id == NEGOTIATION_ID)
        return take_negotiation_reply(stream, message);
    else
        log_debug("qmp: dropped a reply with the stray id %lld", (long long)id);
    return 0;
}

static int take_message(struct qmp_stream *stream, struct json_object *message)
{
    if (stream->state == STREAM_GREETING)
        return take_greeting(stream, message);
    if (json_object_object_get_ex(message, "event", NULL))
        return take_event(stream, message);
    if (json_object_object_get_ex(message, "QMP", NULL))
        return refuse(stream, "the server greeted twice");
    return take_reply(stream, message);
}

static int explain_framing_error(struct qmp_stream *stream, int error)
{
    switch (error) {
    case -EMSGSIZE:
        return refuse(stream, "the server sent an overlong line");
    case -EPROTO:
        return refuse(stream, "the server sent something that is not a JSON object");
    default:
        return refuse(stream, "out of memory");
    }
}

int qmp_stream_receive(struct qmp_stream *stream, const char *bytes, size_t size)
{
    while (stream->state != STREAM_STOPPED && size > 0) {
        CLEANUP_JSON struct json_object *message = NULL;
        int result = qmp_framing_next(stream->framing, &bytes, &size, &message);

        if (result < 0)
            return explain_framing_error(stream, result);
        if (!message)
            break;
        result = take_message(stream, message);
        if (result < 0)
            return result;
    }
    return 0;
}
