#include "tests/fake/qmp_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"

struct peer {
    uv_pipe_t pipe;
    struct fake_qmp_server *server; /* NULL once it was closed */
    char buffer[4096];
};

struct fake_qmp_server {
    uv_loop_t *loop;
    uv_pipe_t listener;
    uv_idle_t idle; /* plays a step per turn; stopped while a step waits */
    const struct fake_qmp_step *step;
    struct peer *peer;
    unsigned waiting; /* connections in the backlog */
    unsigned resumes;
    bool writing;
    char *received; /* text not yet matched by EXPECT */
    size_t received_size;
    long long ids[9];
    size_t id_count;
    char failure[256];
};

struct write_request {
    uv_write_t request;
    struct peer *peer;
    char *text;
};

static void require(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "fake QMP server: %s: %s\n", what, uv_strerror(result));
        abort();
    }
}

static void play(uv_idle_t *idle);

static void wake(struct fake_qmp_server *server)
{
    if (server && !uv_is_closing((uv_handle_t *)&server->idle))
        uv_idle_start(&server->idle, play);
}

static void on_peer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_peer(struct fake_qmp_server *server)
{
    if (!server->peer)
        return;
    server->peer->server = NULL;
    uv_close((uv_handle_t *)&server->peer->pipe, on_peer_closed);
    server->peer = NULL;
    server->received_size = 0;
    server->writing = false;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct peer *peer = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(peer->buffer, sizeof peer->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    struct fake_qmp_server *server = peer->server;

    if (!server)
        return;
    if (size < 0) {
        close_peer(server);
    } else {
        server->received = realloc(server->received, server->received_size + (size_t)size + 1);
        memcpy(server->received + server->received_size, buffer->base, (size_t)size);
        server->received_size += (size_t)size;
    }
    wake(server);
}

static bool accept_peer(struct fake_qmp_server *server)
{
    if (server->waiting == 0)
        return false;
    server->waiting--;
    close_peer(server);
    server->id_count = 0;
    server->peer = calloc(1, sizeof *server->peer);
    server->peer->server = server;
    require(uv_pipe_init(server->loop, &server->peer->pipe, 0), "pipe");
    server->peer->pipe.data = server->peer;
    require(uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&server->peer->pipe),
            "accept");
    require(uv_read_start((uv_stream_t *)&server->peer->pipe, on_allocate, on_read), "read");
    return true;
}

static void on_written(uv_write_t *request, int status)
{
    struct write_request *write = CONTAINER_OF(request, struct write_request, request);
    struct fake_qmp_server *server = write->peer->server;

    (void)status; /* the client may have hung up: EXPECT_HUP tells */
    if (server) {
        server->writing = false;
        wake(server);
    }
    free(write->text);
    free(write);
}

/* The text with @1 ... @9 replaced. */
static char *substitute_ids(const struct fake_qmp_server *server, const char *text)
{
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);

    for (; *text; text++) {
        if (text[0] == '@' && text[1] >= '1' && text[1] <= '9')
            fprintf(out, "%lld", server->ids[*++text - '1']);
        else
            fputc(*text, out);
    }
    fclose(out);
    return result;
}

static bool send_text(struct fake_qmp_server *server, const char *text)
{
    struct write_request *write = calloc(1, sizeof *write);
    uv_buf_t buffer;

    write->peer = server->peer;
    write->text = substitute_ids(server, text);
    buffer = uv_buf_init(write->text, (unsigned)strlen(write->text));
    server->writing = true;
    require(uv_write(&write->request, (uv_stream_t *)&server->peer->pipe, &buffer, 1, on_written),
            "write");
    return true;
}

static bool matches(struct json_object *command, const char *expected)
{
    struct json_object *arguments = qmp_json_member(command, "arguments", json_type_object);
    const char *name = qmp_json_string(command, "execute");
    char text[1024];

    snprintf(text, sizeof text, "%s%s%s", name ? name : "?", strchr(expected, ' ') ? " " : "",
             strchr(expected, ' ')
                 ? json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE)
                 : "");
    return strcmp(text, expected) == 0;
}

/* Matches the next received line, if there is a whole one. */
static bool expect_command(struct fake_qmp_server *server, const char *expected)
{
    char *end =
        server->received_size > 0 ? memchr(server->received, '\n', server->received_size) : NULL;
    struct json_object *command = NULL;
    int64_t id = -1;
    size_t size;

    if (!end)
        return false;
    size = (size_t)(end - server->received) + 1;
    if (qmp_json_parse(server->received, size, &command) < 0 || !matches(command, expected))
        snprintf(server->failure, sizeof server->failure, "expected %s, got %.*s", expected,
                 (int)(size < 150 ? size : 150), server->received);
    qmp_json_integer(qmp_json_member(command, "id", json_type_int), &id);
    if (server->id_count < ARRAY_SIZE(server->ids))
        server->ids[server->id_count++] = id;
    json_object_put(command);
    server->received_size -= size;
    memmove(server->received, end + 1, server->received_size);
    return true;
}

/* False if the step has to wait. */
static bool play_step(struct fake_qmp_server *server)
{
    const struct fake_qmp_step *step = server->step;

    switch (step->action) {
    case FAKE_QMP_END:
        return false;
    case FAKE_QMP_ACCEPT:
        return accept_peer(server);
    case FAKE_QMP_WAIT:
        if (server->resumes == 0)
            return false;
        server->resumes--;
        return true;
    case FAKE_QMP_EXPECT_HUP:
        return !server->peer;
    default:
        break;
    }
    if (!server->peer) {
        snprintf(server->failure, sizeof server->failure, "the client hung up before: %.100s",
                 step->text ? step->text : "close");
        return false;
    }
    if (step->action == FAKE_QMP_SEND)
        return send_text(server, step->text);
    if (step->action == FAKE_QMP_EXPECT)
        return expect_command(server, step->text);
    if (step->action == FAKE_QMP_DEAF)
        uv_read_stop((uv_stream_t *)&server->peer->pipe);
    else
        close_peer(server);
    return true;
}

static void play(uv_idle_t *idle)
{
    struct fake_qmp_server *server = idle->data;

    if (!server->writing && server->failure[0] == '\0' && play_step(server))
        server->step++;
    else
        uv_idle_stop(idle);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake_qmp_server *server = listener->data;

    require(status, "connection");
    server->waiting++;
    wake(server);
}

struct fake_qmp_server *fake_qmp_server_start(uv_loop_t *loop, const char *path,
                                              const struct fake_qmp_step *script)
{
    struct fake_qmp_server *server = calloc(1, sizeof *server);

    server->loop = loop;
    server->step = script;
    require(uv_pipe_init(loop, &server->listener, 0), "pipe");
    server->listener.data = server;
    require(uv_pipe_bind(&server->listener, path), path);
    require(uv_listen((uv_stream_t *)&server->listener, 8, on_connection), "listen");
    uv_idle_init(loop, &server->idle);
    server->idle.data = server;
    wake(server);
    return server;
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct fake_qmp_server *server = handle->data;

    free(server->received);
    free(server);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct fake_qmp_server *server = handle->data;

    uv_close((uv_handle_t *)&server->idle, on_idle_closed);
}

void fake_qmp_server_stop(struct fake_qmp_server *server)
{
    close_peer(server);
    uv_idle_stop(&server->idle);
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

void fake_qmp_server_resume(struct fake_qmp_server *server)
{
    server->resumes++;
    wake(server);
}

bool fake_qmp_server_is_done(const struct fake_qmp_server *server)
{
    return server->step->action == FAKE_QMP_END;
}

const char *fake_qmp_server_failure(const struct fake_qmp_server *server)
{
    return server->failure[0] ? server->failure : NULL;
}
