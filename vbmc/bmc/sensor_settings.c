/* Settings of sensors: what clients change, and what is kept of it. */
#include <errno.h>
#include <string.h>

#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors_internal.h"

/* ---- one sensor ---- */

int sensors_settings(const struct sensors *sensors, uint8_t number,
                     struct sensor_settings *settings)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || sensor_definition(sensor)->class == SENSOR_CLASS_EVENT_ONLY)
        return -ENOENT;
    *settings = sensor->settings;
    return 0;
}

int sensors_threshold(const struct sensors *sensors, uint8_t number, enum sensor_threshold which,
                      double *value)
{
    const struct sensor *sensor = sensors_find(sensors, number);

    if (!sensor || !(sensor_definition_thresholds(sensor_definition(sensor)) & 1u << which))
        return -ENOENT;
    const struct sensor_scale scale = sensor_scale(sensors, sensor);
    *value = sensor_scale_to_value(&scale, sensor->settings.thresholds[which]);
    return 0;
}

/* Among themselves, lower or upper thresholds may stand in any order: ipmitool sets three of them
 * one after the other. */
static bool thresholds_make_sense(const struct sensor_definition *definition,
                                  const struct sensor_settings *settings)
{
    uint8_t mask = sensor_definition_thresholds(definition);

    for (unsigned lower = SENSOR_LNC; lower <= SENSOR_LNR; lower++) {
        for (unsigned upper = SENSOR_UNC; upper <= SENSOR_UNR; upper++) {
            bool are_both = mask & 1u << lower && mask & 1u << upper;
            if (are_both &&
                sensor_scale_counts(&definition->scale, settings->thresholds[lower]) >=
                    sensor_scale_counts(&definition->scale, settings->thresholds[upper]))
                return false;
        }
    }
    return true;
}

static bool settings_are_possible(const struct sensor_definition *definition,
                                  const struct sensor_settings *settings)
{
    return definition->class != SENSOR_CLASS_EVENT_ONLY &&
           !(settings->assertion_enables & ~sensor_definition_assertions(definition)) &&
           !(settings->deassertion_enables & ~sensor_definition_deassertions(definition)) &&
           thresholds_make_sense(definition, settings);
}

/* What a sensor does not have stays 0, whatever it is told. */
static void take_over(struct sensor *sensor, const struct sensor_settings *settings)
{
    uint8_t mask = sensor_definition_thresholds(sensor_definition(sensor));

    sensor->settings = *settings;
    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++)
        if (!(mask & 1u << i))
            sensor->settings.thresholds[i] = 0;
    if (!mask)
        sensor->settings.positive_hysteresis = sensor->settings.negative_hysteresis = 0;
}

int sensors_set_settings(struct sensors *sensors, const struct sensor_settings *settings)
{
    struct sensor *sensor = sensors_find(sensors, settings->number);

    if (!sensor)
        return -ENOENT;
    if (!settings_are_possible(sensor_definition(sensor), settings))
        return -EINVAL;
    take_over(sensor, settings);
    sensor_show(sensors, sensor, 0xff, 0xff);
    return 0;
}

/* ---- storing ---- */

static bool settings_are_equal(const struct sensor_settings *a, const struct sensor_settings *b)
{
    return memcmp(a->thresholds, b->thresholds, sizeof a->thresholds) == 0 &&
           a->positive_hysteresis == b->positive_hysteresis &&
           a->negative_hysteresis == b->negative_hysteresis && a->events_on == b->events_on &&
           a->scanning_on == b->scanning_on && a->assertion_enables == b->assertion_enables &&
           a->deassertion_enables == b->deassertion_enables;
}

int sensors_changed_settings(const struct sensors *sensors, unsigned n,
                             struct sensor_settings *settings)
{
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        const struct sensor *sensor = sensors_made(sensors, number);
        struct sensor_settings standard;

        if (!sensor)
            continue;
        sensor_settings_set_defaults(&standard, sensor_number(sensor), sensor_definition(sensor));
        if (settings_are_equal(&standard, &sensor->settings) || n-- > 0)
            continue;
        *settings = sensor->settings;
        return 0;
    }
    return -ENOENT;
}

static void show_quietly(struct sensors *sensors, struct sensor *sensor)
{
    if (!sensor->exists)
        return;
    sensors->is_quiet = true;
    sensor_show(sensors, sensor, 0xff, 0xff);
    sensors->is_quiet = false;
}

int sensors_restore_settings(struct sensors *sensors, const struct sensor_settings *settings)
{
    const struct sensor_definition *definition = sensor_definition_find(settings->number);
    struct sensor *sensor;

    if (!definition || !settings_are_possible(definition, settings))
        return -EINVAL;
    sensor = sensors_make(sensors, settings->number);
    if (!sensor)
        return -ENOMEM;
    take_over(sensor, settings);
    show_quietly(sensors, sensor);
    return 0;
}

void sensors_forget_settings(struct sensors *sensors)
{
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        struct sensor *sensor = sensors_made(sensors, number);

        if (!sensor)
            continue;
        sensor_settings_set_defaults(&sensor->settings, sensor_number(sensor),
                                     sensor_definition(sensor));
        show_quietly(sensors, sensor);
    }
}

void sensors_restart(struct sensors *sensors)
{
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        if (sensors_made(sensors, number))
            sensors_made(sensors, number)->is_held = false;
    }
}

void sensors_reset_settings(struct sensors *sensors)
{
    sensors_restart(sensors);
    sensors_forget_settings(sensors);
}
