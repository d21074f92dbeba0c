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
