#include "vbmc/ssh/forward.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/ssh/login.h"
#include "vbmc/ssh/tunnel.h"

#define NUMBERS_MAX     9999 /* of sockets; more than SSH_FORWARDS_MAX */
#define BACKLOG         16
#define FAILURE_SIZE    128
#define ACCEPT_PAUSE_MS 250 /* when there are no descriptors left */

/* Through one forward at a time: those of a hypervisor's libvirtd, twelve (the keeper's, the
 * consoles' and WORKER_ACTION_THREADS, vbmc/virt/worker.h), and as many that are just ending. */
#define CONNECTIONS_MAX 24

/* Guests come and go, and with them the paths of their sockets: from so many forwards on those that
 * nobody has asked for or been connected to for longest are given up. */
#define KEPT_MAX (SSH_FORWARDS_MAX / 4 * 3)

struct forward {
    char far_path[SSH_LOCAL_PATH_MAX];
    unsigned number; /* the name of its socket in the folder */
    uint64_t used;   /* place in the order of use; under the lock */
    int fd;
    unsigned connections;       /* session's thread */
    char failure[FAILURE_SIZE]; /* under the lock; "": none */
};

struct connection {
    struct connection *next;
    struct forward *forward;
    struct ssh_tunnel *tunnel;
};

struct ssh_forwards {
    pthread_mutex_t lock;
    /* Under the lock. Entries come from any thread and go in the session's alone, which therefore
     * may read those that it has seen without it. */
    struct forward *forwards[SSH_FORWARDS_MAX];
    size_t count;
    unsigned last_number;
    uint64_t uses;
    bool is_shut;
    /* Session's thread. */
    struct connection *connections;
    size_t polled; /* forwards that the last ssh_forwards_poll saw */
    int64_t accept_after;
    char folder[SSH_LOCAL_PATH_MAX];
};

/* ---- the folder ---- */

/* Ours, and nobody else's. */
static int make_private_folder(const char *path)
{
    struct stat status;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(path, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
        return -EPERM;
    return chmod(path, 0700) < 0 ? -errno : 0;
}

/* What a daemon that was killed has left. */
static void empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

/* The number makes it short, and unique among the hypervisors of this process. */
static int make_folder(struct ssh_forwards *forwards, const char *runtime_dir)
{
    static atomic_uint number;
    size_t size = sizeof forwards->folder - sizeof "/1234"; /* NUMBERS_MAX */
    int length = snprintf(forwards->folder, size, "%s/ssh", runtime_dir);

    if (length < 0 || (size_t)length >= size)
        return -ENAMETOOLONG;
    int result = make_private_folder(forwards->folder);
    if (result < 0)
        return result;
    length =
        snprintf(forwards->folder, size, "%s/ssh/%u", runtime_dir, atomic_fetch_add(&number, 1));
    if (length < 0 || (size_t)length >= size)
        return -ENAMETOOLONG;
    result = make_private_folder(forwards->folder);
    if (result == 0)
        empty_folder(forwards->folder);
    return result;
}

int ssh_forwards_new(const char *runtime_dir, struct ssh_forwards **result, char *error,
                     size_t size)
{
    struct ssh_forwards *forwards = calloc(1, sizeof *forwards);

    if (!forwards) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    int failed = make_folder(forwards, runtime_dir);
    if (failed < 0) {
        snprintf(error, size, "cannot make a folder for sockets in %s/ssh: %s", runtime_dir,
                 strerror(-failed));
        free(forwards);
        return failed;
    }
    pthread_mutex_init(&forwards->lock, NULL);
    *result = forwards;
    return 0;
}

void ssh_forwards_free(struct ssh_forwards *forwards)
{
    ssh_forwards_shut(forwards);
    for (size_t i = 0; i < forwards->count; i++)
        free(forwards->forwards[i]);
    pthread_mutex_destroy(&forwards->lock);
    free(forwards);
}

void ssh_forwards_shut(struct ssh_forwards *forwards)
{
    pthread_mutex_lock(&forwards->lock);
    if (!forwards->is_shut) {
        for (size_t i = 0; i < forwards->count; i++)
            close(forwards->forwards[i]->fd);
        empty_folder(forwards->folder);
        rmdir(forwards->folder);
    }
    forwards->is_shut = true;
    pthread_mutex_unlock(&forwards->lock);
}

/* ---- forwards: any thread ---- */

/* Under the lock. */
static struct forward *find(const struct ssh_forwards *forwards, const char *far_path)
{
    for (size_t i = 0; i < forwards->count; i++) {
        if (strcmp(forwards->forwards[i]->far_path, far_path) == 0)
            return forwards->forwards[i];
    }
    return NULL;
}

static bool has_number(const struct ssh_forwards *forwards, unsigned number)
{
    for (size_t i = 0; i < forwards->count; i++) {
        if (forwards->forwards[i]->number == number)
            return true;
    }
    return false;
}

/* The one that has been free for longest: a client that still has its path is to find nobody there.
 */
static unsigned next_number(const struct ssh_forwards *forwards)
{
    unsigned number = forwards->last_number;

    do
        number = number % NUMBERS_MAX + 1;
    while (has_number(forwards, number));
    return number;
}

/* 0 or -ENAMETOOLONG. */
static int write_local(const struct ssh_forwards *forwards, unsigned number, char *local,
                       size_t size)
{
    int length = snprintf(local, size, "%s/%u", forwards->folder, number);

    return length < 0 || (size_t)length >= size || (size_t)length >= SSH_LOCAL_PATH_MAX
               ? -ENAMETOOLONG
               : 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    int listening = fd;
    fd = -1;
    return listening;
}

/* Under the lock. */
static int make_forward(struct ssh_forwards *forwards, const char *far_path, unsigned number,
                        const char *local)
{
    if (forwards->count == SSH_FORWARDS_MAX)
        return -ENOSPC;
    struct forward *forward = calloc(1, sizeof *forward);
    if (!forward)
        return -ENOMEM;
    forward->fd = listen_at(local);
    if (forward->fd < 0) {
        int result = forward->fd;
        free(forward);
        return result;
    }
    snprintf(forward->far_path, sizeof forward->far_path, "%s", far_path);
    forward->number = forwards->last_number = number;
    forward->used = ++forwards->uses;
    forwards->forwards[forwards->count++] = forward;
    return 0;
}

int ssh_forwards_add(struct ssh_forwards *forwards, const char *far_path, char *local, size_t size)
{
    if (far_path[0] != '/')
        return -EINVAL;
    if (strlen(far_path) >= SSH_LOCAL_PATH_MAX)
        return -ENAMETOOLONG;
    pthread_mutex_lock(&forwards->lock);
    struct forward *found = find(forwards, far_path);
    unsigned number = found ? found->number : next_number(forwards);
    int result = write_local(forwards, number, local, size);
    if (result == 0 && forwards->is_shut)
        result = -ESHUTDOWN;
    else if (result == 0 && !found)
        result = make_forward(forwards, far_path, number, local);
    else if (result == 0)
        found->used = ++forwards->uses;
    pthread_mutex_unlock(&forwards->lock);
    return result;
}

bool ssh_forwards_failure(struct ssh_forwards *forwards, const char *far_path, char *text,
                          size_t size)
{
    pthread_mutex_lock(&forwards->lock);
    const struct forward *forward = find(forwards, far_path);
    bool failed = forward && forward->failure[0];
    if (failed)
        snprintf(text, size, "%s", forward->failure);
    pthread_mutex_unlock(&forwards->lock);
    return failed;
}

static void set_failure(struct ssh_forwards *forwards, struct forward *forward, const char *text)
{
    pthread_mutex_lock(&forwards->lock);
    snprintf(forward->failure, sizeof forward->failure, "%s", text);
    pthread_mutex_unlock(&forwards->lock);
}

/* ---- connections: the session's thread ---- */

static bool append_poll(struct pollfd **polls, size_t *capacity, size_t *count, int fd, int events)
{
    if (*count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 16;
        struct pollfd *grown = reallocarray(*polls, wanted, sizeof **polls);
        if (!grown)
            return false;
        *polls = grown;
        *capacity = wanted;
    }
    (*polls)[(*count)++] = (struct pollfd){.fd = fd, .events = (short)events};
    return true;
}

static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Under the lock. The place of the one to give up first; `count` if all are in use. */
static size_t least_used(const struct ssh_forwards *forwards)
{
    size_t least = forwards->count;

    for (size_t i = 0; i < forwards->count; i++) {
        const struct forward *forward = forwards->forwards[i];
        if (forward->connections == 0 &&
            (least == forwards->count || forward->used < forwards->forwards[least]->used))
            least = i;
    }
    return least;
}

/* Under the lock. */
static void give_up_unused(struct ssh_forwards *forwards)
{
    char local[SSH_LOCAL_PATH_MAX];
    size_t i;

    while (forwards->count > KEPT_MAX && (i = least_used(forwards)) < forwards->count) {
        struct forward *forward = forwards->forwards[i];
        close(forward->fd);
        if (write_local(forwards, forward->number, local, sizeof local) == 0)
            unlink(local);
        free(forward);
        forwards->forwards[i] = forwards->forwards[--forwards->count];
    }
}

int ssh_forwards_poll(struct ssh_forwards *forwards, ssh_session session, struct pollfd **polls,
                      size_t *capacity, size_t *count)
{
    bool may_accept = ssh_now_ms() >= forwards->accept_after;
    int due = may_accept ? -1 : ACCEPT_PAUSE_MS;

    pthread_mutex_lock(&forwards->lock);
    if (!forwards->is_shut)
        give_up_unused(forwards);
    forwards->polled = forwards->is_shut ? 0 : forwards->count;
    pthread_mutex_unlock(&forwards->lock);
    for (const struct connection *connection = session ? forwards->connections : NULL; connection;
         connection = connection->next) {
        int events = ssh_tunnel_events(connection->tunnel, session);
        int fd = events < 0 ? -1 : ssh_tunnel_fd(connection->tunnel);
        if (!append_poll(polls, capacity, count, fd, events < 0 ? 0 : events))
            return -ENOMEM;
        due = sooner(due, ssh_tunnel_due(connection->tunnel));
    }
    for (size_t i = 0; i < forwards->polled; i++) {
        if (!append_poll(polls, capacity, count, may_accept ? forwards->forwards[i]->fd : -1,
                         POLLIN))
            return -ENOMEM;
    }
    return due;
}

/* What sshd's answer comes to: reason codes of RFC 4254, 5.1; its own text says nothing. */
static const char *explain(const char *error)
{
    const char *code = strstr(error, "error (");

    if (code && strncmp(code, "error (1)", 9) == 0)
        return "its SSH server forbids that (AllowStreamLocalForwarding in sshd_config)";
    if (code && strncmp(code, "error (2)", 9) == 0)
        return "nobody answers there, or this user may not connect to it";
    return error;
}

static void end_connection(struct ssh_forwards *forwards, struct connection *connection)
{
    connection->forward->connections--;
    pthread_mutex_lock(&forwards->lock);
    connection->forward->used = ++forwards->uses;
    pthread_mutex_unlock(&forwards->lock);
    ssh_tunnel_free(connection->tunnel);
    free(connection);
}

/* True if the connection goes on. */
static bool turn_connection(struct ssh_forwards *forwards, ssh_session session,
                            const struct connection *connection, short revents)
{
    struct forward *forward = connection->forward;

    switch (ssh_tunnel_turn(connection->tunnel, session, revents)) {
    case SSH_TUNNEL_REFUSED:
        if (ssh_is_connected(session)) {
            set_failure(forwards, forward, explain(ssh_get_error(session)));
            log_debug("SSH: %s cannot be reached: %s", forward->far_path, forward->failure);
        }
        return false;
    case SSH_TUNNEL_ENDED:
        return false;
    default:
        if (forward->failure[0] && ssh_tunnel_is_open(connection->tunnel))
            set_failure(forwards, forward, "");
        return true;
    }
}

/* The descriptor of a new connection, or -1. */
static int take_connection(struct ssh_forwards *forwards, const struct forward *forward,
                           const struct pollfd *found)
{
    if (!(found->revents & POLLIN))
        return -1;
    int fd = accept4(forward->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        forwards->accept_after = ssh_now_ms() + ACCEPT_PAUSE_MS;
    return fd;
}

static void add_connection(struct ssh_forwards *forwards, ssh_session session,
                           struct forward *forward, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection || forward->connections == CONNECTIONS_MAX) {
        close(fd);
        free(connection);
        return;
    }
    connection->tunnel = ssh_tunnel_new(session, forward->far_path, fd);
    if (!connection->tunnel) {
        free(connection);
        return;
    }
    connection->forward = forward;
    forward->connections++;
    connection->next = forwards->connections;
    forwards->connections = connection;
}

void ssh_forwards_turn(struct ssh_forwards *forwards, ssh_session session,
                       const struct pollfd *polls)
{
    struct connection **link = &forwards->connections;

    while (*link) {
        struct connection *connection = *link;
        if (turn_connection(forwards, session, connection, polls++->revents)) {
            link = &connection->next;
        } else {
            *link = connection->next;
            end_connection(forwards, connection);
        }
    }
    for (size_t i = 0; i < forwards->polled; i++) {
        int fd = take_connection(forwards, forwards->forwards[i], &polls[i]);
        if (fd >= 0)
            add_connection(forwards, session, forwards->forwards[i], fd);
    }
}

void ssh_forwards_refuse(struct ssh_forwards *forwards, const struct pollfd *polls)
{
    for (size_t i = 0; i < forwards->polled; i++) {
        int fd = take_connection(forwards, forwards->forwards[i], &polls[i]);
        if (fd >= 0)
            close(fd);
    }
}

void ssh_forwards_close_all(struct ssh_forwards *forwards)
{
    while (forwards->connections) {
        struct connection *connection = forwards->connections;
        forwards->connections = connection->next;
        end_connection(forwards, connection);
    }
}
