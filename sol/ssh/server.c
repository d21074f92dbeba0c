#include "sol/ssh/server.h"

#include <errno.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sol/ssh/hostkey.h"
#include "sol/ssh/internal.h"
#include "sol/ssh/process.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define GRACE_MS 300 /* for the programs when the server ends */

/* No Diffie-Hellman over large groups: one exchange of it would stop all sessions for tens of
 * milliseconds, and strangers may ask for as many as they like. */
static const struct {
    enum ssh_bind_options_e option;
    const char *value;
} algorithms[] = {
    {SSH_BIND_OPTIONS_KEY_EXCHANGE,
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
     "ecdh-sha2-nistp521"},
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

struct ssh_server {
    struct ssh_shared shared;
    pthread_t thread;
    struct ssh_watch wake; /* an eventfd */
    struct ssh_listening *listening;
    /* From other threads. */
    pthread_mutex_t lock;
    struct ssh_listening *wanted; /* a new set; NULL: none */
    struct ssh_spared spared;     /* when that is taken */
    struct ssh_spared noted;      /* for the next one */
    bool stop;
};

static void wake(struct ssh_server *server)
{
    const uint64_t one = 1;

    if (write(server->wake.fd, &one, sizeof one) < 0)
        log_debug("SSH: the thread is awake already"); /* the counter is full */
}

static void add_spared(struct ssh_spared *spared, const char *remote)
{
    snprintf(spared->remote[spared->count++ % SSH_SPARED_MAX], ENDPOINT_TEXT_SIZE, "%s", remote);
}

void ssh_server_spare(struct ssh_server *server, const char *remote)
{
    pthread_mutex_lock(&server->lock);
    add_spared(&server->noted, remote);
    pthread_mutex_unlock(&server->lock);
}

/* Of a set that replaces one which the thread has not taken, those of both are spared. */
static void note_spared(struct ssh_server *server)
{
    for (unsigned i = 0; i < SSH_SPARED_MAX; i++) {
        if (server->noted.remote[i][0])
            add_spared(&server->spared, server->noted.remote[i]);
    }
    server->noted = (struct ssh_spared){.count = 0};
}

int ssh_server_configure(struct ssh_server *server, const struct ssh_listener *listeners,
                         size_t count)
{
    struct ssh_listening *untaken, *listening;
    int rc;

    listening = ssh_listening_new(&server->shared, listeners, count, &rc);
    if (!listening)
        return rc;
    pthread_mutex_lock(&server->lock);
    untaken = server->wanted;
    server->wanted = listening;
    note_spared(server);
    pthread_mutex_unlock(&server->lock);
    ssh_listening_free(untaken);
    wake(server);
    return 0;
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
        log_debug("SSH: woken without need");
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
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
    struct ssh_listening *wanted;
    bool stop;

    pthread_mutex_lock(&server->lock);
    wanted = server->wanted;
    server->wanted = NULL;
    stop = server->stop;
    if (wanted) {
        server->shared.spared = server->spared;
        server->spared = (struct ssh_spared){.count = 0};
    }
    pthread_mutex_unlock(&server->lock);
    if (wanted && !stop) {
        ssh_listening_replace(server->listening, wanted);
        server->listening = wanted;
    } else {
        ssh_listening_free(wanted);
    }
    return !stop;
}

static void end_all(struct ssh_server *server)
{
    struct ssh_shared *shared = &server->shared;
    uint64_t until = shared->loop.now_ms + GRACE_MS;

    ssh_listening_close(server->listening, "vbmc is shutting down");
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
        next = earlier(next, ssh_listening_tick(server->listening));
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
    or_default(&limits->account_sessions, limits->sessions < 4 ? 1 : limits->sessions / 4);
    or_default(&limits->logins, 96);
    or_default(&limits->source_logins, 48);
    or_default(&limits->channels, 2);
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
    ssh_listening_free(server->listening);
    ssh_listening_free(server->wanted);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

/* No signal is for this thread: writing to a pipe that nobody reads is seen by its error. SIGSYS is
 * the thread's own doing, and kills the process where it is blocked. */
static int start_thread(struct ssh_server *server)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    sigdelset(&all, SIGSYS);
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
    if (rc == 0) {
        server->listening = ssh_listening_new(&server->shared, NULL, 0, &rc);
        rc = server->listening ? fill_shared(&server->shared, options) : rc;
    }
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
