#include "vbmc/fleet/bmcs.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/console/console.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

/* On all hypervisors. */
static void set_domain_owners(struct fleet *fleet, const struct uuid *uuid, struct instance *owner)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        struct virt_domain *domain = hypervisor_find_domain(connection->hypervisor, uuid);
        if (domain)
            virt_domain_host(domain)->owner = owner;
    }
}

void fleet_set_domain_owner(const struct fleet *fleet, struct virt_domain *domain)
{
    virt_domain_host(domain)->owner = bmcset_find_uuid(&fleet->set, virt_domain_uuid(domain));
}

struct instance *fleet_bmc_of(const struct virt_domain *domain)
{
    return virt_domain_host((struct virt_domain *)domain)->owner;
}

struct instance *fleet_make_instance(struct fleet *fleet, const struct store_bmc *record,
                                     const struct store_chassis *chassis,
                                     const struct store_boot *boot)
{
    struct instance *instance =
        instance_new(&fleet->shared, ++fleet->last_number, record, chassis, boot);

    if (!instance || bmcset_add(&fleet->set, instance) < 0) {
        log_error("%s: out of memory: it has no BMC", record->name);
        instance_free(instance);
        return NULL;
    }
    set_domain_owners(fleet, &record->uuid, instance);
    addresses_hold(&fleet->addresses, instance);
    instance_configure(instance, fleet->config);
    if (record->active)
        fleet_start_listening(fleet, instance);
    return instance;
}

struct instance *fleet_adopt_record(struct fleet *fleet, struct instance *instance,
                                    const struct store_bmc *record)
{
    if (!instance)
        return fleet_make_instance(fleet, record, NULL, NULL);
    fleet_stop_listening(fleet, instance);
    addresses_release(&fleet->addresses, instance);
    int result = instance_replace_record(instance, record);
    addresses_hold(&fleet->addresses, instance);
    if (result < 0)
        return NULL;
    bmcset_rename(&fleet->set, instance);
    instance_configure(instance, fleet->config);
    if (record->active)
        fleet_start_listening(fleet, instance);
    return instance;
}

void fleet_drop_instance(struct fleet *fleet, struct instance *instance)
{
    set_domain_owners(fleet, &instance_record(instance)->uuid, NULL);
    bmcset_remove(&fleet->set, instance);
    addresses_release(&fleet->addresses, instance);
    fleet_stop_listening(fleet, instance);
    instance_free(instance);
}

void fleet_follow_name(struct fleet *fleet, struct instance *instance)
{
    struct store_bmc *record = instance_record(instance);
    const char *name = virt_domain_host(instance_domain(instance))->name;

    if (strcmp(record->name, name) == 0)
        return;
    log_info("domain %s renamed to %s", record->name, name);
    char *copy = strdup(name);
    if (!copy)
        return;
    free(record->name);
    record->name = copy;
    bmcset_rename(&fleet->set, instance);
    instance_configure(instance, fleet->config);
    instance_record_changed(instance, NULL, NULL);
}

void fleet_forget_domain(struct fleet *fleet, const struct uuid *uuid)
{
    store_forget_domain(fleet->shared.store, uuid, fleet_report_store, NULL);
    console_forget(fleet->shared.state_dir, uuid);
}
