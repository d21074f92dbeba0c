/* Every sensor has what was fed to it and what it shows. A change of what it shows makes events:
 *
 *   threshold   an upper threshold stands from reading >= threshold on until reading + hysteresis <
 *               threshold, a lower one from reading <= threshold on until reading - hysteresis >
 *               threshold (raw counts). Events of one change come in the order in which a reading
 *               that moves steadily would make them.
 *   discrete    every state that comes or goes. What is over is told before what begins.
 */
#include "vbmc/bmc/sensors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors_internal.h"

#define OFFSETS          15
#define DATA_UNSPECIFIED 0xff

/* ---- life ---- */

static int create_fixed(struct sensors *sensors)
{
    for (size_t i = 0; i < sensor_table_count; i++) {
        const struct sensor_definition *definition = &sensor_table[i];
        if (definition->per != SENSOR_PER_SERVER)
            continue;
        for (unsigned n = 0; n < definition->count; n++) {
            struct sensor *sensor = sensors_make(sensors, (uint8_t)(definition->number + n));
            if (!sensor)
                return -ENOMEM;
            sensor->exists = true;
        }
    }
    return 0;
}

struct sensors *sensors_new(const struct sensors_ops *ops, void *context)
{
    struct sensors *sensors = calloc(1, sizeof *sensors);

    if (!sensors)
        return NULL;
    sensors->ops = ops;
    sensors->context = context;
    sensors->sockets = 1;
    if (create_fixed(sensors)) {
        sensors_free(sensors);
        return NULL;
    }
    return sensors;
}

void sensors_free(struct sensors *sensors)
{
    if (!sensors)
        return;
    free(sensors->made);
    free(sensors->disks.slots);
    free(sensors->nics.slots);
    free(sensors);
}

struct sensor *sensors_find(const struct sensors *sensors, uint8_t number)
{
    struct sensor *sensor = sensors_made(sensors, number);

    return sensor && sensor->exists ? sensor : NULL;
}

#define ROOM_STEP 8 /* of sensors */

/* Number 0 and 255 are not used, so that 255 are enough. NULL: no memory. */
static struct sensor *add(struct sensors *sensors, uint8_t number)
{
    unsigned count = sensors->made_count;

    if (count % ROOM_STEP == 0) {
        struct sensor *grown = realloc(sensors->made, (count + ROOM_STEP) * sizeof *grown);
        if (!grown)
            return NULL;
        sensors->made = grown;
    }
    memset(&sensors->made[count], 0, sizeof sensors->made[count]);
    sensors->place[number] = ++sensors->made_count;
    return &sensors->made[count];
}

struct sensor *sensors_make(struct sensors *sensors, uint8_t number)
{
    const struct sensor_definition *definition = sensor_definition_find(number);
    struct sensor *sensor = sensors_made(sensors, number);

    if (sensor || !definition)
        return sensor;
    sensor = add(sensors, number);
    if (!sensor)
        return NULL;
    sensor->row = (uint8_t)(definition - sensor_table);
    sensor_settings_set_defaults(&sensor->settings, number, definition);
    sensor_forget(sensor);
    return sensor;
}

void sensor_forget(struct sensor *sensor)
{
    sensor->is_fed = sensor->is_held = false;
    sensor->available = sensor_definition(sensor)->begins_without_states;
    sensor->raw = 0;
    sensor->states = sensor->deasserted = 0;
}

/* ---- events ---- */

/* Which threshold makes the event of that offset. */
static unsigned threshold_of_offset(unsigned offset)
{
    return offset / 2;
}

static void make_event(const struct sensors *sensors, const struct sensor *sensor, unsigned offset,
                       bool deassertion, uint8_t data2, uint8_t data3)
{
    const struct sensor_settings *settings = &sensor->settings;
    uint16_t enabled = deassertion ? settings->deassertion_enables : settings->assertion_enables;
    struct sensor_event event = {
        .type = sensor_definition(sensor)->type,
        .number = sensor_number(sensor),
        .event_type = sensor_definition(sensor)->event_type,
        .deassertion = deassertion,
        .data = {(uint8_t)offset, data2, data3},
    };

    if (sensors->is_quiet || !settings->events_on || !(enabled & 1u << offset))
        return;
    if (sensor_definition(sensor)->class == SENSOR_CLASS_THRESHOLD) {
        event.data[0] |= 0x50; /* with the reading and the threshold (table 29-6) */
        event.data[1] = sensor->raw;
        event.data[2] = settings->thresholds[threshold_of_offset(offset)];
    } else {
        event.data[0] |= data2 != DATA_UNSPECIFIED ? 0xc0 : 0; /* sensor-specific */
        event.data[0] |= data3 != DATA_UNSPECIFIED ? 0x30 : 0;
    }
    sensors->ops->event(sensors->context, &event);
}

static void change_states(struct sensors *sensors, struct sensor *sensor, uint16_t states,
                          uint8_t data2, uint8_t data3)
{
    uint16_t gone = sensor->states & (uint16_t)~states;
    uint16_t come = states & (uint16_t)~sensor->states;

    if ((gone | come) == 0)
        return;
    sensors->knows_faults = false;
    sensor->states = states;
    sensor->deasserted = (sensor->deasserted & (uint16_t)~come) | gone;
    for (unsigned offset = OFFSETS; offset-- > 0;)
        if (gone & 1u << offset)
            make_event(sensors, sensor, offset, true, data2, data3);
    for (unsigned offset = 0; offset < OFFSETS; offset++)
        if (come & 1u << offset)
            make_event(sensors, sensor, offset, false, data2, data3);
}

static bool threshold_stands(const struct sensor *sensor, unsigned which, bool stood)
{
    const struct sensor_settings *settings = &sensor->settings;
    const struct sensor_scale *scale = &sensor_definition(sensor)->scale;
    int threshold = sensor_scale_counts(scale, settings->thresholds[which]);
    int reading = sensor_scale_counts(scale, sensor->raw);

    if (which >= SENSOR_UNC)
        return reading + (stood ? settings->positive_hysteresis : 0) >= threshold;
    return reading - (stood ? settings->negative_hysteresis : 0) <= threshold;
}

static void compare(struct sensors *sensors, struct sensor *sensor)
{
    uint8_t mask = sensor_definition_thresholds(sensor_definition(sensor));
    uint16_t states = 0;

    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++) {
        uint16_t bit = (uint16_t)(1u << sensor_threshold_offset(i));
        if (mask & 1u << i && threshold_stands(sensor, i, (sensor->states & bit) != 0))
            states |= bit;
    }
    change_states(sensors, sensor, states, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
}

/* ---- feeding ---- */

void sensor_show(struct sensors *sensors, struct sensor *sensor, uint8_t data2, uint8_t data3)
{
    bool is_threshold = sensor_definition(sensor)->class == SENSOR_CLASS_THRESHOLD;

    if (sensor->is_held || !sensor->settings.scanning_on)
        return;
    if (sensor->states && (!sensor->is_fed || sensor->is_idle))
        sensors->knows_faults = false;
    if (!sensor->is_fed) {
        sensor_forget(sensor);
        return;
    }
    sensor->available = true;
    if (is_threshold) {
        sensor->raw = sensor->fed_raw;
        if (sensor->is_idle)
            sensor->states = sensor->deasserted = 0;
        else
            compare(sensors, sensor);
    } else {
        change_states(sensors, sensor, sensor->fed_states, data2, data3);
    }
}

static void feed_reading(struct sensors *sensors, uint8_t number, double value, bool is_idle)
{
    struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class != SENSOR_CLASS_THRESHOLD)
        return;
    const struct sensor_scale scale = sensor_scale(sensors, sensor);
    uint8_t raw = isfinite(value) ? sensor_scale_to_raw(&scale, value) : 0;
    if (sensor->is_fed && sensor->available && isfinite(value) && sensor->is_idle == is_idle &&
        sensor->fed_raw == raw && sensor->raw == raw)
        return; /* shows it already */
    sensor->is_idle = is_idle;
    sensor->is_fed = isfinite(value);
    if (sensor->is_fed)
        sensor->fed_raw = raw;
    sensor_show(sensors, sensor, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
}

void sensors_set_reading(struct sensors *sensors, uint8_t number, double value)
{
    feed_reading(sensors, number, value, false);
}

void sensors_set_idle_reading(struct sensors *sensors, uint8_t number, double value)
{
    feed_reading(sensors, number, value, true);
}

void sensors_set_unavailable(struct sensors *sensors, uint8_t number)
{
    struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class == SENSOR_CLASS_EVENT_ONLY)
        return;
    sensor->is_fed = false;
    if (sensor->is_held || !sensor->settings.scanning_on)
        return;
    if (sensor->states)
        sensors->knows_faults = false;
    sensor_forget(sensor);
    sensor->available = false;
}

static struct sensor *find_discrete(const struct sensors *sensors, uint8_t number)
{
    struct sensor *sensor = sensors_find(sensors, number);

    return sensor && sensor_definition(sensor)->class == SENSOR_CLASS_DISCRETE ? sensor : NULL;
}

void sensors_set_states(struct sensors *sensors, uint8_t number, uint16_t states)
{
    struct sensor *sensor = find_discrete(sensors, number);

    if (!sensor)
        return;
    bool is_first = !sensor->is_fed, was_quiet = sensors->is_quiet;
    sensor->is_fed = true;
    sensor->fed_states = states & sensor_definition(sensor)->states;
    sensors->is_quiet |= is_first;
    sensor_show(sensors, sensor, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
    sensors->is_quiet = was_quiet;
    if (is_first)
        sensor->deasserted = 0;
}

void sensors_raise(struct sensors *sensors, uint8_t number, uint8_t offset, uint8_t data2,
                   uint8_t data3)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (sensor && sensor_definition(sensor)->class != SENSOR_CLASS_THRESHOLD && offset < OFFSETS)
        make_event(sensors, sensor, offset, false, data2, data3);
}

void sensor_show_empty(struct sensors *sensors, struct sensor *sensor)
{
    if (sensor_definition(sensor)->per != SENSOR_PER_DISK) {
        sensors_set_unavailable(sensors, sensor_number(sensor));
        return;
    }
    sensor->is_fed = true;
    sensor->fed_states = 0;
    sensor_show(sensors, sensor, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
}

void sensors_rearm(struct sensors *sensors, uint8_t number, uint16_t assertions,
                   uint16_t deassertions)
{
    struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class == SENSOR_CLASS_EVENT_ONLY)
        return;
    sensor->is_held = false;
    if (!sensor->is_fed) {
        sensor_show(sensors, sensor, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
        return;
    }
    sensor->states &= (uint16_t)~assertions;
    sensors->knows_faults = false;
    sensor_show(sensors, sensor, DATA_UNSPECIFIED, DATA_UNSPECIFIED);
    sensor->deasserted &= (uint16_t)~deassertions;
}

int sensors_override(struct sensors *sensors, uint8_t number, uint16_t reading_or_states,
                     uint8_t data2, uint8_t data3)
{
    struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class == SENSOR_CLASS_EVENT_ONLY)
        return -ENOENT;
    sensor->is_held = sensor->available = true;
    if (sensor_definition(sensor)->class == SENSOR_CLASS_DISCRETE) {
        change_states(sensors, sensor, reading_or_states & sensor_definition(sensor)->states, data2,
                      data3);
        return 0;
    }
    sensor->raw = (uint8_t)reading_or_states;
    compare(sensors, sensor);
    return 0;
}

/* ---- reading ---- */

/* Bits [5:0] of Get Sensor Reading (section 35.14), from offsets. */
static uint16_t comparison_bits(uint16_t states)
{
    uint16_t bits = 0;

    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++)
        if (states & 1u << sensor_threshold_offset(i))
            bits |= (uint16_t)(1u << i);
    return bits;
}

static enum sensor_severity severity_of(const struct sensor *sensor)
{
    const struct sensor_definition *definition = sensor_definition(sensor);
    enum sensor_severity worst = SENSOR_OK;

    if (sensor->states == 0)
        return worst;
    for (uint8_t offset = 0; offset < OFFSETS; offset++) {
        if (!(sensor->states & 1u << offset))
            continue;
        enum sensor_severity severity =
            sensor_state_severity(definition->type, definition->event_type, offset);
        worst = severity > worst ? severity : worst;
    }
    return worst;
}

static const char *name_of(const struct sensors *sensors, const struct sensor *sensor)
{
    uint8_t number = sensor_number(sensor);

    if (sensor_definition(sensor)->per != SENSOR_PER_DISK)
        return sensor_definition_name(number);
    unsigned bay = number - SENSOR_DISK;
    return bay < sensors->disks.count ? sensors->disks.slots[bay].name : "";
}

static void fill_view(const struct sensors *sensors, const struct sensor *sensor,
                      struct sensor_view *view)
{
    const struct sensor_definition *definition = sensor_definition(sensor);
    const struct sensor_scale scale = sensor_scale(sensors, sensor);
    unsigned index = sensor_number(sensor) - definition->number;
    bool is_threshold = definition->class == SENSOR_CLASS_THRESHOLD;

    *view = (struct sensor_view){
        .number = sensor_number(sensor),
        .name = name_of(sensors, sensor),
        .unit = is_threshold ? definition->unit->name : "",
        .type = definition->type,
        .event_type = definition->event_type,
        .entity = definition->entity,
        .entity_instance = (uint8_t)(definition->entity_instance + index),
        .is_threshold = is_threshold,
        .is_event_only = definition->class == SENSOR_CLASS_EVENT_ONLY,
        .available = sensor->available,
        .raw = sensor->raw,
        .value = is_threshold ? sensor_scale_to_value(&scale, sensor->raw) : 0,
        .states = is_threshold ? comparison_bits(sensor->states) : sensor->states,
        .severity = severity_of(sensor),
        .sdr_id = sensor_number(sensor),
    };
}

int sensors_next(const struct sensors *sensors, unsigned *number, struct sensor_view *view)
{
    for (; *number <= UINT8_MAX; ++*number) {
        const struct sensor *sensor = sensors_find(sensors, (uint8_t)*number);
        if (!sensor)
            continue;
        fill_view(sensors, sensor, view);
        ++*number;
        return 0;
    }
    return -ENOENT;
}

int sensors_view(const struct sensors *sensors, uint8_t number, struct sensor_view *view)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor)
        return -ENOENT;
    fill_view(sensors, sensor, view);
    return 0;
}

enum sensor_severity sensors_health(const struct sensors *sensors, const char **name)
{
    enum sensor_severity worst = SENSOR_OK;
    unsigned number = 0; /* of that one, the lowest of those that are as bad */

    *name = NULL;
    for (unsigned i = 0; i < sensors->made_count; i++) {
        const struct sensor *sensor = &sensors->made[i];
        enum sensor_severity severity = sensor->exists ? severity_of(sensor) : SENSOR_OK;
        if (severity < worst || severity == SENSOR_OK ||
            (severity == worst && sensor_number(sensor) > number))
            continue;
        worst = severity;
        number = sensor_number(sensor);
        *name = name_of(sensors, sensor);
    }
    return worst;
}

static void note_fault(const struct sensor *sensor, struct sensor_faults *faults)
{
    switch (sensor_definition(sensor)->number) {
    case SENSOR_PSU_STATUS:
    case SENSOR_POWER_UNIT:
        faults->power = true;
        break;
    case SENSOR_INTRUSION:
        faults->intrusion = true;
        break;
    case SENSOR_DISK:
        faults->drive = true;
        break;
    case SENSOR_FAN:
        faults->fan = true;
        break;
    default:
        break;
    }
}

struct sensor_faults sensors_faults(const struct sensors *constant)
{
    struct sensors *sensors = (struct sensors *)constant; /* nothing that can be seen changes */

    if (sensors->knows_faults)
        return sensors->faults;
    sensors->faults = (struct sensor_faults){.power = false};
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        const struct sensor *sensor = sensors_find(sensors, (uint8_t)number);
        if (sensor && severity_of(sensor) >= SENSOR_CRITICAL)
            note_fault(sensor, &sensors->faults);
    }
    sensors->knows_faults = true;
    return sensors->faults;
}

const struct sensor_definition *sensors_definition(const struct sensors *sensors, uint8_t number)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    return sensor ? sensor_definition(sensor) : NULL;
}

int sensors_scale(const struct sensors *sensors, uint8_t number, struct sensor_scale *scale)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class != SENSOR_CLASS_THRESHOLD)
        return -ENOENT;
    *scale = sensor_scale(sensors, sensor);
    return 0;
}

int sensors_status(const struct sensors *sensors, uint8_t number, struct sensor_status *status)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class == SENSOR_CLASS_EVENT_ONLY)
        return -ENOENT;
    *status = (struct sensor_status){
        .events_on = sensor->settings.events_on,
        .scanning_on = sensor->settings.scanning_on,
        .available = sensor->available,
        .asserted = sensor->states,
        .deasserted = sensor->deasserted,
    };
    return 0;
}
