/* Where a datagram came from and which of our addresses it was sent to: enough to answer it from
 * the same address. */
#ifndef VBMC_BASE_ENDPOINT_H
#define VBMC_BASE_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union endpoint_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct endpoint {
    union endpoint_address remote;
    union endpoint_address local; /* family AF_UNSPEC where the socket is bound to one address */
};

#define ENDPOINT_TEXT_SIZE 64

/* Parses a numeric IPv4 or IPv6 address (no name look-up). 0, or -EINVAL. */
int endpoint_address_parse(const char *text, uint16_t port, union endpoint_address *address);
/* "192.0.2.1:623" or "[2001:db8::1]:623"; an IPv4 address that is mapped into IPv6 as IPv4, so that
 * one address has one text wherever it is shown. */
void endpoint_address_format(const union endpoint_address *address, char text[ENDPOINT_TEXT_SIZE]);
/* The same without port and brackets. */
void endpoint_address_format_host(const union endpoint_address *address,
                                  char text[ENDPOINT_TEXT_SIZE]);
/* The port in host order; 0 for a family that has none. */
uint16_t endpoint_address_port(const union endpoint_address *address);
/* Changes it; nothing for such a family. */
void endpoint_address_set_port(union endpoint_address *address, uint16_t port);
/* The four bytes, in network order, of an IPv4 address or of one that is mapped into IPv6; NULL for
 * any other. Valid as long as the address. */
const uint8_t *endpoint_address_v4(const union endpoint_address *address);
/* Whether both are one IP address, whatever the ports; an IPv4 address is also the one that is
 * mapped into IPv6. False where a family is neither. */
bool endpoint_address_is_same(const union endpoint_address *a, const union endpoint_address *b);
/* One hash (vbmc/base/hash.h) for what endpoint_address_is_same takes for one address. */
uint64_t endpoint_address_hash(const union endpoint_address *address);
/* The part of an IP address that counts as one source: all of IPv4, the /64 of IPv6. */
uint64_t endpoint_source(const union endpoint_address *address);
/* A hash of that under a random key: spreads sources over the buckets of a table of fixed size in a
 * way that cannot be foreseen from outside. */
uint64_t endpoint_source_hash(const union endpoint_address *address, uint64_t key);
socklen_t endpoint_address_size(const union endpoint_address *address);

#endif
