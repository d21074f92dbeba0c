#include "sol/ssh/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int ssh_loop_init(struct ssh_loop *loop)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->now_ms = monotonic_ms();
    return loop->epoll_fd < 0 ? -errno : 0;
}

void ssh_loop_close(struct ssh_loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

void ssh_loop_turn(struct ssh_loop *loop, int timeout_ms)
{
    struct epoll_event events[BATCH];
    int count = epoll_wait(loop->epoll_fd, events, BATCH, timeout_ms);

    loop->now_ms = monotonic_ms();
    for (int i = 0; i < count; i++) {
        struct ssh_watch *watch = events[i].data.ptr;
        uint32_t ready = events[i].events & (watch->events | EPOLLHUP | EPOLLERR);

        /* What was called before in this batch may have closed it. */
        if (watch->fd >= 0 && watch->events != 0 && ready != 0)
            watch->ready(watch, ready);
    }
}

void ssh_watch_init(struct ssh_watch *watch, int fd,
                    void (*ready)(struct ssh_watch *watch, uint32_t events))
{
    *watch = (struct ssh_watch){.fd = fd, .ready = ready};
}

int ssh_watch_set(struct ssh_loop *loop, struct ssh_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int operation = watch->events == 0 ? EPOLL_CTL_ADD
                    : events == 0      ? EPOLL_CTL_DEL
                                       : EPOLL_CTL_MOD;

    if (watch->fd < 0 || watch->events == events)
        return 0;
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0)
        return -errno;
    watch->events = events;
    return 0;
}

/* Taken out first: somebody who is just being started may hold a copy of the descriptor, which
 * would keep it in the set. */
void ssh_watch_close(struct ssh_loop *loop, struct ssh_watch *watch)
{
    if (watch->fd < 0)
        return;
    ssh_watch_set(loop, watch, 0);
    close(watch->fd);
    watch->fd = -1;
    watch->events = 0;
}
