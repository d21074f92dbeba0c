/* Which domain has a BMC, and what follows when domains come, change and go. */
#include "vbmc/fleet/internal.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/console/console.h"

#define FAREWELL_MS 3000 /* a client that waits for an answer asks again within this */

bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid)
{
    for (size_t i = 0; i < fleet->deleted_count; i++) {
        if (uuid_equal(&fleet->deleted[i], uuid))
            return true;
    }
    return false;
}

void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    struct uuid *grown =
        realloc(fleet->deleted, (fleet->deleted_count + 1) * sizeof *fleet->deleted);

    if (!grown)
        return;
    fleet->deleted = grown;
    fleet->deleted[fleet->deleted_count++] = *uuid;
}

void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    for (size_t i = 0; i < fleet->deleted_count; i++) {
        if (uuid_equal(&fleet->deleted[i], uuid)) {
            fleet->deleted[i] = fleet->deleted[--fleet->deleted_count];
            return;
        }
    }
}

/* ---- which domain has a BMC ---- */

const char *fleet_why_none(const struct fleet *fleet, const struct virt_domain *domain)
{
    const struct config_domain *section =
        config_find_domain(fleet->config, virt_domain_name(domain), virt_domain_uuid(domain));
    const struct instance *instance = bmcset_find_uuid(&fleet->set, virt_domain_uuid(domain));

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

/* ---- making and removing BMCs ---- */

struct instance *fleet_make_instance(struct fleet *fleet, const struct store_bmc *record,
                                     const struct store_chassis *chassis,
                                     const struct store_boot *boot)
{
    struct instance *instance =
        instance_new(&fleet->shared, ++fleet->last_number, record, chassis, boot);

    if (!instance || bmcset_add(&fleet->set, instance) < 0) {
        log_error("%s: no memory for its BMC", record->name);
        instance_free(instance);
        return NULL;
    }
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
    if (instance_replace_record(instance, record) < 0)
        return NULL;
    instance_configure(instance, fleet->config);
    if (record->active)
        fleet_start_listening(fleet, instance);
    return instance;
}

void fleet_drop_instance(struct fleet *fleet, struct instance *instance)
{
    bmcset_remove(&fleet->set, instance);
    fleet_stop_listening(fleet, instance);
    instance_free(instance);
}

/* ---- names ---- */

void fleet_follow_name(struct fleet *fleet, struct instance *instance)
{
    struct store_bmc *record = instance_record(instance);
    const char *name = virt_domain_host(instance_domain(instance))->name;

    if (strcmp(record->name, name) == 0)
        return;
    log_info("domain %s is now called %s", record->name, name);
    char *copy = strdup(name);
    if (!copy)
        return;
    free(record->name);
    record->name = copy;
    instance_configure(instance, fleet->config);
    instance_save_record(instance, fleet_report_store, NULL);
}

/* ---- take-over of an OpenStack set-up ---- */

static struct openstack_bmc *find_openstack_bmc(struct fleet *fleet, const char *name,
                                                const char *uri)
{
    for (size_t i = 0; fleet->openstack && i < fleet->openstack->bmc_count; i++) {
        struct openstack_bmc *bmc = &fleet->openstack->bmcs[i];
        if (bmc->domain_name && strcmp(bmc->domain_name, name) == 0 &&
            (!bmc->libvirt_uri || strcmp(bmc->libvirt_uri, uri) == 0))
            return bmc;
    }
    return NULL;
}

static void take_over_openstack(struct fleet *fleet, struct virt_domain *domain)
{
    const char *uri = hypervisor_uri(virt_domain_hypervisor(domain));
    struct openstack_bmc *bmc = find_openstack_bmc(fleet, virt_domain_name(domain), uri);
    struct instance *instance = bmcset_find_uuid(&fleet->set, virt_domain_uuid(domain));

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
    instance_save_record(instance, fleet_report_store, NULL);
}

/* ---- the hypervisors' side ---- */

void fleet_discover(struct fleet *fleet, struct virt_domain *domain)
{
    const struct store_bmc record = {
        .uuid = *virt_domain_uuid(domain),
        .name = (char *)virt_domain_name(domain),
        .active = true,
    };

    if (fleet_why_none(fleet, domain))
        return;
    struct instance *instance = fleet_make_instance(fleet, &record, NULL, NULL);
    if (instance) {
        instance_save_record(instance, fleet_report_store, NULL);
        fleet_see_copy(fleet, instance, domain);
        if (fleet->links->next)
            fleet_see_copies(fleet, instance);
    }
}

void fleet_forget_domain(struct fleet *fleet, const struct uuid *uuid)
{
    store_forget_domain(fleet->shared.store, uuid, fleet_report_store, NULL);
    console_forget(fleet->shared.state_dir, uuid);
}

static void forget_instance(struct fleet *fleet, struct instance *instance)
{
    struct uuid uuid = instance_record(instance)->uuid;

    chassis_give_up(instance_bmc(instance), "its domain is gone");
    fleet_drop_instance(fleet, instance);
    fleet_forget_domain(fleet, &uuid);
}

bool fleet_drop_untagged(struct fleet *fleet, struct instance *instance,
                         const struct virt_domain *domain)
{
    if (fleet->config->bmc.discover != CONFIG_DISCOVER_TAGGED ||
        instance_record(instance)->is_explicit || virt_domain_is_tagged(domain))
        return false;
    forget_instance(fleet, instance);
    return true;
}

static bool all_are_up(const struct fleet *fleet)
{
    for (const struct link *link = fleet->links; link; link = link->next) {
        if (!hypervisor_is_up(link->hypervisor) && !link->place->dead)
            return false;
    }
    return true;
}

/* One that is declared dead may come back, with all its domains. */
static bool all_are_connected(const struct fleet *fleet)
{
    const struct link *link = fleet->links;

    while (link && hypervisor_is_up(link->hypervisor))
        link = link->next;
    return !link;
}

/* The mark of a deleted BMC lasts as long as its domain is defined. */
static bool is_lost_mark(const struct fleet *fleet, const struct uuid *uuid)
{
    return all_are_connected(fleet) && !fleet_has_uuid(fleet, uuid, NULL);
}

static void drop_lost_marks(struct fleet *fleet)
{
    for (size_t i = fleet->deleted_count; i-- > 0;) {
        struct uuid uuid = fleet->deleted[i];
        if (!is_lost_mark(fleet, &uuid))
            continue;
        fleet_unmark_deleted(fleet, &uuid);
        fleet_forget_domain(fleet, &uuid);
    }
}

/* A BMC made by somebody's word stays, without a guest; a discovered one goes with its domain, as
 * soon as no hypervisor can have that any more. */
static bool is_lost(const struct fleet *fleet, struct instance *instance)
{
    const struct placement *placement = instance_placement(instance);

    return !instance_domain(instance) && !instance_record(instance)->is_explicit &&
           placement->count == 0 && placement->decided.verdict == PLACEMENT_ABSENT &&
           all_are_up(fleet);
}

/* Discovered BMCs whose domain went while nobody looked, or a moment ago. */
static void drop_lost_bmcs(struct fleet *fleet)
{
    for (size_t i = fleet->set.count; i-- > 0;) {
        struct instance *instance = fleet->set.instances[i];
        if (!is_lost(fleet, instance))
            continue;
        log_info("%s: its domain is gone, and so is its BMC", instance_record(instance)->name);
        forget_instance(fleet, instance);
    }
}

static void on_farewell_over(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    if (!fleet->stopping && all_are_up(fleet))
        drop_lost_bmcs(fleet);
}

/* Clients that have sessions with the BMC can read the answers that they wait for and close them.
 */
static void lose_instance(struct fleet *fleet, struct instance *instance)
{
    struct instance_session session;

    if (!instance_session(instance, 1, &session)) {
        forget_instance(fleet, instance);
        return;
    }
    chassis_give_up(instance_bmc(instance), "its domain is gone");
    if (!uv_is_active((uv_handle_t *)&fleet->farewell))
        uv_timer_start(&fleet->farewell, on_farewell_over, FAREWELL_MS, 0);
}

static void on_appeared(void *context, struct virt_domain *domain)
{
    struct fleet *fleet = context;

    if (fleet->stopping)
        return;
    take_over_openstack(fleet, domain);
    struct instance *instance = bmcset_find_uuid(&fleet->set, virt_domain_uuid(domain));
    if (!instance) {
        fleet_discover(fleet, domain);
        return;
    }
    if (fleet_drop_untagged(fleet, instance, domain))
        return;
    instance_expect(instance, domain);
    fleet_see_copy(fleet, instance, domain);
    if (instance_domain(instance) == domain)
        fleet_follow_name(fleet, instance);
}

static void on_vanished(void *context, struct virt_domain *domain)
{
    struct fleet *fleet = context;
    struct uuid uuid = *virt_domain_uuid(domain);
    struct instance *instance = bmcset_find_uuid(&fleet->set, &uuid);

    if (instance) {
        instance_lose_copy(instance, domain);
        fleet_lose_copy(fleet, instance, domain);
        if (is_lost(fleet, instance))
            lose_instance(fleet, instance);
        else if (!instance_domain(instance) && !instance_record(instance)->is_explicit)
            log_info(
                "%s: left hypervisor %s; its BMC and event log are kept, as it may be elsewhere",
                instance_record(instance)->name, hypervisor_name(virt_domain_hypervisor(domain)));
    } else if (fleet_is_deleted(fleet, &uuid) && is_lost_mark(fleet, &uuid)) {
        fleet_unmark_deleted(fleet, &uuid);
        fleet_forget_domain(fleet, &uuid);
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
        take_over_openstack(fleet, domain);
    struct instance *instance = bmcset_find_uuid(&fleet->set, virt_domain_uuid(domain));
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
    struct link *link = fleet_link_of(fleet, hypervisor);

    if (link && !link->was_up && hypervisor_is_up(hypervisor)) {
        link->was_up = true;
        fleet_note_connected(fleet, link);
    }
    if (link)
        fleet_place_connection(fleet, link);
    if (all_are_up(fleet))
        drop_lost_bmcs(fleet);
    drop_lost_marks(fleet);
    fleet_finish_waiting(fleet, hypervisor);
}

const struct hypervisor_callbacks fleet_hypervisor_callbacks = {
    .appeared = on_appeared,
    .vanished = on_vanished,
    .event = on_event,
    .hidden = on_hidden,
    .connection = on_connection,
};
