#include "vbmc/control/internal.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vbmc/base/log.h"

#define TEXT_SIZE 1024

static const char *const code_names[] = {
    [CONTROL_EXISTS] = "exists",
    [CONTROL_NOT_FOUND] = "not-found",
    [CONTROL_USAGE] = "usage",
    [CONTROL_FAILED] = "failed",
};

struct output {
    uv_write_t write; /* first, see client */
    size_t size;
    bool is_answer;
    control_next_fn *next; /* of a part; else NULL */
    void *context;
    char text[];
};

static void client_freed(uv_handle_t *handle)
{
    struct client *client = (struct client *)handle;

    explicit_bzero(client->line, client->used);
    free(client);
}

struct client *control_client_new(struct control *control)
{
    struct client *client = calloc(1, sizeof *client);

    if (!client)
        return NULL;
    client->control = control;
    client->began_ms = client->heard_ms = uv_hrtime() / 1000000;
    uv_pipe_init(control->listener.loop, &client->pipe, 0);
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    return client;
}

void control_client_unlink(struct client *client)
{
    struct control *control = client->control;

    if (!control) /* taken over */
        return;
    for (struct client **link = &control->clients; *link; link = &(*link)->next) {
        if (*link == client) {
            *link = client->next;
            control->client_count--;
            control->adopted_count -= client->adopted;
            return;
        }
    }
}

void control_client_close(struct client *client)
{
    if (client->closing)
        return;
    client->closing = true;
    if (client->request)
        client->request->client = NULL;
    control_client_unlink(client);
    uv_close((uv_handle_t *)&client->pipe, client_freed);
}

static void client_written(uv_write_t *write, int status)
{
    struct output *output = (struct output *)write;
    struct client *client = (struct client *)write->handle;
    bool is_answer = output->is_answer;
    control_next_fn *next = output->next;
    void *context = output->context;

    explicit_bzero(output->text, output->size);
    free(output);
    if (!client->closing && !client->taken) {
        if (status || client->last) {
            control_client_close(client);
        } else if (is_answer) {
            client->writing = false;
            control_client_advance(client);
        }
    }
    if (next)
        next(context, client->closing);
}

/* NULL if it is too large or there is no memory. */
static struct output *output_new(struct json_object *object)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

    if (!text || length >= CONTROL_ANSWER_MAX)
        return NULL;
    struct output *output = malloc(sizeof *output + length + 1);
    if (!output)
        return NULL;
    *output = (struct output){.size = length + 1};
    memcpy(output->text, text, length);
    output->text[length] = '\n';
    return output;
}

/* Takes the output over. False, with the connection closed, if it cannot be written to. */
static bool client_write(struct client *client, struct output *output)
{
    uv_buf_t buffer = uv_buf_init(output->text, (unsigned)output->size);

    if (uv_write(&output->write, (uv_stream_t *)&client->pipe, &buffer, 1, client_written)) {
        free(output);
        control_client_close(client);
        return false;
    }
    return true;
}

/* Queues `object` as one line. False if it is too large or there is no memory. */
static bool client_send(struct client *client, struct json_object *object, bool is_answer)
{
    struct output *output = output_new(object);

    if (!output)
        return false;
    output->is_answer = is_answer;
    if (is_answer)
        client->writing = true;
    client_write(client, output);
    return true;
}

static struct json_object *error_new(enum control_code code, const char *text)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "ok", json_object_new_boolean(false));
    json_object_object_add(answer, "error", json_object_new_string(text));
    json_object_object_add(answer, "code", json_object_new_string(code_names[code]));
    return answer;
}

static void client_send_error(struct client *client, enum control_code code, const char *text)
{
    struct json_object *answer = error_new(code, text);

    if (!client_send(client, answer, true))
        control_client_close(client);
    json_object_put(answer);
}

/* What a request was told in confidence; json-c would leave it in memory. */
static void wipe_passwords(struct json_object *arguments)
{
    json_object_object_foreach(arguments, key, value)
    {
        if (strstr(key, "password") && json_object_is_type(value, json_type_string))
            explicit_bzero((char *)json_object_get_string(value),
                           (size_t)json_object_get_string_len(value));
    }
}

void control_request_free(struct control_request *request)
{
    wipe_passwords(request->arguments);
    json_object_put(request->arguments);
    free(request);
}

const struct control_identity *control_request_identity(const struct control_request *request)
{
    return &request->identity;
}

void control_request_limit(struct control_request *request, enum privilege limit)
{
    if (limit < request->identity.privilege)
        request->identity.privilege = limit;
}

/* Answers (when the client is still there) and frees the request. Takes `answer` over. */
static void request_finish(struct control_request *request, struct json_object *answer)
{
    struct client *client = request->client;

    if (client) {
        client->request = NULL;
        if (!client_send(client, answer, true))
            client_send_error(client, CONTROL_FAILED, "the answer is too large");
    }
    json_object_put(answer);
    control_request_free(request);
}

/* Takes `result` over. */
static struct json_object *ok_new(struct json_object *result)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "ok", json_object_new_boolean(true));
    json_object_object_add(answer, "result", result ? result : json_object_new_object());
    return answer;
}

bool control_client_send_ok(struct client *client, struct json_object *result)
{
    struct json_object *answer = ok_new(result);
    bool sent = client_send(client, answer, true);

    json_object_put(answer);
    return sent;
}

void control_reply_ok(struct control_request *request, struct json_object *result)
{
    request_finish(request, ok_new(result));
}

void control_reply_error(struct control_request *request, enum control_code code,
                         const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_debug("control: %s refused: %s", request->verb, text);
    request_finish(request, error_new(code, text));
}

bool control_request_takes_parts(const struct control_request *request)
{
    return request->takes_parts;
}

bool control_reply_part(struct control_request *request, struct json_object *items,
                        control_next_fn *next, void *context)
{
    struct json_object *line = json_object_new_object();
    struct output *output;

    json_object_object_add(line, "part", items);
    output = request->client ? output_new(line) : NULL;
    json_object_put(line);
    if (!output)
        return false;
    output->next = next;
    output->context = context;
    return client_write(request->client, output);
}

void control_progress(struct control_request *request, const char *format, ...)
{
    struct client *client = request->client;
    char text[TEXT_SIZE];
    va_list arguments;

    if (!client ||
        uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe) > CONTROL_PROGRESS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct json_object *line = json_object_new_object();
    json_object_object_add(line, "progress", json_object_new_string(text));
    client_send(client, line, false);
    json_object_put(line);
}

static void client_consume(struct client *client, size_t length)
{
    memmove(client->line, client->line + length, client->used - length);
    explicit_bzero(client->line + client->used - length, length);
    client->used -= length;
}

static void client_handle(struct client *client, size_t length)
{
    struct control *control = client->control;
    const char *reason = "";
    struct control_request *request = control_request_parse(client->line, length, &reason);

    client_consume(client, length + 1);
    if (!request) {
        client_send_error(client, CONTROL_USAGE, reason);
        return;
    }
    request->client = client;
    client->heard_ms = uv_hrtime() / 1000000;
    request->identity = client->identity;
    client->request = request;
    control_request_log(request, client);
    control->handler(control->context, request->verb, request->arguments, request);
}

static void client_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = (struct client *)handle;

    (void)suggested;
    *buffer =
        uv_buf_init(client->line + client->used, (unsigned)(sizeof client->line - client->used));
}

static void client_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = (struct client *)stream;

    (void)buffer;
    if (length < 0) {
        control_client_close(client);
        return;
    }
    client->used += (size_t)length;
    control_client_advance(client);
}

void control_client_advance(struct client *client)
{
    const char *end;

    if (client->closing)
        return;
    if (client->request || client->writing) {
        uv_read_stop((uv_stream_t *)&client->pipe);
    } else if ((end = memchr(client->line, '\n', client->used))) {
        uv_read_stop((uv_stream_t *)&client->pipe);
        client_handle(client, (size_t)(end - client->line));
    } else if (client->used == sizeof client->line) {
        uv_read_stop((uv_stream_t *)&client->pipe);
        client->last = true;
        client_send_error(client, CONTROL_USAGE, "the request is too long");
    } else {
        uv_read_start((uv_stream_t *)&client->pipe, client_allocate, client_read);
    }
}

/* Refuses a connection with one line; it fits into the buffer of a fresh socket. */
static void client_refuse(struct client *client, const char *text)
{
    client->last = true;
    client_send_error(client, CONTROL_FAILED, text);
}

static bool peer_allowed(const struct control *control, struct client *client)
{
    uv_os_fd_t fd;
    socklen_t size = sizeof client->peer;

    if (uv_fileno((uv_handle_t *)&client->pipe, &fd) ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &size))
        return false;
    if (client->peer.uid == 0)
        snprintf(client->identity.account, CONTROL_ACCOUNT_SIZE, "root");
    else
        snprintf(client->identity.account, CONTROL_ACCOUNT_SIZE, "uid %u",
                 (unsigned)client->peer.uid);
    client->identity.pid = client->peer.pid;
    client->identity.privilege = PRIVILEGE_ADMINISTRATOR;
    return control->socket.has_group || client->peer.uid == 0 || client->peer.uid == geteuid() ||
           client->peer.uid == control->socket.owner;
}

static void control_accept(uv_stream_t *listener, int status)
{
    struct control *control = (struct control *)listener;
    struct client *client = status ? NULL : control_client_new(control);

    if (!client)
        return;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe)) {
        control_client_close(client);
    } else if (!peer_allowed(control, client)) {
        log_warning("control: refused uid %u, pid %d", (unsigned)client->peer.uid,
                    (int)client->peer.pid);
        client_refuse(client, "permission denied: not root, nor the user that vbmcd runs as");
    } else if (control->client_count - control->adopted_count > CONTROL_CLIENTS_MAX) {
        client_refuse(client, "too many clients of the control socket");
    } else {
        control_client_advance(client);
    }
}

int control_new(uv_loop_t *loop, const char *path, gid_t gid, control_handler *handler,
                void *context, struct control **result, char *error, size_t size)
{
    struct control *control = calloc(1, sizeof *control);

    if (!control) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    control->handler = handler;
    control->context = context;
    int failed = control_socket_open(path, gid, &control->socket, error, size);
    if (failed) {
        free(control);
        return failed;
    }
    signal(SIGPIPE, SIG_IGN); /* a client that hangs up shows as EPIPE */
    uv_pipe_init(loop, &control->listener, 0);
    failed = uv_pipe_open(&control->listener, control->socket.fd);
    if (!failed)
        failed = uv_listen((uv_stream_t *)&control->listener, SOMAXCONN, control_accept);
    if (failed) {
        snprintf(error, size, "%s: cannot listen: %s", path, uv_strerror(failed));
        control_free(control);
        return failed;
    }
    *result = control;
    return 0;
}

static void control_closed(uv_handle_t *handle)
{
    struct control *control = (struct control *)handle;

    control_socket_close(&control->socket);
    free(control);
}

void control_free(struct control *control)
{
    if (!control)
        return;
    while (control->clients)
        control_client_close(control->clients);
    uv_close((uv_handle_t *)&control->listener, control_closed);
}
