#include "vbmc/verbs/health.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/view.h"
#include "vbmc/verbs/placement.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/rows.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/selection.h"

#define STATES     15 /* of a discrete sensor: offsets 0 to 14 */
#define SOCKETS    8
#define THRESHOLDS 6

/* Not the 17 digits that make a reading of 3.3 V look like an accident. */
static struct json_object *real(double value)
{
    char text[64];

    if (fabs(value) < 1e15 && value == floor(value)) /* the same text, and much the fastest way */
        return json_object_new_int64((int64_t)value);
    int length = snprintf(text, sizeof text, "%.3f", value);
    while (length > 1 && text[length - 1] == '0')
        text[--length] = '\0';
    if (length > 1 && text[length - 1] == '.')
        text[--length] = '\0';
    return json_object_new_double_s(value, text);
}

/* ---- show ---- */

/* NULL while the guest is off, or not known to be on. */
static struct json_object *uptime_of(struct bmc *bmc)
{
    int64_t since = bmc->chassis.on_since_ms, now = (int64_t)bmc->core.hooks->now(&bmc->core);

    if (!host_power_state_is_on(bmc_power_state(bmc)) || !since || now < since)
        return NULL;
    return json_object_new_int64((now - since) / 1000);
}

static const char *health_of(const struct bmc *bmc, const char **sensor)
{
    static const char *const names[] = {
        [SENSOR_OK] = "ok",
        [SENSOR_WARNING] = "warning",
        [SENSOR_CRITICAL] = "critical",
        [SENSOR_NON_RECOVERABLE] = "critical",
    };

    *sensor = NULL;
    return bmc->sensors ? names[sensors_health(bmc->sensors, sensor)] : NULL;
}

/* No key here holds the word "status": scripts look for it with grep. */
void verbs_add_health(struct json_object *result, struct instance *instance)
{
    struct bmc *bmc = instance_bmc(instance);
    const char *sensor, *health = health_of(bmc, &sensor);

    verbs_add_text(result, "power", verbs_state_name(bmc_power_state(bmc)));
    json_object_object_add(result, "uptime", uptime_of(bmc));
    json_object_object_add(result, "boot_count", json_object_new_int64(bmc->chassis.boots));
    verbs_add_text(result, "health", health);
    verbs_add_text(result, "health_sensor", sensor);
}

/* "SMS/OS: hard reset in 12.3 s; expired: OS load". */
void verbs_add_watchdog(struct json_object *result, const struct bmc *bmc)
{
    const struct watchdog *watchdog = &bmc->watchdog;
    const char *use = watchdog_use_name(watchdog->settings.use);
    unsigned left = watchdog_present(watchdog);
    char text[192];
    int used;

    if (watchdog->running)
        used = snprintf(text, sizeof text, "%s: %s %s %u.%u s", use,
                        watchdog_action_name(watchdog->settings.action),
                        watchdog->held ? "held at" : "in", left / 10, left % 10);
    else
        used = snprintf(text, sizeof text, "%s: stopped", use);
    const char *separator = "; expired: ";
    for (unsigned i = WATCHDOG_USE_BIOS_FRB2; i <= WATCHDOG_USE_OEM; i++) {
        if (!(watchdog->expired & 1U << i))
            continue;
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", separator,
                         watchdog_use_name((enum watchdog_use)i));
        separator = ", ";
    }
    verbs_add_text(result, "watchdog", watchdog->sets > 0 ? text : NULL);
}

/* ---- sensors ---- */

static struct json_object *states_of(const struct sensor_view *view)
{
    struct json_object *states = json_object_new_array();
    char unnamed[32];

    for (unsigned offset = 0; offset < STATES && !view->is_threshold && view->available; offset++) {
        if (!(view->states & 1U << offset))
            continue;
        const char *text = sensor_state_text(view->type, view->event_type, (uint8_t)offset);
        snprintf(unnamed, sizeof unnamed, "state %u", offset);
        json_object_array_add(states, json_object_new_string(text ? text : unnamed));
    }
    return states;
}

static struct json_object *thresholds_of(const struct sensors *sensors,
                                         const struct sensor_view *view)
{
    static const char *const names[THRESHOLDS] = {
        "lower non-critical", "lower critical", "lower non-recoverable",
        "upper non-critical", "upper critical", "upper non-recoverable",
    };
    struct json_object *thresholds = json_object_new_object();
    double value;

    for (unsigned which = 0; which < THRESHOLDS && view->is_threshold; which++) {
        if (sensors_threshold(sensors, view->number, which, &value) == 0)
            json_object_object_add(thresholds, names[which], real(value));
    }
    return thresholds;
}

static struct json_object *sensor_row(const struct sensors *sensors, const struct sensor_view *view)
{
    static const char *const severities[] = {
        [SENSOR_OK] = "ok",
        [SENSOR_WARNING] = "warning",
        [SENSOR_CRITICAL] = "critical",
        [SENSOR_NON_RECOVERABLE] = "non-recoverable",
    };
    struct json_object *row = json_object_new_object();
    const char *type = sensor_type_text(view->type);

    json_object_object_add(row, "number", json_object_new_int(view->number));
    verbs_add_text(row, "name", view->name);
    verbs_add_text(row, "type", type ? type : "");
    json_object_object_add(row, "reading",
                           view->is_threshold && view->available ? real(view->value) : NULL);
    verbs_add_text(row, "unit", view->unit);
    verbs_add_text(row, "status", view->available ? severities[view->severity] : "unavailable");
    json_object_object_add(row, "states", states_of(view));
    json_object_object_add(row, "thresholds", thresholds_of(sensors, view));
    return row;
}

/* Those that have something to read: one that only sends events has not. */
void verbs_sensors(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct sensor_view view;
    unsigned number = 0;

    if (!instance)
        return;
    const struct sensors *sensors = instance_bmc(instance)->sensors;
    struct json_object *rows = json_object_new_array();
    while (sensors && sensors_next(sensors, &number, &view) == 0) {
        if (!view.is_event_only)
            json_object_array_add(rows, sensor_row(sensors, &view));
    }
    control_reply_ok(request, rows);
}

/* ---- top ---- */

/* NULL without a reading. */
static struct json_object *reading_of(const struct bmc *bmc, unsigned number)
{
    struct sensor_view view;

    if (!bmc->sensors || sensors_view(bmc->sensors, (uint8_t)number, &view) || !view.available)
        return NULL;
    return real(view.value);
}

static struct json_object *hottest_cpu_of(const struct bmc *bmc)
{
    struct sensor_view view;
    double hottest = 0;
    bool found = false;

    for (unsigned i = 0; bmc->sensors && i < SOCKETS; i++) {
        if (sensors_view(bmc->sensors, (uint8_t)(SENSOR_CPU_TEMP + i), &view) || !view.available)
            continue;
        if (!found || view.value > hottest)
            hottest = view.value;
        found = true;
    }
    return found ? real(hottest) : NULL;
}

static void fill_summary(const struct verbs *verbs, struct json_object *arguments,
                         const struct control_request *request, struct instance *instance,
                         struct json_object *row)
{
    static const struct {
        const char *key;
        enum sensor_number number;
    } readings[] = {
        {"cpu", SENSOR_CPU_UTIL},     {"memory", SENSOR_MEM_UTIL}, {"io", SENSOR_IO_UTIL},
        {"inlet", SENSOR_INLET_TEMP}, {"watts", SENSOR_SYS_POWER},
    };
    struct bmc *bmc = instance_bmc(instance);
    const char *sensor;
    char note[VERBS_NOTE_SIZE];

    (void)verbs;
    verbs_put_text(row, "power", verbs_state_name(bmc_power_state(bmc)));
    for (size_t i = 0; i < ARRAY_SIZE(readings); i++)
        verbs_put(row, readings[i].key, reading_of(bmc, readings[i].number));
    verbs_put(row, "cpu_temp", hottest_cpu_of(bmc));
    verbs_put_text(row, "health", health_of(bmc, &sensor));
    verbs_put(row, "uptime", uptime_of(bmc));
    if (verbs_note(request, instance, note))
        verbs_put_text(row, "note", note);
    verbs_add_selection(row, arguments, request, instance);
}

void verbs_top(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    verbs_answer_rows(verbs, arguments, request, fill_summary);
}
