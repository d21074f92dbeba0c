/* Power actions: in what order they run, when they are answered, and what of them is owed.
 *
 * Each action goes through these states:
 *
 *   queued    it waits for its turn; the store is told
 *   begun     its turn has come; the store is told again. Power up, cycle and the reset of a
 *             crashed guest consist of several steps between which the guest is off or paused: they
 *             start when the store knows, and so does what the BMC does by itself, which nobody
 *             would ask for again, and what the store may have as one that waits, so that a daemon
 *             that is killed does not do it twice. The others start at once
 *   started   the driver has it
 *   owed      accepted, or begun, when the guest's hypervisor or the daemon went away; once the
 *             guest's state is known again it is finished or undone (chassis_resume_owed)
 *
 * What the guest itself asks for and is ended by waits for the store too: it is answered then, and
 * starts a little later.
 *
 * It is answered by its end, or as accepted when its time is over and the store has it. What the
 * store refuses (a full disk) is no promise: an action of one step is carried out all the same and
 * answered by its end, one of several is refused. Where that end, or its turn, does not come within
 * CHASSIS_UNSTORED_MS (a hypervisor that hangs), who waits is told so: -EBUSY, and it is not done,
 * or -ETIMEDOUT where the driver has it already and it may be done. An action of the BMC's own
 * counts as accepted from the beginning: if the store refuses it, or takes too long, it is carried
 * out all the same; but not to a guest that has been started again since.
 */
#include "vbmc/bmc/chassis_power.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/chassis_decide.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/bmc/chassis_rest.h"
#include "vbmc/bmc/core.h"

/* ---- the store ---- */

static void start_stored(struct chassis *chassis);

static void note_saved(struct chassis_action *action, uint64_t save, int result)
{
    if (result == 0 && action->queued_save && action->queued_save <= save)
        action->stored = true;
    if (!action->begun_save || action->begun_save > save || action->begun_stored)
        return;
    action->begun_stored = result == 0;
    action->refused = result;
}

static void on_saved(const struct bmc_ticket *ticket, int result)
{
    struct chassis *chassis = (struct chassis *)ticket->sink;

    if (result != 0)
        log_error("%s: power actions under way not stored: %s", bmc_core_name(chassis->core),
                  strerror(-result));
    for (unsigned i = 0; i < chassis->queued; i++) {
        note_saved(&chassis->queue[i], (uint64_t)ticket->numbers[1] << 32 | ticket->numbers[0],
                   result);
        if (chassis->queue[i].own && chassis->queue[i].stored) /* ahead of its end */
            waiters_finish(&chassis->queue[i].waiters, 0);
        if (chassis->queue[i].waiters.count > 0)
            chassis->core->hooks->wake_at(chassis->core, chassis->queue[i].waiters.deadline_ms);
    }
    start_stored(chassis);
}

static void save(struct chassis *chassis)
{
    uint64_t number = ++chassis->owed_saves;
    const struct bmc_ticket ticket = {
        .done = on_saved,
        .sink = chassis,
        .numbers = {(uint32_t)number, (uint32_t)(number >> 32)},
    };

    chassis->owed_changed = false;
    for (unsigned i = 0; i < chassis->queued; i++) {
        struct chassis_action *action = &chassis->queue[i];
        if (!action->queued_save)
            action->queued_save = number;
        if (action->begun && !action->begun_save)
            action->begun_save = number;
    }
    chassis->core->hooks->changed(chassis->core, BMC_PART_OWED, &ticket);
}

/* ---- one after the other ---- */

static void begin_first_action(struct chassis *chassis);

/* Takes the action at the head out of the queue and begins the next. */
static void end_first_action(struct chassis *chassis)
{
    chassis->owed_changed |= chassis->queue[0].queued_save != 0;
    chassis->queued--;
    memmove(&chassis->queue[0], &chassis->queue[1], chassis->queued * sizeof chassis->queue[0]);
    if (chassis->queued > 0)
        begin_first_action(chassis);
    if (chassis->owed_changed)
        save(chassis);
}

/* Tells who waits for what has left the queue. One of the BMC's own that is kept as owed is not
 * over: who waits for that waits for the store still. */
static void tell(const struct chassis *chassis, struct chassis_action *action, bool is_kept,
                 int result)
{
    if (!is_kept || !action->own) {
        waiters_finish(&action->waiters, result);
        return;
    }
    for (unsigned i = 0; i < action->waiters.count; i++) {
        const struct bmc_ticket *ticket = waiters_ticket(&action->waiters, i);
        if (ticket->done)
            chassis->core->hooks->changed(chassis->core, BMC_PART_OWED, ticket);
    }
    waiters_clear(&action->waiters);
}

/* The next is begun before anybody is told: a client that is told may ask for another one. */
static void finish_first_action(struct chassis *chassis, bool is_kept, int result)
{
    struct chassis_action action = chassis->queue[0];

    end_first_action(chassis);
    tell(chassis, &action, is_kept, result);
}

/* It was to be done for certain. */
static void report_failure(struct chassis *chassis, const struct chassis_action *action,
                           const char *text)
{
    chassis->control_fault = true;
    if (chassis->core->listener)
        chassis->core->listener->action_failed(chassis->core->listener_context);
    log_warning("%s: %schassis control %s failed%s: %s", bmc_core_name(chassis->core),
                action->own ? "the BMC's own " : "", host_power_action_name(action->action),
                action->own ? "" : " after it was accepted", text);
}

static const char too_many[] = "too many pending power actions";
static const char no_memory[] = "out of memory";

/* Keeps what was accepted or begun for when the hypervisor is back, all of it: what waits does not
 * overtake what has begun. The first `done` are done. */
static void park_queue(struct chassis *chassis, unsigned done)
{
    struct chassis_action queue[CHASSIS_QUEUE_MAX];
    bool is_kept[CHASSIS_QUEUE_MAX] = {false};
    unsigned count = chassis->queued;

    memcpy(queue, chassis->queue, count * sizeof queue[0]);
    chassis->queued = 0;
    for (unsigned i = done; i < count; i++) {
        if (!queue[i].started) /* it waited for the store: it cannot have been done */
            queue[i].begun = false;
        if (!queue[i].accepted && !queue[i].started)
            continue;
        is_kept[i] = chassis_keep_owed(chassis, &queue[i]);
        if (!is_kept[i])
            report_failure(chassis, &queue[i], too_many);
    }
    save(chassis);
    for (unsigned i = 0; i < count; i++)
        tell(chassis, &queue[i], is_kept[i], i < done ? 0 : -EHOSTUNREACH);
}

/* The hypervisor may be back before its call has failed: then no state of the guest follows. */
static void resume_later(struct chassis *chassis)
{
    if (bmc_core_power_state(chassis->core) == HOST_POWER_UNKNOWN)
        return;
    chassis->resume_at_ms = chassis->core->hooks->now(chassis->core) + CHASSIS_RESUME_MS;
    chassis->core->hooks->wake_at(chassis->core, chassis->resume_at_ms);
}

static void action_finished(void *context, int result, const char *text)
{
    struct chassis *chassis = context;
    struct chassis_action *action = &chassis->queue[0];

    if (action->action == HOST_POWER_ACTION_HARD_RESET)
        chassis_reset_ended(chassis, result);
    if (result == -EHOSTUNREACH && chassis_outlives_a_loss(action)) {
        log_warning("%s: chassis control %s: %s; goes on when its state is known again",
                    bmc_core_name(chassis->core), host_power_action_name(action->action), text);
        resume_later(chassis);
        park_queue(chassis, 0);
        return;
    }
    chassis->control_fault = result != 0;
    if (result != 0 && action->accepted)
        report_failure(chassis, action, text);
    else if (result != 0)
        log_warning("%s: chassis control %s failed: %s", bmc_core_name(chassis->core),
                    host_power_action_name(action->action), text);
    finish_first_action(chassis, false, result);
}

static void start_first_action(struct chassis *chassis)
{
    enum host_power_action action = chassis->queue[0].action;

    chassis->queue[0].started = true;
    if (chassis->queue[0].cause == RESTART_CAUSE_WATCHDOG)
        log_info("%s: watchdog timer: chassis control %s at %" PRIu64 " ms (monotonic)",
                 bmc_core_name(chassis->core), host_power_action_name(action),
                 chassis->core->hooks->now(chassis->core));
    else
        log_info("%s: chassis control: %s", bmc_core_name(chassis->core),
                 host_power_action_name(action));
    if (chassis->core->listener)
        chassis->core->listener->action_begun(chassis->core->listener_context, action);
    if (action == HOST_POWER_ACTION_HARD_RESET)
        chassis_await_reset(chassis, chassis->queue[0].cause);
    host_power(chassis->core->host, action, chassis->cycle_interval_s, action_finished, chassis);
}

/* One of the guest's own, which is stored now: told as accepted, it starts a little later. */
static void answer_first(struct chassis *chassis, struct chassis_action *action)
{
    uint64_t more_ms = action->accepted ? 0 : CHASSIS_ANSWER_FIRST_MS;

    if (action->held)
        return;
    action->held = action->accepted = true;
    action->start_by_ms = chassis->core->hooks->now(chassis->core) + more_ms;
    chassis->core->hooks->wake_at(chassis->core, action->start_by_ms);
    waiters_finish(&action->waiters, 0);
}

/* Starts the action at the head if it has waited for the store. */
static void start_stored(struct chassis *chassis)
{
    struct chassis_action *action = chassis->queue;

    if (chassis->queued == 0 || !action->begun || action->started)
        return;
    bool needs_store = !action->accepted && chassis_needs_store(chassis, action->action);
    if (action->answers_first && action->begun_stored)
        answer_first(chassis, action);
    else if (action->begun_stored || (action->refused && !needs_store))
        start_first_action(chassis);
    else if (action->refused)
        finish_first_action(chassis, false, action->refused);
}

/* An action of the BMC's own does not wait for ever, nor does one of a single step; one that is to
 * be answered first waits as long as the guest waits for its answer. */
static void await_store(const struct chassis *chassis, struct chassis_action *action)
{
    uint64_t within_ms = action->answers_first ? CHASSIS_ANSWER_STORE_MS : CHASSIS_OWN_STORE_MS;

    if (!action->own && !action->answers_first &&
        chassis_has_several_steps(chassis, action->action))
        return;
    action->start_by_ms = chassis->core->hooks->now(chassis->core) + within_ms;
    chassis->core->hooks->wake_at(chassis->core, action->start_by_ms);
}

static void note_run(const struct chassis *chassis, struct chassis_action *action)
{
    action->run = chassis->core->host->run;
    action->place = chassis->core->host->place;
}

static void begin_first_action(struct chassis *chassis)
{
    struct chassis_action *action = &chassis->queue[0];
    int result = chassis_decide(chassis, action->action);

    bool waits = result == -EHOSTUNREACH && chassis_outlives_a_loss(action) &&
                 chassis_keep_owed(chassis, action);
    if (result < 0 && action->accepted && !waits)
        report_failure(chassis, action,
                       result == -EBUSY ? "the guest is being migrated" : strerror(-result));
    if (result > 0 && chassis_is_of_another_run(chassis, action)) {
        log_warning("%s: the BMC's own chassis control %s not carried out: the guest was started "
                    "again, or has moved, meanwhile",
                    bmc_core_name(chassis->core), host_power_action_name(action->action));
        result = 0;
    }
    if (result <= 0) {
        finish_first_action(chassis, waits, result);
        return;
    }
    if (action->action == HOST_POWER_ACTION_HARD_RESET || action->action == HOST_POWER_ACTION_CYCLE)
        boot_note_restart(chassis->boot, action->cause);
    action->begun = true;
    if (!action->resumed)
        action->at_ms = (int64_t)chassis->core->hooks->now(chassis->core);
    note_run(chassis, action);
    bool is_stored_as_waiting = action->queued_save || action->resumed;
    bool at_once = !action->own && !action->answers_first && !is_stored_as_waiting &&
                   !chassis_has_several_steps(chassis, action->action);
    if (at_once)
        action->started = true; /* before the store can say that it is there */
    else
        await_store(chassis, action);
    save(chassis);
    if (at_once)
        start_first_action(chassis);
}

static void start_overdue(struct chassis *chassis)
{
    if (chassis->core->hooks->now(chassis->core) < chassis_start_by_ms(chassis))
        return;
    if (!chassis->queue[0].held)
        log_warning("%s: chassis control %s is not stored yet", bmc_core_name(chassis->core),
                    host_power_action_name(chassis->queue[0].action));
    start_first_action(chassis);
}

/* ---- asking ---- */

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

/* Puts it at the end, to be answered by then at the latest. 0, or why not. */
static int queue_action(struct chassis *chassis, const struct chassis_action *action,
                        uint64_t answer_at_ms, const struct bmc_ticket *ticket)
{
    /* Not even behind one that still hangs: nobody knows what it would find. */
    if (bmc_core_power_state(chassis->core) == HOST_POWER_UNKNOWN)
        return -EHOSTUNREACH;
    chassis_resume_owed(chassis); /* behind it */
    if (chassis->queued == CHASSIS_QUEUE_MAX)
        return -EBUSY;
    struct chassis_action *newest = chassis_add_queued(chassis);
    if (!newest)
        return -ENOMEM;
    *newest = *action;
    newest->at_ms = (int64_t)chassis->core->hooks->now(chassis->core);
    note_run(chassis, newest);
    newest->waiters.deadline_ms = answer_at_ms;
    waiters_add(&newest->waiters, ticket);
    chassis->core->hooks->wake_at(chassis->core, answer_at_ms);
    if (chassis->queued == 1)
        begin_first_action(chassis);
    else
        save(chassis);
    return 0;
}

/* Who asks for an action knows better than what was to be done after the host's boot. */
static void overtake_restore(struct chassis *chassis)
{
    if (chassis->restore != RESTORE_BEGUN)
        chassis_end_restore(chassis);
}

/* How long a client waits for the end of it. */
static uint64_t answer_by(const struct chassis *chassis, enum host_power_action action)
{
    return chassis->core->hooks->now(chassis->core) +
           (action == HOST_POWER_ACTION_UP ? BMC_ANSWER_UP_WITHIN_MS : BMC_ANSWER_WITHIN_MS);
}

static void queue_control(struct chassis *chassis, const struct chassis_action *wanted,
                          const struct bmc_ticket *ticket)
{
    int result = queue_action(chassis, wanted, answer_by(chassis, wanted->action), ticket);

    if (result < 0)
        bmc_ticket_finish(ticket, result);
    else
        overtake_restore(chassis);
}

void chassis_control(struct chassis *chassis, enum host_power_action action, uint32_t session,
                     const struct bmc_ticket *ticket)
{
    const struct chassis_action wanted = {
        .action = action, .session = session, .cause = RESTART_CAUSE_CHASSIS_CONTROL};

    boot_note_chassis_control(chassis->boot);
    if (!join_repeat(chassis, action, session, ticket))
        queue_control(chassis, &wanted, ticket);
}

void chassis_control_from_within(struct chassis *chassis, enum host_power_action action,
                                 const struct bmc_ticket *ticket)
{
    const struct chassis_action wanted = {
        .action = action,
        .cause = RESTART_CAUSE_CHASSIS_CONTROL,
        .answers_first = action == HOST_POWER_ACTION_DOWN || action == HOST_POWER_ACTION_CYCLE ||
                         action == HOST_POWER_ACTION_HARD_RESET,
    };

    boot_note_chassis_control(chassis->boot);
    queue_control(chassis, &wanted, ticket);
}

/* Nobody would ask for it again: a control fault if it cannot be queued. Who waits is told when the
 * store has it, however long that takes. */
void chassis_act(struct chassis *chassis, enum host_power_action action, enum restart_cause cause,
                 const struct bmc_ticket *ticket)
{
    static const struct bmc_ticket nobody;
    const struct chassis_action wanted = {
        .action = action, .cause = cause, .accepted = true, .own = true};
    int result = queue_action(chassis, &wanted, UINT64_MAX, ticket ? ticket : &nobody);

    if (result == 0) {
        overtake_restore(chassis);
        return;
    }
    report_failure(chassis, &wanted, strerror(-result));
    bmc_ticket_finish(ticket, result);
}

void chassis_restore_power(struct chassis *chassis, const struct bmc_ticket *ticket)
{
    bool always = chassis->restore_policy == POWER_RESTORE_ALWAYS_ON;

    boot_note_chassis_control(chassis->boot);
    chassis_act(chassis, HOST_POWER_ACTION_UP,
                always ? RESTART_CAUSE_RESTORE_ALWAYS_ON : RESTART_CAUSE_RESTORE_PREVIOUS, ticket);
}

/* Those behind the first, out of the queue before anybody is told. */
static void refuse_unstored(struct chassis *chassis, uint64_t now_ms)
{
    struct waiters refused[CHASSIS_QUEUE_MAX];
    unsigned count = 0, kept = chassis->queued > 0 ? 1 : 0;

    for (unsigned i = 1; i < chassis->queued; i++) {
        struct chassis_action *action = &chassis->queue[i];
        if (now_ms < chassis_unstored_deadline(action)) {
            chassis->queue[kept++] = *action;
            continue;
        }
        log_warning("%s: chassis control %s refused: its turn has not come, and it is not stored",
                    bmc_core_name(chassis->core), host_power_action_name(action->action));
        refused[count++] = waiters_take(&action->waiters);
    }
    chassis->queued = kept;
    if (count > 0)
        save(chassis);
    for (unsigned i = 0; i < count; i++)
        waiters_finish(&refused[i], -EBUSY);
}

static void give_up_unstored(struct chassis *chassis, uint64_t now_ms)
{
    refuse_unstored(chassis, now_ms);
    if (chassis->queued == 0 || now_ms < chassis_unstored_deadline(chassis->queue))
        return;
    if (chassis->queue[0].started)
        waiters_expire(&chassis->queue[0].waiters, now_ms, -ETIMEDOUT);
    else
        finish_first_action(chassis, false, -EBUSY);
}

void chassis_tick(struct chassis *chassis)
{
    uint64_t now_ms = chassis->core->hooks->now(chassis->core);

    for (unsigned i = 0; i < chassis->queued; i++) {
        struct chassis_action *action = &chassis->queue[i];
        if (!action->stored || waiters_next_deadline(&action->waiters) > now_ms)
            continue;
        action->accepted = true;
        waiters_expire(&action->waiters, now_ms, 0);
    }
    give_up_unstored(chassis, now_ms);
    start_overdue(chassis);
    if (chassis->resume_at_ms == 0 || now_ms < chassis->resume_at_ms)
        return;
    chassis->resume_at_ms = 0;
    chassis_resume_owed(chassis);
}

/* ---- what is owed ---- */

static bool has_ended(const struct chassis *chassis)
{
    return bmc_core_power_state(chassis->core) == HOST_POWER_OFF &&
           host_stop_is_end(chassis->core->host->stop_reason);
}

/* The guest, the hypervisor or the daemon goes: what was promised or is half done is kept. A power
 * down of a guest that went because it ended is done, or that is off where it counts now. */
void chassis_cancel(struct chassis *chassis, const struct host_domain *next)
{
    bool is_off = has_ended(chassis) || (next && next->state == HOST_POWER_OFF);
    unsigned done = 0;

    while (is_off && done < chassis->queued &&
           chassis->queue[done].action == HOST_POWER_ACTION_DOWN)
        done++;
    if (chassis->queued > 0)
        park_queue(chassis, done);
}

void chassis_restore_owed(struct chassis *chassis, const struct chassis_action *record)
{
    struct chassis_action action = *record;

    action.accepted = true;
    action.session = 0;
    if (!chassis_keep_owed(chassis, &action))
        report_failure(chassis, &action, too_many);
}

void chassis_give_up(struct chassis *chassis, const char *reason)
{
    bool driver_has_it = chassis->core->host && chassis->queued > 0 && chassis->queue[0].started;

    if (driver_has_it && bmc_core_power_state(chassis->core) != HOST_POWER_UNKNOWN &&
        host_detach(chassis->core->host, chassis) == 0) /* it needs nobody who waits for it */
        chassis->queue[0].accepted = chassis->queue[0].started = false;
    else if (driver_has_it) /* what it would find when its hypervisor is back nobody knows */
        host_cancel(chassis->core->host, chassis);
    chassis_cancel(chassis, NULL);
    if (chassis->owed_count == 0)
        return;
    for (unsigned i = 0; i < chassis->owed_count; i++)
        report_failure(chassis, &chassis->owed[i], reason);
    chassis->owed_count = 0;
    save(chassis);
}

static void resume(struct chassis *chassis, const struct chassis_action *owed)
{
    enum host_power_action action;
    const char *reason;
    bool left = chassis_is_left(chassis, owed, &action, &reason);
    bool has_room = left && !reason && chassis->queued < CHASSIS_QUEUE_MAX;
    struct chassis_action *newest = has_room ? chassis_add_queued(chassis) : NULL;

    if (left && !reason && !newest)
        reason = has_room ? no_memory : too_many;
    if (reason) {
        report_failure(chassis, owed, reason);
        return;
    }
    if (!left) {
        log_info("%s: chassis control %s, accepted before, is done", bmc_core_name(chassis->core),
                 host_power_action_name(owed->action));
        return;
    }
    log_info("%s: chassis control %s was accepted before and goes on: %s",
             bmc_core_name(chassis->core), host_power_action_name(owed->action),
             host_power_action_name(action));
    *newest = (struct chassis_action){
        .action = action,
        .cause = owed->cause,
        .at_ms = owed->at_ms,
        .run = owed->run,
        .place = owed->place,
        .accepted = true,
        .resumed = true,
    };
}

void chassis_resume_owed(struct chassis *chassis)
{
    struct chassis_action owed[CHASSIS_RECORDS_MAX];
    unsigned count = chassis->owed_count, queued = chassis->queued;

    if (count == 0 || bmc_core_power_state(chassis->core) == HOST_POWER_UNKNOWN)
        return;
    memcpy(owed, chassis->owed, count * sizeof owed[0]);
    chassis->owed_count = 0;
    chassis->resume_at_ms = 0;
    chassis->owed_changed = true;
    for (unsigned i = 0; i < count; i++)
        resume(chassis, &owed[i]);
    if (queued == 0 && chassis->queued > 0)
        begin_first_action(chassis);
    if (chassis->owed_changed)
        save(chassis);
}
