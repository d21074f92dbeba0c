/* What the machine's network says of one of its addresses. To ask the kernel takes milliseconds
 * where there are thousands of addresses: its answer is kept as a view, in which any number can be
 * looked up. */
#ifndef VBMC_NET_INTERFACE_H
#define VBMC_NET_INTERFACE_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

union endpoint_address;

struct interface_facts {
    uint8_t address[4], mask[4], gateway[4]; /* IPv4, network order; here and below all 0: none */
    uint8_t ipv6[16], ipv6_prefix, ipv6_gateway[16];
    uint8_t mac[6]; /* all 0: it has none, as the loopback */
};

#define INTERFACE_ROUTES_MAX 16

struct interface_route {
    int family;
    char interface[IF_NAMESIZE];
    uint8_t gateway[16]; /* 4 of IPv4 */
};

struct interface_view {
    struct ifaddrs *list;                                /* as getifaddrs has it */
    struct interface_route routes[INTERFACE_ROUTES_MAX]; /* default routes with a gateway */
    size_t route_count;
};

/* Asks the kernel; what it does not say is not in the view. To be cleared. */
void interface_view_take(struct interface_view *view);
void interface_view_clear(struct interface_view *view);

/* Of the interface that has the address, or else the narrowest network that the address is in: with
 * the address itself. Of the unspecified address (0.0.0.0, ::): of the first interface that is not
 * the loopback, and what that has. What is not known is all 0, a mask then all ones. */
void interface_look(const struct interface_view *view, const union endpoint_address *address,
                    struct interface_facts *facts);

#endif
