#include "vbmc/instance/restart.h"

#include "vbmc/base/log.h"
#include "vbmc/console/sol.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/platform/platform.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/state/parts.h"

#define LOOK_AGAIN_MS 20

uint64_t instance_restart_ask(struct instance *instance, uint64_t now_ms)
{
    if (instance->restart_at_ms == UINT64_MAX) {
        instance->restart_at_ms = now_ms + INSTANCE_RESTART_AFTER_MS;
        instance->restart_latest_ms = instance->restart_at_ms + INSTANCE_RESTART_PATIENCE_MS;
    }
    return instance->restart_at_ms;
}

static bool has_pending(const struct instance *instance, uint64_t now_ms)
{
    return rmcp_server_has_pending(instance->rmcp) ||
           (instance->inband &&
            inband_interface_has_pending(inband_interface(instance->inband), now_ms));
}

static void restart(struct instance *instance)
{
    struct bmc *bmc = &instance->bmc;

    log_info("%s: BMC restarts", instance->record.name);
    console_sol_end(instance->sol); /* while its session can still be told */
    rmcp_server_end_all_sessions(instance->rmcp);
    bmc_restart(bmc);
    parts_read_again(instance->parts);
    console_sol_restart(instance->sol);
    platform_note_restart(bmc->platform);
    instance->restarts++;
    if (instance->shared->restarted)
        instance->shared->restarted(instance->shared->restarted_context);
}

void instance_restart_tick(struct instance *instance, uint64_t now_ms)
{
    if (instance->restart_at_ms > now_ms)
        return;
    if (now_ms < instance->restart_latest_ms && has_pending(instance, now_ms)) {
        instance->restart_at_ms = now_ms + LOOK_AGAIN_MS;
        return;
    }
    instance->restart_at_ms = UINT64_MAX;
    instance->back_at_ms = now_ms + INSTANCE_RESTART_TAKES_MS;
    restart(instance);
}

uint64_t instance_restart_deadline(const struct instance *instance)
{
    return instance->restart_at_ms;
}

bool instance_is_restarting(const struct instance *instance, uint64_t now_ms)
{
    return now_ms < instance->back_at_ms;
}

unsigned instance_restarts(const struct instance *instance)
{
    return instance->restarts;
}
