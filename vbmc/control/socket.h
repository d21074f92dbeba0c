/* The listening end of the control socket in the file system: directory, lock, permission bits. */
#ifndef VBMC_CONTROL_SOCKET_H
#define VBMC_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct control_socket {
    int fd;      /* bound, not yet listening; control_socket_close does not close it */
    int lock_fd; /* held as long as the socket is ours */
    uid_t owner; /* who made it */
    bool has_group;
    struct sockaddr_un address;
};

/* Binds a Unix stream socket to `path` as control_new (vbmc/control/control.h) describes it. 0, or
 * a negative error with one line in `error`. */
int control_socket_open(const char *path, gid_t gid, struct control_socket *control_socket,
                        char *error, size_t size);
/* Removes the socket from the file system and lets go of the lock. The caller, who handed `fd` to
 * an event loop, closes that. */
void control_socket_close(struct control_socket *control_socket);

#endif
