/* A run is what is done about one event: it goes through the entries of its alert policy and makes
 * a delivery for each destination. It waits with the next entry only if that asks whether the
 * destination before it was reached, and nobody knows yet. It ends when there is no further entry
 * and all its deliveries are over. */
#include "vbmc/bmc/alerts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts_internal.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/pef.h"

#define SECOND_MS 1000

static uint64_t now_ms(const struct alerts *alerts)
{
    return alerts->core->hooks->now(alerts->core);
}

/* ---- the store ---- */

/* To be stored when the present call is over. */
static void note_change(struct alerts *alerts)
{
    alerts->has_changed = true;
}

static void report(struct alerts *alerts)
{
    if (!alerts->has_changed)
        return;
    alerts->has_changed = false;
    alerts->core->hooks->changed(alerts->core, BMC_PART_PEF_PENDING, NULL);
}

/* ---- one destination ---- */

static void end_delivery(struct alerts *alerts, struct alert_delivery *delivery)
{
    note_change(alerts);
    delivery->at_ms = 0;
    if (delivery->outcome != ALERT_OUTCOME_UNKNOWN)
        return;
    delivery->outcome = ALERT_OUTCOME_FAILED;
    log_warning("%s: alert %u: destination %u not reached", bmc_core_name(alerts->core),
                delivery->alert.sequence, delivery->number);
}

static void wait_for(struct alerts *alerts, struct alert_delivery *delivery, uint64_t ms)
{
    delivery->at_ms = now_ms(alerts) + ms;
    alerts->core->hooks->wake_at(alerts->core, delivery->at_ms);
}

/* Whether a try without a socket does not count: not for long, as what it would tell gets old. */
static bool waits_for_socket(const struct alerts *alerts, struct alert_delivery *delivery)
{
    if (delivery->socket_by_ms == 0)
        delivery->socket_by_ms = now_ms(alerts) + ALERTS_SOCKET_WAIT_MS;
    return now_ms(alerts) < delivery->socket_by_ms;
}

/* Sends it, or, if that was done as often as it may be, gives up. */
static void attempt(struct alerts *alerts, struct alert_delivery *delivery)
{
    if (delivery->left == 0) {
        end_delivery(alerts, delivery);
        return;
    }
    int result =
        alerts->ops ? alerts->ops->send(alerts->context, &delivery->to, &delivery->alert) : -ENOSYS;
    if (result == -ENOTCONN && waits_for_socket(alerts, delivery)) {
        wait_for(alerts, delivery, ALERTS_SOCKET_MS);
        return;
    }
    note_change(alerts);
    delivery->left--;
    if (result < 0)
        log_warning("%s: alert %u to destination %u not sent: %s", bmc_core_name(alerts->core),
                    delivery->alert.sequence, delivery->number, strerror(-result));
    else if (!delivery->to.is_acknowledged)
        delivery->outcome = ALERT_OUTCOME_REACHED;
    if (delivery->left == 0 && !delivery->to.is_acknowledged) {
        end_delivery(alerts, delivery);
        return;
    }
    wait_for(alerts, delivery, delivery->to.timeout_s * (uint64_t)SECOND_MS);
}

static bool is_set(const struct lan_destination *to)
{
    static const uint8_t none[sizeof to->ip];

    return to->type == LAN_DESTINATION_TRAP && memcmp(to->ip, none, to->has_v6 ? 16 : 4) != 0;
}

static bool may_send(const struct alerts *alerts, const struct alert_delivery *delivery)
{
    return alerts->ops && delivery->channel == CHANNEL_LAN && is_set(&delivery->to) &&
           !lan_access(alerts->lan, LAN_VOLATILE).alerting_off;
}

static void deliver(struct alerts *alerts, struct alerts_run *run, uint8_t channel, uint8_t number,
                    const struct pef_string *string)
{
    struct alert_delivery *delivery = calloc(1, sizeof *delivery);

    if (!delivery) {
        log_error("%s: out of memory for an alert", bmc_core_name(alerts->core));
        return;
    }
    note_change(alerts);
    if (++alerts->sequence == 0)
        alerts->sequence = 1;
    delivery->channel = channel;
    delivery->number = number;
    if (channel == CHANNEL_LAN)
        delivery->to = lan_destination(alerts->lan, number);
    delivery->alert.sequence = alerts->sequence;
    delivery->alert.severity = run->severity;
    memcpy(delivery->alert.record, run->record, SEL_RECORD_SIZE);
    if (string)
        memcpy(delivery->alert.text, string->text, sizeof string->text);
    delivery->next = run->delivered;
    run->delivered = delivery;
    if (may_send(alerts, delivery)) {
        delivery->left = 1 + delivery->to.retries;
        attempt(alerts, delivery);
    } else {
        end_delivery(alerts, delivery);
    }
}

/* ---- the policy ---- */

static const struct pef_string *find_string(const struct pef_settings *settings,
                                            const struct alerts_run *run, uint8_t key)
{
    uint8_t number = key & (uint8_t)~PEF_POLICY_EVENT_SPECIFIC;

    if (!(key & PEF_POLICY_EVENT_SPECIFIC))
        return number >= 1 && number <= PEF_STRINGS ? &settings->strings[number] : NULL;
    for (unsigned i = 1; i <= PEF_STRINGS; i++) {
        const struct pef_string *string = &settings->strings[i];
        if (string->filter == run->filter && string->set == number)
            return string;
    }
    return NULL;
}

static bool is_of_run(const struct alerts_run *run, const uint8_t *entry)
{
    return (entry[PEF_POLICY_RULE] & PEF_POLICY_ENABLED) &&
           entry[PEF_POLICY_RULE] >> 4 == run->policy;
}

/* The destination before was reached: goes on behind the entry, to the first that its rule allows.
 * All destinations are of one type. */
static void skip(const struct pef_settings *settings, struct alerts_run *run, enum pef_rule rule)
{
    const struct alert_delivery *previous = run->delivered;

    run->entry++;
    while (rule == PEF_RULE_OTHER_CHANNEL && run->entry < PEF_POLICIES &&
           (!is_of_run(run, settings->policies[run->entry]) ||
            settings->policies[run->entry][PEF_POLICY_DESTINATION] >> 4 == previous->channel))
        run->entry++;
    if (rule == PEF_RULE_STOP || rule == PEF_RULE_OTHER_TYPE)
        run->entry = PEF_POLICIES;
}

static void follow_policy(struct alerts *alerts, struct alerts_run *run)
{
    const struct pef_settings *settings = pef_settings(alerts->pef);

    while (run->entry < PEF_POLICIES) {
        const uint8_t *entry = settings->policies[run->entry];
        enum pef_rule rule = entry[PEF_POLICY_RULE] & 0x07;
        const struct alert_delivery *previous = run->delivered;
        if (!is_of_run(run, entry)) {
            run->entry++;
            continue;
        }
        if (rule != PEF_RULE_ALWAYS && previous && previous->outcome == ALERT_OUTCOME_UNKNOWN)
            return;
        if (rule != PEF_RULE_ALWAYS && previous && previous->outcome == ALERT_OUTCOME_REACHED) {
            skip(settings, run, rule);
            continue;
        }
        run->entry++;
        deliver(alerts, run, entry[PEF_POLICY_DESTINATION] >> 4,
                entry[PEF_POLICY_DESTINATION] & 0x0f,
                find_string(settings, run, entry[PEF_POLICY_STRING]));
    }
}

/* ---- runs ---- */

static void free_run(struct alerts_run *run)
{
    while (run->delivered) {
        struct alert_delivery *delivery = run->delivered;
        run->delivered = delivery->next;
        free(delivery);
    }
    free(run);
}

static bool is_over(const struct alerts_run *run)
{
    const struct alert_delivery *delivery = run->delivered;

    while (delivery && delivery->at_ms == 0)
        delivery = delivery->next;
    return run->entry == PEF_POLICIES && !delivery;
}

static void note_immediate(struct alerts *alerts, const struct alerts_run *run)
{
    const struct alert_delivery *delivery = run->delivered;

    if (!run->is_immediate)
        return;
    if (!delivery || delivery->outcome == ALERT_OUTCOME_FAILED)
        alerts->immediate = ALERT_STATUS_FAILED;
    else if (delivery->outcome == ALERT_OUTCOME_REACHED)
        alerts->immediate = ALERT_STATUS_REACHED;
}

/* Does what is due. */
static void go_on(struct alerts *alerts, struct alerts_run *run)
{
    uint64_t now = now_ms(alerts);

    for (struct alert_delivery *delivery = run->delivered; delivery; delivery = delivery->next)
        if (delivery->at_ms != 0 && now >= delivery->at_ms)
            attempt(alerts, delivery);
    follow_policy(alerts, run);
    note_immediate(alerts, run);
}

static bool is_delayed(const struct alerts *alerts)
{
    return now_ms(alerts) < alerts->starts_at_ms;
}

void alerts_advance(struct alerts *alerts)
{
    struct alerts_run **place = &alerts->runs;

    if (is_delayed(alerts))
        return;
    alerts->starts_at_ms = 0;
    while (*place) {
        struct alerts_run *run = *place;
        go_on(alerts, run);
        if (!is_over(run)) {
            place = &run->next;
            continue;
        }
        *place = run->next;
        alerts->run_count--;
        free_run(run);
        note_change(alerts);
    }
}

void alerts_tick(struct alerts *alerts)
{
    alerts_advance(alerts);
    report(alerts);
}

uint64_t alerts_next_deadline(const struct alerts *alerts)
{
    uint64_t first = UINT64_MAX;

    if (!alerts->runs)
        return first;
    if (alerts->starts_at_ms != 0)
        return alerts->starts_at_ms;
    for (const struct alerts_run *run = alerts->runs; run; run = run->next)
        for (const struct alert_delivery *delivery = run->delivered; delivery;
             delivery = delivery->next)
            if (delivery->at_ms != 0 && delivery->at_ms < first)
                first = delivery->at_ms;
    return first;
}

static struct alerts_run *add_run(struct alerts *alerts)
{
    struct alerts_run **end = &alerts->runs;
    struct alerts_run *run = alerts->run_count < ALERTS_MAX ? calloc(1, sizeof *run) : NULL;

    if (!run) {
        log_warning("%s: an event's alerts are dropped: too many are under way",
                    bmc_core_name(alerts->core));
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = run;
    alerts->run_count++;
    return run;
}

void alerts_begin(struct alerts *alerts, const uint8_t record[SEL_RECORD_SIZE], uint8_t severity,
                  uint8_t policy, uint8_t filter)
{
    struct alerts_run *run = add_run(alerts);

    if (!run)
        return;
    memcpy(run->record, record, SEL_RECORD_SIZE);
    run->severity = severity;
    run->policy = policy;
    run->filter = filter;
    note_change(alerts);
    alerts_tick(alerts);
}

void alerts_delay_until(struct alerts *alerts, uint64_t at_ms)
{
    alerts->starts_at_ms = at_ms;
    if (at_ms != 0)
        alerts->core->hooks->wake_at(alerts->core, at_ms);
}

/* ---- Alert Immediate ---- */

static void stamp(const struct alerts *alerts, uint8_t record[SEL_RECORD_SIZE])
{
    int64_t seconds = alerts->core->hooks->wall_time(alerts->core);

    record[SEL_RECORD_TYPE] = SEL_TYPE_EVENT;
    for (unsigned i = 0; i < 4; i++)
        record[SEL_RECORD_TIME + i] = (uint8_t)((uint64_t)seconds >> 8 * i);
}

int alerts_send(struct alerts *alerts, const struct alert_order *order)
{
    /* Of the BMC, about nothing. */
    static const uint8_t test[SEL_RECORD_SIZE] = {
        0, 0, 0, 0, 0, 0, 0, 0x20, 0, SEL_EVENT_REVISION, 0, 0, 0, 0xff, 0xff, 0xff};

    if (order->channel != CHANNEL_LAN)
        return -EDOM;
    if (order->has_text && order->string > PEF_STRINGS)
        return -ERANGE;
    if (alerts->immediate == ALERT_STATUS_PENDING)
        return -EALREADY;
    struct alerts_run *run = add_run(alerts);
    if (!run)
        return -EBUSY;
    memcpy(run->record, order->has_event ? order->record : test, SEL_RECORD_SIZE);
    stamp(alerts, run->record);
    run->severity = ALERT_SEVERITY_INFORMATION;
    run->is_immediate = true;
    run->entry = PEF_POLICIES;
    alerts->immediate = ALERT_STATUS_PENDING;
    deliver(alerts, run, order->channel, order->destination,
            order->has_text ? &pef_settings(alerts->pef)->strings[order->string] : NULL);
    note_immediate(alerts, run); /* also during the startup delay */
    alerts_tick(alerts);
    return 0;
}

void alerts_forget(struct alerts *alerts)
{
    if (alerts->immediate != ALERT_STATUS_PENDING)
        alerts->immediate = ALERT_STATUS_NONE;
}

/* ---- life ---- */

void alerts_init(struct alerts *alerts, const struct bmc_core *core, const struct lan *lan,
                 const struct pef *pef)
{
    *alerts = (struct alerts){.core = core, .lan = lan, .pef = pef};
}

void alerts_set_ops(struct alerts *alerts, const struct alerts_ops *ops, void *context)
{
    alerts->ops = ops;
    alerts->context = context;
}

static void end_all(struct alerts *alerts)
{
    while (alerts->runs) {
        struct alerts_run *run = alerts->runs;
        alerts->runs = run->next;
        free_run(run);
    }
    alerts->run_count = 0;
    alerts->immediate = ALERT_STATUS_NONE;
    alerts->starts_at_ms = 0;
}

void alerts_clear(struct alerts *alerts)
{
    end_all(alerts);
    free(alerts->acknowledged);
    alerts->acknowledged = NULL;
}

void alerts_restart(struct alerts *alerts)
{
    if (alerts->runs)
        note_change(alerts);
    end_all(alerts);
    report(alerts);
}

struct alerts_run *alerts_restore_run(struct alerts *alerts, const struct alerts_run *run)
{
    struct alerts_run *restored = add_run(alerts); /* the last one */

    if (!restored)
        return NULL;
    *restored = *run;
    restored->next = NULL;
    restored->delivered = NULL;
    alerts->core->hooks->wake_at(alerts->core, alerts->core->hooks->now(alerts->core));
    return restored;
}

int alerts_restore_delivery(struct alerts *alerts, struct alerts_run *run,
                            const struct alert_delivery *delivery, bool waits)
{
    struct alert_delivery *restored = malloc(sizeof *restored);

    if (!restored)
        return -ENOMEM;
    *restored = *delivery;
    restored->alert.severity = run->severity;
    memcpy(restored->alert.record, run->record, SEL_RECORD_SIZE);
    restored->next = run->delivered;
    run->delivered = restored;
    restored->at_ms = waits ? now_ms(alerts) + restored->to.timeout_s * (uint64_t)SECOND_MS : 0;
    if (!waits)
        return 0;
    if (run->is_immediate)
        alerts->immediate = ALERT_STATUS_PENDING;
    alerts->core->hooks->wake_at(alerts->core, restored->at_ms);
    return 0;
}
