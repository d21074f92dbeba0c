/* The last part of stopping, when no hypervisor is left. */
#include "vbmc/fleet/ending.h"

#include <stdlib.h>

#include "vbmc/base/array.h"
#include "vbmc/base/inbox.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/login_log.h"
#include "vbmc/service/audit.h"
#include "vbmc/state/audit.h"
#include "vbmc/state/saves.h"
#include "vbmc/virt/loop.h"

static void on_timer_closed(uv_handle_t *handle)
{
    struct fleet *fleet = handle->data;

    if (--fleet->closing > 0)
        return;
    if (fleet->owner)
        *fleet->owner = NULL;
    free(fleet->state_dir);
    free(fleet->sink);
    free(fleet->inband_sink);
    free(fleet->runtime_dir);
    free(fleet);
}

static void close_timers(struct fleet *fleet)
{
    uv_timer_t *const timers[] = {
        &fleet->listen_again, &fleet->grace,  &fleet->restore,
        &fleet->hours,        &fleet->reaper, &fleet->facility_timer,
    };

    fleet->closing = ARRAY_SIZE(timers);
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
        uv_close((uv_handle_t *)timers[i], on_timer_closed);
}

void fleet_finish_stopping(struct fleet *fleet)
{
    if (!fleet->stopping || fleet->ending > 0)
        return;
    if (fleet->inbox)
        virt_loop_stop();
    inbox_free(fleet->inbox);
    fleet_close_shared_socket(fleet, NULL);
    login_log_free(fleet->shared.login_log); /* what it has left out is for the trail */
    fleet->shared.login_log = NULL;
    service_audit_stop();
    audit_stop(fleet->audit);
    store_close(fleet->shared.store); /* its last answers still look at the hypervisors */
    fleet->shared.store = NULL;
    saves_free(fleet->saves, NULL, NULL);
    uuid_map_clear(&fleet->changes);
    fleet_clear_deleted(fleet);
    hash_index_clear(&fleet->alone, NULL);
    placement_map_clear(&fleet->map);
    limiter_free(fleet->shared.limiter);
    audit_free(fleet->audit);
    fleet->audit = NULL; /* it may still be flushed, until the timers are closed */
    config_free(fleet->config);
    openstack_free(fleet->openstack);
    close_timers(fleet);
}
