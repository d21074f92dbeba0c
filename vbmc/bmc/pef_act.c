#include "vbmc/bmc/pef_act.h"

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/bmc/pef_filter.h"
#include "vbmc/bmc/pef_settings.h"
#include "vbmc/bmc/sensors.h"

/* The event "PEF action" (IPMI 2.0, table 42-3, type 12h, offset 4): data 2 says which. */
#define OFFSET_PEF_ACTION      0x04
#define OFFSET_CONTROL_FAILURE 0x05 /* of the power unit: soft power control failure */

#define PEF_POLICY_NUMBERS 16 /* 0 is none */

/* What the filters want done about one event. */
struct wanted {
    uint8_t actions;
    uint8_t severity;                    /* of the most severe of those that match */
    uint8_t filters[PEF_POLICY_NUMBERS]; /* the first that has chosen that policy; 0: none has */
};

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

/* By its sensor: it goes where the BMC's own events go, and nowhere if they are turned off. */
static void log_actions(const struct pef *pef, uint8_t actions)
{
    const struct bmc_listener *listener = pef->core->listener;

    if (listener && (pef_settings(pef)->control & PEF_EVENT_MESSAGES))
        listener->sensor_event(pef->core->listener_context, SENSOR_PEF, OFFSET_PEF_ACTION, actions);
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

void pef_act(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE])
{
    struct wanted wanted = apply_filters(pef_settings(pef), record);
    uint8_t actions = choose_actions(wanted.actions);

    sel_note_processed(pef->sel, sel_record_id(record));
    if (!may_act(pef, record))
        actions &= PEF_ACTION_ALERT;
    if (actions == 0)
        return;
    log_info("%s: platform event filtering: actions %02x for event %u of sensor %02x",
             bmc_core_name(pef->core), actions, sel_record_id(record),
             record[SEL_RECORD_SENSOR_NUMBER]);
    log_actions(pef, actions);
    act(pef, actions);
    alert(pef, record, &wanted);
}
