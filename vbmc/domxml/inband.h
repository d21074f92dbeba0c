/* The guest's own interface to its BMC in a domain's XML: QEMU's ipmi-bmc-extern with a front end
 * (isa-ipmi-kcs and the like), in <qemu:commandline>. The text is hostile as for domxml.h. */
#ifndef VBMC_DOMXML_INBAND_H
#define VBMC_DOMXML_INBAND_H

#include <libxml/tree.h>

struct host_inband;

#include <stdint.h>

/* The user that libvirt starts QEMU as unless a domain says otherwise, by its capabilities. 0, or
 * -ENOENT: it tells of none. */
int domxml_parse_base_owner(const char *capabilities, uint32_t *owner);

/* Fills in what the domain has of it; all zero where it has none. For hardware.c. */
void domxml_read_inband(xmlNodePtr root, struct host_inband *inband);

#endif
