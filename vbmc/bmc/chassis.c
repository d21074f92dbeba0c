#include "vbmc/bmc/chassis.h"

#include <stdlib.h>

#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/bmc/core.h"

#define MINUTE_MS 60000

void chassis_set_defaults(struct chassis *chassis)
{
    *chassis = (struct chassis){.restore_policy = POWER_RESTORE_STAY_OFF};
}

void chassis_clear(struct chassis *chassis)
{
    free(chassis->owed);
    chassis->owed = NULL;
    chassis->owed_count = 0;
    free(chassis->queue);
    chassis->queue = NULL;
    chassis->queued = 0;
}

void chassis_set_supply(struct chassis *chassis, bool sufficient, unsigned dark_cause)
{
    chassis->lacks_supply = !sufficient;
    chassis->dark_cause = dark_cause;
}

bool chassis_wants_power(const struct chassis *chassis, bool was_on)
{
    return chassis->restore_policy == POWER_RESTORE_ALWAYS_ON ||
           (chassis->restore_policy == POWER_RESTORE_PREVIOUS && was_on);
}

void chassis_end_restore(struct chassis *chassis)
{
    if (chassis->restore == RESTORE_NONE)
        return;
    chassis->restore = RESTORE_NONE;
    chassis->core->hooks->changed(chassis->core, BMC_PART_CHASSIS, NULL);
}

void chassis_restart(struct chassis *chassis)
{
    chassis->identify = IDENTIFY_OFF;
    chassis->front_panel_disabled = 0;
}

void chassis_identify(struct chassis *chassis, uint8_t seconds, bool indefinite)
{
    if (indefinite) {
        chassis->identify = IDENTIFY_INDEFINITE;
    } else if (seconds == 0) {
        chassis->identify = IDENTIFY_OFF;
    } else {
        chassis->identify = IDENTIFY_TIMED;
        chassis->identify_until_ms =
            chassis->core->hooks->now(chassis->core) + seconds * UINT64_C(1000);
    }
}

enum identify_state chassis_identify_state(const struct chassis *chassis)
{
    if (chassis->identify == IDENTIFY_TIMED &&
        chassis->core->hooks->now(chassis->core) >= chassis->identify_until_ms)
        return IDENTIFY_OFF;
    return chassis->identify;
}

static void count_power_on_time(struct chassis *chassis)
{
    uint64_t now = chassis->core->hooks->now(chassis->core);

    if (!chassis->poh_counting)
        return;
    chassis->poh_rest_ms += now - chassis->poh_counted_ms;
    chassis->poh_counted_ms = now;
    chassis->poh_minutes += (uint32_t)(chassis->poh_rest_ms / MINUTE_MS);
    chassis->poh_rest_ms %= MINUTE_MS;
}

uint32_t chassis_poh_minutes(struct chassis *chassis)
{
    count_power_on_time(chassis);
    return chassis->poh_minutes;
}

void chassis_restore_run(struct chassis *chassis, int64_t run, int64_t on_since_ms,
                         int64_t counted_ms)
{
    chassis->run = run;
    chassis->on_since_ms = on_since_ms != 0 ? on_since_ms : 1;
    chassis->on_since_in_doubt = true;
    chassis->poh_counted_ms = (uint64_t)counted_ms; /* differences are right modulo 2^64 */
    chassis->poh_in_doubt = true;
}

void chassis_forget_run(struct chassis *chassis)
{
    if (!chassis->on_since_in_doubt)
        return;
    chassis->on_since_ms = 0;
    chassis->on_since_in_doubt = chassis->poh_in_doubt = false;
}

/* The first look at a guest after the start of the daemon. One that was started while nobody looked
 * was started by somebody else. */
static void compare_run(struct chassis *chassis)
{
    bool is_on = host_power_state_is_on(bmc_core_power_state(chassis->core));

    if (!chassis->on_since_in_doubt)
        return;
    if (!is_on || chassis->core->host->run != chassis->run)
        chassis_forget_run(chassis);
    if (is_on && chassis->core->host->run != chassis->run)
        chassis->restart_cause = RESTART_CAUSE_UNKNOWN;
    chassis->on_since_in_doubt = false;
}

/* A guest whose hypervisor cannot be asked has most likely stayed as it was: the time counts when
 * it is found on, and does not when it is found off or was stopped meanwhile, which is told first.
 */
void chassis_follow_state(struct chassis *chassis)
{
    enum host_power_state state = bmc_core_power_state(chassis->core);

    if (state == HOST_POWER_UNKNOWN) {
        count_power_on_time(chassis);
        chassis->poh_in_doubt = chassis->poh_in_doubt || chassis->poh_counting;
        chassis->poh_counting = false;
        return;
    }
    compare_run(chassis);
    if (chassis->poh_in_doubt && host_power_state_is_on(state))
        chassis->poh_counting = true;
    chassis->poh_in_doubt = false;
    count_power_on_time(chassis);
    chassis->poh_counting = host_power_state_is_on(state);
    chassis->poh_counted_ms = chassis->core->hooks->now(chassis->core);
    if (!chassis->poh_counting)
        return;
    chassis->was_on = true;
    chassis->run = chassis->core->host->run;
    if (!chassis->on_since_ms)
        chassis->on_since_ms = (int64_t)chassis->core->hooks->now(chassis->core);
}

/* A running guest of another hypervisor in the place of the present one is the same guest, which
 * has moved: it was not started, and has been on for as long as before. */
void chassis_set_host(struct chassis *chassis)
{
    bool was_known = chassis->on_since_ms != 0;
    int64_t run = chassis->run;

    chassis_follow_state(chassis);
    if (bmc_core_power_state(chassis->core) == HOST_POWER_OFF)
        chassis->on_since_ms = 0;
    /* Nothing else may happen to it before the daemon is started again. */
    if (host_power_state_is_on(bmc_core_power_state(chassis->core)) &&
        (!was_known || run != chassis->run))
        chassis->core->hooks->changed(chassis->core, BMC_PART_CHASSIS, NULL);
}

static void note_started(struct chassis *chassis)
{
    bool by_us = chassis_is_starting(chassis);

    if (chassis->restore != RESTORE_BEGUN) /* somebody was faster */
        chassis->restore = RESTORE_NONE;
    chassis->boots++;
    chassis->on_since_ms = (int64_t)chassis->core->hooks->now(chassis->core);
    chassis->run = chassis->core->host->run;
    chassis->reset_until_ms = 0;
    reset_burst_begin(&chassis->burst, chassis->core->hooks->now(chassis->core));
    chassis->restart_cause = by_us ? chassis->queue[0].cause : RESTART_CAUSE_POWER_BUTTON;
    chassis->last_power_event &= (uint8_t)~POWER_EVENT_ON_BY_COMMAND;
    if (chassis->restart_cause == RESTART_CAUSE_CHASSIS_CONTROL)
        chassis->last_power_event |= POWER_EVENT_ON_BY_COMMAND;
    chassis_accept_power_up(chassis);
}

static void set_down_cause(struct chassis *chassis, unsigned cause)
{
    chassis->last_power_event =
        (uint8_t)((chassis->last_power_event & POWER_EVENT_ON_BY_COMMAND) | cause);
}

void chassis_note_power_lost(struct chassis *chassis, enum power_event cause)
{
    set_down_cause(chassis, cause);
    chassis->core->hooks->changed(chassis->core, BMC_PART_CHASSIS, NULL);
}

static void note_stopped(struct chassis *chassis)
{
    chassis->on_since_ms = 0;
    if (!chassis->dark_cause)
        chassis->was_on = false;
    if (chassis->dark_cause)
        set_down_cause(chassis, chassis->dark_cause);
    else
        set_down_cause(
            chassis, chassis->core->host->stop_reason == HOST_STOP_FAILED ? POWER_EVENT_FAULT : 0);
}

void chassis_await_reset(struct chassis *chassis, enum restart_cause cause)
{
    chassis->reset_until_ms = UINT64_MAX;
    chassis->reset_cause = cause;
}

void chassis_reset_ended(struct chassis *chassis, int result)
{
    if (chassis->reset_until_ms > 0)
        chassis->reset_until_ms =
            result == 0 ? chassis->core->hooks->now(chassis->core) + RESET_BURST_MS : 0;
}

/* The cause is that of what began the burst: a start, a power reset, or else the guest itself. */
static void note_reset(struct chassis *chassis)
{
    uint64_t now_ms = chassis->core->hooks->now(chassis->core);

    chassis->reset_is_first = false;
    if (chassis_is_starting(chassis)) {
        /* With a boot override it is reset once, whenever that is. */
        reset_burst_begin(&chassis->burst, now_ms);
    } else if (now_ms < chassis->reset_until_ms) {
        chassis->reset_until_ms = 0;
        chassis->reset_is_first = true;
        reset_burst_begin(&chassis->burst, now_ms);
        chassis->restart_cause = chassis->reset_cause;
    } else if (reset_burst_take(&chassis->burst, now_ms)) {
        chassis->reset_is_first = true;
        chassis->restart_cause = RESTART_CAUSE_SOFT_RESET;
    }
}

void chassis_host_event(struct chassis *chassis, enum host_event event)
{
    switch (event) {
    case HOST_EVENT_STATE:
        chassis_follow_state(chassis);
        return;
    case HOST_EVENT_STARTED:
        note_started(chassis);
        break;
    case HOST_EVENT_STOPPED:
        note_stopped(chassis);
        break;
    case HOST_EVENT_RESET:
        note_reset(chassis);
        break;
    default:
        return;
    }
    chassis->core->hooks->changed(chassis->core, BMC_PART_CHASSIS, NULL);
}
