#include "vbmc/fleet/internal.h"

#include <stdlib.h>
#include <string.h>

#define REAP_AGAIN_MS 100

void manager_hold_link(struct manager *manager, const struct hypervisor *hypervisor, int change)
{
    for (struct link *link = manager->links; link; link = link->next) {
        if (link->hypervisor == hypervisor)
            link->holds += (unsigned)change;
    }
}

static struct link *find_link(const struct manager *manager, const char *uri)
{
    for (struct link *link = manager->links; link; link = link->next) {
        if (strcmp(hypervisor_uri(link->hypervisor), uri) == 0)
            return link;
    }
    return NULL;
}

struct link *manager_link_of(const struct manager *manager, const struct hypervisor *hypervisor)
{
    struct link *link = manager->links;

    while (link && link->hypervisor != hypervisor)
        link = link->next;
    return link;
}

static struct placement_hypervisor *place_of(struct manager *manager,
                                             const struct hypervisor_settings *settings)
{
    struct placement_hypervisor *place = placement_map_get(&manager->map, settings->uri);

    if (!place || placement_map_name(&manager->map, place, settings->name) < 0)
        return NULL;
    place->removed = false;
    return place;
}

struct link *manager_add_link(struct manager *manager, const struct hypervisor_settings *settings,
                              bool configured)
{
    struct link *link = find_link(manager, settings->uri);
    struct link **end = &manager->links;

    if (link) {
        link->configured |= configured;
        link->unused = false; /* if it was to go, it stays */
        return link;
    }
    link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->configured = configured;
    link->place = place_of(manager, settings);
    if (link->place)
        link->hypervisor = hypervisor_start(manager->loop, manager->inbox, settings,
                                            &manager_hypervisor_callbacks, manager);
    if (!link->hypervisor) {
        free(link);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = link;
    return link;
}

static void on_hypervisor_stopped(void *context)
{
    struct manager *manager = context;

    manager->ending--;
    if (manager->stopping)
        manager_finish_stopping(manager);
}

void manager_stop_link(struct manager *manager, struct link *link)
{
    manager->ending++;
    hypervisor_stop(link->hypervisor, on_hypervisor_stopped, manager);
    free(link);
}

/* Hypervisors may not be stopped from within their callbacks, so that this is done on a turn of its
 * own. */
static void on_reap(uv_timer_t *timer)
{
    struct manager *manager = timer->data;
    struct link **place = &manager->links;

    while (*place) {
        struct link *link = *place;
        if (link->unused && hypervisor_is_busy(link->hypervisor))
            uv_timer_start(timer, on_reap, REAP_AGAIN_MS, 0); /* a boot override is taken back */
        if (!link->unused || hypervisor_is_busy(link->hypervisor)) {
            place = &link->next;
            continue;
        }
        for (size_t i = 0; i < manager->set.count; i++)
            instance_lose_hypervisor(manager->set.instances[i], link->hypervisor);
        manager_place_removal(manager, link);
        *place = link->next;
        manager_stop_link(manager, link);
    }
}

/* Marks what neither the configuration nor a BMC needs. */
void manager_release_links(struct manager *manager)
{
    for (struct link *link = manager->links; link; link = link->next) {
        bool used = link->configured;
        for (size_t i = 0; i < manager->set.count && !used; i++) {
            const char *uri = instance_record(manager->set.instances[i])->uri;
            used = uri && strcmp(uri, hypervisor_uri(link->hypervisor)) == 0;
        }
        link->unused = !used && link->holds == 0;
    }
    uv_timer_start(&manager->reaper, on_reap, 0, 0);
}

struct hypervisor *manager_next_hypervisor(const struct manager *manager,
                                           const struct hypervisor *hypervisor)
{
    struct link *link = manager->links;

    while (hypervisor && link && link->hypervisor != hypervisor)
        link = link->next;
    if (hypervisor && link)
        link = link->next;
    return link ? link->hypervisor : NULL;
}

struct virt_domain *manager_find_uuid(const struct manager *manager, const struct uuid *uuid,
                                      const char *uri)
{
    struct virt_domain *domain = NULL;

    for (struct link *link = manager->links; link && !domain; link = link->next) {
        if (!uri || strcmp(uri, hypervisor_uri(link->hypervisor)) == 0)
            domain = hypervisor_find_domain(link->hypervisor, uuid);
    }
    return domain;
}

bool manager_has_uuid(const struct manager *manager, const struct uuid *uuid, const char *uri)
{
    for (struct link *link = manager->links; link; link = link->next) {
        if ((!uri || strcmp(uri, hypervisor_uri(link->hypervisor)) == 0) &&
            hypervisor_hides(link->hypervisor, uuid))
            return true;
    }
    return manager_find_uuid(manager, uuid, uri) != NULL;
}
