#include "vbmc/instance/hooks.h"

#include <time.h>
#include <uv.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/console/sol.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/instance/awake.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/restart.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/saves.h"

uint64_t instance_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void on_timer(uv_timer_t *timer);

void instance_wake_at(struct instance *instance, uint64_t at_ms)
{
    if (at_ms >= instance->timer_at_ms)
        return;
    uint64_t now = instance_now_ms();
    instance->timer_at_ms = at_ms;
    uv_update_time(instance->shared->loop);
    uv_timer_start(&instance->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/* The model says when it has something to do when that comes up; the sessions are asked. */
static void on_timer(uv_timer_t *timer)
{
    struct instance *instance = CONTAINER_OF(timer, struct instance, timer);

    instance->timer_at_ms = UINT64_MAX;
    instance_wake(instance);
    bmc_tick(&instance->bmc);
    saves_tick(instance->saves);
    rmcp_server_tick(instance->rmcp, instance_now_ms());
    console_sol_tick(instance->sol, instance_now_ms());
    instance_restart_tick(instance, instance_now_ms());
    instance_wake_at(instance, bmc_next_deadline(&instance->bmc));
    instance_wake_at(instance, saves_next_deadline(instance->saves));
    instance_wake_at(instance, console_sol_next_deadline(instance->sol));
    instance_wake_at(instance, instance_restart_deadline(instance));
    instance_wake_at(instance, rmcp_server_next_deadline(instance->rmcp));
}

static void hook_changed(const struct bmc_core *core, enum bmc_part part,
                         const struct bmc_ticket *ticket)
{
    struct instance *instance = core->owner;

    instance_wake(instance);
    parts_changed(instance->parts, part, ticket);
}

static bool hook_is_stored(const struct bmc_core *core, enum bmc_part part)
{
    const struct instance *instance = core->owner;

    return parts_is_stored(instance->parts, part);
}

static void hook_wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    instance_wake_at(core->owner, at_ms);
}

static void hook_restart(const struct bmc_core *core)
{
    struct instance *instance = core->owner;

    instance_wake_at(instance, instance_restart_ask(instance, instance_now_ms()));
}

static void hook_user_changed(const struct bmc_core *core, uint8_t id, const struct user_author *by)
{
    struct instance *instance = core->owner;
    const struct instance_shared *shared = instance->shared;

    rmcp_server_user_changed(instance->rmcp, id, by ? by->session : 0);
    if (shared->users_changed)
        shared->users_changed(shared->users_context, by ? by->ssh : NULL);
}

static void hook_logins_changed(const struct bmc_core *core)
{
    const struct instance_shared *shared = ((const struct instance *)core->owner)->shared;

    if (shared->users_changed)
        shared->users_changed(shared->users_context, NULL);
}

static void hook_messaging_changed(const struct bmc_core *core)
{
    const struct instance *instance = core->owner;

    if (instance->inband)
        inband_interface_update(inband_interface(instance->inband));
}

static uint64_t hook_now(const struct bmc_core *core)
{
    (void)core;
    return instance_now_ms();
}

static int64_t hook_wall_time(const struct bmc_core *core)
{
    const struct sel *sel = ((const struct instance *)core->owner)->bmc.sel;
    int64_t seconds = (int64_t)time(NULL);

    return sel ? sel_time(sel, seconds) : seconds;
}

const struct bmc_hooks instance_hooks = {
    .changed = hook_changed,
    .is_stored = hook_is_stored,
    .wake_at = hook_wake_at,
    .restart = hook_restart,
    .user_changed = hook_user_changed,
    .logins_changed = hook_logins_changed,
    .messaging_changed = hook_messaging_changed,
    .now = hook_now,
    .wall_time = hook_wall_time,
};
