/* Serial ports of a guest that QEMU offers as a listening socket (<serial type='unix'> or 'tcp'
 * with mode='bind'), as streams: connects without blocking, and again with back-off whenever the
 * connection cannot be made or ends. The bytes are the UART's own (no telnet protocol). Any other
 * kind of serial port is a struct stream of somebody else's.
 *
 * QEMU serves one client at such a port. A second one is accepted by the kernel and then waits in
 * silence, which looks like a guest that says nothing.
 *
 * libuv writes to sockets without MSG_NOSIGNAL: the program must ignore SIGPIPE. */
#ifndef SOL_SERIAL_H
#define SOL_SERIAL_H

#include <stdint.h>
#include <uv.h>

struct stream;

struct serial_options {
    unsigned connect_ms;   /* for looking up and connecting, all addresses together; 0: 5000 */
    unsigned retry_min_ms; /* before the first attempt again, doubling with each; 0: 250 */
    unsigned retry_max_ms; /* 0: 5000; a connection that lasted this long resets the doubling */
};

/* Streams for hub_attach, which takes them over; one that is not given to a hub is released by
 * stream_close. Nothing is opened yet. `options` may be NULL.
 * 0; -EINVAL for an empty path or host, or port 0; -ENAMETOOLONG for a path that does not fit a
 * socket address (107 bytes) or a host over 255 bytes; -ENOMEM. */
int serial_unix_new(uv_loop_t *loop, const char *path, const struct serial_options *options,
                    struct stream **stream);
/* `host` is an address or a name, looked up for each attempt; its addresses are tried in turn. */
int serial_tcp_new(uv_loop_t *loop, const char *host, uint16_t port,
                   const struct serial_options *options, struct stream **stream);

#endif
