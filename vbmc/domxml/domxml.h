/* What we read in a domain's XML, and the edits we make to it. Every edit keeps all other
 * elements, attributes and comments. The text comes from libvirt and is parsed without network
 * access, external entities or DTDs. */
#ifndef VBMC_DOMXML_DOMXML_H
#define VBMC_DOMXML_DOMXML_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/host/host.h"

/* A device that firmware can boot from. */
struct domxml_device {
    char *alias; /* QEMU's device id; NULL in a definition of a domain that does not run */
    enum host_boot_device class;
    unsigned order; /* <boot order>; 0: none */
    bool can_boot;  /* it has a medium, or a boot ROM; see domxml_can_boot */
};

struct domxml_live {
    struct domxml_device *devices; /* in document order */
    size_t device_count;
    char *qmp_socket; /* a second QMP monitor's Unix socket from <qemu:commandline>, or NULL */
};

/* Reads a running domain's XML. 0, -EINVAL (not a domain's XML) or -ENOMEM. */
int domxml_parse_live(const char *xml, struct domxml_live *live);
void domxml_live_clear(struct domxml_live *live);

/* The device of a class that firmware would boot from first: of those that can boot, or of all if
 * none can, the one of the lowest order, else the first in the document; NULL if there is none of
 * that class. */
const struct domxml_device *domxml_first_device(const struct domxml_live *live,
                                                enum host_boot_device class);

/* The functions below give new XML in *edited, which the caller frees. 0, -EINVAL, -ENOENT (no
 * device of that class) or -ENOMEM. */

/* Puts the device of a class that domxml_first_device names before all others by <boot order>,
 * which replaces <os><boot>. *undo (JSON text, to be freed) is what domxml_restore_boot needs; its
 * member "device" is the class. */
int domxml_put_first(const char *xml, enum host_boot_device class, char **edited, char **undo);
/* Gives back the boot elements that domxml_put_first found; devices that are gone are left out. */
int domxml_restore_boot(const char *xml, const char *undo, char **edited);
/* Has the firmware offer its boot menu for menu_ms (at most 65535). */
int domxml_enable_boot_menu(const char *xml, unsigned menu_ms, char **edited);
/* Leaves out the kernel of a direct kernel boot and what belongs to it, so that the firmware boots
 * from a device of that class. -ENOENT: there is no kernel, or no such device. */
int domxml_leave_out_kernel(const char *xml, enum host_boot_device class, char **edited);

/* Path of the file that holds the UEFI variables of a definition, to be freed; NULL where there is
 * none, or one that is no local file. */
char *domxml_nvram_path(const char *xml);

#endif
