#include "sol/serial.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "vbmc/base/array.h"
#include "vbmc/base/stream.h"

#define READ_SIZE         ((size_t)64 * 1024)
#define WRITE_SIZE        ((size_t)4 * 1024) /* held for a peer that does not read */
#define HOST_SIZE         256
#define REASON_SIZE       160
#define KEEPALIVE_SECONDS 60
static_assert(HOST_SIZE > sizeof((struct sockaddr_un *)0)->sun_path, "a name holds either");

/* One attempt to connect and what becomes of it. A handle cannot be used again, and is closed
 * asynchronously, so each attempt has its own: `owner` is NULL once it was given up, and its late
 * callbacks then do nothing. */
struct connection {
    struct serial *owner;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } handle;
    uv_connect_t connect;
    uv_write_t write;
    bool writing; /* `out` is on its way */
    bool owes_writable;
    char out[WRITE_SIZE];
    char in[READ_SIZE];
};

struct lookup {
    struct serial *owner; /* NULL once it was given up */
    uv_getaddrinfo_t request;
};

struct serial {
    struct stream stream;
    uv_loop_t *loop;
    uv_timer_t timer; /* limit of an attempt while there is one, else the back-off */
    struct serial_options options;
    unsigned retry_ms;           /* what the next back-off waits */
    uint64_t connected_since_ms; /* loop time; 0 while not connected */
    struct connection *connection;
    struct lookup *lookup;
    struct addrinfo *addresses; /* of the running attempt; NULL for a Unix socket */
    struct addrinfo *next_address;
    bool is_tcp;
    uint16_t port;
    char name[HOST_SIZE]; /* path or host */
};

static void connect_to_next(struct serial *serial);
static void begin_attempt(struct serial *serial);

/* ---- the end of an attempt or a connection ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop_connection(struct serial *serial)
{
    struct connection *connection = serial->connection;

    if (!connection)
        return;
    serial->connection = NULL;
    connection->owner = NULL;
    uv_close(&connection->handle.any, on_connection_closed);
}

static void drop_attempt(struct serial *serial)
{
    drop_connection(serial);
    if (serial->lookup) {
        serial->lookup->owner = NULL;
        uv_cancel((uv_req_t *)&serial->lookup->request);
        serial->lookup = NULL;
    }
    if (serial->addresses)
        uv_freeaddrinfo(serial->addresses);
    serial->addresses = serial->next_address = NULL;
}

static void on_retry(uv_timer_t *timer)
{
    begin_attempt(timer->data);
}

/* Only a connection that lasted sets the back-off back to its minimum: a server that accepts and
 * hangs up each time is not worth a busy loop. */
static void start_back_off(struct serial *serial)
{
    const struct serial_options *options = &serial->options;

    if (serial->connected_since_ms != 0 &&
        uv_now(serial->loop) - serial->connected_since_ms >= options->retry_max_ms)
        serial->retry_ms = options->retry_min_ms;
    serial->connected_since_ms = 0;
    uv_timer_start(&serial->timer, on_retry, serial->retry_ms, 0);
    serial->retry_ms =
        serial->retry_ms < options->retry_max_ms / 2 ? serial->retry_ms * 2 : options->retry_max_ms;
}

static void report(struct serial *serial, enum stream_link link, const char *what)
{
    const char *separator = what[0] ? ": " : "";
    char text[REASON_SIZE];

    if (serial->is_tcp)
        snprintf(text, sizeof text, "%.64s port %u%s%s", serial->name, serial->port, separator,
                 what);
    else
        snprintf(text, sizeof text, "%.107s%s%s", serial->name, separator, what);
    stream_report_state(&serial->stream, link, text);
}

/* Telling comes last: it may close us. */
static void give_up(struct serial *serial, const char *reason)
{
    drop_attempt(serial);
    start_back_off(serial);
    report(serial, STREAM_DISCONNECTED, reason);
}

/* ---- a connection ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(connection->in, sizeof connection->in);
}

static void on_read(uv_stream_t *handle, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = handle->data;

    if (!connection->owner || size == 0)
        return;
    if (size < 0)
        give_up(connection->owner,
                size == UV_EOF ? "the other end closed the connection" : uv_strerror((int)size));
    else
        stream_report_received(&connection->owner->stream, (const uint8_t *)buffer->base,
                               (size_t)size);
}

static void on_written(uv_write_t *request, int status)
{
    struct connection *connection = CONTAINER_OF(request, struct connection, write);

    connection->writing = false;
    if (!connection->owner)
        return;
    if (status < 0) {
        give_up(connection->owner, uv_strerror(status));
    } else if (connection->owes_writable) {
        connection->owes_writable = false;
        stream_report_writable(&connection->owner->stream);
    }
}

/* As much as the socket takes goes at once, and WRITE_SIZE more to a buffer of ours, since libuv
 * tells of room in a socket only when a write request is done. */
static ssize_t serial_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct serial *serial = CONTAINER_OF(stream, struct serial, stream);
    struct connection *connection = serial->connection;
    uv_buf_t buffer;
    size_t rest;
    int taken, result;

    if (serial->connected_since_ms == 0)
        return -ENOTCONN;
    if (connection->writing) {
        connection->owes_writable = connection->owes_writable || size > 0;
        return 0;
    }
    buffer = uv_buf_init((char *)bytes, (unsigned)size);
    taken = uv_try_write(&connection->handle.stream, &buffer, 1);
    if (taken == UV_EAGAIN)
        taken = 0;
    if (taken < 0)
        return taken; /* reading says the same soon, and ends the connection */
    if ((size_t)taken == size)
        return taken;
    rest = size - (size_t)taken < WRITE_SIZE ? size - (size_t)taken : WRITE_SIZE;
    memcpy(connection->out, bytes + taken, rest);
    buffer = uv_buf_init(connection->out, (unsigned)rest);
    result = uv_write(&connection->write, &connection->handle.stream, &buffer, 1, on_written);
    if (result < 0)
        return result;
    connection->writing = true;
    connection->owes_writable = (size_t)taken + rest < size;
    return taken + (ssize_t)rest;
}

/* ---- connecting ---- */

static void on_connected(uv_connect_t *request, int status)
{
    struct connection *connection = CONTAINER_OF(request, struct connection, connect);
    struct serial *serial = connection->owner;

    if (!serial)
        return;
    if (status == 0)
        status = uv_read_start(&connection->handle.stream, on_allocate, on_read);
    if (status < 0 && serial->next_address) {
        drop_connection(serial);
        connect_to_next(serial);
    } else if (status < 0) {
        give_up(serial, uv_strerror(status));
    } else {
        uv_timer_stop(&serial->timer);
        serial->connected_since_ms = uv_now(serial->loop) ? uv_now(serial->loop) : 1;
        report(serial, STREAM_CONNECTED, "");
    }
}

static int connect_tcp(struct connection *connection, const struct addrinfo *address)
{
    uv_tcp_t *tcp = &connection->handle.tcp;
    int result = uv_tcp_connect(&connection->connect, tcp, address->ai_addr, on_connected);

    if (result == 0) {
        uv_tcp_nodelay(tcp, 1);
        uv_tcp_keepalive(tcp, 1, KEEPALIVE_SECONDS);
    }
    return result;
}

/* To the next address that can be tried at all, or the path. */
static void connect_to_next(struct serial *serial)
{
    struct connection *connection = calloc(1, sizeof *connection);
    int result = 0;

    if (!connection) {
        give_up(serial, "out of memory");
        return;
    }
    serial->connection = connection;
    connection->owner = serial;
    if (serial->is_tcp) {
        struct addrinfo *address = serial->next_address;
        serial->next_address = address->ai_next;
        uv_tcp_init(serial->loop, &connection->handle.tcp);
        connection->handle.any.data = connection;
        result = connect_tcp(connection, address);
    } else {
        uv_pipe_init(serial->loop, &connection->handle.pipe, 0);
        connection->handle.any.data = connection;
        uv_pipe_connect(&connection->connect, &connection->handle.pipe, serial->name, on_connected);
    }
    if (result < 0)
        on_connected(&connection->connect, result);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct lookup *lookup = CONTAINER_OF(request, struct lookup, request);
    struct serial *serial = lookup->owner;

    free(lookup);
    if (!serial) {
        if (addresses)
            uv_freeaddrinfo(addresses);
        return;
    }
    serial->lookup = NULL;
    if (status < 0) {
        give_up(serial, uv_strerror(status));
        return;
    }
    serial->addresses = serial->next_address = addresses;
    connect_to_next(serial);
}

static int look_up(struct serial *serial)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    char port[8];
    int result;

    if (!lookup)
        return UV_ENOMEM;
    lookup->owner = serial;
    snprintf(port, sizeof port, "%u", serial->port);
    result =
        uv_getaddrinfo(serial->loop, &lookup->request, on_looked_up, serial->name, port, &hints);
    if (result < 0)
        free(lookup);
    else
        serial->lookup = lookup;
    return result;
}

static void on_attempt_timeout(uv_timer_t *timer)
{
    give_up(timer->data, "no connection in time");
}

/* From the timer only, so that nothing is reported from inside a call of the user's. */
static void begin_attempt(struct serial *serial)
{
    int result;

    uv_timer_start(&serial->timer, on_attempt_timeout, serial->options.connect_ms, 0);
    if (!serial->is_tcp) {
        connect_to_next(serial);
        return;
    }
    result = look_up(serial);
    if (result < 0)
        give_up(serial, uv_strerror(result));
}

/* ---- the stream ---- */

static void serial_open(struct stream *stream)
{
    struct serial *serial = CONTAINER_OF(stream, struct serial, stream);

    uv_timer_start(&serial->timer, on_retry, 0, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void serial_close(struct stream *stream)
{
    struct serial *serial = CONTAINER_OF(stream, struct serial, stream);

    drop_attempt(serial);
    uv_close((uv_handle_t *)&serial->timer, on_timer_closed);
}

static unsigned default_to(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

static int serial_new(uv_loop_t *loop, const char *name, const struct serial_options *options,
                      struct serial **created)
{
    static const struct stream_ops ops = {
        .open = serial_open,
        .write = serial_write,
        .close = serial_close,
    };
    struct serial *serial = calloc(1, sizeof *serial);

    if (!serial)
        return -ENOMEM;
    if (options)
        serial->options = *options;
    serial->options.connect_ms = default_to(serial->options.connect_ms, 5000);
    serial->options.retry_min_ms = default_to(serial->options.retry_min_ms, 250);
    serial->options.retry_max_ms = default_to(serial->options.retry_max_ms, 5000);
    serial->retry_ms = serial->options.retry_min_ms;
    serial->stream.ops = &ops;
    serial->loop = loop;
    snprintf(serial->name, sizeof serial->name, "%s", name);
    uv_timer_init(loop, &serial->timer);
    serial->timer.data = serial;
    *created = serial;
    return 0;
}

int serial_unix_new(uv_loop_t *loop, const char *path, const struct serial_options *options,
                    struct stream **stream)
{
    struct serial *serial;
    int result;

    *stream = NULL;
    if (path[0] == '\0')
        return -EINVAL;
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path) /* libuv would cut it silently */
        return -ENAMETOOLONG;
    result = serial_new(loop, path, options, &serial);
    if (result == 0)
        *stream = &serial->stream;
    return result;
}

int serial_tcp_new(uv_loop_t *loop, const char *host, uint16_t port,
                   const struct serial_options *options, struct stream **stream)
{
    struct serial *serial;
    int result;

    *stream = NULL;
    if (host[0] == '\0' || port == 0)
        return -EINVAL;
    if (strlen(host) >= HOST_SIZE)
        return -ENAMETOOLONG;
    result = serial_new(loop, host, options, &serial);
    if (result < 0)
        return result;
    serial->is_tcp = true;
    serial->port = port;
    *stream = &serial->stream;
    return 0;
}
