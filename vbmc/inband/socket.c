#include "vbmc/inband/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/wire.h"

#define READ_SIZE  4096
#define UNSENT_MAX 65536 /* bytes that QEMU may leave lying */

/* One connection; goes when libuv has closed it. */
struct connection {
    uv_pipe_t pipe;
    struct inband_socket *socket; /* NULL: it is being closed */
};

struct inband_socket {
    uv_pipe_t server;
    uv_timer_t pause, settling;
    const struct inband_socket_events *events; /* NULL: closed */
    void *context;
    struct connection *connection;
    uid_t owner;
    struct sockaddr_un address;
    unsigned closing; /* handles that are not closed yet */
};

static int fail(int number, const char *path, char *error, size_t size, const char *what)
{
    snprintf(error, size, "%s: %s: %s", path, what, strerror(number));
    return -number;
}

/* ---- who may connect ---- */

/* As the kernel has it in an extended attribute (linux/posix_acl_xattr.h). */
#define ACL_NAME    "system.posix_acl_access"
#define ACL_VERSION 2
#define ACL_NOBODY  0xffffffff

enum acl_tag {
    ACL_USER_OBJ = 0x01,
    ACL_USER = 0x02,
    ACL_GROUP_OBJ = 0x04,
    ACL_MASK = 0x10,
    ACL_OTHER = 0x20,
};

static void put_entry(struct wire_out *out, enum acl_tag tag, unsigned permissions, uint32_t id)
{
    wire_put_u16(out, (uint16_t)tag);
    wire_put_u16(out, (uint16_t)permissions);
    wire_put_u32(out, id);
}

/* Root is let in by name too: as QEMU it has no capability that would let it in. */
static int let_in(const char *path, uid_t owner)
{
    uint8_t acl[64];
    struct wire_out out = wire_out_init(acl, sizeof acl);

    wire_put_u32(&out, ACL_VERSION);
    put_entry(&out, ACL_USER_OBJ, 6, ACL_NOBODY);
    if (owner != INBAND_NO_OWNER)
        put_entry(&out, ACL_USER, 6, owner);
    put_entry(&out, ACL_GROUP_OBJ, 0, ACL_NOBODY);
    put_entry(&out, ACL_MASK, 6, ACL_NOBODY);
    put_entry(&out, ACL_OTHER, 0, ACL_NOBODY);
    if (setxattr(path, ACL_NAME, acl, out.pos, 0) == 0)
        return 0;
    return owner == INBAND_NO_OWNER || owner == geteuid() ? 0 : -errno;
}

int inband_socket_set_owner(struct inband_socket *socket, uid_t owner, char *error, size_t size)
{
    if (owner == socket->owner)
        return 0;
    int result = let_in(socket->address.sun_path, owner);
    if (result < 0)
        return fail(-result, socket->address.sun_path, error, size,
                    "cannot let QEMU's user connect");
    socket->owner = owner;
    return 0;
}

/* By root too, who can do worse things. */
static bool may_connect(const struct inband_socket *socket, uv_pipe_t *pipe)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)pipe, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || peer.uid == socket->owner;
}

/* ---- a connection ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_pipe_t *)handle, struct connection, pipe));
}

static void disconnect(struct inband_socket *socket)
{
    struct connection *connection = socket->connection;

    if (!connection)
        return;
    socket->connection = NULL;
    connection->socket = NULL;
    uv_timer_stop(&socket->pause);
    uv_timer_stop(&socket->settling);
    uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
    if (socket->events)
        socket->events->disconnected(socket->context);
}

/* One request is read and answered before the next: all connections share it. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char bytes[READ_SIZE];

    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_pause_over(uv_timer_t *timer);

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct connection *connection = CONTAINER_OF((uv_pipe_t *)stream, struct connection, pipe);
    struct inband_socket *socket = connection->socket;

    if (!socket || length == 0)
        return;
    if (length < 0) {
        disconnect(socket);
        return;
    }
    int pause =
        socket->events->received(socket->context, (const uint8_t *)buffer->base, (size_t)length);
    if (connection->socket == NULL) /* it was closed meanwhile */
        return;
    if (pause < 0) {
        disconnect(socket);
    } else if (pause > 0) {
        uv_read_stop(stream);
        uv_timer_start(&socket->pause, on_pause_over, (uint64_t)pause, 0);
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct inband_socket *socket = CONTAINER_OF(timer, struct inband_socket, pause);

    if (socket->connection)
        uv_read_start((uv_stream_t *)&socket->connection->pipe, on_alloc, on_read);
}

static void on_settled(uv_timer_t *timer)
{
    struct inband_socket *socket = CONTAINER_OF(timer, struct inband_socket, settling);

    if (socket->connection)
        socket->events->settled(socket->context);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct inband_socket *socket = CONTAINER_OF((uv_pipe_t *)server, struct inband_socket, server);
    struct connection *connection = status == 0 ? calloc(1, sizeof *connection) : NULL;

    if (!connection)
        return;
    uv_pipe_init(server->loop, &connection->pipe, 0);
    if (uv_accept(server, (uv_stream_t *)&connection->pipe) != 0 || socket->connection ||
        !may_connect(socket, &connection->pipe)) {
        uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
        return;
    }
    connection->socket = socket;
    socket->connection = connection;
    uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read);
    uv_timer_start(&socket->settling, on_settled, INBAND_SOCKET_SETTLES_MS, 0);
    socket->events->connected(socket->context);
}

struct unsent {
    uv_write_t write;
    uint8_t bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* the end of the connection is seen by reading */
    free(CONTAINER_OF(write, struct unsent, write));
}

void inband_socket_send(struct inband_socket *socket, const uint8_t *bytes, size_t length)
{
    uv_stream_t *stream =
        socket && socket->connection ? (uv_stream_t *)&socket->connection->pipe : NULL;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)length);
    int sent = stream ? uv_try_write(stream, &buffer, 1) : 0;

    if (!stream || sent == (int)length)
        return;
    size_t done = sent > 0 ? (size_t)sent : 0, left = length - done;
    struct unsent *unsent = uv_stream_get_write_queue_size(stream) + left <= UNSENT_MAX
                                ? malloc(sizeof *unsent + left)
                                : NULL;
    if (unsent) {
        memcpy(unsent->bytes, bytes + done, left);
        buffer = uv_buf_init((char *)unsent->bytes, (unsigned)left);
        if (uv_write(&unsent->write, stream, &buffer, 1, on_written) == 0)
            return;
        free(unsent);
    }
    /* A part of an answer is of no use; reading ends with it. */
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)stream, &fd) == 0)
        shutdown(fd, SHUT_RDWR);
}

/* ---- the socket ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct inband_socket *socket = handle->data;

    if (--socket->closing == 0)
        free(socket);
}

static void close_handle(struct inband_socket *socket, uv_handle_t *handle)
{
    handle->data = socket;
    socket->closing++;
    uv_close(handle, on_handle_closed);
}

static int bind_to(const struct sockaddr_un *address, char *error, size_t size)
{
    const char *path = address->sun_path;
    struct stat status;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return fail(errno, path, error, size, "no socket");
    if (lstat(path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode))
            return fail(EEXIST, path, error, size, "is not a socket, left alone");
        if (unlink(path) < 0) /* a dead daemon's: the control socket's lock is ours */
            return fail(errno, path, error, size, "cannot remove the stale socket");
    }
    mode_t mask = umask(0177); /* never, not for an instant, open to others */
    int failed = bind(fd, (const struct sockaddr *)address, sizeof *address);
    int number = errno;
    umask(mask);
    if (failed)
        return fail(number, path, error, size, "cannot bind");
    int bound = fd;
    fd = -1;
    return bound;
}

int inband_socket_open(uv_loop_t *loop, const char *path, uid_t owner,
                       const struct inband_socket_events *events, void *context,
                       struct inband_socket **opened, char *error, size_t size)
{
    struct inband_socket *socket = calloc(1, sizeof *socket);

    *opened = NULL;
    if (!socket || strlen(path) >= sizeof socket->address.sun_path) {
        free(socket);
        return fail(socket ? ENAMETOOLONG : ENOMEM, path, error, size, "cannot listen");
    }
    socket->address.sun_family = AF_UNIX;
    memcpy(socket->address.sun_path, path, strlen(path) + 1);
    socket->owner = owner;
    int fd = bind_to(&socket->address, error, size);
    if (fd < 0) {
        free(socket);
        return fd;
    }
    int result = let_in(path, owner);
    uv_pipe_init(loop, &socket->server, 0);
    uv_timer_init(loop, &socket->pause);
    uv_timer_init(loop, &socket->settling);
    if (uv_pipe_open(&socket->server, fd) != 0)
        close(fd);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&socket->server, 1, on_connection);
    if (result < 0) {
        inband_socket_close(socket);
        return fail(-result, path, error, size, "cannot let QEMU's user connect");
    }
    socket->events = events;
    socket->context = context;
    *opened = socket;
    return 0;
}

void inband_socket_close(struct inband_socket *socket)
{
    if (!socket)
        return;
    socket->events = NULL;
    disconnect(socket);
    unlink(socket->address.sun_path);
    close_handle(socket, (uv_handle_t *)&socket->server);
    close_handle(socket, (uv_handle_t *)&socket->pause);
    close_handle(socket, (uv_handle_t *)&socket->settling);
}
