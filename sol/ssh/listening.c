/* The addresses that the SSH server listens on, and who has come in by each. */
#include "sol/ssh/internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define BACKLOG         128
#define ACCEPTS_A_TURN  16
#define LISTEN_AGAIN_MS 10000 /* an address that could not be bound */
#define ACCEPT_AGAIN_MS 1000  /* no descriptors left */

#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_COUNT      4

struct client {
    struct ssh_connection *connection;
    struct client *next;
};

/* An address that is listened on, or is to be. */
struct listening_socket {
    struct ssh_watch watch;
    struct ssh_shared *shared;
    struct ssh_listening *all;
    union endpoint_address address;
    struct ssh_door door;
    uint64_t again_ms; /* when to try again what failed; 0: nothing did */
    bool complained;
    struct client *clients; /* the newest first */
};

struct ssh_listening {
    size_t count;
    struct listening_socket sockets[];
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- listening ---- */

static void complain(struct listening_socket *sock, const char *what)
{
    char address[ENDPOINT_TEXT_SIZE];
    int code = errno;
    const char *hint = code == EADDRINUSE ? "; another program has the port: end it, or "
                                            "choose another one"
                       : code == EADDRNOTAVAIL
                           ? "; this host does not have the address: add it, or "
                             "choose another one"
                       : code == EACCES ? "; ports below 1024 need root or "
                                          "CAP_NET_BIND_SERVICE"
                                        : "";

    sock->again_ms = sock->shared->loop.now_ms + LISTEN_AGAIN_MS;
    if (sock->complained)
        return;
    sock->complained = true;
    endpoint_address_format(&sock->address, address);
    log_error("SSH: cannot %s %s: %s%s", what, address, strerror(code), hint);
}

static void on_client(struct ssh_watch *watch, uint32_t events);

static void start_listening(struct listening_socket *sock)
{
    const int on = 1, off = 0;
    int family = sock->address.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    char address[ENDPOINT_TEXT_SIZE];

    ssh_watch_init(&sock->watch, fd, on_client);
    sock->again_ms = 0;
    if (fd < 0) {
        complain(sock, "open a socket for");
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, &sock->address.any, endpoint_address_size(&sock->address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        complain(sock, "listen on");
        ssh_watch_close(&sock->shared->loop, &sock->watch);
        return;
    }
    ssh_watch_set(&sock->shared->loop, &sock->watch, EPOLLIN);
    endpoint_address_format(&sock->address, address);
    log_info("SSH: listening on %s", address);
    sock->complained = false;
}

static void count_logins(const struct ssh_listening *sockets, const union endpoint_address *source,
                         unsigned *all, unsigned *same)
{
    *all = *same = 0;
    for (size_t i = 0; i < sockets->count; i++) {
        for (struct client *c = sockets->sockets[i].clients; c; c = c->next) {
            if (ssh_connection_is_logged_in(c->connection) || ssh_connection_is_over(c->connection))
                continue;
            ++*all;
            *same += ssh_sources_same(ssh_connection_remote(c->connection), source);
        }
    }
}

/* Of those that have not logged in, over all addresses: the oldest of the source that has most, so
 * that a flood from a few places crowds out itself first. */
static struct ssh_connection *find_crowd(const struct ssh_listening *sockets)
{
    struct ssh_connection *found = NULL;
    unsigned all, same, most = 0;

    for (size_t i = 0; i < sockets->count; i++) {
        for (struct client *c = sockets->sockets[i].clients; c; c = c->next) {
            if (ssh_connection_is_logged_in(c->connection) || ssh_connection_is_over(c->connection))
                continue;
            count_logins(sockets, ssh_connection_remote(c->connection), &all, &same);
            if (same < most || (same == most && ssh_connection_login_ms(c->connection) >
                                                    ssh_connection_login_ms(found)))
                continue;
            found = c->connection;
            most = same;
        }
    }
    return found;
}

/* A flood of connections can at most crowd out others that have not logged in either. */
static bool admit(struct listening_socket *sock, const union endpoint_address *remote)
{
    const struct ssh_limits *limits = &sock->shared->limits;
    char text[ENDPOINT_TEXT_SIZE];
    unsigned all, same;

    count_logins(sock->all, remote, &all, &same);
    if (ssh_sources_refuse(sock->shared->sources, remote, sock->shared->loop.now_ms) ||
        same >= limits->source_logins) {
        endpoint_address_format(remote, text);
        log_debug("SSH: refused a connection from %s, %u of it have not logged in", text, same);
        return false;
    }
    if (all >= limits->logins)
        ssh_connection_end(find_crowd(sock->all), "others wait to log in");
    return true;
}

static void set_socket_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof options[i].value);
}

static void add_client(struct listening_socket *sock, int fd, const union endpoint_address *remote)
{
    struct ssh_shared *shared = sock->shared;
    struct client *client = calloc(1, sizeof *client);

    if (!client || !admit(sock, remote)) {
        free(client);
        close(fd);
        return;
    }
    set_socket_options(fd);
    client->connection = ssh_connection_new(shared, fd, remote, &sock->door);
    if (!client->connection) {
        free(client);
        return;
    }
    client->next = sock->clients;
    sock->clients = client;
}

static void on_client(struct ssh_watch *watch, uint32_t events)
{
    struct listening_socket *sock = CONTAINER_OF(watch, struct listening_socket, watch);
    union endpoint_address remote;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        socklen_t size = sizeof remote;
        int fd = accept4(watch->fd, &remote.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            add_client(sock, fd, &remote);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_error("SSH: cannot take a connection: %s", strerror(errno));
            ssh_watch_set(&sock->shared->loop, watch, 0);
            sock->again_ms = sock->shared->loop.now_ms + ACCEPT_AGAIN_MS;
        }
        return;
    }
}

/* ---- a set of them ---- */

void ssh_listening_free(struct ssh_listening *sockets)
{
    for (size_t i = 0; sockets && i < sockets->count; i++)
        ssh_accounts_unref(sockets->sockets[i].door.accounts);
    free(sockets);
}

/* The accounts of the first listener that has the same array, or new ones. */
static int read_accounts(const struct ssh_listener *listeners, size_t index,
                         struct ssh_listening *sockets)
{
    const struct ssh_listener *of = &listeners[index];

    for (size_t i = 0; i < index; i++) {
        if (listeners[i].accounts == of->accounts &&
            listeners[i].account_count == of->account_count) {
            sockets->sockets[index].door.accounts =
                ssh_accounts_ref(sockets->sockets[i].door.accounts);
            return 0;
        }
    }
    return ssh_accounts_new(of->accounts, of->account_count,
                            &sockets->sockets[index].door.accounts);
}

struct ssh_listening *ssh_listening_new(struct ssh_shared *shared,
                                        const struct ssh_listener *listeners, size_t count,
                                        int *error)
{
    struct ssh_listening *sockets = calloc(1, sizeof *sockets + count * sizeof sockets->sockets[0]);

    *error = -ENOMEM;
    for (size_t i = 0; sockets && i < count; i++) {
        struct listening_socket *sock = &sockets->sockets[i];

        *error = read_accounts(listeners, i, sockets);
        if (*error < 0) {
            ssh_listening_free(sockets);
            return NULL;
        }
        sockets->count++;
        ssh_watch_init(&sock->watch, -1, on_client);
        sock->shared = shared;
        sock->all = sockets;
        sock->address = listeners[i].address;
        sock->door.one_bmc = listeners[i].one_bmc;
        sock->door.uuid = listeners[i].uuid;
        sock->door.restarts = listeners[i].restarts;
    }
    return sockets;
}

static bool same_address(const union endpoint_address *a, const union endpoint_address *b)
{
    if (a->any.sa_family != b->any.sa_family ||
        endpoint_address_port(a) != endpoint_address_port(b))
        return false;
    if (a->any.sa_family == AF_INET)
        return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0 &&
           a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

static struct listening_socket *find_socket(struct ssh_listening *sockets,
                                            const union endpoint_address *address)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (same_address(&sockets->sockets[i].address, address))
            return &sockets->sockets[i];
    return NULL;
}

/* The socket and the clients of `from` go to `to`, which has neither. */
static void move_socket(struct listening_socket *from, struct listening_socket *to)
{
    struct ssh_loop *loop = &to->shared->loop;

    ssh_watch_set(loop, &from->watch, 0);
    to->watch.fd = from->watch.fd;
    from->watch.fd = -1;
    to->again_ms = from->again_ms;
    to->complained = from->complained;
    to->clients = from->clients;
    from->clients = NULL;
    for (struct client *c = to->clients; c; c = c->next)
        ssh_connection_set_door(c->connection, &to->door);
    if (to->watch.fd >= 0)
        ssh_watch_set(loop, &to->watch, EPOLLIN);
}

static void free_client(struct client *client)
{
    ssh_connection_free(client->connection);
    free(client);
}

static void close_socket(struct listening_socket *sock, const char *reason)
{
    char address[ENDPOINT_TEXT_SIZE];

    if (sock->watch.fd >= 0) {
        endpoint_address_format(&sock->address, address);
        log_info("SSH: no longer listening on %s", address);
        ssh_watch_close(&sock->shared->loop, &sock->watch);
    }
    for (struct client *client = sock->clients, *next; client; client = next) {
        next = client->next;
        ssh_connection_end(client->connection, reason);
        free_client(client);
    }
    sock->clients = NULL;
}

/* What is no longer wanted is closed first, so that its addresses are free. */
void ssh_listening_replace(struct ssh_listening *before, struct ssh_listening *wanted)
{
    for (size_t i = 0; i < before->count; i++) {
        struct listening_socket *to = find_socket(wanted, &before->sockets[i].address);

        if (to && to->watch.fd < 0 && !to->clients)
            move_socket(&before->sockets[i], to);
        else
            close_socket(&before->sockets[i], "this address is no longer served");
    }
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->sockets[i].watch.fd < 0)
            start_listening(&wanted->sockets[i]);
    ssh_listening_free(before);
}

void ssh_listening_close(struct ssh_listening *sockets, const char *reason)
{
    for (size_t i = 0; i < sockets->count; i++)
        close_socket(&sockets->sockets[i], reason);
}

static uint64_t tick_socket(struct listening_socket *sock)
{
    struct ssh_loop *loop = &sock->shared->loop;
    uint64_t next = UINT64_MAX;

    for (struct client **at = &sock->clients; *at;) {
        struct client *client = *at;
        uint64_t due = ssh_connection_tick(client->connection);

        if (ssh_connection_is_over(client->connection)) {
            *at = client->next;
            free_client(client);
        } else {
            next = earlier(next, due);
            at = &client->next;
        }
    }
    if (sock->again_ms != 0 && loop->now_ms >= sock->again_ms) {
        if (sock->watch.fd < 0) {
            start_listening(sock);
        } else {
            sock->again_ms = 0;
            ssh_watch_set(loop, &sock->watch, EPOLLIN);
        }
    }
    return sock->again_ms != 0 ? earlier(next, sock->again_ms) : next;
}

uint64_t ssh_listening_tick(struct ssh_listening *sockets)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < sockets->count; i++)
        next = earlier(next, tick_socket(&sockets->sockets[i]));
    return next;
}
