/* QMP transport over a local Unix socket: connects without blocking, and again with back-off
 * whenever the connection cannot be made or ends.
 *
 * QEMU's monitor serves one client. A second one is accepted by the kernel and then waits in
 * silence, so a greeting that does not come in time counts as a failed attempt.
 *
 * libuv writes to sockets without MSG_NOSIGNAL: the program must ignore SIGPIPE. */
#ifndef QMP_UNIX_SOCKET_H
#define QMP_UNIX_SOCKET_H

#include <uv.h>

struct qmp_transport;

#define QMP_WRITE_QUEUE_MAX ((size_t)256 * 1024) /* bytes a server does not read */

struct qmp_unix_socket_options {
    unsigned handshake_ms; /* for connect, greeting and negotiation together; 0: 5000 */
    unsigned retry_min_ms; /* before the first attempt again, doubling with each; 0: 250 */
    unsigned retry_max_ms; /* 0: 10000; a connection that lasted this long resets the doubling */
};

/* A transport for qmp_client_open, which takes it over; one that is not given to a client is
 * released by its close operation. Nothing is opened yet. `options` may be NULL.
 * 0; -EINVAL for an empty path; -ENAMETOOLONG for one that does not fit a socket address (107
 * bytes); -ENOMEM. */
int qmp_unix_socket_create(uv_loop_t *loop, const char *path,
                           const struct qmp_unix_socket_options *options,
                           struct qmp_transport **transport);

#endif
