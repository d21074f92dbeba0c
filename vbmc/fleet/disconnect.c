/* Hypervisors that nothing needs any more are stopped. */
#include "vbmc/fleet/disconnect.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/fleet/ending.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

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

static bool is_needed(const struct fleet *fleet, const struct fleet_connection *connection)
{
    bool needed = connection->configured || connection->holds > 0;

    for (size_t i = 0; i < fleet->set.count && !needed; i++) {
        const char *uri = instance_record(fleet->set.instances[i])->uri;
        needed = uri && strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0;
    }
    return needed;
}

/* Hypervisors may not be stopped from within their callbacks, so that this is done on a turn of its
 * own. */
static void on_reap(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;
    struct fleet_connection **place = &fleet->connections;

    while (*place) {
        struct fleet_connection *connection = *place;
        bool stays = is_needed(fleet, connection);
        if (!stays && hypervisor_is_busy(connection->hypervisor)) {
            uv_timer_start(timer, on_reap, REAP_AGAIN_MS, 0); /* a boot override is taken back */
            stays = true;
        }
        if (stays) {
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

void fleet_release_connections(struct fleet *fleet)
{
    uv_timer_start(&fleet->reaper, on_reap, 0, 0);
}
