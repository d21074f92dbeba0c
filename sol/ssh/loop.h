/* What the SSH thread waits for: file descriptors in one epoll set. */
#ifndef SOL_SSH_LOOP_H
#define SOL_SSH_LOOP_H

#include <stdint.h>

struct ssh_loop {
    int epoll_fd;
    uint64_t now_ms; /* monotonic, of this turn */
};

/* Embedded in whatever waits. Its memory may be released only between two turns of the loop. */
struct ssh_watch {
    int fd;          /* -1: closed */
    uint32_t events; /* EPOLLIN, EPOLLOUT; 0: nothing is waited for, not even EPOLLHUP */
    void (*ready)(struct ssh_watch *watch, uint32_t events);
};

int ssh_loop_init(struct ssh_loop *loop); /* 0 or a negative errno */
void ssh_loop_close(struct ssh_loop *loop);
/* Waits for at most `timeout_ms` (-1: for ever) and calls the watches that are ready. */
void ssh_loop_turn(struct ssh_loop *loop, int timeout_ms);

/* A watch that waits for nothing yet; the fd is the watch's to close. */
void ssh_watch_init(struct ssh_watch *watch, int fd,
                    void (*ready)(struct ssh_watch *watch, uint32_t events));
/* 0 or a negative errno; closed watches are left alone. */
int ssh_watch_set(struct ssh_loop *loop, struct ssh_watch *watch, uint32_t events);
void ssh_watch_close(struct ssh_loop *loop, struct ssh_watch *watch);

#endif
