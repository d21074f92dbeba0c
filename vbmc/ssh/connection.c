#include "vbmc/ssh/connection.h"

#include <errno.h>
#include <libssh/callbacks.h>
#include <libssh/server.h> /* ssh_send_keepalive, which clients have too */
#include <libxml/uri.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"
#include "vbmc/ssh/forward.h"
#include "vbmc/ssh/login.h"
#include "vbmc/ssh/uri.h"

#define PAUSE_FIRST_MS 250
#define PAUSE_MAX_MS   5000
#define KEEPALIVE_MS   5000
#define DEAD_MS        15000
#define WAIT_PAUSE_S   1  /* of who waits while we pause */
#define READS_A_TURN   32 /* of 4 KiB each, before others have their turn */
#define TEXT_SIZE      512

enum state { CONNECTING, UP, PAUSING };

struct sshconn {
    char *name;
    struct ssh_uri uri;
    struct ssh_forwards *forwards;
    char *libvirt_uri;
    int wake; /* eventfd: something has changed under the lock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    enum state state;
    bool stopping;
    char error[TEXT_SIZE]; /* why it is not up */
    struct inbox *inbox;
    struct inbox_item *ended;
    /* The thread's. */
    ssh_session session;
    struct ssh_counter_struct traffic;
    uint64_t seen; /* bytes that had come in at heard_at */
    int64_t heard_at;
    int64_t ask_at;
    struct pollfd *polls;
    size_t capacity;
};

static bool is_stopping(struct sshconn *connection)
{
    pthread_mutex_lock(&connection->lock);
    bool stopping = connection->stopping;
    pthread_mutex_unlock(&connection->lock);
    return stopping;
}

static void set_state(struct sshconn *connection, enum state state, const char *error)
{
    pthread_mutex_lock(&connection->lock);
    connection->state = state;
    if (error)
        snprintf(connection->error, sizeof connection->error, "%s", error);
    pthread_cond_broadcast(&connection->changed);
    pthread_mutex_unlock(&connection->lock);
}

static void wake(struct sshconn *connection)
{
    const uint64_t one = 1;

    if (write(connection->wake, &one, sizeof one) < 0)
        return; /* it is full of wakes */
}

static void take_wake(struct sshconn *connection)
{
    uint64_t count;

    if (read(connection->wake, &count, sizeof count) < 0)
        return; /* there was none */
}

/* ---- without a session ---- */

/* Polls for the descriptor (-1: for nothing), turning local connections away meanwhile; once. */
static int wait_once(struct sshconn *connection, int fd, short events, int64_t deadline)
{
    size_t count = 2;
    int64_t left = deadline - ssh_now_ms();

    if (left <= 0)
        return -ETIMEDOUT;
    int due = ssh_forwards_poll(connection->forwards, NULL, &connection->polls,
                                &connection->capacity, &count);
    if (due < -1)
        return due;
    connection->polls[0] = (struct pollfd){.fd = connection->wake, .events = POLLIN};
    connection->polls[1] = (struct pollfd){.fd = fd, .events = events};
    if (poll(connection->polls, count, due >= 0 && due < left ? due : (int)left) < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    take_wake(connection);
    if (is_stopping(connection))
        return -ECANCELED;
    ssh_forwards_refuse(connection->forwards, connection->polls + 2);
    return connection->polls[1].revents ? 0 : -EAGAIN;
}

static int wait_for(void *context, int fd, short events, int64_t deadline)
{
    int result;

    do
        result = wait_once(context, fd, events, deadline);
    while (result == -EAGAIN);
    return result;
}

static void rest(struct sshconn *connection, unsigned ms)
{
    wait_for(connection, -1, 0, ssh_now_ms() + ms);
}

/* ---- with a session ---- */

static bool is_over(ssh_session session)
{
    return !ssh_is_connected(session) || ssh_get_status(session) & (SSH_CLOSED | SSH_CLOSED_ERROR);
}

/* libssh sends no question while one has no answer; the first call takes the answer to the one
 * before, if there is any, so that the second can send. False if the host has been silent too
 * long. */
static bool keep_alive(struct sshconn *connection)
{
    int64_t now = ssh_now_ms();

    if (connection->traffic.in_bytes != connection->seen) {
        connection->seen = connection->traffic.in_bytes;
        connection->heard_at = now;
    }
    if (now >= connection->ask_at) {
        ssh_send_keepalive(connection->session);
        ssh_send_keepalive(connection->session);
        connection->ask_at = now + KEEPALIVE_MS;
    }
    return now - connection->heard_at < DEAD_MS;
}

static int poll_session(struct sshconn *connection, ssh_session session)
{
    size_t count = 2;
    int64_t left = connection->ask_at - ssh_now_ms();
    bool pending = ssh_get_poll_flags(session) & SSH_WRITE_PENDING;
    int due = ssh_forwards_poll(connection->forwards, session, &connection->polls,
                                &connection->capacity, &count);

    if (due < -1)
        return due;
    if (left < 0)
        left = 0;
    connection->polls[0] = (struct pollfd){.fd = connection->wake, .events = POLLIN};
    connection->polls[1] = (struct pollfd){.fd = ssh_get_fd(session),
                                           .events = (short)(POLLIN | (pending ? POLLOUT : 0))};
    if (poll(connection->polls, count, due >= 0 && due < left ? due : (int)left) >= 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        connection->polls[i].revents = 0;
    return errno == EINTR ? 0 : -errno;
}

/* Until the session is over; then why, as one line. */
static void serve(struct sshconn *connection, ssh_event event, char *reason, size_t size)
{
    ssh_session session = connection->session;

    snprintf(reason, size, "stopping");
    while (!is_stopping(connection)) {
        int result = poll_session(connection, session);
        if (result < 0) {
            snprintf(reason, size, "%s", strerror(-result));
            return;
        }
        take_wake(connection);
        for (int i = 0; i < READS_A_TURN && ssh_event_dopoll(event, 0) == SSH_OK; i++)
            continue;
        if (!is_over(session))
            ssh_forwards_turn(connection->forwards, session, connection->polls + 2);
        if (is_over(session)) {
            snprintf(reason, size, "%s", ssh_get_error(session));
            return;
        }
        if (!keep_alive(connection)) {
            snprintf(reason, size, "nothing heard for %d s", DEAD_MS / 1000);
            return;
        }
    }
}

static void end_session(struct sshconn *connection)
{
    ssh_forwards_close_all(connection->forwards);
    ssh_silent_disconnect(
        connection->session); /* closes the descriptor, as ssh_disconnect does not */
    ssh_free(connection->session);
    connection->session = NULL;
}

static void run_session(struct sshconn *connection)
{
    char reason[TEXT_SIZE], text[TEXT_SIZE];
    ssh_event event = ssh_event_new();

    connection->traffic = (struct ssh_counter_struct){0};
    connection->seen = 0;
    connection->heard_at = ssh_now_ms();
    connection->ask_at = connection->heard_at + KEEPALIVE_MS;
    ssh_set_counters(connection->session, &connection->traffic, NULL);
    snprintf(reason, sizeof reason, "out of memory");
    if (event && ssh_event_add_session(event, connection->session) == SSH_OK)
        serve(connection, event, reason, sizeof reason);
    snprintf(text, sizeof text, "the SSH connection to %s was lost: %.400s", connection->uri.host,
             reason);
    set_state(connection, PAUSING, text);
    if (!is_stopping(connection))
        log_warning("hypervisor %s: %s", connection->name, text);
    ssh_event_free(event);
    end_session(connection);
}

/* ---- the thread ---- */

/* How long there was a session, in ms. */
static int64_t connect_and_serve(struct sshconn *connection)
{
    const struct ssh_wait wait = {.wait = wait_for, .context = connection};
    char error[TEXT_SIZE] = "", key[SSH_KNOWN_HOSTS_TEXT_SIZE] = "";

    set_state(connection, CONNECTING, NULL);
    if (ssh_login(&connection->uri, &wait, &connection->session, key, error, sizeof error) < 0) {
        set_state(connection, PAUSING, error);
        return 0;
    }
    log_info("hypervisor %s: SSH connection to %s, host key %s", connection->name,
             connection->uri.host, key);
    set_state(connection, UP, "");
    int64_t began = ssh_now_ms();
    run_session(connection);
    return ssh_now_ms() - began;
}

static void *run(void *argument)
{
    struct sshconn *connection = argument;
    unsigned pause_ms = PAUSE_FIRST_MS;

    while (!is_stopping(connection)) {
        if (connect_and_serve(connection) >= PAUSE_MAX_MS)
            pause_ms = PAUSE_FIRST_MS;
        rest(connection, pause_ms);
        pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
    }
    ssh_forwards_shut(connection->forwards);
    inbox_post(connection->inbox, connection->ended);
    return NULL;
}

/* ---- for others ---- */

static void release(struct sshconn *connection)
{
    if (connection->forwards)
        ssh_forwards_free(connection->forwards);
    if (connection->wake >= 0)
        close(connection->wake);
    pthread_cond_destroy(&connection->changed);
    pthread_mutex_destroy(&connection->lock);
    ssh_uri_clear(&connection->uri);
    free(connection->polls);
    free(connection->libvirt_uri);
    free(connection->name);
    free(connection);
}

static char *libvirt_uri(const char *socket)
{
    xmlChar *escaped = xmlURIEscapeStr((const xmlChar *)socket, (const xmlChar *)"/");
    char *uri = NULL;

    if (escaped && asprintf(&uri, "qemu+unix:///system?socket=%s", (const char *)escaped) < 0)
        uri = NULL;
    xmlFree(escaped);
    return uri;
}

static int prepare(struct sshconn *connection, const char *uri, const char *runtime_dir,
                   char *error, size_t size)
{
    char local[SSH_LOCAL_PATH_MAX];
    int result = ssh_uri_parse(uri, &connection->uri, error, size);

    if (result < 0)
        return result;
    if (connection->uri.ignored)
        log_warning("hypervisor %s: ignoring URI parameter %s", connection->name,
                    connection->uri.ignored);
    result = ssh_forwards_new(runtime_dir, &connection->forwards, error, size);
    if (result < 0)
        return result;
    result = ssh_forwards_add(connection->forwards, connection->uri.socket, local, sizeof local);
    connection->capacity = 16;
    connection->polls = calloc(connection->capacity, sizeof *connection->polls);
    if (result == 0)
        connection->libvirt_uri = libvirt_uri(local);
    if (result == 0 && (!connection->polls || !connection->libvirt_uri))
        result = -ENOMEM;
    if (result == 0 && connection->wake < 0)
        result = -EMFILE;
    if (result < 0)
        snprintf(error, size, "cannot make a socket for libvirt in %s/ssh: %s", runtime_dir,
                 strerror(-result));
    return result;
}

int sshconn_start(const char *name, const char *uri, const char *runtime_dir,
                  struct sshconn **result, char *error, size_t size)
{
    struct sshconn *connection = calloc(1, sizeof *connection);
    pthread_condattr_t attributes;

    snprintf(error, size, "out of memory");
    if (!connection)
        return -ENOMEM;
    pthread_mutex_init(&connection->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&connection->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    connection->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    connection->name = strdup(name);
    int failed = connection->name ? prepare(connection, uri, runtime_dir, error, size) : -ENOMEM;
    if (failed == 0 && pthread_create(&connection->thread, NULL, run, connection) != 0)
        failed = -EAGAIN;
    if (failed < 0)
        release(connection);
    else
        *result = connection;
    return failed;
}

void sshconn_stop(struct sshconn *connection, struct inbox *inbox, struct inbox_item *ended)
{
    pthread_mutex_lock(&connection->lock);
    connection->stopping = true;
    connection->inbox = inbox;
    connection->ended = ended;
    pthread_cond_broadcast(&connection->changed);
    pthread_mutex_unlock(&connection->lock);
    wake(connection);
}

void sshconn_free(struct sshconn *connection)
{
    pthread_join(connection->thread, NULL);
    release(connection);
}

int sshconn_forward(struct sshconn *connection, const char *far_path, char *local, size_t size)
{
    int result = ssh_forwards_add(connection->forwards, far_path, local, size);

    if (result == 0)
        wake(connection);
    return result;
}

const char *sshconn_libvirt_uri(const struct sshconn *connection)
{
    return connection->libvirt_uri;
}

int sshconn_wait(struct sshconn *connection, char *error, size_t size)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_PAUSE_S;
    pthread_mutex_lock(&connection->lock);
    bool was_pausing = connection->state == PAUSING;
    while (!connection->stopping && connection->state != UP && waited == 0) {
        if (connection->state == CONNECTING) {
            was_pausing = false;
            pthread_cond_wait(&connection->changed, &connection->lock);
        } else if (was_pausing) {
            waited = pthread_cond_timedwait(&connection->changed, &connection->lock, &until);
        } else {
            break; /* the attempt we waited for has failed */
        }
    }
    bool is_up = connection->state == UP && !connection->stopping;
    if (!is_up)
        snprintf(error, size, "%s", connection->stopping ? "stopping" : connection->error);
    pthread_mutex_unlock(&connection->lock);
    return is_up ? 0 : -EHOSTUNREACH;
}

void sshconn_explain(struct sshconn *connection, char *error, size_t size)
{
    char failure[TEXT_SIZE];

    pthread_mutex_lock(&connection->lock);
    bool is_up = connection->state == UP;
    if (!is_up && connection->error[0])
        snprintf(error, size, "%s", connection->error);
    pthread_mutex_unlock(&connection->lock);
    if (is_up &&
        ssh_forwards_failure(connection->forwards, connection->uri.socket, failure, sizeof failure))
        snprintf(error, size,
                 "%s cannot be reached on %s: %s (where libvirt's daemons are separate ones, the "
                 "URI needs socket=/run/libvirt/virtqemud-sock)",
                 connection->uri.socket, connection->uri.host, failure);
}
