#include "vbmc/fleet/internal.h"

#include <stdlib.h>
#include <string.h>

#define REAP_AGAIN_MS 100

void fleet_hold_link(struct fleet *fleet, const struct hypervisor *hypervisor, int change)
{
    for (struct link *link = fleet->links; link; link = link->next) {
        if (link->hypervisor == hypervisor)
            link->holds += (unsigned)change;
    }
}

static struct link *find_link(const struct fleet *fleet, const char *uri)
{
    for (struct link *link = fleet->links; link; link = link->next) {
        if (strcmp(hypervisor_uri(link->hypervisor), uri) == 0)
            return link;
    }
    return NULL;
}

struct link *fleet_link_of(const struct fleet *fleet, const struct hypervisor *hypervisor)
{
    struct link *link = fleet->links;

    while (link && link->hypervisor != hypervisor)
        link = link->next;
    return link;
}

static struct placement_hypervisor *place_of(struct fleet *fleet,
                                             const struct hypervisor_settings *settings)
{
    struct placement_hypervisor *place = placement_map_get(&fleet->map, settings->uri);

    if (!place || placement_map_name(&fleet->map, place, settings->name) < 0)
        return NULL;
    place->removed = false;
    return place;
}

struct link *fleet_add_link(struct fleet *fleet, const struct hypervisor_settings *settings,
                            bool configured)
{
    struct link *link = find_link(fleet, settings->uri);
    struct link **end = &fleet->links;

    if (link) {
        link->configured |= configured;
        link->unused = false; /* if it was to go, it stays */
        return link;
    }
    link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->configured = configured;
    link->place = place_of(fleet, settings);
    if (link->place)
        link->hypervisor = hypervisor_start(fleet->loop, fleet->inbox, settings,
                                            &fleet_hypervisor_callbacks, fleet);
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
    struct fleet *fleet = context;

    fleet->ending--;
    if (fleet->stopping)
        fleet_finish_stopping(fleet);
}

void fleet_stop_link(struct fleet *fleet, struct link *link)
{
    fleet->ending++;
    hypervisor_stop(link->hypervisor, on_hypervisor_stopped, fleet);
    free(link);
}

/* Hypervisors may not be stopped from within their callbacks, so that this is done on a turn of its
 * own. */
static void on_reap(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;
    struct link **place = &fleet->links;

    while (*place) {
        struct link *link = *place;
        if (link->unused && hypervisor_is_busy(link->hypervisor))
            uv_timer_start(timer, on_reap, REAP_AGAIN_MS, 0); /* a boot override is taken back */
        if (!link->unused || hypervisor_is_busy(link->hypervisor)) {
            place = &link->next;
            continue;
        }
        for (size_t i = 0; i < fleet->set.count; i++)
            instance_lose_hypervisor(fleet->set.instances[i], link->hypervisor);
        fleet_place_removal(fleet, link);
        *place = link->next;
        fleet_stop_link(fleet, link);
    }
}

/* Marks what neither the configuration nor a BMC needs. */
void fleet_release_links(struct fleet *fleet)
{
    for (struct link *link = fleet->links; link; link = link->next) {
        bool used = link->configured;
        for (size_t i = 0; i < fleet->set.count && !used; i++) {
            const char *uri = instance_record(fleet->set.instances[i])->uri;
            used = uri && strcmp(uri, hypervisor_uri(link->hypervisor)) == 0;
        }
        link->unused = !used && link->holds == 0;
    }
    uv_timer_start(&fleet->reaper, on_reap, 0, 0);
}

struct hypervisor *fleet_next_hypervisor(const struct fleet *fleet,
                                         const struct hypervisor *hypervisor)
{
    struct link *link = fleet->links;

    while (hypervisor && link && link->hypervisor != hypervisor)
        link = link->next;
    if (hypervisor && link)
        link = link->next;
    return link ? link->hypervisor : NULL;
}

struct virt_domain *fleet_find_uuid(const struct fleet *fleet, const struct uuid *uuid,
                                    const char *uri)
{
    struct virt_domain *domain = NULL;

    for (struct link *link = fleet->links; link && !domain; link = link->next) {
        if (!uri || strcmp(uri, hypervisor_uri(link->hypervisor)) == 0)
            domain = hypervisor_find_domain(link->hypervisor, uuid);
    }
    return domain;
}

bool fleet_has_uuid(const struct fleet *fleet, const struct uuid *uuid, const char *uri)
{
    for (struct link *link = fleet->links; link; link = link->next) {
        if ((!uri || strcmp(uri, hypervisor_uri(link->hypervisor)) == 0) &&
            hypervisor_hides(link->hypervisor, uuid))
            return true;
    }
    return fleet_find_uuid(fleet, uuid, uri) != NULL;
}
