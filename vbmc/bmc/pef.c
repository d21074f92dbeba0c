#include "vbmc/bmc/pef.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef_filter.h"
#include "vbmc/bmc/sel.h"

#define SECOND_MS 1000

/* The event "PEF action" (IPMI 2.0, table 42-3, type 12h, offset 4): data 2 says which. */
#define TYPE_SYSTEM_EVENT          0x12
#define OFFSET_CONTROL_FAILURE     0x05 /* of the power unit: soft power control failure */
#define EVENT_TYPE_SENSOR_SPECIFIC 0x6f
#define OFFSET_PEF_ACTION          0x04
#define DATA2_SENSOR_SPECIFIC      0xc0
#define UNSPECIFIED                0xff

#define PEF_POLICY_NUMBERS 16 /* 0 is none */

/* An event that is held back. */
struct pef_held {
    struct pef_held *next;
    uint8_t record[SEL_RECORD_SIZE];
};

/* What the filters want done about one event. */
struct wanted {
    uint8_t actions;
    uint8_t severity;                    /* of the most severe of those that match */
    uint8_t filters[PEF_POLICY_NUMBERS]; /* the first that has chosen that policy; 0: none has */
};

static uint64_t now_ms(const struct pef *pef)
{
    return pef->core->hooks->now(pef->core);
}

static const char *name_of(const struct pef *pef)
{
    return pef->core->host ? pef->core->host->name : "a guest that is not there";
}

/* ---- what is done about an event ---- */

static struct wanted apply_filters(const struct pef_settings *settings,
                                   const uint8_t record[SEL_RECORD_SIZE])
{
    struct wanted wanted = {0};

    for (unsigned i = 0; i < PEF_FILTERS; i++) {
        const uint8_t *filter = settings->filters[i];
        if (!pef_filter_matches(filter, record))
            continue;
        wanted.actions |= filter[PEF_FILTER_ACTION] & settings->actions;
        if (filter[PEF_FILTER_SEVERITY] > wanted.severity)
            wanted.severity = filter[PEF_FILTER_SEVERITY];
        unsigned policy = filter[PEF_FILTER_POLICY] & 0x0f;
        if ((filter[PEF_FILTER_ACTION] & settings->actions & PEF_ACTION_ALERT) && policy != 0 &&
            wanted.filters[policy] == 0)
            wanted.filters[policy] = (uint8_t)(i + 1);
    }
    return wanted;
}

/* Of power down, power cycle, reset and diagnostic interrupt, in this order, the first (section
 * 17.6); and an alert. */
static uint8_t choose_actions(uint8_t actions)
{
    static const uint8_t by_priority[] = {PEF_ACTION_POWER_DOWN, PEF_ACTION_POWER_CYCLE,
                                          PEF_ACTION_RESET, PEF_ACTION_DIAGNOSTIC_INTERRUPT};

    for (size_t i = 0; i < sizeof by_priority; i++)
        if (actions & by_priority[i])
            return by_priority[i] | (actions & PEF_ACTION_ALERT);
    return actions & PEF_ACTION_ALERT;
}

static void log_actions(const struct pef *pef, uint8_t actions)
{
    const struct sensor_event event = {
        .type = TYPE_SYSTEM_EVENT,
        .number = SENSOR_PEF,
        .event_type = EVENT_TYPE_SENSOR_SPECIFIC,
        .data = {DATA2_SENSOR_SPECIFIC | OFFSET_PEF_ACTION, actions, UNSPECIFIED},
    };

    if (pef_settings(pef)->control & PEF_EVENT_MESSAGES)
        sel_log(pef->sel, &event);
}

/* Nothing is done to a guest that is off, or of which it is not known where it runs; nor because an
 * action has failed, or the boot that it made was seen: that would go on for ever. */
static bool may_act(const struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    const struct host_domain *host = pef->core->host;
    unsigned cause = pef->chassis->restart_cause;

    if (record[SEL_RECORD_SENSOR_NUMBER] == SENSOR_POWER_UNIT &&
        (record[SEL_RECORD_DATA] & 0x0f) == OFFSET_CONTROL_FAILURE)
        return false;
    if (record[SEL_RECORD_SENSOR_NUMBER] == SENSOR_SYSTEM_BOOT &&
        (cause == RESTART_CAUSE_PEF_RESET || cause == RESTART_CAUSE_PEF_CYCLE))
        return false;
    return host && host_power_state_is_on(host->state) && !host->migrating;
}

static void act(const struct pef *pef, uint8_t actions)
{
    static const struct {
        uint8_t bit;
        enum host_power_action action;
        enum restart_cause cause;
    } rows[] = {
        {PEF_ACTION_POWER_DOWN, HOST_POWER_ACTION_DOWN, RESTART_CAUSE_UNKNOWN},
        {PEF_ACTION_POWER_CYCLE, HOST_POWER_ACTION_CYCLE, RESTART_CAUSE_PEF_CYCLE},
        {PEF_ACTION_RESET, HOST_POWER_ACTION_HARD_RESET, RESTART_CAUSE_PEF_RESET},
        {PEF_ACTION_DIAGNOSTIC_INTERRUPT, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT,
         RESTART_CAUSE_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (actions & rows[i].bit)
            chassis_act(pef->chassis, rows[i].action, rows[i].cause, NULL);
}

/* The policies in their order (section 17.11). */
static void alert(const struct pef *pef, const uint8_t record[SEL_RECORD_SIZE],
                  const struct wanted *wanted)
{
    for (uint8_t policy = 1; policy < PEF_POLICY_NUMBERS; policy++)
        if (wanted->filters[policy] != 0)
            alerts_begin(pef->alerts, record, wanted->severity, policy, wanted->filters[policy]);
}

static void process(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    struct wanted wanted = apply_filters(pef_settings(pef), record);
    uint8_t actions = choose_actions(wanted.actions);

    sel_note_processed(pef->sel, sel_record_id(record));
    if (!may_act(pef, record))
        actions &= PEF_ACTION_ALERT;
    if (actions == 0)
        return;
    log_info("%s: platform event filtering: actions %02x for event %u of sensor %02x", name_of(pef),
             actions, sel_record_id(record), record[SEL_RECORD_SENSOR_NUMBER]);
    log_actions(pef, actions);
    act(pef, actions);
    alert(pef, record, &wanted);
}

/* ---- holding back ---- */

static bool is_held_back(const struct pef *pef)
{
    return pef->postpone_s != 0 || now_ms(pef) < pef->starts_at_ms;
}

static void start_countdown(struct pef *pef)
{
    if (pef->postpone_s == 0 || pef->postpone_s > PEF_POSTPONE_MAX || pef->postponed_until_ms != 0)
        return;
    pef->postponed_until_ms = now_ms(pef) + pef->postpone_s * (uint64_t)SECOND_MS;
    pef->core->hooks->wake_at(pef->core, pef->postponed_until_ms);
}

static void hold(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    struct pef_held **end = &pef->held;
    struct pef_held *held = pef->held_count < PEF_HELD_MAX ? malloc(sizeof *held) : NULL;

    if (!held) {
        log_warning("%s: platform event filtering: event %u dropped, too many are held back",
                    name_of(pef), sel_record_id(record));
        return;
    }
    *held = (struct pef_held){.next = NULL};
    memcpy(held->record, record, SEL_RECORD_SIZE);
    while (*end)
        end = &(*end)->next;
    *end = held;
    pef->held_count++;
    start_countdown(pef);
}

static struct pef_held *take_held(struct pef *pef)
{
    struct pef_held *held = pef->held;

    if (held) {
        pef->held = held->next;
        pef->held_count--;
    }
    return held;
}

static void drop_held(struct pef *pef)
{
    struct pef_held *held;

    while ((held = take_held(pef)))
        free(held);
}

/* Processes what nothing holds back any more, unless PEF was turned off meanwhile. */
static void release(struct pef *pef)
{
    struct pef_held *held;

    if (!pef->sel || !(pef_settings(pef)->control & PEF_ENABLED))
        drop_held(pef);
    while (!is_held_back(pef) && (held = take_held(pef))) {
        process(pef, held->record);
        free(held);
    }
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
    if (pef->held || is_held_back(pef))
        hold(pef, record);
    else
        process(pef, record);
}

void pef_postpone(struct pef *pef, uint8_t seconds)
{
    uint8_t newest[SEL_RECORD_SIZE];
    unsigned n;

    pef->postpone_s = seconds;
    pef->postponed_until_ms = 0;
    release(pef);
    if (pef->sel && sel_find(pef->sel, SEL_ID_LAST, &n) == 0 &&
        sel_record(pef->sel, n, newest) == 0 &&
        sel_record_id(newest) != sel_state(pef->sel)->last_by_software)
        start_countdown(pef);
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

/* What is not in the log software cannot have seen, unless it has deleted it. */
static bool is_processed(const struct pef *pef, const uint8_t record[SEL_RECORD_SIZE],
                         unsigned up_to)
{
    uint16_t id = sel_record_id(record);
    unsigned n;

    return id != 0 && (sel_find(pef->sel, id, &n) < 0 || n <= up_to);
}

void pef_note_software(struct pef *pef, uint16_t id)
{
    struct pef_held **place = &pef->held;
    unsigned up_to;

    if (!pef->sel || id == SEL_ID_FIRST || sel_find(pef->sel, id, &up_to) < 0)
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
    }
    pef->postponed_until_ms = 0;
    if (pef->held)
        start_countdown(pef);
}

/* ---- time and guest ---- */

void pef_tick(struct pef *pef)
{
    if (pef->postponed_until_ms != 0 && now_ms(pef) >= pef->postponed_until_ms) {
        pef->postpone_s = 0;
        pef->postponed_until_ms = 0;
    }
    if (pef->starts_at_ms != 0 && now_ms(pef) >= pef->starts_at_ms)
        pef->starts_at_ms = 0;
    release(pef);
}

uint64_t pef_next_deadline(const struct pef *pef)
{
    uint64_t postponed = pef->postponed_until_ms ? pef->postponed_until_ms : UINT64_MAX;
    uint64_t starts = pef->starts_at_ms ? pef->starts_at_ms : UINT64_MAX;

    return postponed < starts ? postponed : starts;
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
    if (event != HOST_EVENT_STARTED && event != HOST_EVENT_RESET && event != HOST_EVENT_STOPPED)
        return;
    pef->postpone_s = 0;
    pef->postponed_until_ms = 0;
    if (event != HOST_EVENT_STOPPED)
        begin_startup(pef);
    release(pef);
}

void pef_restart(struct pef *pef)
{
    drop_held(pef);
    pef->postpone_s = 0;
    pef->postponed_until_ms = pef->starts_at_ms = 0;
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
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
    if (pef->sel)
        sel_set_listener(pef->sel, NULL, NULL);
    pef->sel = sel;
    if (sel)
        sel_set_listener(sel, on_event, pef);
}

void pef_clear(struct pef *pef)
{
    drop_held(pef);
    free(pef->own);
    pef->own = NULL;
}
