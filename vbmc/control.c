#include "vbmc/control.h"

#include <errno.h>
#include <json-c/json_visit.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/control_socket.h"

#define VERB_SIZE      32
#define JSON_DEPTH_MAX 16
#define TEXT_SIZE      1024

static const char *const code_names[] = {
    [CONTROL_EXISTS] = "exists",
    [CONTROL_NOT_FOUND] = "not-found",
    [CONTROL_USAGE] = "usage",
    [CONTROL_FAILED] = "failed",
};

/* Verbs that change nothing; all others are logged with who asked for them. */
static const char *const reading_verbs[] = {"list",    "show",   "discover",
                                            "dumpxml", "status", "version"};

/* A connection. It reads one request, then stops reading until that request's answer is written: a
 * client can neither queue work nor make the daemon buffer more than one line and one answer. */
struct client {
    uv_pipe_t pipe; /* first, so that a handle is its client */
    struct control *control;
    struct client *next;
    struct control_request *request; /* being handled, or NULL */
    struct ucred peer;
    bool closing;
    bool writing; /* the answer is on its way */
    bool last;    /* close when it is written */
    size_t used;  /* bytes in line */
    char line[CONTROL_REQUEST_MAX];
};

struct control {
    uv_pipe_t listener; /* first, see client */
    control_handler *handler;
    void *context;
    struct client *clients;
    unsigned client_count;
    struct control_socket socket;
};

struct control_request {
    struct client *client; /* NULL once the connection is gone */
    char verb[VERB_SIZE];
    struct json_object *arguments;
};

struct output {
    uv_write_t write; /* first, see client */
    size_t size;
    bool is_answer;
    char text[];
};

static void client_advance(struct client *client);

static void client_freed(uv_handle_t *handle)
{
    struct client *client = (struct client *)handle;

    explicit_bzero(client->line, client->used);
    free(client);
}

static void client_close(struct client *client)
{
    struct control *control = client->control;

    if (client->closing)
        return;
    client->closing = true;
    if (client->request)
        client->request->client = NULL;
    for (struct client **link = &control->clients; *link; link = &(*link)->next) {
        if (*link == client) {
            *link = client->next;
            control->client_count--;
            break;
        }
    }
    uv_close((uv_handle_t *)&client->pipe, client_freed);
}

static void client_written(uv_write_t *write, int status)
{
    struct output *output = (struct output *)write;
    struct client *client = (struct client *)write->handle;
    bool is_answer = output->is_answer;

    explicit_bzero(output->text, output->size);
    free(output);
    if (client->closing)
        return;
    if (status || client->last) {
        client_close(client);
    } else if (is_answer) {
        client->writing = false;
        client_advance(client);
    }
}

/* Queues `object` as one line. False if it is too large or there is no memory. */
static bool client_send(struct client *client, struct json_object *object, bool is_answer)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

    if (!text || length >= CONTROL_ANSWER_MAX)
        return false;
    struct output *output = malloc(sizeof *output + length + 1);
    if (!output)
        return false;
    memcpy(output->text, text, length);
    output->text[length] = '\n';
    output->size = length + 1;
    output->is_answer = is_answer;
    if (is_answer)
        client->writing = true;
    uv_buf_t buffer = uv_buf_init(output->text, (unsigned)output->size);
    if (uv_write(&output->write, (uv_stream_t *)&client->pipe, &buffer, 1, client_written)) {
        free(output);
        client_close(client);
    }
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
        client_close(client);
    json_object_put(answer);
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
    json_object_put(request->arguments);
    free(request);
}

void control_reply_ok(struct control_request *request, struct json_object *result)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "ok", json_object_new_boolean(true));
    json_object_object_add(answer, "result", result ? result : json_object_new_object());
    request_finish(request, answer);
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

/* What a request is about, for the log: never a password. */
static const char *request_subject(struct json_object *arguments)
{
    struct json_object *value;

    if (json_object_object_get_ex(arguments, "name", &value) &&
        json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    if (json_object_object_get_ex(arguments, "names", &value) &&
        json_object_is_type(value, json_type_array))
        return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    return "";
}

static const char *request_action(struct json_object *arguments)
{
    struct json_object *value;

    if (json_object_object_get_ex(arguments, "action", &value) &&
        json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    return "";
}

static void request_log(const struct control_request *request, const struct ucred *peer)
{
    enum log_level level = LOG_LEVEL_INFO;
    const char *subject = request_subject(request->arguments);
    const char *action = request_action(request->arguments);

    for (size_t i = 0; i < ARRAY_SIZE(reading_verbs); i++) {
        if (strcmp(request->verb, reading_verbs[i]) == 0)
            level = LOG_LEVEL_DEBUG;
    }
    if (strcmp(request->verb, "power") == 0 && strcmp(action, "status") == 0)
        level = LOG_LEVEL_DEBUG;
    log_write(level, "control: uid %u, pid %d asks for %s%s%.400s%s%.20s", (unsigned)peer->uid,
              (int)peer->pid, request->verb, *subject ? " " : "", subject, *action ? " " : "",
              action);
}

static int refuse_nul(json_object *object, int flags, json_object *parent, const char *key,
                      size_t *index, void *context)
{
    (void)parent, (void)key, (void)index;
    if (flags == JSON_C_VISIT_SECOND || !json_object_is_type(object, json_type_string))
        return JSON_C_VISIT_RETURN_CONTINUE;
    if (memchr(json_object_get_string(object), '\0', (size_t)json_object_get_string_len(object)) ==
        NULL)
        return JSON_C_VISIT_RETURN_CONTINUE;
    *(bool *)context = true;
    return JSON_C_VISIT_RETURN_STOP;
}

static struct json_object *parse_json(const char *line, size_t length)
{
    struct json_tokener *tokener;

    if (memchr(line, '\0', length)) /* where json-c would take the line to end */
        return NULL;
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, line, (int)length);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

static bool verb_valid(struct json_object *verb)
{
    if (!json_object_is_type(verb, json_type_string))
        return false;
    const char *text = json_object_get_string(verb);
    size_t length = (size_t)json_object_get_string_len(verb);
    return length > 0 && length < VERB_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz-") == length;
}

/* All checks of what a client may send, in one place. NULL when it is refused, with the reason. */
static struct control_request *request_parse(const char *line, size_t length, const char **reason)
{
    struct json_object *verb, *arguments = NULL;
    bool has_nul = false;
    struct json_object *object = parse_json(line, length);
    struct control_request *request = NULL;

    if (!json_object_is_type(object, json_type_object))
        *reason = "a request is one JSON object on one line";
    else if (!json_object_object_get_ex(object, "verb", &verb) || !verb_valid(verb))
        *reason = "a request needs a \"verb\" of lower case letters";
    else if (json_object_object_get_ex(object, "arguments", &arguments) &&
             !json_object_is_type(arguments, json_type_object))
        *reason = "\"arguments\" is a JSON object";
    else if (json_c_visit(object, 0, refuse_nul, &has_nul) < 0 || has_nul)
        *reason = "a string holds a NUL character";
    else if (!(request = calloc(1, sizeof *request)))
        *reason = "out of memory";
    if (request) {
        snprintf(request->verb, sizeof request->verb, "%s", json_object_get_string(verb));
        request->arguments = arguments ? json_object_get(arguments) : json_object_new_object();
    }
    json_object_put(object);
    return request;
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
    struct control_request *request = request_parse(client->line, length, &reason);

    client_consume(client, length + 1);
    if (!request) {
        client_send_error(client, CONTROL_USAGE, reason);
        return;
    }
    request->client = client;
    client->request = request;
    request_log(request, &client->peer);
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
        client_close(client);
        return;
    }
    client->used += (size_t)length;
    client_advance(client);
}

/* Handles the next line when one is complete and nothing is under way; otherwise reads on. */
static void client_advance(struct client *client)
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
    return control->socket.has_group || client->peer.uid == 0 || client->peer.uid == geteuid() ||
           client->peer.uid == control->socket.owner;
}

static void control_accept(uv_stream_t *listener, int status)
{
    struct control *control = (struct control *)listener;
    struct client *client = status ? NULL : calloc(1, sizeof *client);

    if (!client)
        return;
    client->control = control;
    uv_pipe_init(listener->loop, &client->pipe, 0);
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe)) {
        client_close(client);
    } else if (!peer_allowed(control, client)) {
        log_warning("control: refused uid %u, pid %d", (unsigned)client->peer.uid,
                    (int)client->peer.pid);
        client_refuse(client, "permission denied: not root, nor the user that vbmcd runs as");
    } else if (control->client_count > CONTROL_CLIENTS_MAX) {
        client_refuse(client, "too many clients of the control socket");
    } else {
        client_advance(client);
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
        client_close(control->clients);
    uv_close((uv_handle_t *)&control->listener, control_closed);
}
