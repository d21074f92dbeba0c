#include "vbmc/bmc/pef.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef_act.h"
#include "vbmc/bmc/pef_timers.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/ticket.h"

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
    pef->has_changed = true;
    pef_timers_count(pef);
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
        pef->has_changed = true;
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
        pef->has_changed = true;
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
    pef->has_changed = true;
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
        pef->has_changed = true;
    pef->postponed_until_ms = 0;
    if (pef->held)
        pef_timers_count(pef);
    report(pef);
}

static const struct sel_listener listener = {.event = on_event, .processed = on_processed};

void pef_postpone(struct pef *pef, uint8_t seconds)
{
    uint8_t newest[SEL_RECORD_SIZE];
    unsigned n;

    pef_timers_arm(pef, seconds);
    release(pef);
    if (pef->sel && sel_find(pef->sel, SEL_ID_LAST, &n) == 0 &&
        sel_record(pef->sel, n, newest) == 0 &&
        sel_record_id(newest) != sel_state(pef->sel)->last_by_software)
        pef_timers_count(pef);
    pef->has_changed = false; /* the caller stores it */
}

/* ---- time and guest ---- */

void pef_tick(struct pef *pef)
{
    pef_timers_tick(pef);
    if (now_ms(pef) >= pef->resumes_at_ms)
        pef->resumes_at_ms = 0;
    release(pef);
    report(pef);
}

void pef_host_event(struct pef *pef, enum host_event event)
{
    switch (event) {
    case HOST_EVENT_STATE:
        pef_timers_follow_guest(pef);
        break;
    case HOST_EVENT_STARTED:
    case HOST_EVENT_RESET:
        pef_timers_disarm(pef);
        pef_timers_start_up(pef);
        break;
    case HOST_EVENT_STOPPED:
        pef_timers_disarm(pef);
        break;
    default:
        return;
    }
    release(pef);
    report(pef);
}

void pef_restart(struct pef *pef)
{
    drop_held(pef);
    pef_timers_disarm(pef);
    pef->starts_at_ms = 0;
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
    if (pef->own)
        pef->own->strings[0] = pef_default_settings.strings[0];
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
