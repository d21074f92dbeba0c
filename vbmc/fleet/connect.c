/* Which hypervisors are connected to: those of the configuration and of an OpenStack set-up, and
 * those that BMCs name by their URI. */
#include "vbmc/fleet/connect.h"

#include <stdlib.h>

#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/events.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/virt/hypervisor.h"

static struct placement_hypervisor *place_of(struct fleet *fleet,
                                             const struct hypervisor_settings *settings)
{
    struct placement_hypervisor *place = placement_map_get(&fleet->map, settings->uri);

    if (!place || placement_map_name(&fleet->map, place, settings->name) < 0)
        return NULL;
    place->removed = false;
    return place;
}

struct fleet_connection *fleet_connect(struct fleet *fleet,
                                       const struct hypervisor_settings *settings, bool configured)
{
    struct fleet_connection *connection = fleet_find_connection(fleet, settings->uri);
    struct fleet_connection **end = &fleet->connections;
    struct hypervisor_settings own = *settings;

    if (connection) {
        connection->configured |= configured;
        return connection;
    }
    connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->configured = configured;
    connection->place = place_of(fleet, settings);
    own.stands_by = fleet->wait != NULL;
    if (connection->place)
        connection->hypervisor =
            hypervisor_start(fleet->loop, fleet->inbox, &own, &fleet_hypervisor_callbacks, fleet);
    if (!connection->hypervisor) {
        free(connection);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = connection;
    return connection;
}

static void start_configured_hypervisors(struct fleet *fleet)
{
    const struct config *config = fleet->config;

    for (size_t i = 0; i < config->hypervisor_count; i++) {
        const struct hypervisor_settings settings = {
            .name = config->hypervisors[i].name,
            .uri = config->hypervisors[i].uri,
            .sasl_username = config->hypervisors[i].sasl_username,
            .sasl_password = config->hypervisors[i].sasl_password,
            .sample_period_s = config->hypervisors[i].sample_period_s,
            .runtime_dir = config->daemon.runtime_dir,
        };
        if (!fleet_connect(fleet, &settings, true))
            log_error("hypervisor %s: no memory", settings.name);
    }
}

static void start_openstack_hypervisors(struct fleet *fleet)
{
    for (size_t i = 0; fleet->openstack && i < fleet->openstack->bmc_count; i++) {
        const struct openstack_bmc *bmc = &fleet->openstack->bmcs[i];
        const struct hypervisor_settings settings = {
            .name = bmc->libvirt_uri,
            .uri = bmc->libvirt_uri,
            .sasl_username = bmc->libvirt_sasl_username,
            .sasl_password = bmc->libvirt_sasl_password,
            .runtime_dir = fleet->config->daemon.runtime_dir,
        };
        if (bmc->libvirt_uri)
            fleet_connect(fleet, &settings, true);
    }
}

void fleet_start_hypervisors(struct fleet *fleet)
{
    start_configured_hypervisors(fleet);
    start_openstack_hypervisors(fleet);
}

void fleet_begin_hypervisors(struct fleet *fleet)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next)
        hypervisor_begin(connection->hypervisor);
}
