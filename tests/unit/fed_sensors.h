/* The sensors of the one fake_bmc: what is fed to them, and how they show; asserts by cmocka, which
 * its includer includes. */
#ifndef TESTS_UNIT_FED_SENSORS_H
#define TESTS_UNIT_FED_SENSORS_H

#include "tests/fake/fake_sensors.h"

#define NONE 0xff

static inline struct sensors *sensors(void)
{
    return fake_bmc.bmc.sensors;
}

static inline struct sensor_view view(uint8_t number)
{
    struct sensor_view seen;

    assert_int_equal(sensors_view(sensors(), number, &seen), 0);
    return seen;
}

/* The events that a reading makes. */
static inline const char *reading(uint8_t number, double value)
{
    sensors_set_reading(sensors(), number, value);
    return fake_sensors_events();
}

static inline const char *states(uint8_t number, uint16_t all)
{
    sensors_set_states(sensors(), number, all);
    return fake_sensors_events();
}

#endif
