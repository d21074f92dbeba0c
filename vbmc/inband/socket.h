/* The Unix socket to which the QEMU of one guest connects. One connection at a time: while it
 * lives, others are closed at once. Loop thread. */
#ifndef VBMC_INBAND_SOCKET_H
#define VBMC_INBAND_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct inband_socket;

struct inband_socket_events {
    void (*connected)(void *context);
    /* Bytes, borrowed for the call. How many ms nothing more is to be read, or -EPROTO: disconnect;
     * then `disconnected` follows. */
    int (*received)(void *context, const uint8_t *bytes, size_t length);
    /* INBAND_SOCKET_SETTLES_MS after `connected`. */
    void (*settled)(void *context);
    void (*disconnected)(void *context);
};

#define INBAND_SOCKET_SETTLES_MS 1000

#define INBAND_NO_OWNER ((uid_t)-1)

/* Listens at the path, at which nothing but a socket that a dead daemon left may be. Who may
 * connect is this process's user and `owner`, by an entry of its own in the socket's access control
 * list. 0, or a negative error with one line in `error`. */
int inband_socket_open(uv_loop_t *loop, const char *path, uid_t owner,
                       const struct inband_socket_events *events, void *context,
                       struct inband_socket **socket, char *error, size_t size);
/* Another owner; the connection stays. 0, or a negative error with one line in `error`. */
int inband_socket_set_owner(struct inband_socket *socket, uid_t owner, char *error, size_t size);
/* Closes the connection, reporting that no more, and removes the socket. NULL is allowed. */
void inband_socket_close(struct inband_socket *socket);

/* Sends by the connection, if there is one; one that does not take it for long is closed. */
void inband_socket_send(struct inband_socket *socket, const uint8_t *bytes, size_t length);

#endif
