/* What libvirt reports of a domain at one moment, read on the keeper thread and handed to the loop.
 */
#ifndef VBMC_VIRT_FACTS_H
#define VBMC_VIRT_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include <libvirt/libvirt.h>

#include "vbmc/host/host.h"

struct host_metadata;

#define VBMC_METADATA_URI "urn:vbmc:1.0"

struct virt_facts {
    struct uuid uuid;
    char *name;
    enum host_power_state state;
    enum host_stop_reason stop_reason; /* of a domain that is off */
    bool paused_unexplained;           /* paused, and libvirt does not know why */
    int id;                            /* of the running instance; -1 if off, or ending */
    bool ending; /* libvirt is ending QEMU, and says neither that it is off nor why yet */
    bool persistent;
    bool booted;    /* it was started here, not restored or migrated */
    bool starting;  /* libvirt is at it: to boot, be restored or be migrated to, it does not tell */
    bool migrating; /* paused as the source or the target of a migration */
    struct host_metadata *metadata; /* of ours; NULL: none */
    struct host_hardware *hardware; /* NULL: it could not be read */
    char *transient_xml; /* definition of a transient domain, to start it again; NULL otherwise */
};

/* 0, -ENODEV (no such domain any more), -EIO or -ENOMEM. */
int virt_facts_read(virDomainPtr domain, struct virt_facts *facts);
void virt_facts_clear(struct virt_facts *facts);
enum host_power_state virt_facts_power_state(int libvirt_state);
/* Of VIR_DOMAIN_SHUTOFF. HOST_STOP_CRASHED may also be a QEMU that died: libvirt does not tell the
 * two apart. */
enum host_stop_reason virt_facts_stop_reason(int libvirt_reason);
/* Paused as source or target of a migration, also of a post-copy migration that failed: neither end
 * has all of the guest's memory then. Calls libvirt: not on the loop thread. */
bool virt_facts_is_migrating(virDomainPtr domain, int libvirt_state, int reason);

struct virt_facts_list {
    struct virt_facts *items;
    size_t count;
};

/* All domains of a connection; one that may not be read has no name. 0, or a negative error. */
int virt_facts_list_read(virConnectPtr connection, struct virt_facts_list *list);
void virt_facts_list_clear(struct virt_facts_list *list);

#endif
