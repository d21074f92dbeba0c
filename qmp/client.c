#include "qmp/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "qmp/transport.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

/* Callbacks may close the client at any point, hence two rules in this file: memory is released by
 * the timer's close callback only, which the loop runs when our stack is gone; and after a callback
 * nothing is assumed: loops start again from the oldest command and look at the state. */

enum client_state {
    CLIENT_CONNECTING, /* the first connection is being made: commands are queued */
    CLIENT_READY,
    CLIENT_DOWN, /* commands are refused */
    CLIENT_CLOSED,
};

struct pending {
    unsigned id;
    uint64_t deadline;           /* loop time, ms */
    struct json_object *command; /* NULL once it was sent */
    qmp_reply_fn *reply;
    void *context;
};

struct qmp_client {
    uv_loop_t *loop;
    uv_timer_t timer; /* runs for the oldest command, or one that has ended meanwhile */
    struct qmp_transport *transport;
    enum client_state state;
    char name[QMP_NAME_SIZE];
    struct qmp_client_options options;
    unsigned last_id;
    size_t pending_count;
    struct pending *pending[QMP_IN_FLIGHT_MAX]; /* oldest first, which is first to time out */
};

static void on_timer(uv_timer_t *timer);

const char *qmp_failure_text(enum qmp_failure failure)
{
    static const char *const texts[] = {
        [QMP_FAILURE_ERROR_REPLY] = "error reply",   [QMP_FAILURE_TIMEOUT] = "timeout",
        [QMP_FAILURE_DISCONNECTED] = "disconnected", [QMP_FAILURE_PROTOCOL] = "protocol error",
        [QMP_FAILURE_CANCELLED] = "cancelled",
    };

    return (size_t)failure < ARRAY_SIZE(texts) ? texts[failure] : "unknown";
}

static struct pending *find_oldest(const struct qmp_client *client)
{
    return client->pending_count > 0 ? client->pending[0] : NULL;
}

static void arm_timer(struct qmp_client *client)
{
    struct pending *oldest = find_oldest(client);
    uint64_t now = uv_now(client->loop);

    if (client->state == CLIENT_CLOSED || !oldest || uv_is_active((uv_handle_t *)&client->timer))
        return;
    uv_timer_start(&client->timer, on_timer, oldest->deadline > now ? oldest->deadline - now : 0,
                   0);
}

static void release_pending(struct qmp_client *client, struct pending *pending)
{
    size_t at = 0;

    while (client->pending[at] != pending)
        at++;
    client->pending_count--;
    for (; at < client->pending_count; at++)
        client->pending[at] = client->pending[at + 1];
    json_object_put(pending->command);
    free(pending);
    if (client->pending_count == 0)
        uv_timer_stop(&client->timer);
}

/* Ends a command. The only place that calls a reply callback. */
static void finish(struct qmp_client *client, struct pending *pending, struct json_object *result,
                   const struct qmp_error *error)
{
    qmp_reply_fn *reply = pending->reply;
    void *context = pending->context;

    release_pending(client, pending);
    reply(context, result, error);
}

static void fail(struct qmp_client *client, struct pending *pending, enum qmp_failure failure,
                 const char *reason)
{
    struct qmp_error error = {.failure = failure, .may_have_run = !pending->command};

    snprintf(error.text, sizeof error.text, "%s", reason);
    finish(client, pending, NULL, &error);
}

/* Only while execute refuses new commands, or a callback could keep this going forever. */
static void fail_all(struct qmp_client *client, enum qmp_failure failure, const char *reason)
{
    struct pending *pending;

    while ((pending = find_oldest(client)))
        fail(client, pending, failure, reason);
}

static void on_timer(uv_timer_t *timer)
{
    struct qmp_client *client = timer->data;
    struct pending *oldest;

    while ((oldest = find_oldest(client)) && oldest->deadline <= uv_now(client->loop)) {
        log_debug("qmp %s: no reply to command %u in time", client->name, oldest->id);
        fail(client, oldest, QMP_FAILURE_TIMEOUT, "no reply in time");
    }
    arm_timer(client);
}

int qmp_client_open(uv_loop_t *loop, struct qmp_transport *transport,
                    const struct qmp_client_options *options, struct qmp_client **client)
{
    struct qmp_client *opened = calloc(1, sizeof *opened);

    *client = opened;
    if (!opened) {
        transport->ops->close(transport);
        return -ENOMEM;
    }
    opened->loop = loop;
    opened->transport = transport;
    opened->options = *options;
    opened->options.name = opened->name;
    if (opened->options.timeout_ms == 0)
        opened->options.timeout_ms = QMP_TIMEOUT_MS;
    snprintf(opened->name, sizeof opened->name, "%s", options->name ? options->name : "?");
    uv_timer_init(loop, &opened->timer);
    opened->timer.data = opened;
    transport->ops->start(transport, opened);
    return 0;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void qmp_client_close(struct qmp_client *client)
{
    if (!client || client->state == CLIENT_CLOSED)
        return;
    client->state = CLIENT_CLOSED;
    client->transport->ops->close(client->transport);
    fail_all(client, QMP_FAILURE_CANCELLED, "the connection was closed on our side");
    uv_close((uv_handle_t *)&client->timer, on_closed);
}

bool qmp_client_is_ready(const struct qmp_client *client)
{
    return client->state == CLIENT_READY;
}

static int check_can_execute(const struct qmp_client *client)
{
    if (client->state == CLIENT_CLOSED)
        return -ECANCELED;
    if (client->state == CLIENT_DOWN)
        return -ENOTCONN;
    return client->pending_count < QMP_IN_FLIGHT_MAX ? 0 : -EBUSY;
}

/* *message becomes {"execute": command, "arguments": arguments}. Takes `arguments` in any case. */
static int build_command(const char *command, struct json_object *arguments,
                         struct json_object **message)
{
    CLEANUP_JSON struct json_object *owned = arguments;
    CLEANUP_JSON struct json_object *built = json_object_new_object();

    if (!built || qmp_json_add(built, "execute", json_object_new_string(command)) < 0 ||
        (owned && qmp_json_add(built, "arguments", json_object_get(owned)) < 0))
        return -ENOMEM;
    *message = json_object_get(built);
    return 0;
}

static int send_command(struct qmp_client *client, struct pending *pending)
{
    int result = client->transport->ops->send(client->transport, pending->id, pending->command);

    if (result < 0)
        return result;
    json_object_put(pending->command);
    pending->command = NULL;
    return 0;
}

int qmp_client_execute(struct qmp_client *client, const char *command,
                       struct json_object *arguments, qmp_reply_fn *reply, void *context)
{
    CLEANUP_JSON struct json_object *message = NULL;
    struct pending *pending;
    int result = build_command(command, arguments, &message);

    if (result == 0)
        result = check_can_execute(client);
    if (result < 0)
        return result;
    pending = calloc(1, sizeof *pending);
    if (!pending)
        return -ENOMEM;

    if (++client->last_id == 0) /* 0 is the transports' own */
        client->last_id = 1;
    uv_update_time(client->loop); /* a caller may have spent long since the loop looked */
    *pending = (struct pending){
        .id = client->last_id,
        .deadline = uv_now(client->loop) + client->options.timeout_ms,
        .command = json_object_get(message),
        .reply = reply,
        .context = context,
    };
    client->pending[client->pending_count++] = pending;
    if (client->state == CLIENT_READY)
        result = send_command(client, pending);
    if (result < 0)
        release_pending(client, pending);
    arm_timer(client);
    return result;
}

static struct pending *find_queued(const struct qmp_client *client)
{
    for (size_t i = 0; i < client->pending_count; i++) {
        if (client->pending[i]->command)
            return client->pending[i];
    }
    return NULL;
}

static struct pending *find_sent(const struct qmp_client *client, unsigned id)
{
    for (size_t i = 0; i < client->pending_count; i++) {
        if (client->pending[i]->id == id && !client->pending[i]->command)
            return client->pending[i];
    }
    log_debug("qmp %s: dropped a reply to command %u, which is not in flight", client->name, id);
    return NULL;
}

void qmp_client_transport_ready(struct qmp_client *client)
{
    struct pending *queued;

    if (client->state == CLIENT_CLOSED || client->state == CLIENT_READY)
        return;
    client->state = CLIENT_READY;
    log_info("qmp %s: connected", client->name);
    while (client->state == CLIENT_READY && (queued = find_queued(client))) {
        if (send_command(client, queued) < 0)
            fail(client, queued, QMP_FAILURE_DISCONNECTED, "the command could not be sent");
    }
    if (client->state == CLIENT_READY && client->options.state)
        client->options.state(client->options.context, true, NULL);
}

void qmp_client_transport_down(struct qmp_client *client, enum qmp_failure failure,
                               const char *reason)
{
    enum client_state before = client->state;

    if (before == CLIENT_CLOSED)
        return;
    if (before == CLIENT_DOWN) {
        log_debug("qmp %s: still down: %s", client->name, reason);
        return;
    }
    client->state = CLIENT_DOWN;
    log_warning("qmp %s: %s", client->name, reason);
    fail_all(client, failure, reason);
    if (client->state == CLIENT_DOWN && client->options.state)
        client->options.state(client->options.context, false, reason);
}

static void finish_with_error_reply(struct qmp_client *client, struct pending *pending,
                                    struct json_object *reply)
{
    struct qmp_error error = {.failure = QMP_FAILURE_ERROR_REPLY};
    const char *class_name = qmp_json_string(reply, "class");
    const char *text = qmp_json_string(reply, "desc");

    if (!class_name || !text) {
        fail(client, pending, QMP_FAILURE_PROTOCOL, "malformed error reply");
        return;
    }
    snprintf(error.class_name, sizeof error.class_name, "%s", class_name);
    snprintf(error.text, sizeof error.text, "%s", text);
    finish(client, pending, NULL, &error);
}

void qmp_client_reply(struct qmp_client *client, unsigned id, struct json_object *message)
{
    struct pending *pending = find_sent(client, id);
    struct json_object *error = qmp_json_member(message, "error", json_type_object);
    struct json_object *result = NULL;

    if (!pending)
        return;
    if (error)
        finish_with_error_reply(client, pending, error);
    else if (json_object_is_type(message, json_type_object) &&
             json_object_object_get_ex(message, "return", &result))
        finish(client, pending, result, NULL);
    else
        fail(client, pending, QMP_FAILURE_PROTOCOL, "a reply without return or error");
}

void qmp_client_command_failed(struct qmp_client *client, unsigned id,
                               const struct qmp_error *error)
{
    struct pending *pending = find_sent(client, id);

    if (pending)
        finish(client, pending, NULL, error);
}

void qmp_client_event(struct qmp_client *client, const char *event, struct json_object *data)
{
    if (data && !json_object_is_type(data, json_type_object)) {
        log_debug("qmp %s: dropped event %s: its data is not an object", client->name, event);
        return;
    }
    if (client->state != CLIENT_CLOSED && client->options.event)
        client->options.event(client->options.context, event, data);
}
