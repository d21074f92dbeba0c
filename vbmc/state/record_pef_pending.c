/* {"arms": 1, "postpone-s": 10, "postponed-until": 1700000000000,
 *  "startup-until": 1700000000000, "alerts-until": 1700000000000,
 *  "boot": "d0e1...", "ahead-ms": 1690000000000, "run": 7, "place": 8,
 *  "held": ["0100020000...", ...], "sequence": 7,
 *  "runs": [{"record": "0100020000...", "severity": 16, "policy": 1, "filter": 1,
 *            "immediate": 0, "entry": 3,
 *            "deliveries": [{"channel": 1, "number": 1, "acknowledged": 1,
 *                            "timeout-s": 3, "retries": 2, "v6": 0, "ip": "c0000201",
 *                            "sequence": 7, "text": "686f74", "left": 1, "waits": 1,
 *                            "outcome": 0}, ...]}, ...]}
 *
 * Events that PEF holds back and alerts that are under way, and until when; a member that is
 * missing is 0 or empty. Times are as in vbmc/base/stored_time.h, so that they go on where the
 * machine has booted since. The postpone timer and the delays are of one run of the guest: "run"
 * and "place" say of which, or are missing if that was not known. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/base/stored_time.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"
#include "vbmc/state/record_number.h"

#define TIMES_MAX 8 /* that an alert is sent: once, and 7 retries */

/* ---- writing ---- */

struct number {
    const char *key;
    int64_t value;
};

static int add_numbers(struct json_object *object, const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (record_add_number(object, numbers[i].key, numbers[i].value) < 0)
            return -ENOMEM;
    return 0;
}

static struct json_object *encode_delivery(const struct alert_delivery *delivery)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    const struct lan_destination *to = &delivery->to;
    const struct number numbers[] = {
        {"channel", delivery->channel},
        {"number", delivery->number},
        {"acknowledged", to->is_acknowledged},
        {"timeout-s", to->timeout_s},
        {"retries", to->retries},
        {"v6", to->has_v6},
        {"sequence", delivery->alert.sequence},
        {"left", delivery->left},
        {"waits", delivery->at_ms != 0},
        {"outcome", delivery->outcome},
    };

    if (!object || add_numbers(object, numbers, ARRAY_SIZE(numbers)) < 0 ||
        record_add_hex(object, "ip", to->ip, to->has_v6 ? 16 : 4) < 0 ||
        record_add_hex(object, "text", (const uint8_t *)delivery->alert.text,
                       strlen(delivery->alert.text)) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode_run(const struct alerts_run *run)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    CLEANUP_JSON struct json_object *deliveries = json_object_new_array();
    const struct number numbers[] = {
        {"severity", run->severity},      {"policy", run->policy}, {"filter", run->filter},
        {"immediate", run->is_immediate}, {"entry", run->entry},
    };

    if (!object || add_numbers(object, numbers, ARRAY_SIZE(numbers)) < 0 ||
        record_add_hex(object, "record", run->record, SEL_RECORD_SIZE) < 0)
        return NULL;
    for (const struct alert_delivery *one = run->delivered; one; one = one->next)
        if (record_append(deliveries, encode_delivery(one)) < 0)
            return NULL;
    if (qmp_json_add(object, "deliveries", cleanup_steal_pointer(&deliveries)) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static int add_clock(struct json_object *record, const struct stored_clock *clock)
{
    return record_add_number(record, "ahead-ms", clock->ahead_ms) < 0
               ? -ENOMEM
               : qmp_json_add(record, "boot", json_object_new_string(clock->boot));
}

static int add_timers(struct json_object *record, const struct pef *pef)
{
    int64_t now_ms = (int64_t)pef->core->hooks->now(pef->core), now;
    struct stored_clock clock;
    struct pef_timers timers;

    pef_take_timers(pef, &timers);
    stored_clock_read(&clock, now_ms);
    now = stored_time_of(&clock, now_ms);
    bool runs = timers.postponed_ms >= 0 || timers.startup_ms != 0 || timers.alert_startup_ms != 0;
    if (runs && add_clock(record, &clock) < 0)
        return -ENOMEM;
    if (timers.arms != 0 && record_add_number(record, "arms", timers.arms) < 0)
        return -ENOMEM;
    if (timers.postpone_s != 0 && record_add_number(record, "postpone-s", timers.postpone_s) < 0)
        return -ENOMEM;
    if (timers.postponed_ms >= 0 &&
        record_add_number(record, "postponed-until", now + timers.postponed_ms) < 0)
        return -ENOMEM;
    if (timers.startup_ms != 0 &&
        record_add_number(record, "startup-until", now + timers.startup_ms) < 0)
        return -ENOMEM;
    if (timers.alert_startup_ms != 0 &&
        record_add_number(record, "alerts-until", now + timers.alert_startup_ms) < 0)
        return -ENOMEM;
    if (timers.place == 0)
        return 0;
    return record_add_number(record, "run", timers.run) < 0
               ? -ENOMEM
               : record_add_number(record, "place", timers.place);
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();
    CLEANUP_JSON struct json_object *held = json_object_new_array();
    CLEANUP_JSON struct json_object *runs = json_object_new_array();
    const uint8_t *event;

    if (!record || add_timers(record, &bmc->pef) < 0 ||
        record_add_number(record, "sequence", bmc->alerts.sequence) < 0)
        return NULL;
    for (unsigned n = 0; (event = pef_held_record(&bmc->pef, n)); n++)
        if (record_append(held, record_new_hex(event, SEL_RECORD_SIZE)) < 0)
            return NULL;
    for (const struct alerts_run *run = bmc->alerts.runs; run; run = run->next)
        if (record_append(runs, encode_run(run)) < 0)
            return NULL;
    if (qmp_json_add(record, "held", cleanup_steal_pointer(&held)) < 0 ||
        qmp_json_add(record, "runs", cleanup_steal_pointer(&runs)) < 0)
        return NULL;
    return cleanup_steal_pointer(&record);
}

/* ---- reading ---- */

/* The clock of a version that did not store it is that of another boot. */
static void read_clock(struct json_object *record, struct stored_clock *clock)
{
    const char *boot = qmp_json_string(record, "boot");

    memset(clock, 0, sizeof *clock);
    if (boot &&
        record_read_number(record, "ahead-ms", INT64_MIN / 4, INT64_MAX / 4, &clock->ahead_ms))
        snprintf(clock->boot, sizeof clock->boot, "%s", boot);
}

/* What is left until then: -1 if the record does not say. */
static int64_t left_until(struct json_object *record, const char *key, int64_t now_ms)
{
    struct stored_clock clock;
    int64_t until = 0;

    if (!record_read_number(record, key, 0, INT64_MAX / 4, &until))
        return -1;
    read_clock(record, &clock);
    int64_t left = stored_time_moment(&clock, until, now_ms) - now_ms;
    return left > 0 ? left : 0;
}

static int64_t delay_left(struct json_object *record, const char *key, int64_t now_ms)
{
    int64_t left = left_until(record, key, now_ms);

    return left > 0 ? left : 0;
}

static struct pef_timers read_timers(struct json_object *record, const struct pef *pef)
{
    int64_t now_ms = (int64_t)pef->core->hooks->now(pef->core);
    int64_t arms = 0, postpone_s = 0, run = -1, place = 0;

    record_read_number(record, "arms", 0, UINT32_MAX, &arms);
    record_read_number(record, "postpone-s", 0, UINT8_MAX, &postpone_s);
    record_read_number(record, "run", -1, INT64_MAX, &run);
    record_read_number(record, "place", 0, INT64_MAX, &place);
    return (struct pef_timers){
        .arms = (uint32_t)arms,
        .postpone_s = (uint8_t)postpone_s,
        .postponed_ms = left_until(record, "postponed-until", now_ms),
        .startup_ms = delay_left(record, "startup-until", now_ms),
        .alert_startup_ms = delay_left(record, "alerts-until", now_ms),
        .run = run,
        .place = place,
    };
}

static int read_delivery(struct json_object *object, struct alert_delivery *delivery, bool *waits)
{
    enum { CHANNEL, NUMBER, ACKNOWLEDGED, TIMEOUT, RETRIES, V6, SEQUENCE, LEFT, WAITS, OUTCOME, N };
    static const struct {
        const char *key;
        int64_t least, most;
    } members[N] = {
        [CHANNEL] = {"channel", 0, 15},
        [NUMBER] = {"number", 0, 15},
        [ACKNOWLEDGED] = {"acknowledged", 0, 1},
        [TIMEOUT] = {"timeout-s", 1, 256},
        [RETRIES] = {"retries", 0, 7},
        [V6] = {"v6", 0, 1},
        [SEQUENCE] = {"sequence", 1, UINT16_MAX},
        [LEFT] = {"left", 0, TIMES_MAX},
        [WAITS] = {"waits", 0, 1},
        [OUTCOME] = {"outcome", 0, ALERT_OUTCOME_FAILED},
    };
    struct json_object *text = qmp_json_member(object, "text", json_type_string);
    struct json_object *ip = qmp_json_member(object, "ip", json_type_string);
    int64_t value[N];

    for (size_t i = 0; i < N; i++)
        if (!record_read_number(object, members[i].key, members[i].least, members[i].most,
                                &value[i]))
            return -EINVAL;
    *delivery = (struct alert_delivery){
        .channel = (uint8_t)value[CHANNEL],
        .number = (uint8_t)value[NUMBER],
        .to = {.type = LAN_DESTINATION_TRAP,
               .is_acknowledged = value[ACKNOWLEDGED] != 0,
               .timeout_s = (unsigned)value[TIMEOUT],
               .retries = (unsigned)value[RETRIES],
               .has_v6 = value[V6] != 0},
        .alert = {.sequence = (uint16_t)value[SEQUENCE]},
        .left = (unsigned)value[LEFT],
        .outcome = (enum alert_outcome)value[OUTCOME],
    };
    *waits = value[WAITS] != 0;
    bool has_text =
        text && record_read_hex(text, (uint8_t *)delivery->alert.text, PEF_STRING_SIZE) >= 0;
    return has_text && ip && record_read_hex(ip, delivery->to.ip, 16) == (value[V6] ? 16 : 4)
               ? 0
               : -EINVAL;
}

static int decode_deliveries(struct alerts *alerts, struct alerts_run *run,
                             struct json_object *list)
{
    struct alert_delivery delivery;
    bool waits;

    for (size_t i = json_object_array_length(list); i-- > 0;) {
        int result = read_delivery(json_object_array_get_idx(list, i), &delivery, &waits);
        if (result == 0)
            result = alerts_restore_delivery(alerts, run, &delivery, waits);
        if (result < 0)
            return result;
    }
    return 0;
}

static int decode_run(struct alerts *alerts, struct json_object *object)
{
    struct json_object *list = qmp_json_member(object, "deliveries", json_type_array);
    struct json_object *event = qmp_json_member(object, "record", json_type_string);
    int64_t severity, policy, filter, immediate, entry;
    struct alerts_run run = {0};

    if (!list || !event || record_read_hex(event, run.record, SEL_RECORD_SIZE) != SEL_RECORD_SIZE ||
        !record_read_number(object, "severity", 0, UINT8_MAX, &severity) ||
        !record_read_number(object, "policy", 0, 15, &policy) ||
        !record_read_number(object, "filter", 0, PEF_FILTERS, &filter) ||
        !record_read_number(object, "immediate", 0, 1, &immediate) ||
        !record_read_number(object, "entry", 0, PEF_POLICIES, &entry))
        return -EINVAL;
    run.severity = (uint8_t)severity;
    run.policy = (uint8_t)policy;
    run.filter = (uint8_t)filter;
    run.is_immediate = immediate != 0;
    run.entry = (unsigned)entry;
    struct alerts_run *restored = alerts_restore_run(alerts, &run);
    return restored ? decode_deliveries(alerts, restored, list) : -ENOMEM;
}

/* At the start of the daemon alone. */
static int decode(struct bmc *bmc, struct json_object *record)
{
    struct json_object *held = qmp_json_member(record, "held", json_type_array);
    struct json_object *runs = qmp_json_member(record, "runs", json_type_array);
    const struct pef_timers timers = read_timers(record, &bmc->pef);
    bool is_wrong = !held || !runs || pef_restore_timers(&bmc->pef, &timers) < 0;
    uint8_t event[SEL_RECORD_SIZE];
    int64_t sequence = 0;

    for (size_t i = 0; held && i < json_object_array_length(held); i++)
        is_wrong |= record_read_hex(json_object_array_get_idx(held, i), event, sizeof event) !=
                        (int)sizeof event ||
                    pef_restore_held(&bmc->pef, event) < 0;
    for (size_t i = 0; runs && i < json_object_array_length(runs); i++)
        is_wrong |= decode_run(&bmc->alerts, json_object_array_get_idx(runs, i)) < 0;
    is_wrong |= !record_read_number(record, "sequence", 0, UINT16_MAX, &sequence);
    bmc->alerts.sequence = (uint16_t)sequence;
    return is_wrong ? -EINVAL : 0;
}

/* Events and alerts go on by themselves: what there is of them may not be on disk. */
static bool take_back(struct bmc *bmc, struct json_object *record)
{
    const struct pef_timers timers = read_timers(record, &bmc->pef);

    pef_take_back_postpone(&bmc->pef, &timers);
    return false;
}

const struct record_kind record_pef_pending = {
    .name = "pef-pending",
    .encode = encode,
    .decode = decode,
    .take_back = take_back,
    .is_of_guest = true,
};
