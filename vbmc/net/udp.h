/* A UDP socket on the loop, read and written in batches. Knows no protocol. Answers leave from the
 * local address that the request was sent to, also on a socket that is bound to all of them. All
 * sockets share the memory of the batches, so they are for one loop, in one thread. */
#ifndef VBMC_NET_UDP_H
#define VBMC_NET_UDP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>
#include <uv.h>

/* Longer datagrams are dropped: the longest that IPMI knows is well below. */
#define UDP_DATAGRAM_MAX 1024

struct endpoint;
struct udp_socket;
union endpoint_address;

/* The bytes are valid during the call. May call udp_socket_send; must not close the socket. */
typedef void udp_receive_fn(void *context, const struct endpoint *from, const uint8_t *bytes,
                            size_t length);

/* Binds to `address`; an IPv6 wildcard or v4-mapped address takes IPv4 too. 0, or the negative
 * error of the system call (-EADDRINUSE, -EADDRNOTAVAIL, -EACCES, ...). */
int udp_socket_open(uv_loop_t *loop, const union endpoint_address *address, udp_receive_fn *receive,
                    void *context, struct udp_socket **socket);

/* One line on what udp_socket_open has returned. */
void udp_socket_explain(const union endpoint_address *address, int result, char *text, size_t size);

/* The port it is bound to, in host order; 0 if the kernel does not tell. */
uint16_t udp_socket_port(const struct udp_socket *socket);

/* AF_INET or AF_INET6, of which all its addresses are; AF_UNSPEC if the kernel does not tell. */
sa_family_t udp_socket_family(const struct udp_socket *socket);

/* Copies the bytes. What the kernel does not take is lost, as UDP may lose anything. */
void udp_socket_send(struct udp_socket *socket, const struct endpoint *to, const uint8_t *bytes,
                     size_t length);

/* The same at once, ahead of what waits for its batch, for who wants to know whether it has left:
 * 0, or the negative error for which the kernel did not take it (-ENETUNREACH, -EPERM, -EAGAIN,
 * ...). -EMSGSIZE if it is longer than UDP_DATAGRAM_MAX. */
int udp_socket_send_now(struct udp_socket *socket, const struct endpoint *to, const uint8_t *bytes,
                        size_t length);

/* NULL is allowed. The memory goes when the loop has turned. */
void udp_socket_close(struct udp_socket *socket);

#endif
