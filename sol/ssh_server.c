#include "sol/ssh_server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sol/ssh_hostkey.h"
#include "sol/ssh_internal.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define BACKLOG         128
#define ACCEPTS_A_TURN  16
#define LISTEN_AGAIN_MS 10000 /* an address that could not be bound */
#define ACCEPT_AGAIN_MS 1000  /* no descriptors left */
#define GRACE_MS        300   /* for the programs when the server ends */

/* No group 18: one exchange of it would stop all sessions for a quarter of a second. */
static const struct {
    enum ssh_bind_options_e option;
    const char *value;
} algorithms[] = {
    {SSH_BIND_OPTIONS_KEY_EXCHANGE,
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
     "ecdh-sha2-nistp521,diffie-hellman-group16-sha512"},
    {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519"},
    {SSH_BIND_OPTIONS_CIPHERS_C_S, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
                                   "aes128-gcm@openssh.com,aes256-ctr"},
    {SSH_BIND_OPTIONS_CIPHERS_S_C, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
                                   "aes128-gcm@openssh.com,aes256-ctr"},
    {SSH_BIND_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                                "hmac-sha2-256,hmac-sha2-512"},
    {SSH_BIND_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                                "hmac-sha2-256,hmac-sha2-512"},
    {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
     "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
     "rsa-sha2-256"},
    {SSH_BIND_OPTIONS_BANNER, "vbmc"},
};

struct client {
    struct ssh_connection *connection;
    struct client *next;
};

/* An address that is listened on, or is to be. */
struct post {
    struct ssh_watch watch;
    struct ssh_server *server;
    union endpoint_address address;
    struct ssh_door door;
    uint64_t again_ms; /* when to try again what failed; 0: nothing did */
    bool complained;
    struct client *clients; /* the newest first */
};

struct posts {
    size_t count;
    struct post posts[];
};

struct ssh_server {
    struct ssh_shared shared;
    pthread_t thread;
    struct ssh_watch wake; /* an eventfd */
    struct posts *posts;
    /* From other threads. */
    pthread_mutex_t lock;
    struct posts *wanted; /* a new set; NULL: none */
    bool stop;
};

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

    post->again_ms = post->server->shared.loop.now_ms + LISTEN_AGAIN_MS;
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
        ssh_watch_close(&post->server->shared.loop, &post->watch);
        return;
    }
    ssh_watch_set(&post->server->shared.loop, &post->watch, EPOLLIN);
    endpoint_address_format(&post->address, address);
    log_info("SSH: listening on %s", address);
    post->complained = false;
}

/* The oldest connection that has not logged in, over all addresses. */
static struct ssh_connection *find_oldest_login(struct ssh_server *server)
{
    struct ssh_connection *oldest = NULL;

    for (size_t i = 0; i < server->posts->count; i++)
        for (struct client *c = server->posts->posts[i].clients; c; c = c->next)
            if (!ssh_connection_is_logged_in(c->connection) &&
                !ssh_connection_is_over(c->connection) &&
                (!oldest ||
                 ssh_connection_login_ms(c->connection) <= ssh_connection_login_ms(oldest)))
                oldest = c->connection;
    return oldest;
}

static void count_logins(const struct ssh_server *server, const union endpoint_address *source,
                         unsigned *all, unsigned *same)
{
    *all = *same = 0;
    for (size_t i = 0; i < server->posts->count; i++) {
        for (struct client *c = server->posts->posts[i].clients; c; c = c->next) {
            if (ssh_connection_is_logged_in(c->connection) || ssh_connection_is_over(c->connection))
                continue;
            ++*all;
            *same += ssh_sources_same(ssh_connection_remote(c->connection), source);
        }
    }
}

/* A flood of connections can at most crowd out others that have not logged in either. */
static bool admit(struct ssh_server *server, const union endpoint_address *remote)
{
    const struct ssh_limits *limits = &server->shared.limits;
    char text[ENDPOINT_TEXT_SIZE];
    unsigned all, same;

    count_logins(server, remote, &all, &same);
    if (ssh_sources_refuse(server->shared.sources, remote, server->shared.loop.now_ms) ||
        same >= limits->source_logins) {
        endpoint_address_format(remote, text);
        log_debug("SSH: refused a connection from %s, %u of it have not logged in", text, same);
        return false;
    }
    if (all >= limits->logins)
        ssh_connection_end(find_oldest_login(server), "others wait to log in");
    return true;
}

static void add_client(struct post *post, int fd, const union endpoint_address *remote)
{
    struct ssh_shared *shared = &post->server->shared;
    struct client *client = calloc(1, sizeof *client);

    if (!client || !admit(post->server, remote)) {
        free(client);
        close(fd);
        return;
    }
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
            ssh_watch_set(&post->server->shared.loop, watch, 0);
            post->again_ms = post->server->shared.loop.now_ms + ACCEPT_AGAIN_MS;
        }
        return;
    }
}

/* ---- the set of listeners ---- */

static void posts_free(struct posts *posts)
{
    for (size_t i = 0; posts && i < posts->count; i++)
        ssh_accounts_unref(posts->posts[i].door.accounts);
    free(posts);
}

/* The accounts of the first listener that has the same array, or new ones. */
static int read_accounts(const struct ssh_listener *listeners, size_t index, struct posts *posts)
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

static void wake(struct ssh_server *server)
{
    const uint64_t one = 1;

    if (write(server->wake.fd, &one, sizeof one) < 0)
        log_debug("SSH: the thread is awake already"); /* the counter is full */
}

int ssh_server_configure(struct ssh_server *server, const struct ssh_listener *listeners,
                         size_t count)
{
    struct posts *posts = calloc(1, sizeof *posts + count * sizeof posts->posts[0]);

    if (!posts)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct post *post = &posts->posts[i];
        int rc = read_accounts(listeners, i, posts);

        if (rc < 0) {
            posts_free(posts);
            return rc;
        }
        posts->count++;
        ssh_watch_init(&post->watch, -1, on_client);
        post->server = server;
        post->address = listeners[i].address;
        post->door.one_bmc = listeners[i].one_bmc;
        post->door.uuid = listeners[i].uuid;
    }
    pthread_mutex_lock(&server->lock);
    struct posts *untaken = server->wanted;
    server->wanted = posts;
    pthread_mutex_unlock(&server->lock);
    posts_free(untaken);
    wake(server);
    return 0;
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

static struct post *find_post(struct posts *posts, const union endpoint_address *address)
{
    for (size_t i = 0; i < posts->count; i++)
        if (same_address(&posts->posts[i].address, address))
            return &posts->posts[i];
    return NULL;
}

/* The socket and the clients of `from` go to `to`, which has neither. */
static void move_post(struct post *from, struct post *to)
{
    struct ssh_loop *loop = &to->server->shared.loop;

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

static void close_post(struct post *post)
{
    char address[ENDPOINT_TEXT_SIZE];

    if (post->watch.fd >= 0) {
        endpoint_address_format(&post->address, address);
        log_info("SSH: no longer listening on %s", address);
        ssh_watch_close(&post->server->shared.loop, &post->watch);
    }
    for (struct client *client = post->clients, *next; client; client = next) {
        next = client->next;
        ssh_connection_set_door(client->connection, NULL);
        free_client(client);
    }
    post->clients = NULL;
}

/* What is no longer wanted is closed first, so that its addresses are free. */
static void take_posts(struct ssh_server *server, struct posts *wanted)
{
    struct posts *before = server->posts;

    for (size_t i = 0; i < before->count; i++) {
        struct post *to = find_post(wanted, &before->posts[i].address);

        if (to && to->watch.fd < 0 && !to->clients)
            move_post(&before->posts[i], to);
        else
            close_post(&before->posts[i]);
    }
    server->posts = wanted;
    posts_free(before);
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->posts[i].watch.fd < 0)
            start_listening(&wanted->posts[i]);
}

/* ---- the thread ---- */

static void libssh_log(int priority, const char *function, const char *text, void *userdata)
{
    (void)priority;
    (void)function; /* stands in the text already */
    (void)userdata;
    log_debug("libssh: %s", text);
}

static void on_wake(struct ssh_watch *watch, uint32_t events)
{
    uint64_t count;

    (void)events;
    if (read(watch->fd, &count, sizeof count) < 0)
        log_debug("SSH: woken for nothing");
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t tick_post(struct post *post)
{
    struct ssh_loop *loop = &post->server->shared.loop;
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

static uint64_t tick_leaving(struct ssh_shared *shared)
{
    uint64_t next = UINT64_MAX;

    for (struct ssh_process **at = &shared->leaving; *at;) {
        struct ssh_process *process = *at;

        if (ssh_process_press(process)) {
            *at = process->next;
            ssh_process_free(process);
        } else {
            next = earlier(next, process->next_step_ms);
            at = &process->next;
        }
    }
    return next;
}

static int timeout_until(const struct ssh_loop *loop, uint64_t next_ms)
{
    if (next_ms == UINT64_MAX)
        return -1;
    if (next_ms <= loop->now_ms)
        return 0;
    return next_ms - loop->now_ms < 60000 ? (int)(next_ms - loop->now_ms) : 60000;
}

/* False: the server is to end. */
static bool take_orders(struct ssh_server *server)
{
    struct posts *wanted;
    bool stop;

    pthread_mutex_lock(&server->lock);
    wanted = server->wanted;
    server->wanted = NULL;
    stop = server->stop;
    pthread_mutex_unlock(&server->lock);
    if (wanted && !stop)
        take_posts(server, wanted);
    else
        posts_free(wanted);
    return !stop;
}

static void end_all(struct ssh_server *server)
{
    struct ssh_shared *shared = &server->shared;
    uint64_t until = shared->loop.now_ms + GRACE_MS;

    for (size_t i = 0; i < server->posts->count; i++) {
        for (struct client *c = server->posts->posts[i].clients; c; c = c->next)
            ssh_connection_end(c->connection, "vbmc is shutting down");
        close_post(&server->posts->posts[i]);
    }
    for (struct ssh_process *process = shared->leaving; process; process = process->next)
        ssh_process_signal(process, SIGTERM);
    while (tick_leaving(shared), shared->leaving && shared->loop.now_ms < until)
        ssh_loop_turn(&shared->loop, timeout_until(&shared->loop, until));
    for (struct ssh_process *process = shared->leaving; process; process = process->next)
        ssh_process_kill(process);
    tick_leaving(shared);
}

static void *run(void *argument)
{
    struct ssh_server *server = argument;
    struct ssh_shared *shared = &server->shared;

    ssh_set_log_callback(libssh_log);
    while (take_orders(server)) {
        uint64_t next = tick_leaving(shared);

        ssh_set_log_level(log_get_level() >= LOG_LEVEL_DEBUG ? SSH_LOG_WARNING : SSH_LOG_NOLOG);
        for (size_t i = 0; i < server->posts->count; i++)
            next = earlier(next, tick_post(&server->posts->posts[i]));
        /* A connection that was ended has programs to see off. */
        if (shared->leaving)
            next = earlier(next, tick_leaving(shared));
        ssh_loop_turn(&shared->loop, timeout_until(&shared->loop, next));
    }
    end_all(server);
    return NULL;
}

/* ---- start and end ---- */

static int make_bind(struct ssh_shared *shared, const char *host_key, char *error,
                     size_t error_size)
{
    const bool no_config = false;
    const int rsa_bits = 2048;
    ssh_key key;
    int rc = ssh_hostkey_load(host_key, &key, error, error_size);

    if (rc < 0)
        return rc;
    shared->bind = ssh_bind_new();
    if (!shared->bind ||
        ssh_bind_options_set(shared->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_config) != SSH_OK ||
        ssh_bind_options_set(shared->bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
        ssh_key_free(key);
        snprintf(error, error_size, "SSH: libssh does not take the host key");
        return -EIO;
    }
    rc = ssh_bind_options_set(shared->bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsa_bits);
    for (size_t i = 0; rc == SSH_OK && i < ARRAY_SIZE(algorithms); i++)
        rc = ssh_bind_options_set(shared->bind, algorithms[i].option, algorithms[i].value);
    if (rc != SSH_OK) {
        snprintf(error, error_size, "SSH: libssh refuses an option: %s",
                 ssh_get_error(shared->bind));
        return -EIO;
    }
    return 0;
}

static void or_default(unsigned *value, unsigned otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static int fill_shared(struct ssh_shared *shared, const struct ssh_options *options)
{
    struct ssh_limits *limits = &shared->limits;

    *limits = options->limits;
    or_default(&limits->sessions, 128);
    or_default(&limits->logins, 96);
    or_default(&limits->source_logins, 48);
    or_default(&limits->channels, 4);
    or_default(&limits->login_seconds, 30);
    shared->idle_seconds = options->idle_seconds;
    shared->program = strdup(options->program ? options->program : "/proc/self/exe");
    shared->name = strdup(options->name ? options->name : "vbmc-shell");
    shared->sources = ssh_sources_new();
    return shared->program && shared->name && shared->sources ? 0 : -ENOMEM;
}

static void release(struct ssh_server *server)
{
    struct ssh_shared *shared = &server->shared;

    ssh_watch_close(&shared->loop, &server->wake);
    ssh_loop_close(&shared->loop);
    ssh_bind_free(shared->bind);
    ssh_sources_free(shared->sources);
    free(shared->program);
    free(shared->name);
    posts_free(server->posts);
    posts_free(server->wanted);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

/* No signal is for this thread: writing to a pipe that nobody reads is seen by its error. */
static int start_thread(struct ssh_server *server)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&server->thread, NULL, run, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        pthread_setname_np(server->thread, "ssh");
    return -rc;
}

int ssh_server_start(const struct ssh_options *options, const struct ssh_ops *ops, void *context,
                     struct ssh_server **out, char *error, size_t error_size)
{
    struct ssh_server *server = calloc(1, sizeof *server);
    int rc;

    snprintf(error, error_size, "SSH: no memory");
    if (!server)
        return -ENOMEM;
    pthread_mutex_init(&server->lock, NULL);
    server->shared.ops = *ops;
    server->shared.context = context;
    rc = ssh_loop_init(&server->shared.loop);
    ssh_watch_init(&server->wake, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), on_wake);
    if (rc == 0)
        rc = server->wake.fd < 0 ? -errno
                                 : ssh_watch_set(&server->shared.loop, &server->wake, EPOLLIN);
    if (rc < 0)
        snprintf(error, error_size, "SSH: cannot wait for anything: %s", strerror(-rc));
    server->posts = calloc(1, sizeof *server->posts);
    if (rc == 0)
        rc = server->posts ? fill_shared(&server->shared, options) : -ENOMEM;
    if (rc == 0)
        rc = make_bind(&server->shared, options->host_key, error, error_size);
    if (rc == 0) {
        rc = start_thread(server);
        if (rc < 0)
            snprintf(error, error_size, "SSH: cannot start a thread: %s", strerror(-rc));
    }
    if (rc < 0) {
        release(server);
        return rc;
    }
    *out = server;
    return 0;
}

void ssh_server_set_idle(struct ssh_server *server, unsigned seconds)
{
    server->shared.idle_seconds = seconds;
    wake(server);
}

void ssh_server_free(struct ssh_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->stop = true;
    pthread_mutex_unlock(&server->lock);
    wake(server);
    pthread_join(server->thread, NULL);
    release(server);
}
