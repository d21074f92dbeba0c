/* The timer is
 *
 *   stopped   what is left of its countdown stands still; only a Reset starts it
 *   counting  it ends at a monotonic time. Nothing is done until then, nor stored
 *   held      it runs as clients see it, but the guest stands still (paused, suspended, saved,
 * being migrated), and with it the countdown
 *
 * The end of power stops it, whoever asked for that. A reset of the guest stops it too, unless it
 * watches a boot (BIOS FRB2, BIOS/POST, OS load), which then begins again: section 27.6.2 has the
 * BIOS find it running. While nothing is known of the guest it counts on, as the guest does, and
 * acts as soon as the guest is known to be on. What it does to the guest is in watchdog_due.c. */
#include "vbmc/bmc/watchdog.h"

#include <errno.h>
#include <inttypes.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/watchdog_due.h"

/* Offset of the sensor's event (table 42-3, type 23h); those of the actions are their numbers. */
#define OFFSET_INTERRUPT 8

void watchdog_init(struct watchdog *watchdog, const struct bmc_core *core, struct chassis *chassis,
                   struct messaging *messaging)
{
    *watchdog = (struct watchdog){.core = core, .chassis = chassis, .messaging = messaging};
}

const char *watchdog_use_name(enum watchdog_use use)
{
    static const char *const names[] = {
        [WATCHDOG_USE_NONE] = "none",           [WATCHDOG_USE_BIOS_FRB2] = "BIOS FRB2",
        [WATCHDOG_USE_BIOS_POST] = "BIOS/POST", [WATCHDOG_USE_OS_LOAD] = "OS load",
        [WATCHDOG_USE_SMS_OS] = "SMS/OS",       [WATCHDOG_USE_OEM] = "OEM",
    };

    return (size_t)use < ARRAY_SIZE(names) ? names[use] : "?";
}

const char *watchdog_action_name(enum watchdog_action action)
{
    static const char *const names[] = {
        [WATCHDOG_ACTION_NONE] = "no action",
        [WATCHDOG_ACTION_HARD_RESET] = "hard reset",
        [WATCHDOG_ACTION_POWER_DOWN] = "power down",
        [WATCHDOG_ACTION_POWER_CYCLE] = "power cycle",
    };

    return (size_t)action < ARRAY_SIZE(names) ? names[action] : "?";
}

static uint64_t now_ms(const struct watchdog *watchdog)
{
    return watchdog->core->hooks->now(watchdog->core);
}

static void changed(const struct watchdog *watchdog)
{
    watchdog->core->hooks->changed(watchdog->core, BMC_PART_WATCHDOG, NULL);
}

/* ---- the countdown ---- */

static bool is_counting(const struct watchdog *watchdog)
{
    return watchdog->running && !watchdog->held;
}

static uint64_t left_ms(const struct watchdog *watchdog)
{
    uint64_t now = now_ms(watchdog);

    if (!is_counting(watchdog))
        return watchdog->left_ms;
    return watchdog->ends_at_ms > now ? watchdog->ends_at_ms - now : 0;
}

/* Of a guest in this state the time goes on, as far as is known. */
static bool time_passes(const struct watchdog *watchdog)
{
    switch (bmc_core_power_state(watchdog->core)) {
    case HOST_POWER_RUNNING:
    case HOST_POWER_CRASHED: /* this is what the timer is for */
    case HOST_POWER_UNKNOWN:
        return true;
    case HOST_POWER_PAUSED:
    case HOST_POWER_SUSPENDED:
    case HOST_POWER_OFF:
        break;
    }
    return false;
}

/* Something can be done to it. */
static bool is_acting(const struct watchdog *watchdog)
{
    return is_counting(watchdog) && time_passes(watchdog) &&
           bmc_core_power_state(watchdog->core) != HOST_POWER_UNKNOWN;
}

/* Makes it hold or count on, as the guest does. */
static void follow_guest(struct watchdog *watchdog)
{
    bool holds = !time_passes(watchdog);
    uint64_t left = left_ms(watchdog);

    if (!watchdog->running)
        return;
    if (bmc_core_power_state(watchdog->core) != HOST_POWER_UNKNOWN && holds != watchdog->held) {
        watchdog->held = holds;
        watchdog->left_ms = left;
        watchdog->ends_at_ms = now_ms(watchdog) + left;
        changed(watchdog);
    }
    if (is_acting(watchdog))
        watchdog->core->hooks->wake_at(watchdog->core, watchdog_next_deadline(watchdog));
}

static void note_run(struct watchdog *watchdog)
{
    watchdog->run = watchdog->core->host ? watchdog->core->host->run : -1;
    watchdog->place = watchdog->core->host ? watchdog->core->host->place : 0;
}

static void begin_countdown(struct watchdog *watchdog)
{
    watchdog->running = true;
    watchdog->held = !time_passes(watchdog);
    watchdog->interrupted = false;
    watchdog->left_ms = (uint64_t)watchdog->settings.initial * WATCHDOG_COUNT_MS;
    watchdog->ends_at_ms = now_ms(watchdog) + watchdog->left_ms;
    note_run(watchdog);
    follow_guest(watchdog);
}

static void end_countdown(struct watchdog *watchdog)
{
    watchdog->left_ms = left_ms(watchdog);
    watchdog->running = watchdog->held = watchdog->interrupted = false;
}

void watchdog_stop(struct watchdog *watchdog, const char *reason)
{
    watchdog->stops++;
    if (!watchdog->running)
        return;
    end_countdown(watchdog);
    log_info("%s: watchdog timer (%s) stopped: %s", bmc_core_name(watchdog->core),
             watchdog_use_name(watchdog->settings.use), reason);
    changed(watchdog);
}

/* ---- clients ---- */

int watchdog_set(struct watchdog *watchdog, const struct watchdog_settings *settings,
                 uint8_t clear_flags, bool keep_running)
{
    bool has_interrupt = settings->interrupt == WATCHDOG_INTERRUPT_NONE ||
                         settings->interrupt == WATCHDOG_INTERRUPT_NMI ||
                         settings->interrupt == WATCHDOG_INTERRUPT_MESSAGING;

    if (settings->use < WATCHDOG_USE_BIOS_FRB2 || settings->use > WATCHDOG_USE_OEM ||
        settings->action > WATCHDOG_ACTION_POWER_CYCLE || !has_interrupt)
        return -EDOM;
    bool goes_on = watchdog->running && keep_running;
    end_countdown(watchdog);
    watchdog->settings = *settings;
    watchdog->sets++;
    watchdog->expired &= (uint8_t)~clear_flags;
    messaging_set_watchdog(watchdog->messaging, false);
    watchdog->in_doubt = false;
    watchdog->left_ms = (uint64_t)settings->initial * WATCHDOG_COUNT_MS;
    if (goes_on)
        begin_countdown(watchdog);
    return 0;
}

int watchdog_reset(struct watchdog *watchdog)
{
    if (watchdog->sets == 0)
        return -ENOPROTOOPT;
    if (bmc_core_power_state(watchdog->core) == HOST_POWER_OFF ||
        (watchdog->running && watchdog->interrupted))
        return -EINVAL;
    watchdog->in_doubt = false;
    begin_countdown(watchdog);
    return 0;
}

uint16_t watchdog_present(const struct watchdog *watchdog)
{
    return (uint16_t)((left_ms(watchdog) + WATCHDOG_COUNT_MS - 1) / WATCHDOG_COUNT_MS);
}

/* ---- the end of it ---- */

/* A guest may let it expire ten times a second, and the event log has room for some thousands. */
#define EVENTS_AT_ONCE 60
#define EVENT_EACH_MS  1000

static void report_event(struct watchdog *watchdog, uint8_t offset)
{
    const struct watchdog_settings *settings = &watchdog->settings;
    const struct bmc_listener *listener = watchdog->core->listener;

    if (!settings->dont_log && listener &&
        rate_take(&watchdog->events, EVENTS_AT_ONCE, EVENT_EACH_MS, now_ms(watchdog)))
        listener->sensor_event(watchdog->core->listener_context, SENSOR_WATCHDOG2, offset,
                               (uint8_t)((unsigned)settings->interrupt << 4 | settings->use));
}

static void interrupt(struct watchdog *watchdog)
{
    enum watchdog_interrupt kind = watchdog->settings.interrupt;

    watchdog->interrupted = true;
    log_info("%s: watchdog timer (%s): pre-timeout interrupt, %" PRIu64 " ms left",
             bmc_core_name(watchdog->core), watchdog_use_name(watchdog->settings.use),
             left_ms(watchdog));
    report_event(watchdog, OFFSET_INTERRUPT);
    if (kind == WATCHDOG_INTERRUPT_MESSAGING)
        messaging_set_watchdog(watchdog->messaging, true);
    else
        watchdog_due_interrupt(watchdog);
}

static void expire(struct watchdog *watchdog)
{
    struct watchdog_settings *settings = &watchdog->settings;
    enum watchdog_action action = settings->action;

    log_warning("%s: watchdog timer (%s) expired at %" PRIu64 " ms (monotonic): %s",
                bmc_core_name(watchdog->core), watchdog_use_name(settings->use),
                watchdog->ends_at_ms, watchdog_action_name(action));
    end_countdown(watchdog);
    watchdog->expired |= (uint8_t)(1u << settings->use);
    report_event(watchdog, (uint8_t)action);
    settings->dont_log = false;
    watchdog_due_end(watchdog, action);
}

/* UINT64_MAX: none comes, or it has been. Without an interval it comes with the end (section 27.4).
 */
static uint64_t interrupt_at_ms(const struct watchdog *watchdog)
{
    uint64_t before_ms = watchdog->settings.pretimeout_s * UINT64_C(1000);

    if (watchdog->settings.interrupt == WATCHDOG_INTERRUPT_NONE || watchdog->interrupted)
        return UINT64_MAX;
    return watchdog->ends_at_ms > before_ms ? watchdog->ends_at_ms - before_ms : 0;
}

void watchdog_tick(struct watchdog *watchdog)
{
    uint64_t now = now_ms(watchdog);

    if (is_acting(watchdog)) {
        bool interrupts = now >= interrupt_at_ms(watchdog), ends = now >= watchdog->ends_at_ms;
        if (interrupts)
            interrupt(watchdog);
        if (ends)
            expire(watchdog);
        if (interrupts || ends)
            watchdog_due_store(watchdog);
    }
    watchdog_due_tick(watchdog);
}

uint64_t watchdog_next_deadline(const struct watchdog *watchdog)
{
    uint64_t next = watchdog_due_deadline(watchdog);

    if (!is_acting(watchdog))
        return next;
    if (interrupt_at_ms(watchdog) < next)
        next = interrupt_at_ms(watchdog);
    return watchdog->ends_at_ms < next ? watchdog->ends_at_ms : next;
}

/* ---- the guest ---- */

static bool watches_boot(const struct watchdog *watchdog)
{
    return watchdog->settings.use == WATCHDOG_USE_BIOS_FRB2 ||
           watchdog->settings.use == WATCHDOG_USE_BIOS_POST ||
           watchdog->settings.use == WATCHDOG_USE_OS_LOAD;
}

/* A guest that was saved, or is on its way elsewhere, goes on. What is not known of one that is
 * found off (its hypervisor has been restarted) is as it was left. */
static void follow_end(struct watchdog *watchdog, bool was_seen)
{
    enum host_stop_reason reason = watchdog->core->host->stop_reason;

    if (reason == HOST_STOP_SAVED || reason == HOST_STOP_MOVED ||
        (reason == HOST_STOP_UNKNOWN && watchdog->held && !was_seen))
        follow_guest(watchdog);
    else
        watchdog_stop(watchdog, "the guest is off");
}

/* The first look after the start of the daemon: whether it was booted while nobody looked. What has
 * been restored or migrated since is the same guest in another run. */
static void compare_run(struct watchdog *watchdog)
{
    const struct host_domain *host = watchdog->core->host;

    if (!watchdog->in_doubt)
        return;
    watchdog->in_doubt = false;
    if (host->booted && watchdog->run >= 0 &&
        (host->run != watchdog->run || host->place != watchdog->place))
        watchdog_stop(watchdog, "the guest was started again meanwhile");
}

void watchdog_set_host(struct watchdog *watchdog)
{
    enum host_power_state state = bmc_core_power_state(watchdog->core);

    if (host_power_state_is_on(state)) {
        compare_run(watchdog);
        if (watchdog->run < 0)
            note_run(watchdog);
    }
    if (state == HOST_POWER_OFF)
        follow_end(watchdog, false);
    else
        follow_guest(watchdog);
    watchdog_due_follow_guest(watchdog);
}

void watchdog_host_event(struct watchdog *watchdog, enum host_event event)
{
    switch (event) {
    case HOST_EVENT_STATE: /* why it is off comes with STOPPED, unless it was off all the while */
        if (bmc_core_power_state(watchdog->core) != HOST_POWER_OFF)
            watchdog_set_host(watchdog);
        else if (watchdog->run < 0)
            follow_end(watchdog, false);
        break;
    case HOST_EVENT_STARTED:
        if (watchdog->core->host->booted)
            watchdog_stop(watchdog, "the guest was started");
        break;
    case HOST_EVENT_STOPPED:
        follow_end(watchdog, true);
        watchdog_due_follow_guest(watchdog);
        break;
    case HOST_EVENT_RESET:
        if (watchdog->chassis->reset_is_first && !watches_boot(watchdog))
            watchdog_stop(watchdog, "the guest was reset");
        break;
    default:
        break;
    }
}

/* ---- the store ---- */

void watchdog_take_record(const struct watchdog *watchdog, struct watchdog_record *record)
{
    *record = (struct watchdog_record){
        .settings = watchdog->settings,
        .sets = watchdog->sets,
        .stops = watchdog->stops,
        .expired = watchdog->expired,
        .running = watchdog->running,
        .held = watchdog->held,
        .interrupted = watchdog->interrupted,
        .left_ms = (int64_t)left_ms(watchdog),
        .run = watchdog->run,
        .place = watchdog->place,
        .due_interrupt = watchdog->due_interrupt,
        .due_action = watchdog->due_action,
        .due_run = watchdog->due_run,
        .due_place = watchdog->due_place,
    };
}

static bool is_valid(const struct watchdog_record *record)
{
    const struct watchdog_settings *settings = &record->settings;

    return record->sets > 0 && settings->use >= WATCHDOG_USE_BIOS_FRB2 &&
           settings->use <= WATCHDOG_USE_OEM && settings->action <= WATCHDOG_ACTION_POWER_CYCLE &&
           settings->interrupt <= WATCHDOG_INTERRUPT_MESSAGING &&
           settings->interrupt != WATCHDOG_INTERRUPT_SMI && !(record->expired & ~WATCHDOG_FLAGS) &&
           record->due_action <= WATCHDOG_ACTION_POWER_CYCLE;
}

static void take_over(struct watchdog *watchdog, const struct watchdog_record *record)
{
    int64_t initial_ms = (int64_t)record->settings.initial * WATCHDOG_COUNT_MS;
    int64_t left = record->left_ms < initial_ms ? record->left_ms : initial_ms;

    watchdog->settings = record->settings;
    watchdog->sets = record->sets;
    watchdog->expired |= record->expired;
    watchdog->running = record->running;
    watchdog->held = record->running && record->held;
    watchdog->interrupted = record->running && record->interrupted;
    watchdog->left_ms = left > 0 ? (uint64_t)left : 0;
    watchdog->ends_at_ms = now_ms(watchdog) + watchdog->left_ms;
    watchdog->run = record->run;
    watchdog->place = record->place;
}

int watchdog_restore(struct watchdog *watchdog, const struct watchdog_record *record)
{
    bool is_start = watchdog->sets == 0;

    if (record && !is_valid(record))
        return -EINVAL;
    if (record && record->sets == watchdog->sets)
        return 0; /* nothing was set since */
    if (!record) {
        watchdog_init(watchdog, watchdog->core, watchdog->chassis, watchdog->messaging);
        return 0;
    }
    take_over(watchdog, record);
    if (is_start) {
        watchdog->stops = record->stops;
        watchdog->due_interrupt = record->due_interrupt;
        watchdog->due_action = record->due_action;
        watchdog->due_run = record->due_run;
        watchdog->due_place = record->due_place;
    }
    if (is_start && is_counting(watchdog)) {
        int64_t initial_ms = (int64_t)record->settings.initial * WATCHDOG_COUNT_MS;
        uint64_t least =
            initial_ms < WATCHDOG_RESUME_MS ? (uint64_t)initial_ms : WATCHDOG_RESUME_MS;
        if (watchdog->left_ms < least)
            watchdog->ends_at_ms = now_ms(watchdog) + least;
    } else if (watchdog->running && (watchdog->stops != record->stops ||
                                     (is_counting(watchdog) && record->left_ms <= 0))) {
        end_countdown(watchdog); /* it was stopped since, or has acted */
    }
    watchdog->in_doubt = is_start;
    if (!is_start)
        follow_guest(watchdog);
    return 0;
}
