/* Connections that come and go by other ways than the listener. */
#include "vbmc/control/internal.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"

uv_stream_t *control_request_take_over(struct control_request *request, struct json_object *result)
{
    struct client *client = request->client;

    control_request_free(request);
    if (!client) {
        json_object_put(result);
        return NULL;
    }
    client->request = NULL;
    client->taken = true;
    control_client_unlink(client);
    client->control = NULL;
    if (!control_client_send_ok(client, result) && !client->closing)
        control_client_close(client);
    return client->closing ? NULL : (uv_stream_t *)&client->pipe;
}

size_t control_stream_take(uv_stream_t *stream, uint8_t *bytes, size_t size)
{
    struct client *client = (struct client *)stream;
    size_t taken = client->used < size ? client->used : size;

    memcpy(bytes, client->line, taken);
    memmove(client->line, client->line + taken, client->used - taken);
    client->used -= taken;
    return taken;
}

void control_stream_closed(uv_handle_t *stream)
{
    struct client *client = (struct client *)stream;

    explicit_bzero(client->line, sizeof client->line);
    free(client);
}

int control_adopt(struct control *control, int fd, const struct control_identity *identity)
{
    bool too_many = control->adopted_count >= CONTROL_ADOPTED_MAX;
    struct client *client = too_many ? NULL : control_client_new(control);

    if (!client) {
        close(fd);
        return too_many ? -EUSERS : -ENOMEM;
    }
    client->adopted = true;
    control->adopted_count++;
    client->identity = *identity;
    int failed = uv_pipe_open(&client->pipe, fd);
    if (failed) {
        close(fd);
        control_client_close(client);
        return failed;
    }
    control_client_advance(client);
    return 0;
}

void control_visit_adopted(const struct control_request *request, control_visit_fn *visit,
                           void *context)
{
    const struct client *client = request->client ? request->client->control->clients : NULL;

    for (; client; client = client->next) {
        if (client->adopted)
            visit(context, &client->identity, client->began_ms, client->heard_ms);
    }
}

/* One line with a descriptor beside it. The socket is empty, as a request waits for its answer. */
static int send_descriptor(int socket, int fd)
{
    static char line[] = "{\"ok\":true,\"result\":{}}\n";
    struct iovec bytes = {.iov_base = line, .iov_len = sizeof line - 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } ancillary = {0};
    struct msghdr message = {
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = &ancillary,
        .msg_controllen = sizeof ancillary,
    };

    ancillary.header.cmsg_level = SOL_SOCKET;
    ancillary.header.cmsg_type = SCM_RIGHTS;
    ancillary.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof fd);
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return -errno;
    return (size_t)sent == bytes.iov_len ? 0 : -EIO;
}

void control_reply_connection(struct control_request *request)
{
    struct client *client = request->client;
    int ends[2];
    uv_os_fd_t socket;

    if (!client) {
        control_request_free(request);
        return;
    }
    if (uv_fileno((uv_handle_t *)&client->pipe, &socket) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        control_reply_error(request, CONTROL_FAILED, "no further connection: %s", strerror(errno));
        return;
    }
    CLEANUP_CLOSE int theirs = ends[1];
    int result = control_adopt(client->control, ends[0], &client->identity);
    if (result < 0) {
        control_reply_error(request, CONTROL_FAILED, "no further connection: %s",
                            strerror(-result));
        return;
    }
    client->request = NULL;
    control_request_free(request);
    if (send_descriptor(socket, theirs) < 0)
        control_client_close(client);
    else
        control_client_advance(client);
}
