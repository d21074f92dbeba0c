#include "vbmc/bmc/pef.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef_act.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/ticket.h"

#define SECOND_MS 1000

/* Of its own events (table 42-3). */
#define TYPE_SYSTEM_EVENT 0x12

/* An event that is held back. */
struct pef_held {
    struct pef_held *next;
    uint8_t record[SEL_RECORD_SIZE];
};

static uint64_t now_ms(const struct pef *pef)
{
    return pef->core->hooks->now(pef->core);
}

/* ---- holding back ---- */

/* To be stored when the present call is over. */
static void note_change(struct pef *pef)
{
    pef->has_changed = true;
}

static void report(struct pef *pef)
{
    if (!pef->has_changed)
        return;
    pef->has_changed = false;
    pef->core->hooks->changed(pef->core, BMC_PART_PEF_PENDING, NULL);
}

/* What was held when the daemon ended waits for the guest to be seen, since an action needs it. */
static bool waits_for_guest(const struct pef *pef)
{
    return now_ms(pef) < pef->resumes_at_ms &&
           bmc_core_power_state(pef->core) == HOST_POWER_UNKNOWN;
}

static bool is_held_back(const struct pef *pef)
{
    return pef->postpone_s != 0 || now_ms(pef) < pef->starts_at_ms || waits_for_guest(pef);
}

static void start_countdown(struct pef *pef)
{
    if (pef->postpone_s == 0 || pef->postpone_s > PEF_POSTPONE_MAX || pef->postponed_until_ms != 0)
        return;
    pef->postponed_until_ms = now_ms(pef) + pef->postpone_s * (uint64_t)SECOND_MS;
    pef->core->hooks->wake_at(pef->core, pef->postponed_until_ms);
    note_change(pef);
}

static void disarm(struct pef *pef)
{
    if (pef->postpone_s != 0)
        note_change(pef);
    pef->postpone_s = 0;
    pef->postponed_until_ms = 0;
}

/* False if there are `most` already. */
static bool append(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE], unsigned most)
{
    struct pef_held **end = &pef->held;
    struct pef_held *held = pef->held_count < most ? malloc(sizeof *held) : NULL;

    if (!held)
        return false;
    *held = (struct pef_held){.next = NULL};
    memcpy(held->record, record, SEL_RECORD_SIZE);
    while (*end)
        end = &(*end)->next;
    *end = held;
    pef->held_count++;
    return true;
}

static void hold(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    if (!append(pef, record, PEF_HELD_MAX)) {
        log_warning("%s: platform event filtering: event %u dropped, too many are held back",
                    bmc_core_name(pef->core), sel_record_id(record));
        return;
    }
    note_change(pef);
    start_countdown(pef);
}

static void free_list(struct pef_held **list)
{
    while (*list) {
        struct pef_held *held = *list;
        *list = held->next;
        free(held);
    }
}

static void drop_held(struct pef *pef)
{
    if (pef->held)
        note_change(pef);
    free_list(&pef->held);
    pef->held_count = 0;
}

/* What is not in the log software cannot have seen, unless it has deleted it. */
static bool is_processed(const struct pef *pef, const uint8_t record[SEL_RECORD_SIZE],
                         unsigned up_to)
{
    uint16_t id = sel_record_id(record);
    unsigned n;

    return id != 0 && (sel_find(pef->sel, id, &n) < 0 || n <= up_to);
}

/* Leaves to software what it has processed. */
static void drop_processed(struct pef *pef, uint16_t id)
{
    struct pef_held **place = &pef->held;
    unsigned up_to;

    if (id == SEL_ID_FIRST || sel_find(pef->sel, id, &up_to) < 0)
        return;
    while (*place) {
        struct pef_held *held = *place;
        if (!is_processed(pef, held->record, up_to)) {
            place = &held->next;
            continue;
        }
        *place = held->next;
        pef->held_count--;
        free(held);
        note_change(pef);
    }
}

static void act_on_released(struct pef *pef)
{
    while (pef->released) {
        struct pef_held *held = pef->released;
        pef->released = held->next;
        pef_act(pef, held->record);
        free(held);
    }
}

/* In front of what has come since. */
static void hold_released(struct pef *pef)
{
    struct pef_held **end = &pef->released;

    if (!pef->released)
        return;
    for (; *end; end = &(*end)->next)
        pef->held_count++;
    *end = pef->held;
    pef->held = pef->released;
    pef->released = NULL;
    note_change(pef);
}

static void release(struct pef *pef);

/* Whatever the disk says: it is done once, and stored as done when that can be. */
static void on_released(const struct bmc_ticket *ticket, int result)
{
    struct pef *pef = (struct pef *)ticket->sink;

    (void)result;
    act_on_released(pef);
    release(pef);
    report(pef);
}

/* What nothing holds back any more is acted on when it is on disk that it is not held: a daemon
 * that is killed does not do so again. Nothing is done if PEF was turned off meanwhile. */
static void release(struct pef *pef)
{
    const struct bmc_ticket ticket = {.done = on_released, .sink = pef};

    if (!pef->sel)
        return;
    if (!(pef_settings(pef)->control & PEF_ENABLED))
        drop_held(pef);
    if (!pef->held || pef->released || is_held_back(pef))
        return;
    drop_processed(pef, sel_state(pef->sel)->last_by_software); /* also before a restart */
    pef->released = pef->held;
    pef->held = NULL;
    pef->held_count = 0;
    pef->has_changed = false;
    pef->core->hooks->changed(pef->core, BMC_PART_PEF_PENDING, &ticket);
}

/* Its own events are about what it has done already. */
static bool is_own(const uint8_t record[SEL_RECORD_SIZE])
{
    return record[SEL_RECORD_GENERATOR] == SEL_GENERATOR_BMC &&
           record[SEL_RECORD_SENSOR_TYPE] == TYPE_SYSTEM_EVENT &&
           record[SEL_RECORD_SENSOR_NUMBER] == SENSOR_PEF;
}

static void on_event(void *context, const uint8_t record[SEL_RECORD_SIZE])
{
    struct pef *pef = context;

    if (!(pef_settings(pef)->control & PEF_ENABLED) || record[SEL_RECORD_TYPE] != SEL_TYPE_EVENT ||
        is_own(record))
        return;
    if (pef->held || pef->released || is_held_back(pef))
        hold(pef, record);
    else
        pef_act(pef, record);
    report(pef);
}

/* The timer starts again. */
static void on_processed(void *context, uint16_t id)
{
    struct pef *pef = context;
    unsigned n;

    if (id == SEL_ID_FIRST || sel_find(pef->sel, id, &n) < 0)
        return;
    drop_processed(pef, id);
    if (pef->postponed_until_ms != 0)
        note_change(pef);
    pef->postponed_until_ms = 0;
    if (pef->held)
        start_countdown(pef);
    report(pef);
}

static const struct sel_listener listener = {.event = on_event, .processed = on_processed};

void pef_postpone(struct pef *pef, uint8_t seconds)
{
    uint8_t newest[SEL_RECORD_SIZE];
    unsigned n;

    pef->arms++;
    pef->postpone_s = seconds;
    pef->postponed_until_ms = 0;
    release(pef);
    if (pef->sel && sel_find(pef->sel, SEL_ID_LAST, &n) == 0 &&
        sel_record(pef->sel, n, newest) == 0 &&
        sel_record_id(newest) != sel_state(pef->sel)->last_by_software)
        start_countdown(pef);
    pef->has_changed = false; /* the caller stores it */
}

uint8_t pef_postpone_left(const struct pef *pef)
{
    uint64_t now = now_ms(pef);

    if (pef->postponed_until_ms == 0)
        return pef->postpone_s;
    if (pef->postponed_until_ms <= now)
        return 0;
    return (uint8_t)((pef->postponed_until_ms - now + SECOND_MS - 1) / SECOND_MS);
}

/* ---- time and guest ---- */

void pef_tick(struct pef *pef)
{
    uint64_t now = now_ms(pef);

    if (pef->postponed_until_ms != 0 && now >= pef->postponed_until_ms)
        disarm(pef);
    if (pef->starts_at_ms != 0 && now >= pef->starts_at_ms)
        pef->starts_at_ms = 0;
    if (now >= pef->resumes_at_ms)
        pef->resumes_at_ms = 0;
    release(pef);
    report(pef);
}

uint64_t pef_next_deadline(const struct pef *pef)
{
    const uint64_t deadlines[] = {pef->postponed_until_ms, pef->starts_at_ms, pef->resumes_at_ms};
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++)
        if (deadlines[i] != 0 && deadlines[i] < first)
            first = deadlines[i];
    return first;
}

/* The end of a delay that begins now; 0: there is none. */
static uint64_t delay_end(const struct pef *pef, bool is_on, uint8_t seconds)
{
    return is_on && seconds > 0 ? now_ms(pef) + seconds * (uint64_t)SECOND_MS : 0;
}

static void begin_startup(struct pef *pef)
{
    const struct pef_settings *settings = pef_settings(pef);
    uint8_t control = settings->control;

    pef->starts_at_ms = delay_end(pef, control & PEF_STARTUP_DELAY, settings->startup_delay_s);
    if (pef->starts_at_ms != 0)
        pef->core->hooks->wake_at(pef->core, pef->starts_at_ms);
    alerts_delay_until(pef->alerts, delay_end(pef, control & PEF_ALERT_STARTUP_DELAY,
                                              settings->alert_startup_delay_s));
}

void pef_host_event(struct pef *pef, enum host_event event)
{
    if (event == HOST_EVENT_STATE && pef->resumes_at_ms != 0) {
        release(pef);
        report(pef);
    }
    if (event != HOST_EVENT_STARTED && event != HOST_EVENT_RESET && event != HOST_EVENT_STOPPED)
        return;
    disarm(pef);
    if (event != HOST_EVENT_STOPPED)
        begin_startup(pef);
    release(pef);
    report(pef);
}

void pef_restart(struct pef *pef)
{
    drop_held(pef);
    disarm(pef);
    pef->starts_at_ms = 0;
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
    report(pef);
}

void pef_session_ended(struct pef *pef, uint32_t session)
{
    if (pef->setting_session != session)
        return;
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
}

/* ---- life ---- */

void pef_init(struct pef *pef, const struct bmc_core *core, struct chassis *chassis,
              struct alerts *alerts)
{
    *pef = (struct pef){.core = core, .chassis = chassis, .alerts = alerts};
}

void pef_set_log(struct pef *pef, struct sel *sel)
{
    if (pef->sel) {
        hold_released(pef); /* there is no guest any more, nor a socket */
        report(pef);
        sel_set_listener(pef->sel, NULL, NULL);
    }
    pef->sel = sel;
    if (sel)
        sel_set_listener(sel, &listener, pef);
}

void pef_clear(struct pef *pef)
{
    free_list(&pef->held);
    free_list(&pef->released);
    pef->held_count = 0;
    free(pef->own);
    pef->own = NULL;
}

/* ---- the store ---- */

void pef_take_timers(const struct pef *pef, struct pef_timers *timers)
{
    uint64_t now = now_ms(pef);

    *timers =
        (struct pef_timers){.arms = pef->arms, .postpone_s = pef->postpone_s, .postponed_ms = -1};
    if (pef->postponed_until_ms != 0)
        timers->postponed_ms =
            pef->postponed_until_ms > now ? (int64_t)(pef->postponed_until_ms - now) : 0;
    if (pef->starts_at_ms > now)
        timers->startup_ms = (int64_t)(pef->starts_at_ms - now);
}

/* No longer than it was armed for, whatever happened to the clock; it ends with the next tick where
 * it is over. */
static void restore_postpone(struct pef *pef, const struct pef_timers *timers)
{
    int64_t most_ms = timers->postpone_s * (int64_t)SECOND_MS, left_ms = timers->postponed_ms;

    pef->arms = timers->arms;
    pef->postpone_s = timers->postpone_s;
    pef->postponed_until_ms = 0;
    if (left_ms < 0 || timers->postpone_s == 0 || timers->postpone_s > PEF_POSTPONE_MAX)
        return;
    pef->postponed_until_ms = now_ms(pef) + (uint64_t)(left_ms < most_ms ? left_ms : most_ms);
    pef->core->hooks->wake_at(pef->core, pef->postponed_until_ms);
}

void pef_take_back_postpone(struct pef *pef, const struct pef_timers *timers)
{
    if (timers->arms == pef->arms || timers->postpone_s > PEF_POSTPONE_FOREVER)
        return;
    restore_postpone(pef, timers);
    pef->core->hooks->wake_at(pef->core, now_ms(pef)); /* what was held may go on */
}

int pef_restore_timers(struct pef *pef, const struct pef_timers *timers)
{
    /* A clock that was set back would make it longer than it ever is. */
    const int64_t most_ms = UINT8_MAX * SECOND_MS;

    if (timers->postpone_s > PEF_POSTPONE_FOREVER || timers->startup_ms < 0)
        return -EINVAL;
    restore_postpone(pef, timers);
    if (timers->startup_ms == 0)
        return 0;
    pef->starts_at_ms =
        now_ms(pef) + (uint64_t)(timers->startup_ms < most_ms ? timers->startup_ms : most_ms);
    pef->core->hooks->wake_at(pef->core, pef->starts_at_ms);
    return 0;
}

const uint8_t *pef_held_record(const struct pef *pef, unsigned n)
{
    const struct pef_held *held = pef->held;

    while (held && n-- > 0)
        held = held->next;
    return held ? held->record : NULL;
}

int pef_restore_held(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    if (record[SEL_RECORD_TYPE] != SEL_TYPE_EVENT)
        return -EINVAL;
    if (!append(pef, record, 2 * PEF_HELD_MAX)) /* those released were held too */
        return -ENOMEM;
    pef->resumes_at_ms = now_ms(pef) + PEF_RESUME_MS;
    pef->core->hooks->wake_at(pef->core, pef->resumes_at_ms);
    return 0;
}
