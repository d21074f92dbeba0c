#include "vbmc/net/udp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"

#define BATCH       32
#define ROUNDS_MAX  8 /* batches before the loop gets its turn */
#define BUFFER_SIZE (4 * 1024 * 1024)

union control_space {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    union endpoint_address addresses[BATCH];
    union control_space control[BATCH];
    uint8_t bytes[BATCH][UDP_DATAGRAM_MAX];
};

struct udp_socket {
    uv_poll_t poll;
    int fd;
    udp_receive_fn *receive;
    void *context;
};

/* Of the one loop, whose sockets take turns: the answers of the socket that is being read are
 * collected and leave together. */
static struct {
    struct batch in;
    struct batch out;
    bool is_prepared;
    struct udp_socket *receiving;
    unsigned pending; /* in `out` */
} shared;

static void read_local_address(struct msghdr *header, union endpoint_address *local)
{
    memset(local, 0, sizeof *local);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local->in.sin_family = AF_INET;
            local->in.sin_addr = info.ipi_addr;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local->in6.sin6_family = AF_INET6;
            local->in6.sin6_addr = info.ipi6_addr;
            local->in6.sin6_scope_id = info.ipi6_ifindex;
        }
    }
}

static void write_local_address(struct msghdr *header, union control_space *space,
                                const union endpoint_address *local)
{
    struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};
    struct in6_pktinfo info6 = {.ipi6_addr = local->in6.sin6_addr};
    bool is_v4 = local->any.sa_family == AF_INET;

    header->msg_control = space;
    header->msg_controllen = 0;
    if (!is_v4 && local->any.sa_family != AF_INET6)
        return;
    size_t size = is_v4 ? sizeof info : sizeof info6;
    memset(space, 0, sizeof *space);
    header->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), is_v4 ? (void *)&info : (void *)&info6, size);
}

static void flush(void)
{
    unsigned sent = 0;

    while (sent < shared.pending) {
        int n =
            sendmmsg(shared.receiving->fd, shared.out.messages + sent, shared.pending - sent, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            log_debug("datagram not sent: %s", strerror(errno));
        sent += n > 0 ? (unsigned)n : 1;
    }
    shared.pending = 0;
}

void udp_socket_send(struct udp_socket *socket, const struct endpoint *to, const uint8_t *bytes,
                     size_t length)
{
    struct batch *out = &shared.out;
    unsigned i = shared.pending;

    if (length > UDP_DATAGRAM_MAX)
        return;
    if (socket != shared.receiving) {
        int result = udp_socket_send_now(socket, to, bytes, length);
        if (result < 0)
            log_debug("datagram not sent: %s", strerror(-result));
        return;
    }
    memcpy(out->bytes[i], bytes, length);
    out->addresses[i] = to->remote;
    out->vectors[i].iov_len = length;
    struct msghdr *header = &out->messages[i].msg_hdr;
    header->msg_namelen = endpoint_address_size(&to->remote);
    write_local_address(header, &out->control[i], &to->local);
    shared.pending++;
    if (shared.pending == BATCH)
        flush();
}

int udp_socket_send_now(struct udp_socket *socket, const struct endpoint *to, const uint8_t *bytes,
                        size_t length)
{
    union endpoint_address remote = to->remote;
    union control_space control;
    struct iovec vector = {(void *)bytes, length};
    struct msghdr header = {
        .msg_name = &remote,
        .msg_namelen = endpoint_address_size(&remote),
        .msg_iov = &vector,
        .msg_iovlen = 1,
    };
    ssize_t sent;

    if (length > UDP_DATAGRAM_MAX)
        return -EMSGSIZE;
    write_local_address(&header, &control, &to->local);
    do
        sent = sendmsg(socket->fd, &header, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* What has been received has changed of the message; an address is shorter in IPv4 than in IPv6. */
static void prepare_in(unsigned i)
{
    struct msghdr *header = &shared.in.messages[i].msg_hdr;

    memset(&shared.in.addresses[i], 0, sizeof shared.in.addresses[i]);
    header->msg_namelen = sizeof shared.in.addresses[i];
    header->msg_controllen = sizeof shared.in.control[i];
}

static void prepare(struct batch *batch)
{
    for (unsigned i = 0; i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes[i], UDP_DATAGRAM_MAX};
        batch->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->addresses[i],
            .msg_iov = &batch->vectors[i],
            .msg_iovlen = 1,
            .msg_control = &batch->control[i],
        };
    }
}

static void prepare_shared(void)
{
    if (shared.is_prepared)
        return;
    prepare(&shared.in);
    prepare(&shared.out);
    for (unsigned i = 0; i < BATCH; i++)
        prepare_in(i);
    shared.is_prepared = true;
}

/* False when there was less than a full batch. */
static bool receive_batch(struct udp_socket *socket)
{
    struct batch *in = &shared.in;
    int count = recvmmsg(socket->fd, in->messages, BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        struct msghdr *header = &in->messages[i].msg_hdr;
        struct endpoint from = {.remote = in->addresses[i]};
        if (!(header->msg_flags & MSG_TRUNC)) {
            read_local_address(header, &from.local);
            socket->receive(socket->context, &from, in->bytes[i], in->messages[i].msg_len);
        }
        prepare_in((unsigned)i);
    }
    return count == BATCH;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct udp_socket *socket = poll->data;

    (void)status; /* an ICMP error is read, and so cleared, like a datagram */
    (void)events;
    prepare_shared();
    shared.receiving = socket;
    for (int round = 0; round < ROUNDS_MAX && receive_batch(socket); round++)
        flush();
    flush();
    shared.receiving = NULL;
}

/* Only there it is in question from which address an answer leaves. */
static bool is_bound_to_all(const union endpoint_address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

static int open_descriptor(const union endpoint_address *address)
{
    static const int on = 1, off = 0, buffer = BUFFER_SIZE;
    int family = address->any.sa_family;
    CLEANUP_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (is_bound_to_all(address) && family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    else if (is_bound_to_all(address))
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer); /* as much as is allowed */
    if (bind(fd, &address->any, endpoint_address_size(address)) < 0)
        return -errno;
    int opened = fd;
    fd = -1;
    return opened;
}

int udp_socket_open(uv_loop_t *loop, const union endpoint_address *address, udp_receive_fn *receive,
                    void *context, struct udp_socket **opened)
{
    CLEANUP_CLOSE int fd = open_descriptor(address); /* first: what fails is tried again often */

    *opened = NULL;
    if (fd < 0)
        return fd;
    CLEANUP_FREE struct udp_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return -ENOMEM;
    int result = uv_poll_init(loop, &socket->poll, fd);
    if (result < 0)
        return result;
    socket->receive = receive;
    socket->context = context;
    socket->fd = fd;
    fd = -1;
    socket->poll.data = socket;
    uv_poll_start(&socket->poll, UV_READABLE, on_poll);
    *opened = cleanup_steal_pointer(&socket);
    return 0;
}

sa_family_t udp_socket_family(const struct udp_socket *socket)
{
    union endpoint_address address = {0};
    socklen_t size = sizeof address;

    return getsockname(socket->fd, &address.any, &size) < 0 ? AF_UNSPEC : address.any.sa_family;
}

void udp_socket_explain(const union endpoint_address *address, int result, char *text, size_t size)
{
    static const struct {
        int result;
        const char *text;
    } hints[] = {
        {-EADDRINUSE, " (another program, or another vbmcd, has this port)"},
        {-EADDRNOTAVAIL, " (no address of this machine, so far)"},
        {-EACCES, " (ports below 1024 need root)"},
    };
    const char *hint = "";
    char place[ENDPOINT_TEXT_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        if (hints[i].result == result)
            hint = hints[i].text;
    }
    endpoint_address_format(address, place);
    snprintf(text, size, "cannot listen on UDP %s: %s%s", place, strerror(-result), hint);
}

uint16_t udp_socket_port(const struct udp_socket *socket)
{
    union endpoint_address address = {0};
    socklen_t size = sizeof address;

    if (getsockname(socket->fd, &address.any, &size) < 0)
        return 0;
    return endpoint_address_port(&address);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void udp_socket_close(struct udp_socket *socket)
{
    if (!socket)
        return;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    close(socket->fd);
}
