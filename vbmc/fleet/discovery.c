/* Which domain has a BMC, by the rules of the configuration or an OpenStack set-up. */
#include "vbmc/fleet/discovery.h"

#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/loss.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/host/metadata.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

const char *fleet_why_none(const struct fleet *fleet, const struct virt_domain *domain)
{
    const struct config_domain *section =
        config_find_domain(fleet->config, virt_domain_name(domain), virt_domain_uuid(domain));
    const struct instance *instance = fleet_bmc_of(domain);

    if (instance)
        return instance_domain(instance) == domain ? NULL
                                                   : "the same UUID is on another hypervisor";
    if (section && !section->enabled)
        return "enabled = no in its [domain] section";
    if (fleet_is_deleted(fleet, virt_domain_uuid(domain)))
        return "deleted by 'vbmc delete'";
    switch (fleet->config->bmc.discover) {
    case CONFIG_DISCOVER_ALL:
        return NULL;
    case CONFIG_DISCOVER_TAGGED:
        return virt_domain_is_tagged(domain) ? NULL : "discover = tagged, and it has no tag";
    case CONFIG_DISCOVER_NONE:
        return "discover = none, and no 'vbmc add'";
    }
    return NULL;
}

/* ---- take-over of an OpenStack set-up ---- */

static struct openstack_bmc *find_openstack_bmc(struct fleet *fleet, const char *name,
                                                const char *uri)
{
    struct openstack_bmc *bmc = openstack_find(fleet->openstack, name);

    return bmc && (!bmc->libvirt_uri || strcmp(bmc->libvirt_uri, uri) == 0) ? bmc : NULL;
}

void fleet_take_over_openstack(struct fleet *fleet, struct virt_domain *domain)
{
    const char *uri = hypervisor_uri(virt_domain_hypervisor(domain));
    struct openstack_bmc *bmc = find_openstack_bmc(fleet, virt_domain_name(domain), uri);
    struct instance *instance = fleet_bmc_of(domain);

    if (!bmc || (instance && instance_record(instance)->is_explicit) ||
        fleet_is_deleted(fleet, virt_domain_uuid(domain)))
        return;
    struct store_bmc record = {
        .uuid = *virt_domain_uuid(domain),
        .name = bmc->domain_name,
        .is_explicit = true,
        .active = bmc->active,
        .address = bmc->address ? bmc->address : "::",
        .port = bmc->port ? bmc->port : 623,
        .username = bmc->username ? bmc->username : "admin",
        .password = bmc->password ? bmc->password : "password",
        .uri = bmc->libvirt_uri,
        .sasl_username = bmc->libvirt_sasl_username,
        .sasl_password = bmc->libvirt_sasl_password,
    };
    instance = fleet_adopt_record(fleet, instance, &record);
    if (!instance)
        return;
    log_info("%s: taken over from %s", record.name, fleet->openstack->config_dir);
    instance_record_changed(instance, NULL, NULL);
}

/* ---- the rules ---- */

void fleet_discover(struct fleet *fleet, struct virt_domain *domain)
{
    const struct host_metadata *metadata = virt_domain_metadata(domain);
    const struct store_bmc record = {
        .uuid = *virt_domain_uuid(domain),
        .name = (char *)virt_domain_name(domain),
        .active = true,
        .metadata = metadata ? metadata->text : NULL,
    };

    if (fleet_why_none(fleet, domain))
        return;
    struct instance *instance = fleet_make_instance(fleet, &record, NULL, NULL);
    if (instance) {
        instance_record_changed(instance, NULL, NULL);
        fleet_see_copy(fleet, instance, domain);
        if (fleet->connections->next)
            fleet_see_copies(fleet, instance);
    }
}

bool fleet_drop_untagged(struct fleet *fleet, struct instance *instance,
                         const struct virt_domain *domain)
{
    if (fleet->config->bmc.discover != CONFIG_DISCOVER_TAGGED ||
        instance_record(instance)->is_explicit || virt_domain_is_tagged(domain))
        return false;
    fleet_forget_bmc(fleet, instance);
    return true;
}
