#include "vbmc/bmc/dcmi.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/power_history.h"
#include "vbmc/bmc/sensors.h"

/* A load that comes and goes about the limit is told of so often at most, lest it fill the log. */
#define REPORT_EACH_MS 60000

/* A limit that is exceeded, and since when. */
struct excess {
    bool is_above;
    bool is_reported;
    uint64_t since_ms;
    uint64_t reported_ms; /* last; 0: never */
};

struct identifier {
    char bytes[DCMI_IDENTIFIER_MAX];
    size_t length;
};

struct dcmi {
    const struct bmc_core *core;
    struct chassis *chassis;
    const struct sensors *sensors; /* NULL: none */
    const struct dcmi_ops *ops;
    void *context;
    struct power_history history;
    struct dcmi_power_limit power_limit;
    struct dcmi_thermal_limit thermal_limit;
    struct dcmi_thermal_limit passing_limit; /* the last that was not to be stored */
    struct excess power_excess, thermal_excess;
    struct identifier name;       /* the domain's */
    struct identifier identifier; /* length 0: none set */
    struct dcmi_dhcp dhcp;
};

/* ---- exceptions ---- */

static void tell(const struct dcmi *dcmi, enum dcmi_limit limit, bool exceeded)
{
    if (dcmi->ops)
        dcmi->ops->limit_exceeded(dcmi->context, limit, exceeded);
}

static void end_excess(const struct dcmi *dcmi, struct excess *excess, enum dcmi_limit limit)
{
    if (excess->is_reported)
        tell(dcmi, limit, false);
    excess->is_above = excess->is_reported = false;
}

/* Another limit has been kept so far. */
static void forget_excess(const struct dcmi *dcmi, struct excess *excess, enum dcmi_limit limit)
{
    end_excess(dcmi, excess, limit);
    *excess = (struct excess){.is_above = false};
}

/* Nobody's command: what fails of it is told, and a guest that is started meanwhile is let be. */
static void power_off(struct dcmi *dcmi, const char *why)
{
    log_warning("%s: powered off: %s", bmc_core_name(dcmi->core), why);
    chassis_act(dcmi->chassis, HOST_POWER_ACTION_DOWN, RESTART_CAUSE_UNKNOWN, NULL);
}

/* Follows whether a limit is kept. True when it has been exceeded for too long, once. */
static bool is_exception(struct dcmi *dcmi, struct excess *excess, enum dcmi_limit limit,
                         bool above, uint64_t now_ms, uint64_t allowed_ms)
{
    if (!above) {
        end_excess(dcmi, excess, limit);
        return false;
    }
    if (!excess->is_above)
        excess->since_ms = now_ms;
    excess->is_above = true;
    if (excess->is_reported || now_ms - excess->since_ms <= allowed_ms ||
        (excess->reported_ms && now_ms - excess->reported_ms < REPORT_EACH_MS))
        return false;
    excess->is_reported = true;
    excess->reported_ms = now_ms;
    tell(dcmi, limit, true);
    return true;
}

static void check_power(struct dcmi *dcmi, uint64_t now_ms)
{
    const struct dcmi_power_limit *limit = &dcmi->power_limit;
    bool above = limit->active && limit->action != DCMI_POWER_NO_ACTION &&
                 dcmi->history.watts > limit->watts;

    if (is_exception(dcmi, &dcmi->power_excess, DCMI_LIMIT_POWER, above, now_ms,
                     limit->correction_ms) &&
        limit->action == DCMI_POWER_OFF)
        power_off(dcmi, "the power limit was exceeded");
}

static bool inlet_is_above(const struct dcmi *dcmi, double celsius)
{
    struct sensor_view view;

    return dcmi->sensors && sensors_view(dcmi->sensors, SENSOR_INLET_TEMP, &view) == 0 &&
           view.available && view.value > celsius;
}

static void check_temperature(struct dcmi *dcmi, uint64_t now_ms)
{
    const struct dcmi_thermal_limit *limit = &dcmi->thermal_limit;
    bool above = limit->actions & (DCMI_THERMAL_POWER_OFF | DCMI_THERMAL_LOG) &&
                 inlet_is_above(dcmi, limit->celsius);

    if (is_exception(dcmi, &dcmi->thermal_excess, DCMI_LIMIT_INLET_TEMPERATURE, above, now_ms,
                     limit->exception_s * UINT64_C(1000)) &&
        limit->actions & DCMI_THERMAL_POWER_OFF)
        power_off(dcmi, "the limit of the inlet temperature was exceeded");
}

/* ---- power ---- */

void dcmi_note_power(struct dcmi *dcmi, uint64_t now_ms, double watts)
{
    power_history_note(&dcmi->history, now_ms, watts);
    check_power(dcmi, now_ms);
    check_temperature(dcmi, now_ms);
}

bool dcmi_is_at_rest(const struct dcmi *dcmi)
{
    return !dcmi->power_excess.is_above && !dcmi->thermal_excess.is_above;
}

void dcmi_hold_power(struct dcmi *dcmi)
{
    power_history_hold(&dcmi->history);
}

void dcmi_release_power(struct dcmi *dcmi, uint64_t at_ms)
{
    power_history_release(&dcmi->history, at_ms);
}

unsigned dcmi_current_watts(const struct dcmi *dcmi)
{
    return dcmi->history.has_value && dcmi->history.watts > 0
               ? (unsigned)lround(fmin(dcmi->history.watts, UINT16_MAX))
               : 0;
}

int dcmi_power_statistics(struct dcmi *dcmi, unsigned window_s, struct power_statistics *statistics)
{
    return power_history_read(&dcmi->history, dcmi->core->hooks->now(dcmi->core), window_s,
                              statistics);
}

bool dcmi_power_is_measured(const struct dcmi *dcmi)
{
    return power_history_is_live(&dcmi->history, dcmi->core->hooks->now(dcmi->core));
}

const struct dcmi_power_limit *dcmi_power_limit(const struct dcmi *dcmi)
{
    return &dcmi->power_limit;
}

int dcmi_set_power_limit(struct dcmi *dcmi, const struct dcmi_power_limit *limit)
{
    if (limit->action != DCMI_POWER_NO_ACTION && limit->action != DCMI_POWER_OFF &&
        limit->action != DCMI_POWER_LOG)
        return -EINVAL;
    if (limit->correction_ms < DCMI_CORRECTION_MS_MIN ||
        limit->correction_ms > DCMI_CORRECTION_MS_MAX || limit->sampling_s == 0 ||
        (limit->active && limit->watts == 0))
        return -EINVAL;
    forget_excess(dcmi, &dcmi->power_excess, DCMI_LIMIT_POWER);
    dcmi->power_limit = *limit;
    return 0;
}

unsigned dcmi_power_limit_watts(const struct dcmi *dcmi)
{
    return dcmi->power_limit.active ? dcmi->power_limit.watts : 0;
}

/* ---- temperature ---- */

const struct dcmi_thermal_limit *dcmi_thermal_limit(const struct dcmi *dcmi)
{
    return &dcmi->thermal_limit;
}

int dcmi_set_thermal_limit(struct dcmi *dcmi, const struct dcmi_thermal_limit *limit)
{
    if (limit->actions & ~(DCMI_THERMAL_PERSISTENT | DCMI_THERMAL_POWER_OFF | DCMI_THERMAL_LOG))
        return -EINVAL;
    forget_excess(dcmi, &dcmi->thermal_excess, DCMI_LIMIT_INLET_TEMPERATURE);
    dcmi->thermal_limit = *limit;
    if (!(limit->actions & DCMI_THERMAL_PERSISTENT))
        dcmi->passing_limit = *limit;
    return 0;
}

/* ---- names ---- */

void dcmi_set_name(struct dcmi *dcmi, const char *name)
{
    dcmi->name.length = strnlen(name, DCMI_IDENTIFIER_MAX);
    memcpy(dcmi->name.bytes, name, dcmi->name.length);
}

size_t dcmi_identifier(const struct dcmi *dcmi, char bytes[DCMI_IDENTIFIER_MAX])
{
    const struct identifier *identifier =
        dcmi->identifier.length > 0 ? &dcmi->identifier : &dcmi->name;

    memcpy(bytes, identifier->bytes, identifier->length);
    return identifier->length;
}

bool dcmi_identifier_is_set(const struct dcmi *dcmi)
{
    return dcmi->identifier.length > 0;
}

int dcmi_set_identifier(struct dcmi *dcmi, const char *bytes, size_t length)
{
    if (length > DCMI_IDENTIFIER_MAX || (length > 0 && memchr(bytes, '\0', length)))
        return -EINVAL;
    dcmi->identifier.length = length;
    if (length > 0)
        memcpy(dcmi->identifier.bytes, bytes, length);
    return 0;
}

const struct dcmi_dhcp *dcmi_dhcp(const struct dcmi *dcmi)
{
    return &dcmi->dhcp;
}

void dcmi_set_dhcp(struct dcmi *dcmi, const struct dcmi_dhcp *dhcp)
{
    dcmi->dhcp = *dhcp;
}

/* ---- life ---- */

void dcmi_reset(struct dcmi *dcmi)
{
    dcmi->power_limit = (struct dcmi_power_limit){
        .correction_ms = DCMI_CORRECTION_MS_MIN,
        .sampling_s = 1,
    };
    dcmi->thermal_limit = dcmi->passing_limit;
    forget_excess(dcmi, &dcmi->power_excess, DCMI_LIMIT_POWER);
    forget_excess(dcmi, &dcmi->thermal_excess, DCMI_LIMIT_INLET_TEMPERATURE);
    dcmi->identifier.length = 0;
    /* What DCMI 1.5 recommends. */
    dcmi->dhcp =
        (struct dcmi_dhcp){.initial_timeout_s = 4, .contact_timeout_s = 120, .contact_retry_s = 64};
}

void dcmi_restart(struct dcmi *dcmi)
{
    dcmi->passing_limit = (struct dcmi_thermal_limit){.actions = 0};
}

/* DCMI and the MAC address, as the specification has it; a BMC without one has its UUID's node. */
static void set_first_name(struct dcmi *dcmi)
{
    char uuid[UUID_TEXT_SIZE], name[32];

    uuid_format(&dcmi->core->uuid, uuid);
    snprintf(name, sizeof name, "DCMI%.12s", uuid + sizeof uuid - 13);
    dcmi_set_name(dcmi, name);
}

struct dcmi *dcmi_new(const struct bmc_core *core, struct chassis *chassis,
                      const struct sensors *sensors)
{
    struct dcmi *dcmi = calloc(1, sizeof *dcmi);

    if (!dcmi)
        return NULL;
    dcmi->core = core;
    dcmi->chassis = chassis;
    dcmi->sensors = sensors;
    set_first_name(dcmi);
    dcmi_reset(dcmi);
    return dcmi;
}

void dcmi_free(struct dcmi *dcmi)
{
    if (dcmi)
        power_history_clear(&dcmi->history);
    free(dcmi);
}

void dcmi_set_ops(struct dcmi *dcmi, const struct dcmi_ops *ops, void *context)
{
    dcmi->ops = ops;
    dcmi->context = context;
}
