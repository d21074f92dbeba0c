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
struct post {
    struct ssh_watch watch;
    struct ssh_shared *shared;
    struct ssh_posts *all;
    union endpoint_address address;
    struct ssh_door door;
    uint64_t again_ms; /* when to try again what failed; 0: nothing did */
    bool complained;
    struct client *clients; /* the newest first */
};

struct ssh_posts {
    size_t count;
    struct post posts[];
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- listening ---- */

static void complain(struct post *post, const char *what)
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

    post->again_ms = post->shared->loop.now_ms + LISTEN_AGAIN_MS;
    if (post->complained)
        return;
    post->complained = true;
    endpoint_address_format(&post->address, address);
    log_error("SSH: cannot %s %s: %s%s", what, address, strerror(code), hint);
}

static void on_client(struct ssh_watch *watch, uint32_t events);

static void start_listening(struct post *post)
{
    const int on = 1, off = 0;
    int family = post->address.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    char address[ENDPOINT_TEXT_SIZE];

    ssh_watch_init(&post->watch, fd, on_client);
    post->again_ms = 0;
    if (fd < 0) {
        complain(post, "open a socket for");
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, &post->address.any, endpoint_address_size(&post->address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        complain(post, "listen on");
        ssh_watch_close(&post->shared->loop, &post->watch);
        return;
    }
    ssh_watch_set(&post->shared->loop, &post->watch, EPOLLIN);
    endpoint_address_format(&post->address, address);
    log_info("SSH: listening on %s", address);
    post->complained = false;
}

static void count_logins(const struct ssh_posts *posts, const union endpoint_address *source,
                         unsigned *all, unsigned *same)
{
    *all = *same = 0;
    for (size_t i = 0; i < posts->count; i++) {
        for (struct client *c = posts->posts[i].clients; c; c = c->next) {
            if (ssh_connection_is_logged_in(c->connection) || ssh_connection_is_over(c->connection))
                continue;
            ++*all;
            *same += ssh_sources_same(ssh_connection_remote(c->connection), source);
        }
    }
}

/* Of those that have not logged in, over all addresses: the oldest of the source that has most, so
 * that a flood from a few places crowds out itself first. */
static struct ssh_connection *find_crowd(const struct ssh_posts *posts)
{
    struct ssh_connection *found = NULL;
    unsigned all, same, most = 0;

    for (size_t i = 0; i < posts->count; i++) {
        for (struct client *c = posts->posts[i].clients; c; c = c->next) {
            if (ssh_connection_is_logged_in(c->connection) || ssh_connection_is_over(c->connection))
                continue;
            count_logins(posts, ssh_connection_remote(c->connection), &all, &same);
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
static bool admit(struct post *post, const union endpoint_address *remote)
{
    const struct ssh_limits *limits = &post->shared->limits;
    char text[ENDPOINT_TEXT_SIZE];
    unsigned all, same;

    count_logins(post->all, remote, &all, &same);
    if (ssh_sources_refuse(post->shared->sources, remote, post->shared->loop.now_ms) ||
        same >= limits->source_logins) {
        endpoint_address_format(remote, text);
        log_debug("SSH: refused a connection from %s, %u of it have not logged in", text, same);
        return false;
    }
    if (all >= limits->logins)
        ssh_connection_end(find_crowd(post->all), "others wait to log in");
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

static void add_client(struct post *post, int fd, const union endpoint_address *remote)
{
    struct ssh_shared *shared = post->shared;
    struct client *client = calloc(1, sizeof *client);

    if (!client || !admit(post, remote)) {
        free(client);
        close(fd);
        return;
    }
    set_socket_options(fd);
    client->connection = ssh_connection_new(shared, fd, remote, &post->door);
    if (!client->connection) {
        free(client);
        return;
    }
    client->next = post->clients;
    post->clients = client;
}

static void on_client(struct ssh_watch *watch, uint32_t events)
{
    struct post *post = CONTAINER_OF(watch, struct post, watch);
    union endpoint_address remote;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        socklen_t size = sizeof remote;
        int fd = accept4(watch->fd, &remote.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            add_client(post, fd, &remote);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_error("SSH: cannot take a connection: %s", strerror(errno));
            ssh_watch_set(&post->shared->loop, watch, 0);
            post->again_ms = post->shared->loop.now_ms + ACCEPT_AGAIN_MS;
        }
        return;
    }
}

/* ---- a set of them ---- */

void ssh_posts_free(struct ssh_posts *posts)
{
    for (size_t i = 0; posts && i < posts->count; i++)
        ssh_accounts_unref(posts->posts[i].door.accounts);
    free(posts);
}

/* The accounts of the first listener that has the same array, or new ones. */
static int read_accounts(const struct ssh_listener *listeners, size_t index,
                         struct ssh_posts *posts)
{
    const struct ssh_listener *of = &listeners[index];

    for (size_t i = 0; i < index; i++) {
        if (listeners[i].accounts == of->accounts &&
            listeners[i].account_count == of->account_count) {
            posts->posts[index].door.accounts = ssh_accounts_ref(posts->posts[i].door.accounts);
            return 0;
        }
    }
    return ssh_accounts_new(of->accounts, of->account_count, &posts->posts[index].door.accounts);
}

struct ssh_posts *ssh_posts_new(struct ssh_shared *shared, const struct ssh_listener *listeners,
                                size_t count, int *error)
{
    struct ssh_posts *posts = calloc(1, sizeof *posts + count * sizeof posts->posts[0]);

    *error = -ENOMEM;
    for (size_t i = 0; posts && i < count; i++) {
        struct post *post = &posts->posts[i];

        *error = read_accounts(listeners, i, posts);
        if (*error < 0) {
            ssh_posts_free(posts);
            return NULL;
        }
        posts->count++;
        ssh_watch_init(&post->watch, -1, on_client);
        post->shared = shared;
        post->all = posts;
        post->address = listeners[i].address;
        post->door.one_bmc = listeners[i].one_bmc;
        post->door.uuid = listeners[i].uuid;
    }
    return posts;
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

static struct post *find_post(struct ssh_posts *posts, const union endpoint_address *address)
{
    for (size_t i = 0; i < posts->count; i++)
        if (same_address(&posts->posts[i].address, address))
            return &posts->posts[i];
    return NULL;
}

/* The socket and the clients of `from` go to `to`, which has neither. */
static void move_post(struct post *from, struct post *to)
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

static void close_post(struct post *post, const char *reason)
{
    char address[ENDPOINT_TEXT_SIZE];

    if (post->watch.fd >= 0) {
        endpoint_address_format(&post->address, address);
        log_info("SSH: no longer listening on %s", address);
        ssh_watch_close(&post->shared->loop, &post->watch);
    }
    for (struct client *client = post->clients, *next; client; client = next) {
        next = client->next;
        ssh_connection_end(client->connection, reason);
        free_client(client);
    }
    post->clients = NULL;
}

/* What is no longer wanted is closed first, so that its addresses are free. */
void ssh_posts_replace(struct ssh_posts *before, struct ssh_posts *wanted)
{
    for (size_t i = 0; i < before->count; i++) {
        struct post *to = find_post(wanted, &before->posts[i].address);

        if (to && to->watch.fd < 0 && !to->clients)
            move_post(&before->posts[i], to);
        else
            close_post(&before->posts[i], "this address is no longer served");
    }
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->posts[i].watch.fd < 0)
            start_listening(&wanted->posts[i]);
    ssh_posts_free(before);
}

void ssh_posts_close(struct ssh_posts *posts, const char *reason)
{
    for (size_t i = 0; i < posts->count; i++)
        close_post(&posts->posts[i], reason);
}

static uint64_t tick_post(struct post *post)
{
    struct ssh_loop *loop = &post->shared->loop;
    uint64_t next = UINT64_MAX;

    for (struct client **at = &post->clients; *at;) {
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
    if (post->again_ms != 0 && loop->now_ms >= post->again_ms) {
        if (post->watch.fd < 0) {
            start_listening(post);
        } else {
            post->again_ms = 0;
            ssh_watch_set(loop, &post->watch, EPOLLIN);
        }
    }
    return post->again_ms != 0 ? earlier(next, post->again_ms) : next;
}

uint64_t ssh_posts_tick(struct ssh_posts *posts)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < posts->count; i++)
        next = earlier(next, tick_post(&posts->posts[i]));
    return next;
}
