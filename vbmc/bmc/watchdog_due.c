#include "vbmc/bmc/watchdog_due.h"

#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"

/* In tickets: which of the two the chassis was given. */
enum {
    GIVEN_INTERRUPT,
    GIVEN_ACTION,
};

static const enum host_power_action actions[] = {
    [WATCHDOG_ACTION_HARD_RESET] = HOST_POWER_ACTION_HARD_RESET,
    [WATCHDOG_ACTION_POWER_DOWN] = HOST_POWER_ACTION_DOWN,
    [WATCHDOG_ACTION_POWER_CYCLE] = HOST_POWER_ACTION_CYCLE,
};

static const char another_run[] = "the guest was started again, or has moved, meanwhile";

static uint64_t now_ms(const struct watchdog *watchdog)
{
    return watchdog->core->hooks->now(watchdog->core);
}

static bool has_interrupt(const struct watchdog *watchdog)
{
    return watchdog->due_interrupt && !watchdog->interrupt_given;
}

static bool has_action(const struct watchdog *watchdog)
{
    return watchdog->due_action != WATCHDOG_ACTION_NONE && !watchdog->action_given;
}

static void changed(const struct watchdog *watchdog)
{
    watchdog->core->hooks->changed(watchdog->core, BMC_PART_WATCHDOG, NULL);
}

/* ---- doing it ---- */

static void drop(struct watchdog *watchdog, bool interrupt, bool action)
{
    if (interrupt)
        watchdog->due_interrupt = false;
    if (action)
        watchdog->due_action = WATCHDOG_ACTION_NONE;
    if (interrupt || action)
        changed(watchdog);
}

/* There is nothing left to do it to. */
static void drop_all(struct watchdog *watchdog, const char *reason)
{
    bool interrupt = has_interrupt(watchdog), action = has_action(watchdog);

    if (interrupt)
        log_info("%s: watchdog timer: interrupt not made: %s", bmc_core_name(watchdog->core),
                 reason);
    if (action)
        log_info("%s: watchdog timer: %s not carried out: %s", bmc_core_name(watchdog->core),
                 host_power_action_name(actions[watchdog->due_action]), reason);
    drop(watchdog, interrupt, action);
}

/* Each hypervisor numbers its own runs. */
static bool is_of_another_run(const struct watchdog *watchdog)
{
    const struct host_domain *host = watchdog->core->host;

    return watchdog->due_place != 0 && watchdog->due_run >= 0 &&
           (host->run != watchdog->due_run || host->place != watchdog->due_place);
}

static void note_run(struct watchdog *watchdog)
{
    if (is_of_another_run(watchdog)) /* what waits from before */
        drop_all(watchdog, another_run);
    watchdog->due_run = watchdog->core->host->run;
    watchdog->due_place = watchdog->core->host->place;
}

void watchdog_due_interrupt(struct watchdog *watchdog)
{
    note_run(watchdog);
    watchdog->due_interrupt = true;
}

void watchdog_due_end(struct watchdog *watchdog, enum watchdog_action action)
{
    note_run(watchdog);
    watchdog->due_action = action;
    watchdog->action_given = false;
    watchdog->ends++;
}

/* The chassis has it on disk, or is done with it; what has failed it has reported. */
static void on_taken(const struct bmc_ticket *ticket, int result)
{
    struct watchdog *watchdog = (struct watchdog *)ticket->sink;

    (void)result;
    if (ticket->numbers[0] == GIVEN_INTERRUPT)
        watchdog->due_interrupt = watchdog->interrupt_given = false;
    else if (ticket->numbers[1] != watchdog->ends)
        return; /* there is another one by now */
    else
        watchdog->due_action = WATCHDOG_ACTION_NONE;
    changed(watchdog);
}

static void give(struct watchdog *watchdog, enum host_power_action action, uint32_t which)
{
    const struct bmc_ticket ticket = {
        .done = on_taken, .sink = watchdog, .numbers = {which, watchdog->ends}};

    chassis_act(watchdog->chassis, action, RESTART_CAUSE_WATCHDOG, &ticket);
}

/* From before: the daemon was killed, or the hypervisor is away. */
static bool is_owed(const struct chassis *chassis, enum host_power_action action)
{
    for (unsigned i = 0; i < chassis->owed_count; i++)
        if (chassis->owed[i].cause == RESTART_CAUSE_WATCHDOG && chassis->owed[i].action == action)
            return true;
    return false;
}

/* As soon as it is known what the guest does. */
static void do_it(struct watchdog *watchdog)
{
    enum host_power_state state = bmc_core_power_state(watchdog->core);
    enum host_power_action action = actions[watchdog->due_action];

    watchdog->act_by_ms = 0;
    if (state == HOST_POWER_UNKNOWN)
        return;
    if (state == HOST_POWER_OFF)
        drop_all(watchdog, "the guest is off");
    else if (is_of_another_run(watchdog))
        drop_all(watchdog, another_run);
    drop(watchdog,
         has_interrupt(watchdog) &&
             is_owed(watchdog->chassis, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT),
         has_action(watchdog) && is_owed(watchdog->chassis, action));
    bool interrupts = has_interrupt(watchdog), acts = has_action(watchdog);
    watchdog->interrupt_given |= interrupts;
    watchdog->action_given |= acts;
    if (interrupts)
        give(watchdog, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, GIVEN_INTERRUPT);
    if (acts)
        give(watchdog, action, GIVEN_ACTION);
}

/* ---- the store ---- */

/* What the disk refuses is done all the same; who keeps the part stores it when that can be. */
static void on_stored(const struct bmc_ticket *ticket, int result)
{
    struct watchdog *watchdog = (struct watchdog *)ticket->sink;

    (void)result;
    /* Its only Set was refused too, and is taken back; or more has come, which is not stored yet.
     */
    if (watchdog->sets == 0 || ticket->numbers[0] != watchdog->due_stores)
        return;
    do_it(watchdog);
}

void watchdog_due_store(struct watchdog *watchdog)
{
    const struct bmc_ticket ticket = {
        .done = on_stored, .sink = watchdog, .numbers = {++watchdog->due_stores}};

    if (has_interrupt(watchdog) || has_action(watchdog)) {
        watchdog->act_by_ms = now_ms(watchdog) + WATCHDOG_STORE_MS;
        watchdog->core->hooks->wake_at(watchdog->core, watchdog->act_by_ms);
    }
    watchdog->core->hooks->changed(watchdog->core, BMC_PART_WATCHDOG, &ticket);
}

void watchdog_due_tick(struct watchdog *watchdog)
{
    if (watchdog->act_by_ms == 0 || now_ms(watchdog) < watchdog->act_by_ms)
        return;
    log_warning("%s: watchdog timer not stored yet: the disk is slow",
                bmc_core_name(watchdog->core));
    do_it(watchdog);
}

uint64_t watchdog_due_deadline(const struct watchdog *watchdog)
{
    return watchdog->act_by_ms != 0 ? watchdog->act_by_ms : UINT64_MAX;
}

void watchdog_due_follow_guest(struct watchdog *watchdog)
{
    if (watchdog->act_by_ms == 0) /* does not wait for the disk */
        do_it(watchdog);
}
