#include "vbmc/fleet/metadata.h"

#include <stddef.h>

#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/host/metadata.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/inband.h"
#include "vbmc/instance/stored.h"
#include "vbmc/virt/hypervisor.h"

/* One that moves ends its sessions; all get their places again soon after, as others may have to
 * make room. */
void fleet_follow_metadata(struct fleet *fleet, struct instance *instance)
{
    struct virt_domain *domain = instance_domain(instance);
    const struct host_metadata *metadata = domain ? virt_domain_metadata(domain) : NULL;
    const char *text = metadata ? metadata->text : NULL;

    if (!domain || !instance_has_other_metadata(instance, text))
        return;
    addresses_release(&fleet->addresses, instance);
    bool moves = instance_take_metadata(instance, text);
    addresses_hold(&fleet->addresses, instance);
    instance_configure(instance, fleet->config);
    if (moves)
        fleet_stop_listening(fleet, instance);
    instance_record_changed(instance, NULL, NULL);
    instance_follow_inband(instance);
}
