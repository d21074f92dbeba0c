#include "vbmc/fleet/connections.h"

#include <string.h>

#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/virt/hypervisor.h"

void fleet_hold_connection(struct fleet *fleet, const struct hypervisor *hypervisor, int change)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (connection->hypervisor == hypervisor)
            connection->holds += (unsigned)change;
    }
}

struct fleet_connection *fleet_find_connection(const struct fleet *fleet, const char *uri)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (strcmp(hypervisor_uri(connection->hypervisor), uri) == 0)
            return connection;
    }
    return NULL;
}

struct fleet_connection *fleet_connection_of(const struct fleet *fleet,
                                             const struct hypervisor *hypervisor)
{
    struct fleet_connection *connection = fleet->connections;

    while (connection && connection->hypervisor != hypervisor)
        connection = connection->next;
    return connection;
}

struct hypervisor *fleet_next_hypervisor(const struct fleet *fleet,
                                         const struct hypervisor *hypervisor)
{
    struct fleet_connection *connection = fleet->connections;

    while (hypervisor && connection && connection->hypervisor != hypervisor)
        connection = connection->next;
    if (hypervisor && connection)
        connection = connection->next;
    return connection ? connection->hypervisor : NULL;
}

struct virt_domain *fleet_find_uuid(const struct fleet *fleet, const struct uuid *uuid,
                                    const char *uri)
{
    struct virt_domain *domain = NULL;

    for (struct fleet_connection *connection = fleet->connections; connection && !domain;
         connection = connection->next) {
        if (!uri || strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0)
            domain = hypervisor_find_domain(connection->hypervisor, uuid);
    }
    return domain;
}

bool fleet_has_uuid(const struct fleet *fleet, const struct uuid *uuid, const char *uri)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if ((!uri || strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0) &&
            hypervisor_hides(connection->hypervisor, uuid))
            return true;
    }
    return fleet_find_uuid(fleet, uuid, uri) != NULL;
}

bool fleet_all_are_up(const struct fleet *fleet)
{
    for (const struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (!hypervisor_is_up(connection->hypervisor) && !connection->place->dead)
            return false;
    }
    return true;
}

/* One that is declared dead may come back, with all its domains. */
bool fleet_all_are_connected(const struct fleet *fleet)
{
    const struct fleet_connection *connection = fleet->connections;

    while (connection && hypervisor_is_up(connection->hypervisor))
        connection = connection->next;
    return !connection;
}
