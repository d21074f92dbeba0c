/* The link of a NIC in a domain's XML. The text is hostile as for domxml.h. */
#ifndef VBMC_DOMXML_LINK_H
#define VBMC_DOMXML_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* The <interface> of that MAC address (the first of several), by itself, with its link set to up or
 * down and all else as it was: what virDomainUpdateDeviceFlags takes. *interface is to be freed. 0,
 * -ENOENT (no such NIC), -EINVAL (not a domain's XML) or -ENOMEM. */
int domxml_set_link(const char *xml, const uint8_t mac[6], bool up, char **interface);

#endif
