#include "vbmc/fleet/loss.h"

#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/host/placement.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"

#define SESSION_GRACE_MS 3000 /* a client that waits for an answer asks again within this */

void fleet_forget_bmc(struct fleet *fleet, struct instance *instance)
{
    struct uuid uuid = instance_record(instance)->uuid;

    chassis_give_up(&instance_bmc(instance)->chassis, "its domain is gone");
    fleet_drop_instance(fleet, instance);
    fleet_forget_domain(fleet, &uuid);
}

/* The mark of a deleted BMC lasts as long as its domain is defined. */
void fleet_drop_lost_mark(struct fleet *fleet, const struct uuid *uuid)
{
    if (!fleet_is_deleted(fleet, uuid) || !fleet_all_are_connected(fleet) ||
        fleet_has_uuid(fleet, uuid, NULL))
        return;
    fleet_unmark_deleted(fleet, uuid);
    fleet_forget_domain(fleet, uuid);
}

void fleet_drop_lost_marks(struct fleet *fleet)
{
    for (struct deleted_mark *mark = fleet->deleted, *next; mark; mark = next) {
        struct uuid uuid = mark->uuid;
        next = mark->next;
        fleet_drop_lost_mark(fleet, &uuid);
    }
}

/* A BMC added by an administrator stays, without a guest; a discovered one goes with its domain, as
 * soon as no hypervisor can have that any more. */
bool fleet_is_lost(const struct fleet *fleet, struct instance *instance)
{
    const struct placement *placement = instance_placement(instance);

    return !instance_domain(instance) && !instance_record(instance)->is_explicit &&
           placement->count == 0 && placement->decided.verdict == PLACEMENT_ABSENT &&
           fleet_all_are_up(fleet);
}

/* With several hypervisors a domain that is gone may be on its way to another one, by hand:
 * undefined here, its disk copied, defined there. */
static unsigned kept_s(const struct fleet *fleet)
{
    bool has_several = fleet->connections && fleet->connections->next;

    return has_several ? fleet->config->bmc.forget_after_s : 0;
}

static void on_grace_over(uv_timer_t *timer);

/* Whoever has sessions with it can read the answers that he waits for and close them. */
static void begin_grace(struct fleet *fleet, struct instance *instance)
{
    uint64_t grace_ms = kept_s(fleet) * UINT64_C(1000);
    struct instance_session session;

    chassis_give_up(&instance_bmc(instance)->chassis, "its domain is gone");
    if (grace_ms > 0)
        log_info("%s: domain removed: removing its BMC in %u s, unless it is defined again",
                 instance_record(instance)->name, kept_s(fleet));
    if (grace_ms < SESSION_GRACE_MS && instance_session(instance, 1, &session))
        grace_ms = SESSION_GRACE_MS;
    instance_set_lost_until(instance, uv_now(fleet->loop) + grace_ms);
}

void fleet_lose_bmc(struct fleet *fleet, struct instance *instance)
{
    uint64_t now_ms = uv_now(fleet->loop);

    if (!fleet_is_lost(fleet, instance))
        return;
    if (instance_lost_until(instance) == 0)
        begin_grace(fleet, instance);
    uint64_t until_ms = instance_lost_until(instance);
    if (until_ms <= now_ms) {
        log_info("%s: domain removed: removing its BMC", instance_record(instance)->name);
        fleet_forget_bmc(fleet, instance);
        return;
    }
    uv_handle_t *timer = (uv_handle_t *)&fleet->grace;
    if (!uv_is_active(timer) || uv_timer_get_due_in(&fleet->grace) > until_ms - now_ms)
        uv_timer_start(&fleet->grace, on_grace_over, until_ms - now_ms, 0);
}

void fleet_drop_lost_bmcs(struct fleet *fleet)
{
    for (size_t i = fleet->set.count; i-- > 0;)
        fleet_lose_bmc(fleet, fleet->set.instances[i]);
}

static void on_grace_over(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    if (!fleet->stopping)
        fleet_drop_lost_bmcs(fleet);
}
