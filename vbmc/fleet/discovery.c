/* Which domain has a BMC, and what follows when domains come, change and go. */
#include "vbmc/fleet/internal.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/console/console.h"

#define FAREWELL_MS 3000 /* a client that waits for an answer asks again within this */

bool manager_is_deleted(const struct manager *manager, const struct uuid *uuid)
{
    for (size_t i = 0; i < manager->deleted_count; i++) {
        if (uuid_equal(&manager->deleted[i], uuid))
            return true;
    }
    return false;
}

void manager_mark_deleted(struct manager *manager, const struct uuid *uuid)
{
    struct uuid *grown =
        realloc(manager->deleted, (manager->deleted_count + 1) * sizeof *manager->deleted);

    if (!grown)
        return;
    manager->deleted = grown;
    manager->deleted[manager->deleted_count++] = *uuid;
}

void manager_unmark_deleted(struct manager *manager, const struct uuid *uuid)
{
    for (size_t i = 0; i < manager->deleted_count; i++) {
        if (uuid_equal(&manager->deleted[i], uuid)) {
            manager->deleted[i] = manager->deleted[--manager->deleted_count];
            return;
        }
    }
}

/* ---- which domain has a BMC ---- */

const char *manager_why_none(const struct manager *manager, const struct virt_domain *domain)
{
    const struct config_domain *section =
        config_find_domain(manager->config, virt_domain_name(domain), virt_domain_uuid(domain));
    const struct instance *instance = bmcset_find_uuid(&manager->set, virt_domain_uuid(domain));

    if (instance)
        return instance_domain(instance) == domain ? NULL
                                                   : "the same UUID is on another hypervisor";
    if (section && !section->enabled)
        return "enabled = no in its [domain] section";
    if (manager_is_deleted(manager, virt_domain_uuid(domain)))
        return "deleted by 'vbmc delete'";
    switch (manager->config->bmc.discover) {
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

struct instance *manager_make_instance(struct manager *manager, const struct store_bmc *record,
                                       const struct store_chassis *chassis,
                                       const struct store_boot *boot)
{
    struct instance *instance =
        instance_new(&manager->shared, ++manager->last_number, record, chassis, boot);

    if (!instance || bmcset_add(&manager->set, instance) < 0) {
        log_error("%s: no memory for its BMC", record->name);
        instance_free(instance);
        return NULL;
    }
    instance_configure(instance, manager->config);
    if (record->active)
        manager_start_listening(manager, instance);
    return instance;
}

struct instance *manager_adopt_record(struct manager *manager, struct instance *instance,
                                      const struct store_bmc *record)
{
    if (!instance)
        return manager_make_instance(manager, record, NULL, NULL);
    manager_stop_listening(manager, instance);
    if (instance_replace_record(instance, record) < 0)
        return NULL;
    instance_configure(instance, manager->config);
    if (record->active)
        manager_start_listening(manager, instance);
    return instance;
}

void manager_drop_instance(struct manager *manager, struct instance *instance)
{
    bmcset_remove(&manager->set, instance);
    manager_stop_listening(manager, instance);
    instance_free(instance);
}

/* ---- names ---- */

void manager_follow_name(struct manager *manager, struct instance *instance)
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
    instance_configure(instance, manager->config);
    instance_save_record(instance, manager_report_store, NULL);
}

/* ---- take-over of an OpenStack set-up ---- */

static struct openstack_bmc *find_openstack_bmc(struct manager *manager, const char *name,
                                                const char *uri)
{
    for (size_t i = 0; manager->openstack && i < manager->openstack->bmc_count; i++) {
        struct openstack_bmc *bmc = &manager->openstack->bmcs[i];
        if (bmc->domain_name && strcmp(bmc->domain_name, name) == 0 &&
            (!bmc->libvirt_uri || strcmp(bmc->libvirt_uri, uri) == 0))
            return bmc;
    }
    return NULL;
}

static void take_over_openstack(struct manager *manager, struct virt_domain *domain)
{
    const char *uri = hypervisor_uri(virt_domain_hypervisor(domain));
    struct openstack_bmc *bmc = find_openstack_bmc(manager, virt_domain_name(domain), uri);
    struct instance *instance = bmcset_find_uuid(&manager->set, virt_domain_uuid(domain));

    if (!bmc || (instance && instance_record(instance)->is_explicit) ||
        manager_is_deleted(manager, virt_domain_uuid(domain)))
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
    instance = manager_adopt_record(manager, instance, &record);
    if (!instance)
        return;
    log_info("%s: taken over from %s", record.name, manager->openstack->config_dir);
    instance_save_record(instance, manager_report_store, NULL);
}

/* ---- the hypervisors' side ---- */

void manager_discover(struct manager *manager, struct virt_domain *domain)
{
    const struct store_bmc record = {
        .uuid = *virt_domain_uuid(domain),
        .name = (char *)virt_domain_name(domain),
        .active = true,
    };

    if (manager_why_none(manager, domain))
        return;
    struct instance *instance = manager_make_instance(manager, &record, NULL, NULL);
    if (instance) {
        instance_save_record(instance, manager_report_store, NULL);
        manager_see_copy(manager, instance, domain);
        if (manager->links->next)
            manager_see_copies(manager, instance);
    }
}

void manager_forget_domain(struct manager *manager, const struct uuid *uuid)
{
    store_forget_domain(manager->shared.store, uuid, manager_report_store, NULL);
    instance_console_forget(manager->shared.state_dir, uuid);
}

static void forget_instance(struct manager *manager, struct instance *instance)
{
    struct uuid uuid = instance_record(instance)->uuid;

    chassis_give_up(instance_bmc(instance), "its domain is gone");
    manager_drop_instance(manager, instance);
    manager_forget_domain(manager, &uuid);
}

bool manager_drop_untagged(struct manager *manager, struct instance *instance,
                           const struct virt_domain *domain)
{
    if (manager->config->bmc.discover != CONFIG_DISCOVER_TAGGED ||
        instance_record(instance)->is_explicit || virt_domain_is_tagged(domain))
        return false;
    forget_instance(manager, instance);
    return true;
}

static bool all_are_up(const struct manager *manager)
{
    for (const struct link *link = manager->links; link; link = link->next) {
        if (!hypervisor_is_up(link->hypervisor) && !link->place->dead)
            return false;
    }
    return true;
}

/* One that is declared dead may come back, with all its domains. */
static bool all_are_connected(const struct manager *manager)
{
    const struct link *link = manager->links;

    while (link && hypervisor_is_up(link->hypervisor))
        link = link->next;
    return !link;
}

/* The mark of a deleted BMC lasts as long as its domain is defined. */
static bool is_lost_mark(const struct manager *manager, const struct uuid *uuid)
{
    return all_are_connected(manager) && !manager_has_uuid(manager, uuid, NULL);
}

static void drop_lost_marks(struct manager *manager)
{
    for (size_t i = manager->deleted_count; i-- > 0;) {
        struct uuid uuid = manager->deleted[i];
        if (!is_lost_mark(manager, &uuid))
            continue;
        manager_unmark_deleted(manager, &uuid);
        manager_forget_domain(manager, &uuid);
    }
}

/* A BMC made by somebody's word stays, without a guest; a discovered one goes with its domain, as
 * soon as no hypervisor can have that any more. */
static bool is_lost(const struct manager *manager, struct instance *instance)
{
    const struct placement *placement = instance_placement(instance);

    return !instance_domain(instance) && !instance_record(instance)->is_explicit &&
           placement->count == 0 && placement->decided.verdict == PLACEMENT_ABSENT &&
           all_are_up(manager);
}

/* Discovered BMCs whose domain went while nobody looked, or a moment ago. */
static void drop_lost_bmcs(struct manager *manager)
{
    for (size_t i = manager->set.count; i-- > 0;) {
        struct instance *instance = manager->set.instances[i];
        if (!is_lost(manager, instance))
            continue;
        log_info("%s: its domain is gone, and so is its BMC", instance_record(instance)->name);
        forget_instance(manager, instance);
    }
}

static void on_farewell_over(uv_timer_t *timer)
{
    struct manager *manager = timer->data;

    if (!manager->stopping && all_are_up(manager))
        drop_lost_bmcs(manager);
}

/* Clients that have sessions with the BMC can read the answers that they wait for and close them.
 */
static void lose_instance(struct manager *manager, struct instance *instance)
{
    struct instance_session session;

    if (!instance_session(instance, 1, &session)) {
        forget_instance(manager, instance);
        return;
    }
    chassis_give_up(instance_bmc(instance), "its domain is gone");
    if (!uv_is_active((uv_handle_t *)&manager->farewell))
        uv_timer_start(&manager->farewell, on_farewell_over, FAREWELL_MS, 0);
}

static void on_appeared(void *context, struct virt_domain *domain)
{
    struct manager *manager = context;

    if (manager->stopping)
        return;
    take_over_openstack(manager, domain);
    struct instance *instance = bmcset_find_uuid(&manager->set, virt_domain_uuid(domain));
    if (!instance) {
        manager_discover(manager, domain);
        return;
    }
    if (manager_drop_untagged(manager, instance, domain))
        return;
    instance_expect(instance, domain);
    manager_see_copy(manager, instance, domain);
    if (instance_domain(instance) == domain)
        manager_follow_name(manager, instance);
}

static void on_vanished(void *context, struct virt_domain *domain)
{
    struct manager *manager = context;
    struct uuid uuid = *virt_domain_uuid(domain);
    struct instance *instance = bmcset_find_uuid(&manager->set, &uuid);

    if (instance) {
        instance_lose_copy(instance, domain);
        manager_lose_copy(manager, instance, domain);
        if (is_lost(manager, instance))
            lose_instance(manager, instance);
        else if (!instance_domain(instance) && !instance_record(instance)->is_explicit)
            log_info(
                "%s: left hypervisor %s; its BMC and event log are kept, as it may be elsewhere",
                instance_record(instance)->name, hypervisor_name(virt_domain_hypervisor(domain)));
    } else if (manager_is_deleted(manager, &uuid) && is_lost_mark(manager, &uuid)) {
        manager_unmark_deleted(manager, &uuid);
        manager_forget_domain(manager, &uuid);
    }
}

/* The state goes to the placement first: whether a guest that is off here is off at all, or runs
 * elsewhere by now, is not for its BMC to find out. */
static void on_event(void *context, struct virt_domain *domain, enum host_event event)
{
    struct manager *manager = context;

    if (manager->stopping)
        return;
    if (event == HOST_EVENT_RENAMED)
        take_over_openstack(manager, domain);
    struct instance *instance = bmcset_find_uuid(&manager->set, virt_domain_uuid(domain));
    if (instance && event == HOST_EVENT_TAGGED && manager_drop_untagged(manager, instance, domain))
        return;
    if (!instance) {
        manager_discover(manager, domain);
        return;
    }
    if (event == HOST_EVENT_STATE)
        instance_expect(instance, domain);
    if (event == HOST_EVENT_STATE || !instance_domain(instance))
        manager_see_copy(manager, instance, domain);
    if (instance_domain(instance) != domain)
        return;
    /* A guest that came from another hypervisor has not been started. */
    if (event == HOST_EVENT_STARTED && manager->arrived == domain)
        manager->arrived = NULL;
    else
        instance_host_event(instance, event);
    if (event == HOST_EVENT_RENAMED)
        manager_follow_name(manager, instance);
}

static void on_hidden(void *context, struct hypervisor *hypervisor, const struct uuid *uuid)
{
    struct manager *manager = context;
    struct instance *instance = bmcset_find_uuid(&manager->set, uuid);

    if (instance && !manager->stopping)
        manager_see_hidden(manager, instance, hypervisor);
}

static void on_connection(void *context, struct hypervisor *hypervisor)
{
    struct manager *manager = context;
    struct link *link = manager_link_of(manager, hypervisor);

    if (link && !link->was_up && hypervisor_is_up(hypervisor)) {
        link->was_up = true;
        manager_note_connected(manager, link);
    }
    if (link)
        manager_place_connection(manager, link);
    if (all_are_up(manager))
        drop_lost_bmcs(manager);
    drop_lost_marks(manager);
    manager_finish_waiting(manager, hypervisor);
}

const struct hypervisor_callbacks manager_hypervisor_callbacks = {
    .appeared = on_appeared,
    .vanished = on_vanished,
    .event = on_event,
    .hidden = on_hidden,
    .connection = on_connection,
};
