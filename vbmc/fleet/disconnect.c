/* Hypervisors that nothing needs any more are stopped. */
#include "vbmc/fleet/disconnect.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/fleet/ending.h"
#include "vbmc/fleet/placement.h"

#define REAP_AGAIN_MS 100

static void on_hypervisor_stopped(void *context)
{
    struct fleet *fleet = context;

    fleet->ending--;
    fleet_finish_stopping(fleet);
}

void fleet_disconnect(struct fleet *fleet, struct fleet_connection *connection)
{
    fleet->ending++;
    hypervisor_stop(connection->hypervisor, on_hypervisor_stopped, fleet);
    free(connection);
}

/* Hypervisors may not be stopped from within their callbacks, so that this is done on a turn of its
 * own. */
static void on_reap(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;
    struct fleet_connection **place = &fleet->connections;

    while (*place) {
        struct fleet_connection *connection = *place;
        if (connection->unused && hypervisor_is_busy(connection->hypervisor))
            uv_timer_start(timer, on_reap, REAP_AGAIN_MS, 0); /* a boot override is taken back */
        if (!connection->unused || hypervisor_is_busy(connection->hypervisor)) {
            place = &connection->next;
            continue;
        }
        for (size_t i = 0; i < fleet->set.count; i++)
            instance_lose_hypervisor(fleet->set.instances[i], connection->hypervisor);
        fleet_place_connection_removal(fleet, connection);
        *place = connection->next;
        fleet_disconnect(fleet, connection);
    }
}

/* Marks what neither the configuration nor a BMC needs. */
void fleet_release_connections(struct fleet *fleet)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        bool used = connection->configured;
        for (size_t i = 0; i < fleet->set.count && !used; i++) {
            const char *uri = instance_record(fleet->set.instances[i])->uri;
            used = uri && strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0;
        }
        connection->unused = !used && connection->holds == 0;
    }
    uv_timer_start(&fleet->reaper, on_reap, 0, 0);
}
