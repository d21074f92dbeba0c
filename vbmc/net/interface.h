/* What the machine's network says of one of its addresses. */
#ifndef VBMC_NET_INTERFACE_H
#define VBMC_NET_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"

struct interface_facts {
    uint8_t address[4], mask[4], gateway[4]; /* IPv4, network order; here and below all 0: none */
    uint8_t ipv6[16], ipv6_prefix, ipv6_gateway[16];
    uint8_t mac[6]; /* all 0: it has none, as the loopback */
};

/* Of the interface that has the address, or else the narrowest network that the address is in: with
 * the address itself. Of the unspecified address (0.0.0.0, ::): of the first interface that is not
 * the loopback, and what that has. What is not known is all 0, a mask then all ones. */
void interface_look(const union endpoint_address *address, struct interface_facts *facts);

#endif
