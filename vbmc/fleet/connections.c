#include "vbmc/fleet/connections.h"

#include <string.h>

void fleet_hold_link(struct fleet *fleet, const struct hypervisor *hypervisor, int change)
{
    for (struct link *link = fleet->links; link; link = link->next) {
        if (link->hypervisor == hypervisor)
            link->holds += (unsigned)change;
    }
}

struct link *fleet_find_link(const struct fleet *fleet, const char *uri)
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

bool fleet_all_are_up(const struct fleet *fleet)
{
    for (const struct link *link = fleet->links; link; link = link->next) {
        if (!hypervisor_is_up(link->hypervisor) && !link->place->dead)
            return false;
    }
    return true;
}

/* One that is declared dead may come back, with all its domains. */
bool fleet_all_are_connected(const struct fleet *fleet)
{
    const struct link *link = fleet->links;

    while (link && hypervisor_is_up(link->hypervisor))
        link = link->next;
    return !link;
}
