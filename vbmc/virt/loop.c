/* States of a source (a watched descriptor or a timer):
 *
 *   wanted   recorded by libvirt, in the table, not yet seen by the loop
 *   armed    its uv handle is initialised and started (or stopped: no events, interval -1)
 *   removed  libvirt no longer wants it: no callback any more; the loop closes the uv handle, calls
 *            libvirt's free function and forgets it
 *
 * What is polled is a duplicate of libvirt's descriptor. libvirt may close its own, on any thread,
 * before the loop has dropped the source; the number may then be another file's, which libvirt
 * wants watched as well, and libuv watches a number once.
 *
 * The table is under a lock; uv handles are touched by the loop thread only. A callback runs
 * without the lock, since it calls back into this file. */
#include "vbmc/virt/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

enum source_kind {
    SOURCE_HANDLE,
    SOURCE_TIMEOUT,
};

struct source {
    struct source *next;
    int id;
    enum source_kind kind;
    bool removed;
    bool changed;     /* the loop has to look at it */
    bool initialised; /* the uv handle exists; loop thread only */
    int fd;           /* libvirt's */
    int watched;      /* a duplicate of it, ours; -1: none */
    int events;       /* VIR_EVENT_HANDLE_* */
    int interval;     /* milliseconds, -1: off */
    union {
        virEventHandleCallback on_handle;
        virEventTimeoutCallback on_timeout;
    } callback;
    void *opaque;
    virFreeCallback free_opaque;
    union {
        uv_handle_t any;
        uv_poll_t poll;
        uv_timer_t timer;
    } uv;
};

static struct {
    uv_loop_t *loop;
    uv_async_t wake;
    pthread_mutex_t lock;
    struct source *sources;
    int last_id;
} virt_loop = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct virt_loop_socket *noted_socket;

/* Called with the lock held. */
static void note_socket(struct virt_loop_socket *socket, const struct source *source)
{
    socket->id = source->id;
    if (socket->is_shut)
        shutdown(source->watched, SHUT_RDWR);
}

static int add_source(struct source *source)
{
    if (!source)
        return -1;
    pthread_mutex_lock(&virt_loop.lock);
    int id = source->id = ++virt_loop.last_id;
    source->changed = true;
    source->next = virt_loop.sources;
    virt_loop.sources = source;
    if (source->kind == SOURCE_HANDLE && noted_socket)
        note_socket(noted_socket, source);
    pthread_mutex_unlock(&virt_loop.lock);
    uv_async_send(&virt_loop.wake);
    return id;
}

/* Called with the lock held. */
static struct source *find_source(int id, enum source_kind kind)
{
    for (struct source *source = virt_loop.sources; source; source = source->next) {
        if (source->id == id && source->kind == kind && !source->removed)
            return source;
    }
    return NULL;
}

static int add_handle(int fd, int events, virEventHandleCallback callback, void *opaque,
                      virFreeCallback free_opaque)
{
    struct source *source = calloc(1, sizeof *source);

    if (source) {
        source->kind = SOURCE_HANDLE;
        source->fd = fd;
        source->watched = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (source->watched < 0) {
            free(source);
            return -1;
        }
        source->events = events;
        source->callback.on_handle = callback;
        source->opaque = opaque;
        source->free_opaque = free_opaque;
    }
    return add_source(source);
}

static int add_timeout(int interval, virEventTimeoutCallback callback, void *opaque,
                       virFreeCallback free_opaque)
{
    struct source *source = calloc(1, sizeof *source);

    if (source) {
        source->kind = SOURCE_TIMEOUT;
        source->watched = -1;
        source->interval = interval;
        source->callback.on_timeout = callback;
        source->opaque = opaque;
        source->free_opaque = free_opaque;
    }
    return add_source(source);
}

static void update_handle(int watch, int events)
{
    pthread_mutex_lock(&virt_loop.lock);
    struct source *source = find_source(watch, SOURCE_HANDLE);
    if (source) {
        source->events = events;
        source->changed = true;
    }
    pthread_mutex_unlock(&virt_loop.lock);
    uv_async_send(&virt_loop.wake);
}

static void update_timeout(int timer, int interval)
{
    pthread_mutex_lock(&virt_loop.lock);
    struct source *source = find_source(timer, SOURCE_TIMEOUT);
    if (source) {
        source->interval = interval;
        source->changed = true;
    }
    pthread_mutex_unlock(&virt_loop.lock);
    uv_async_send(&virt_loop.wake);
}

static int remove_source(int id, enum source_kind kind)
{
    pthread_mutex_lock(&virt_loop.lock);
    struct source *source = find_source(id, kind);
    if (source) {
        source->removed = true;
        source->changed = true;
    }
    pthread_mutex_unlock(&virt_loop.lock);
    uv_async_send(&virt_loop.wake);
    return source ? 0 : -1;
}

static int remove_handle(int watch)
{
    return remove_source(watch, SOURCE_HANDLE);
}

static int remove_timeout(int timer)
{
    return remove_source(timer, SOURCE_TIMEOUT);
}

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
    struct source *source = poll->data;
    int events = 0;

    pthread_mutex_lock(&virt_loop.lock);
    bool wanted = !source->removed;
    int asked = source->events;
    pthread_mutex_unlock(&virt_loop.lock);
    if (!wanted)
        return;
    if (status < 0)
        events |= VIR_EVENT_HANDLE_ERROR;
    if (uv_events & UV_READABLE)
        events |= VIR_EVENT_HANDLE_READABLE;
    if (uv_events & UV_WRITABLE)
        events |= VIR_EVENT_HANDLE_WRITABLE;
    if (uv_events & UV_DISCONNECT)
        events |= VIR_EVENT_HANDLE_HANGUP;
    events &= asked | VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP;
    if (events)
        source->callback.on_handle(source->id, source->fd, events, source->opaque);
}

static void on_timer(uv_timer_t *timer)
{
    struct source *source = timer->data;

    pthread_mutex_lock(&virt_loop.lock);
    bool wanted = !source->removed && source->interval >= 0;
    pthread_mutex_unlock(&virt_loop.lock);
    if (wanted)
        source->callback.on_timeout(source->id, source->opaque);
}

static void release_source(struct source *source)
{
    if (source->free_opaque)
        source->free_opaque(source->opaque);
    if (source->watched >= 0)
        close(source->watched);
    free(source);
}

static void on_source_closed(uv_handle_t *handle)
{
    release_source(handle->data);
}

static void close_source(struct source *source)
{
    if (source->initialised)
        uv_close(&source->uv.any, on_source_closed);
    else
        release_source(source);
}

static void arm_handle(struct source *source, int events)
{
    int uv_events = 0;

    if (!source->initialised) {
        if (uv_poll_init(virt_loop.loop, &source->uv.poll, source->watched) < 0)
            return;
        source->uv.poll.data = source;
        source->initialised = true;
    }
    if (events & VIR_EVENT_HANDLE_READABLE)
        uv_events |= UV_READABLE;
    if (events & VIR_EVENT_HANDLE_WRITABLE)
        uv_events |= UV_WRITABLE;
    if (events)
        uv_events |= UV_DISCONNECT;
    if (uv_events)
        uv_poll_start(&source->uv.poll, uv_events, on_poll);
    else
        uv_poll_stop(&source->uv.poll);
}

static void arm_timeout(struct source *source, int interval)
{
    if (!source->initialised) {
        uv_timer_init(virt_loop.loop, &source->uv.timer);
        source->uv.timer.data = source;
        source->initialised = true;
    }
    if (interval >= 0) {
        /* libvirt's 0 means "on every turn": 1 ms keeps the loop from spinning. */
        uint64_t period = interval > 0 ? (uint64_t)interval : 1;
        uv_timer_start(&source->uv.timer, on_timer, interval > 0 ? period : 0, period);
    } else {
        uv_timer_stop(&source->uv.timer);
    }
}

/* Takes one changed source, and out of the table if it was removed. NULL when all is done. */
static struct source *take_changed(bool *removed, int *wanted)
{
    pthread_mutex_lock(&virt_loop.lock);
    struct source **link = &virt_loop.sources;
    while (*link && !(*link)->changed)
        link = &(*link)->next;
    struct source *source = *link;
    if (source) {
        source->changed = false;
        *removed = source->removed;
        *wanted = source->kind == SOURCE_HANDLE ? source->events : source->interval;
        if (source->removed)
            *link = source->next;
    }
    pthread_mutex_unlock(&virt_loop.lock);
    return source;
}

static void on_wake(uv_async_t *wake)
{
    struct source *source;
    bool removed;
    int wanted;

    (void)wake;
    while ((source = take_changed(&removed, &wanted))) {
        if (removed)
            close_source(source);
        else if (source->kind == SOURCE_HANDLE)
            arm_handle(source, wanted);
        else
            arm_timeout(source, wanted);
    }
}

int virt_loop_start(uv_loop_t *loop)
{
    virt_loop.loop = loop;
    if (uv_async_init(loop, &virt_loop.wake, on_wake) < 0)
        return -ENOMEM;
    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout,
                         remove_timeout);
    return 0;
}

void virt_loop_stop(void)
{
    on_wake(&virt_loop.wake);
    uv_close((uv_handle_t *)&virt_loop.wake, NULL);
}

void virt_loop_note_socket(struct virt_loop_socket *socket)
{
    noted_socket = socket;
}

/* A socket that is shut ends its poll in every thread, the loop's too. */
void virt_loop_shut(struct virt_loop_socket *socket)
{
    pthread_mutex_lock(&virt_loop.lock);
    socket->is_shut = true;
    const struct source *source = find_source(socket->id, SOURCE_HANDLE);
    if (source)
        shutdown(source->watched, SHUT_RDWR);
    pthread_mutex_unlock(&virt_loop.lock);
}
