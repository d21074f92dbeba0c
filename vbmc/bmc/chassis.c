#include "vbmc/bmc/chassis.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/platform.h"

#define MINUTE_MS 60000

const char *chassis_action_name(enum host_power_action action)
{
    static const char *const names[] = {
        [HOST_POWER_ACTION_DOWN] = "off",
        [HOST_POWER_ACTION_UP] = "on",
        [HOST_POWER_ACTION_CYCLE] = "cycle",
        [HOST_POWER_ACTION_HARD_RESET] = "reset",
        [HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT] = "diag",
        [HOST_POWER_ACTION_SOFT_SHUTDOWN] = "soft",
    };

    return names[action];
}

void chassis_set_defaults(struct chassis *chassis)
{
    *chassis = (struct chassis){.restore_policy = POWER_RESTORE_STAY_OFF};
}

/* What the state of the guest alone decides: 1 if the action has to be carried out, else the
 * result. Power up of a running and power down of a stopped guest succeed without doing anything.
 */
static int decide_by_state(enum host_power_state state, enum host_power_action action)
{
    switch (state) {
    case HOST_POWER_UNKNOWN:
        return -EHOSTUNREACH;
    case HOST_POWER_OFF:
        if (action == HOST_POWER_ACTION_DOWN)
            return 0;
        return action == HOST_POWER_ACTION_UP ? 1 : -EINVAL;
    case HOST_POWER_RUNNING:
        return action == HOST_POWER_ACTION_UP ? 0 : 1;
    case HOST_POWER_PAUSED:
    case HOST_POWER_SUSPENDED:
    case HOST_POWER_CRASHED:
        return 1;
    }
    return -EINVAL;
}

static void start_first_action(struct bmc *bmc);

/* Ends the action at the head of the queue and starts the next. */
static void finish_first_action(struct bmc *bmc, int result)
{
    struct chassis *chassis = &bmc->chassis;
    struct chassis_action finished = chassis->queue[0];

    chassis->queued--;
    memmove(&chassis->queue[0], &chassis->queue[1], chassis->queued * sizeof chassis->queue[0]);
    /* Started before anybody is told: whoever is told may ask for the next one. */
    if (chassis->queued > 0)
        start_first_action(bmc);
    waiters_finish(&finished.waiters, result);
}

static void action_finished(void *context, int result, const char *text)
{
    struct bmc *bmc = context;
    struct chassis *chassis = &bmc->chassis;

    chassis->control_fault = result != 0;
    if (result != 0)
        log_warning("%s: chassis control %s failed: %s", bmc->host->name,
                    chassis_action_name(chassis->queue[0].action), text ? text : strerror(-result));
    finish_first_action(bmc, result);
}

static void start_first_action(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;
    enum host_power_action action = chassis->queue[0].action;
    int result = decide_by_state(bmc_power_state(bmc), action);

    /* A server whose supplies deliver too little does not come up. */
    if (result > 0 && action == HOST_POWER_ACTION_UP && bmc->platform &&
        !platform_has_supply(bmc->platform))
        result = -EINVAL;
    if (result <= 0) {
        finish_first_action(bmc, result);
        return;
    }
    log_info("%s: chassis control: %s", bmc->host->name, chassis_action_name(action));
    if (bmc->platform)
        platform_note_action(bmc->platform, action);
    bmc->host->ops->power(bmc->host, action, chassis->cycle_interval_s, action_finished, bmc);
}

/* A repeat joins those who wait for the first, or is accepted as the first was. */
static bool join_repeat(struct chassis *chassis, enum host_power_action action, uint32_t session,
                        const struct bmc_ticket *ticket)
{
    if (chassis->queued == 0 || session == 0)
        return false;
    struct chassis_action *newest = &chassis->queue[chassis->queued - 1];
    if (newest->session != session || newest->action != action)
        return false;
    if (newest->waiters.count == 0 || !waiters_add(&newest->waiters, ticket))
        bmc_ticket_finish(ticket, 0);
    return true;
}

static void queue_action(struct bmc *bmc, enum host_power_action action, uint32_t session,
                         enum restart_cause cause, const struct bmc_ticket *ticket)
{
    struct chassis *chassis = &bmc->chassis;

    boot_note_chassis_control(bmc);
    chassis->restore_if_gone = false;
    if (join_repeat(chassis, action, session, ticket))
        return;
    if (chassis->queued == CHASSIS_QUEUE_MAX) {
        bmc_ticket_finish(ticket, -EBUSY);
        return;
    }
    struct chassis_action *newest = &chassis->queue[chassis->queued++];
    *newest = (struct chassis_action){.action = action, .session = session, .cause = cause};
    newest->waiters.deadline_ms = bmc->hooks->now(bmc) + BMC_ANSWER_WITHIN_MS;
    waiters_add(&newest->waiters, ticket);
    bmc->hooks->wake_at(bmc, newest->waiters.deadline_ms);
    if (chassis->queued == 1)
        start_first_action(bmc);
}

void chassis_control(struct bmc *bmc, enum host_power_action action, uint32_t session,
                     const struct bmc_ticket *ticket)
{
    queue_action(bmc, action, session, RESTART_CAUSE_CHASSIS_CONTROL, ticket);
}

bool chassis_is_starting(const struct chassis *chassis)
{
    return chassis->queued > 0 && (chassis->queue[0].action == HOST_POWER_ACTION_UP ||
                                   chassis->queue[0].action == HOST_POWER_ACTION_CYCLE);
}

bool chassis_wants_power(const struct chassis *chassis)
{
    return chassis->restore_policy == POWER_RESTORE_ALWAYS_ON ||
           (chassis->restore_policy == POWER_RESTORE_PREVIOUS && chassis->was_on);
}

void chassis_restore_power(struct bmc *bmc)
{
    static const struct bmc_ticket nobody;
    bool always = bmc->chassis.restore_policy == POWER_RESTORE_ALWAYS_ON;

    queue_action(bmc, HOST_POWER_ACTION_UP, 0,
                 always ? RESTART_CAUSE_RESTORE_ALWAYS_ON : RESTART_CAUSE_RESTORE_PREVIOUS,
                 &nobody);
}

void chassis_identify(struct bmc *bmc, uint8_t seconds, bool indefinite)
{
    struct chassis *chassis = &bmc->chassis;

    if (indefinite) {
        chassis->identify = IDENTIFY_INDEFINITE;
    } else if (seconds == 0) {
        chassis->identify = IDENTIFY_OFF;
    } else {
        chassis->identify = IDENTIFY_TIMED;
        chassis->identify_until_ms = bmc->hooks->now(bmc) + seconds * UINT64_C(1000);
    }
}

enum identify_state chassis_identify_state(const struct bmc *bmc)
{
    const struct chassis *chassis = &bmc->chassis;

    if (chassis->identify == IDENTIFY_TIMED &&
        bmc->hooks->now((struct bmc *)bmc) >= chassis->identify_until_ms)
        return IDENTIFY_OFF;
    return chassis->identify;
}

static void count_power_on_time(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;
    uint64_t now = bmc->hooks->now(bmc);

    if (!chassis->poh_counting)
        return;
    chassis->poh_rest_ms += now - chassis->poh_counted_ms;
    chassis->poh_counted_ms = now;
    chassis->poh_minutes += (uint32_t)(chassis->poh_rest_ms / MINUTE_MS);
    chassis->poh_rest_ms %= MINUTE_MS;
}

uint32_t chassis_poh_minutes(struct bmc *bmc)
{
    count_power_on_time(bmc);
    return bmc->chassis.poh_minutes;
}

/* A guest whose hypervisor cannot be asked has most likely stayed as it was: the time counts when
 * it is found on, and does not when it is found off or was stopped meanwhile, which is told first.
 */
void chassis_follow_state(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;
    enum host_power_state state = bmc_power_state(bmc);

    if (state == HOST_POWER_UNKNOWN) {
        count_power_on_time(bmc);
        chassis->poh_in_doubt = chassis->poh_in_doubt || chassis->poh_counting;
        chassis->poh_counting = false;
        return;
    }
    if (chassis->poh_in_doubt && host_power_state_is_on(state))
        chassis->poh_counting = true;
    chassis->poh_in_doubt = false;
    count_power_on_time(bmc);
    chassis->poh_counting = host_power_state_is_on(state);
    chassis->poh_counted_ms = bmc->hooks->now(bmc);
    if (!chassis->poh_counting)
        return;
    chassis->was_on = true;
    if (!chassis->on_since_ms)
        chassis->on_since_ms = bmc->hooks->now(bmc);
}

/* A running guest of another hypervisor in the place of the present one is the same guest, which
 * has moved: it was not started, and has been on for as long as before. */
void chassis_set_host(struct bmc *bmc)
{
    chassis_follow_state(bmc);
    if (bmc_power_state(bmc) == HOST_POWER_OFF)
        bmc->chassis.on_since_ms = 0;
}

void chassis_tick(struct bmc *bmc)
{
    for (unsigned i = 0; i < bmc->chassis.queued; i++)
        waiters_expire(&bmc->chassis.queue[i].waiters, bmc->hooks->now(bmc));
}

uint64_t chassis_next_deadline(const struct bmc *bmc)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < bmc->chassis.queued; i++) {
        uint64_t deadline = waiters_next_deadline(&bmc->chassis.queue[i].waiters);
        if (deadline < next)
            next = deadline;
    }
    return next;
}

void chassis_cancel(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;

    while (chassis->queued > 0)
        waiters_finish(&chassis->queue[--chassis->queued].waiters, -EHOSTUNREACH);
}

static bool is_under_way(const struct chassis *chassis, enum host_power_action action)
{
    return chassis->queued > 0 && chassis->queue[0].action == action;
}

static void note_started(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;
    /* A reset of a guest that has panicked is a new start. */
    bool by_us = is_under_way(chassis, HOST_POWER_ACTION_UP) ||
                 is_under_way(chassis, HOST_POWER_ACTION_CYCLE) ||
                 is_under_way(chassis, HOST_POWER_ACTION_HARD_RESET);

    chassis->boots++;
    chassis->on_since_ms = bmc->hooks->now(bmc);
    chassis->restart_cause = by_us ? chassis->queue[0].cause : RESTART_CAUSE_POWER_BUTTON;
    chassis->last_on_by_command = chassis->restart_cause == RESTART_CAUSE_CHASSIS_CONTROL;
}

static void note_reset(struct bmc *bmc)
{
    struct chassis *chassis = &bmc->chassis;

    /* A start with a boot override resets once by itself; its cause stays that of the start. */
    if (is_under_way(chassis, HOST_POWER_ACTION_UP) ||
        is_under_way(chassis, HOST_POWER_ACTION_CYCLE))
        return;
    chassis->restart_cause = is_under_way(chassis, HOST_POWER_ACTION_HARD_RESET)
                                 ? RESTART_CAUSE_CHASSIS_CONTROL
                                 : RESTART_CAUSE_SOFT_RESET;
}

void chassis_host_event(struct bmc *bmc, enum host_event event)
{
    static const struct bmc_ticket nobody;

    switch (event) {
    case HOST_EVENT_STATE:
        chassis_follow_state(bmc);
        return;
    case HOST_EVENT_STARTED:
        note_started(bmc);
        break;
    case HOST_EVENT_STOPPED:
        bmc->chassis.on_since_ms = 0;
        if (!bmc->platform || !platform_is_dark(bmc->platform))
            bmc->chassis.was_on = false;
        break;
    case HOST_EVENT_RESET:
        note_reset(bmc);
        break;
    default:
        return;
    }
    bmc->hooks->save_chassis(bmc, &nobody);
}
