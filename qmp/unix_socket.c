#include "qmp/unix_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "qmp/client.h"
#include "qmp/stream.h"
#include "qmp/transport.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"

#define READ_SIZE ((size_t)16 * 1024)

/* One attempt to connect and what becomes of it. A pipe handle cannot be used again, and is closed
 * asynchronously, so each attempt has its own: `owner` is NULL once it was given up, and its late
 * callbacks then do nothing. */
struct connection {
    struct unix_socket *owner;
    uv_pipe_t pipe;
    uv_connect_t request;
    struct qmp_stream *stream;
    char buffer[READ_SIZE];
};

struct unix_socket {
    struct qmp_transport transport;
    uv_loop_t *loop;
    uv_timer_t timer; /* limit of the handshake while there is a connection, else the back-off */
    struct qmp_client *client;
    struct qmp_unix_socket_options options;
    unsigned retry_ms;       /* what the next back-off waits */
    uint64_t ready_since_ms; /* loop time; 0 while there is no negotiated connection */
    struct connection *connection;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

struct write_request {
    uv_write_t request;
    struct connection *connection;
    char bytes[];
};

static void connect_now(struct unix_socket *socket);

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    qmp_stream_free(connection->stream);
    free(connection);
}

static void drop_connection(struct unix_socket *socket)
{
    struct connection *connection = socket->connection;

    if (!connection)
        return;
    socket->connection = NULL;
    connection->owner = NULL;
    qmp_stream_stop(connection->stream);
    uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
}

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

/* Starts the back-off. Only a connection that lasted sets it back to its minimum: a server that
 * negotiates and hangs up each time is not worth a busy loop. */
static void start_back_off(struct unix_socket *socket)
{
    const struct qmp_unix_socket_options *options = &socket->options;

    if (socket->ready_since_ms != 0 &&
        uv_now(socket->loop) - socket->ready_since_ms >= options->retry_max_ms)
        socket->retry_ms = options->retry_min_ms;
    socket->ready_since_ms = 0;
    uv_timer_start(&socket->timer, on_retry, socket->retry_ms, 0);
    socket->retry_ms =
        socket->retry_ms < options->retry_max_ms / 2 ? socket->retry_ms * 2 : options->retry_max_ms;
}

/* Gives the connection up. Telling the client comes last: it may close us. */
static void give_up(struct unix_socket *socket, enum qmp_failure failure, const char *reason)
{
    char text[QMP_ERROR_SIZE];

    snprintf(text, sizeof text, "%s: %s", socket->path, reason);
    drop_connection(socket);
    start_back_off(socket);
    qmp_client_transport_down(socket->client, failure, text);
}

static void on_handshake_timeout(uv_timer_t *timer)
{
    give_up(timer->data, QMP_FAILURE_DISCONNECTED,
            "no QMP greeting in time (does another client hold the monitor?)");
}

static void on_written(uv_write_t *request, int status)
{
    struct write_request *write = CONTAINER_OF(request, struct write_request, request);
    struct unix_socket *socket = write->connection->owner;

    free(write);
    if (status < 0 && socket)
        give_up(socket, QMP_FAILURE_DISCONNECTED, uv_strerror(status));
}

static int write_bytes(void *context, const char *bytes, size_t size)
{
    struct connection *connection = context;
    uv_stream_t *pipe = (uv_stream_t *)&connection->pipe;
    struct write_request *write;
    uv_buf_t buffer;
    int result;

    if (uv_stream_get_write_queue_size(pipe) + size > QMP_WRITE_QUEUE_MAX)
        return -ENOBUFS;
    write = malloc(sizeof *write + size);
    if (!write)
        return -ENOMEM;
    write->connection = connection;
    memcpy(write->bytes, bytes, size);
    buffer = uv_buf_init(write->bytes, (unsigned)size);
    result = uv_write(&write->request, pipe, &buffer, 1, on_written);
    if (result < 0)
        free(write);
    return result;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

static void on_read(uv_stream_t *pipe, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = pipe->data;
    bool was_ready = qmp_stream_is_ready(connection->stream);

    if (!connection->owner || size == 0)
        return;
    if (size < 0) {
        give_up(connection->owner, QMP_FAILURE_DISCONNECTED,
                size == UV_EOF ? "the server closed the connection" : uv_strerror((int)size));
        return;
    }
    int result = qmp_stream_receive(connection->stream, buffer->base, (size_t)size);
    struct unix_socket *socket = connection->owner;

    if (!socket) /* a callback closed the client */
        return;
    if (result < 0) {
        give_up(socket, QMP_FAILURE_PROTOCOL, qmp_stream_error(connection->stream));
    } else if (!was_ready && qmp_stream_is_ready(connection->stream)) {
        uv_timer_stop(&socket->timer);
        socket->ready_since_ms = uv_now(socket->loop);
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct connection *connection = CONTAINER_OF(request, struct connection, request);

    if (!connection->owner)
        return;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read);
    if (status < 0)
        give_up(connection->owner, QMP_FAILURE_DISCONNECTED, uv_strerror(status));
}

static void connect_now(struct unix_socket *socket)
{
    CLEANUP_FREE struct connection *connection = calloc(1, sizeof *connection);

    if (!connection ||
        qmp_stream_create(socket->client, write_bytes, connection, &connection->stream) < 0) {
        give_up(socket, QMP_FAILURE_DISCONNECTED, "out of memory");
        return;
    }
    connection->owner = socket;
    uv_pipe_init(socket->loop, &connection->pipe, 0);
    connection->pipe.data = connection;
    uv_timer_start(&socket->timer, on_handshake_timeout, socket->options.handshake_ms, 0);
    uv_pipe_connect(&connection->request, &connection->pipe, socket->path, on_connected);
    socket->connection = cleanup_steal_pointer(&connection);
}

static void socket_start(struct qmp_transport *transport, struct qmp_client *client)
{
    struct unix_socket *socket = CONTAINER_OF(transport, struct unix_socket, transport);

    socket->client = client;
    connect_now(socket);
}

static int socket_send(struct qmp_transport *transport, unsigned id, struct json_object *command)
{
    struct unix_socket *socket = CONTAINER_OF(transport, struct unix_socket, transport);

    if (!socket->connection)
        return -ENOTCONN;
    return qmp_stream_send(socket->connection->stream, id, command);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void socket_close(struct qmp_transport *transport)
{
    struct unix_socket *socket = CONTAINER_OF(transport, struct unix_socket, transport);

    drop_connection(socket);
    uv_close((uv_handle_t *)&socket->timer, on_timer_closed);
}

static unsigned default_to(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

int qmp_unix_socket_create(uv_loop_t *loop, const char *path,
                           const struct qmp_unix_socket_options *options,
                           struct qmp_transport **transport)
{
    static const struct qmp_transport_ops ops = {
        .start = socket_start,
        .send = socket_send,
        .close = socket_close,
    };
    struct unix_socket *socket;

    *transport = NULL;
    if (path[0] == '\0')
        return -EINVAL;
    if (strlen(path) >= sizeof socket->path) /* libuv would cut it silently */
        return -ENAMETOOLONG;
    socket = calloc(1, sizeof *socket);
    if (!socket)
        return -ENOMEM;
    if (options)
        socket->options = *options;
    socket->options.handshake_ms = default_to(socket->options.handshake_ms, 5000);
    socket->options.retry_min_ms = default_to(socket->options.retry_min_ms, 250);
    socket->options.retry_max_ms = default_to(socket->options.retry_max_ms, 10000);
    socket->retry_ms = socket->options.retry_min_ms;
    socket->transport.ops = &ops;
    socket->loop = loop;
    memcpy(socket->path, path, strlen(path) + 1);
    uv_timer_init(loop, &socket->timer);
    socket->timer.data = socket;
    *transport = &socket->transport;
    return 0;
}
