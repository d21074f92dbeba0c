/* What follows when domains appear, change and vanish, and connections come and go. */
#include "vbmc/fleet/events.h"

#include "vbmc/base/log.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/discovery.h"
#include "vbmc/fleet/facility.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/metadata.h"
#include "vbmc/fleet/loss.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/fleet/restore.h"
#include "vbmc/fleet/search.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

static void on_appeared(void *context, struct virt_domain *domain)
{
    struct fleet *fleet = context;

    if (fleet->stopping)
        return;
    fleet_set_domain_owner(fleet, domain);
    fleet_take_over_openstack(fleet, domain);
    struct instance *instance = fleet_bmc_of(domain);
    if (!instance) {
        fleet_discover(fleet, domain);
        return;
    }
    if (fleet_drop_untagged(fleet, instance, domain))
        return;
    instance_set_lost_until(instance, 0);
    instance_expect(instance, domain);
    fleet_see_copy(fleet, instance, domain);
    if (instance_domain(instance) == domain)
        fleet_follow_name(fleet, instance);
}

/* A guest that somebody has removed is not to be started from what was kept of a transient domain
 * of it elsewhere. */
static void drop_kept(struct fleet *fleet, struct virt_domain *vanished)
{
    if (!virt_domain_is_listed(vanished))
        return;
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (connection->hypervisor != virt_domain_hypervisor(vanished))
            hypervisor_drop_kept(connection->hypervisor, virt_domain_uuid(vanished));
    }
}

static void on_vanished(void *context, struct virt_domain *domain)
{
    struct fleet *fleet = context;
    struct instance *instance = fleet_bmc_of(domain);

    drop_kept(fleet, domain);
    if (instance) {
        instance_lose_copy(instance, domain);
        fleet_lose_copy(fleet, instance, domain);
        if (fleet_is_lost(fleet, instance))
            fleet_lose_bmc(fleet, instance);
        else if (!instance_domain(instance) && !instance_record(instance)->is_explicit)
            log_info(
                "%s: left hypervisor %s; its BMC and event log are kept, as it may be elsewhere",
                instance_record(instance)->name, hypervisor_name(virt_domain_hypervisor(domain)));
    } else {
        fleet_drop_lost_mark(fleet, virt_domain_uuid(domain));
    }
}

/* The state goes to the placement first: whether a guest that is off here is off at all, or runs
 * elsewhere by now, is not for its BMC to find out. */
static void on_event(void *context, struct virt_domain *domain, enum host_event event)
{
    struct fleet *fleet = context;

    if (fleet->stopping)
        return;
    if (event == HOST_EVENT_RENAMED)
        fleet_take_over_openstack(fleet, domain);
    struct instance *instance = fleet_bmc_of(domain);
    if (instance && event == HOST_EVENT_TAGGED && fleet_drop_untagged(fleet, instance, domain))
        return;
    if (!instance) {
        fleet_discover(fleet, domain);
        return;
    }
    if (event == HOST_EVENT_STATE)
        instance_expect(instance, domain);
    if (event == HOST_EVENT_STATE || !instance_domain(instance))
        fleet_see_copy(fleet, instance, domain);
    if (instance_domain(instance) != domain)
        return;
    /* A guest that came from another hypervisor has not been started. */
    if (event == HOST_EVENT_STARTED && fleet->arrived == domain)
        fleet->arrived = NULL;
    else
        instance_host_event(instance, event);
    if (event == HOST_EVENT_RENAMED)
        fleet_follow_name(fleet, instance);
    if (event == HOST_EVENT_TAGGED)
        fleet_follow_metadata(fleet, instance);
}

static void on_hidden(void *context, struct hypervisor *hypervisor, const struct uuid *uuid)
{
    struct fleet *fleet = context;
    struct instance *instance = bmcset_find_uuid(&fleet->set, uuid);

    if (instance && !fleet->stopping)
        fleet_see_hidden(fleet, instance, hypervisor);
}

static void on_connection(void *context, struct hypervisor *hypervisor)
{
    struct fleet *fleet = context;
    struct fleet_connection *connection = fleet_connection_of(fleet, hypervisor);

    if (fleet->wait) /* that it cannot be reached is no BMC's matter yet */
        return;
    if (connection && !connection->was_up && hypervisor_is_up(hypervisor)) {
        connection->was_up = true;
        fleet_note_connected(fleet, connection);
        fleet_trim_soon(fleet);
    }
    if (connection)
        fleet_place_connection_change(fleet, connection);
    if (fleet_all_are_up(fleet))
        fleet_drop_lost_bmcs(fleet);
    fleet_drop_lost_marks(fleet);
    fleet_finish_waiting(fleet, hypervisor);
}

const struct hypervisor_callbacks fleet_hypervisor_callbacks = {
    .appeared = on_appeared,
    .vanished = on_vanished,
    .event = on_event,
    .hidden = on_hidden,
    .connection = on_connection,
};
