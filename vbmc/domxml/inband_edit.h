/* Adds QEMU's ipmi-bmc-extern to a definition, and removes it. The text is hostile as for domxml.h.
 */
#ifndef VBMC_DOMXML_INBAND_EDIT_H
#define VBMC_DOMXML_INBAND_EDIT_H

#include <stdbool.h>

/* Which QEMU device is the front end "kcs", "bt", "pci-kcs" or "pci-bt"; NULL: none is. */
const char *domxml_inband_device(const char *front_end);

/* Puts the device with that front end and its socket to the end of <qemu:commandline>; one that was
 * put there before is replaced. `in_ms`: the option "reconnect-ms" of newer QEMUs, not "reconnect".
 * *edited is to be freed. 0, -EEXIST (the domain has an ipmi-bmc of its own), -EINVAL (not a
 * domain's XML) or -ENOMEM. */
int domxml_add_inband(const char *xml, const char *front_end, const char *socket, bool in_ms,
                      char **edited);
/* Takes it away, whole; everything else stays. The same, or -ENOENT: it is not there. */
int domxml_remove_inband(const char *xml, char **edited);

#endif
