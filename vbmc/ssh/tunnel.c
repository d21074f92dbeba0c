/* A tunnel is in one of two states:
 *
 *   opening  the channel is asked for. The local end is not looked at: a channel that is given up
 *            before the host has answered would stay open over there, with nobody at its end, and
 *            keep QEMU's one place for a client.
 *   open     bytes go both ways, until one end is over: then what the host had sent still goes to
 *            the local end, and both are closed. (None of our clients closes one direction only.)
 *
 * From a channel everything is taken at once: each read of a part would make libssh grant the host
 * a whole new window, and a slow reader's buffer would grow without end. */
#include "vbmc/ssh/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libssh/callbacks.h>

#define CHUNK_SIZE      16384
#define OPENING_LOOK_MS 50 /* the answer may be taken in while another tunnel has its turn */
#define BLOCKED_LOOK_MS 20 /* channels stand still while keys are exchanged again */

struct ssh_tunnel {
    char *far_path;
    int fd;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    bool is_open;
    bool readable;   /* libssh has bytes of the channel */
    bool far_ended;  /* it will have no more */
    bool is_blocked; /* the last write to the channel took nothing, for all its window */
    /* From the host, all that libssh had. */
    uint8_t *inward;
    size_t inward_size;
    size_t inward_done;
    /* To the host. */
    size_t outward_size;
    size_t outward_done;
    uint8_t outward[CHUNK_SIZE];
};

/* Nothing is taken here: see above. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size,
                   int is_stderr, void *context)
{
    struct ssh_tunnel *tunnel = context;

    (void)session, (void)channel, (void)data;
    if (is_stderr)
        return (int)size; /* there is no such thing here */
    tunnel->readable = true;
    return 0;
}

static void on_end(ssh_session session, ssh_channel channel, void *context)
{
    struct ssh_tunnel *tunnel = context;

    (void)session, (void)channel;
    tunnel->far_ended = true;
}

struct ssh_tunnel *ssh_tunnel_new(ssh_session session, const char *far_path, int fd)
{
    struct ssh_tunnel *tunnel = calloc(1, sizeof *tunnel);

    if (!tunnel) {
        close(fd);
        return NULL;
    }
    tunnel->fd = fd;
    tunnel->far_path = strdup(far_path);
    tunnel->channel = ssh_channel_new(session);
    if (!tunnel->far_path || !tunnel->channel) {
        ssh_tunnel_free(tunnel);
        return NULL;
    }
    tunnel->callbacks.userdata = tunnel;
    tunnel->callbacks.channel_data_function = on_data;
    tunnel->callbacks.channel_eof_function = on_end;
    tunnel->callbacks.channel_close_function = on_end;
    ssh_callbacks_init(&tunnel->callbacks);
    ssh_set_channel_callbacks(tunnel->channel, &tunnel->callbacks);
    return tunnel;
}

void ssh_tunnel_free(struct ssh_tunnel *tunnel)
{
    close(tunnel->fd);
    if (tunnel->channel) {
        /* libssh keeps the channel until the host has closed it too. */
        ssh_remove_channel_callbacks(tunnel->channel, &tunnel->callbacks);
        ssh_channel_free(tunnel->channel);
    }
    free(tunnel->far_path);
    free(tunnel->inward);
    free(tunnel);
}

int ssh_tunnel_fd(const struct ssh_tunnel *tunnel)
{
    return tunnel->fd;
}

bool ssh_tunnel_is_open(const struct ssh_tunnel *tunnel)
{
    return tunnel->is_open;
}

static bool may_read_local(const struct ssh_tunnel *tunnel, ssh_session session)
{
    return tunnel->outward_size == 0 && !tunnel->far_ended &&
           !(ssh_get_poll_flags(session) & SSH_WRITE_PENDING);
}

/* The window there is used up: a guest that does not read its serial port, for one. */
static bool is_stuck(const struct ssh_tunnel *tunnel)
{
    return tunnel->outward_size > 0 && ssh_channel_window_size(tunnel->channel) == 0;
}

int ssh_tunnel_events(const struct ssh_tunnel *tunnel, ssh_session session)
{
    int events = 0;

    if (!tunnel->is_open)
        return -1;
    if (may_read_local(tunnel, session))
        events |= POLLIN;
    else if (is_stuck(tunnel))
        events |= POLLRDHUP; /* who gives up waiting must get its place back */
    if (tunnel->inward)
        events |= POLLOUT;
    return events ? events : -1;
}

int ssh_tunnel_due(const struct ssh_tunnel *tunnel)
{
    if (!tunnel->is_open)
        return ssh_channel_is_open(tunnel->channel) ? 0 : OPENING_LOOK_MS;
    if (!tunnel->inward && (tunnel->readable || tunnel->far_ended))
        return 0;
    if (tunnel->outward_size > 0 && ssh_channel_window_size(tunnel->channel) > 0)
        return tunnel->is_blocked ? BLOCKED_LOOK_MS : 0;
    return -1;
}

/* ---- to the host ---- */

/* False when the local end is over. */
static bool read_local(struct ssh_tunnel *tunnel)
{
    ssize_t got = recv(tunnel->fd, tunnel->outward, sizeof tunnel->outward, MSG_DONTWAIT);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    tunnel->outward_size = (size_t)got;
    tunnel->outward_done = 0;
    return got > 0;
}

/* False when the channel is over. */
static bool write_channel(struct ssh_tunnel *tunnel)
{
    size_t rest = tunnel->outward_size - tunnel->outward_done;
    size_t window = ssh_channel_window_size(tunnel->channel);

    if (rest == 0 || window == 0) /* libssh would wait for a window */
        return true;
    int taken = ssh_channel_write(tunnel->channel, tunnel->outward + tunnel->outward_done,
                                  (uint32_t)(rest < window ? rest : window));
    if (taken < 0)
        return false;
    tunnel->is_blocked = taken == 0;
    tunnel->outward_done += (size_t)taken;
    if (tunnel->outward_done == tunnel->outward_size)
        tunnel->outward_done = tunnel->outward_size = 0;
    return true;
}

/* ---- from the host ---- */

static bool read_channel(struct ssh_tunnel *tunnel)
{
    int size = ssh_channel_poll(tunnel->channel, 0);

    tunnel->readable = false;
    if (size <= 0)
        return size != SSH_ERROR;
    tunnel->inward = malloc((size_t)size);
    if (!tunnel->inward)
        return false;
    int got = ssh_channel_read_nonblocking(tunnel->channel, tunnel->inward, (uint32_t)size, 0);
    tunnel->inward_done = 0;
    tunnel->inward_size = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool write_local(struct ssh_tunnel *tunnel)
{
    ssize_t taken = send(tunnel->fd, tunnel->inward + tunnel->inward_done,
                         tunnel->inward_size - tunnel->inward_done, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (taken < 0)
        return errno == EAGAIN || errno == EINTR;
    tunnel->inward_done += (size_t)taken;
    if (tunnel->inward_done == tunnel->inward_size) {
        free(tunnel->inward);
        tunnel->inward = NULL;
    }
    return true;
}

/* False when the tunnel is over. */
static bool move_inward(struct ssh_tunnel *tunnel)
{
    while (tunnel->inward || tunnel->readable) {
        if (!tunnel->inward && !read_channel(tunnel))
            return false;
        if (!tunnel->inward)
            break;
        size_t before = tunnel->inward_done;
        if (!write_local(tunnel))
            return false;
        if (tunnel->inward && tunnel->inward_done == before)
            return true; /* the local end is full */
    }
    return !tunnel->far_ended;
}

static enum ssh_tunnel_result open_channel(struct ssh_tunnel *tunnel)
{
    int rc = ssh_channel_open_forward_unix(tunnel->channel, tunnel->far_path, "localhost", 0);

    tunnel->is_open = rc == SSH_OK;
    return rc == SSH_ERROR ? SSH_TUNNEL_REFUSED : SSH_TUNNEL_GOES_ON;
}

enum ssh_tunnel_result ssh_tunnel_turn(struct ssh_tunnel *tunnel, ssh_session session,
                                       short revents)
{
    if (!tunnel->is_open)
        return open_channel(tunnel);
    if (!move_inward(tunnel))
        return SSH_TUNNEL_ENDED;
    if (revents & (POLLIN | POLLHUP | POLLERR) && may_read_local(tunnel, session)) {
        if (!read_local(tunnel))
            return SSH_TUNNEL_ENDED;
    } else if (revents & POLLRDHUP && is_stuck(tunnel)) {
        return SSH_TUNNEL_ENDED;
    }
    return write_channel(tunnel) ? SSH_TUNNEL_GOES_ON : SSH_TUNNEL_ENDED;
}
