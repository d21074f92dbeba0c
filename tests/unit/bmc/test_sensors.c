/* Sensors: what makes events and what does not, what their settings do, and how they are stored. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/fed_sensors.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"

#define CPU1 SENSOR_CPU_TEMP

static struct sensor_status status(uint8_t number)
{
    struct sensor_status seen;

    assert_int_equal(sensors_status(sensors(), number, &seen), 0);
    return seen;
}

static struct sensor_settings settings(uint8_t number)
{
    struct sensor_settings seen;

    assert_int_equal(sensors_settings(sensors(), number, &seen), 0);
    return seen;
}

/* ---- thresholds: UNC 85, UC 92, UNR 98, hysteresis 2 ---- */

static void test_threshold_going_up_and_down(void **state)
{
    (void)state;
    assert_string_equal(reading(CPU1, 40), "");
    assert_string_equal(reading(CPU1, 84), "");
    assert_int_equal(view(CPU1).states, 0);
    assert_string_equal(reading(CPU1, 85), "08 01+01575555"); /* >= */
    assert_int_equal(view(CPU1).states, 0x08);
    assert_int_equal(view(CPU1).severity, SENSOR_WARNING);
    assert_string_equal(reading(CPU1, 91), "");
    assert_string_equal(reading(CPU1, 92), "08 01+01595c5c");
    assert_int_equal(view(CPU1).severity, SENSOR_CRITICAL);
    assert_string_equal(reading(CPU1, 99), "08 01+015b6362");
    assert_int_equal(view(CPU1).states, 0x38);
    assert_int_equal(view(CPU1).severity, SENSOR_NON_RECOVERABLE);
    assert_string_equal(reading(CPU1, 96), ""); /* + 2 is not below 98 */
    assert_string_equal(reading(CPU1, 95), "08 01-015b5f62");
    assert_string_equal(reading(CPU1, 97), ""); /* asserts at 98 again */
    assert_string_equal(reading(CPU1, 82), "08 01-0159525c 08 01-01575255");
    assert_int_equal(view(CPU1).states, 0);
    assert_int_equal(view(CPU1).severity, SENSOR_OK);
}

/* One jump makes the events that a slow climb would have made, in that order. */
static void test_threshold_jump(void **state)
{
    (void)state;
    assert_string_equal(reading(CPU1, 120), "08 01+01577855 08 01+0159785c 08 01+015b7862");
    assert_string_equal(reading(CPU1, 20), "08 01-015b1462 08 01-0159145c 08 01-01571455");
}

/* Inlet: LNC 5, LC 0, hysteresis 1, and readings below zero. */
static void test_lower_thresholds(void **state)
{
    (void)state;
    assert_string_equal(reading(SENSOR_INLET_TEMP, 6), "");
    assert_string_equal(reading(SENSOR_INLET_TEMP, 5), "01 01+01500505");
    assert_int_equal(view(SENSOR_INLET_TEMP).states, 0x01);
    assert_string_equal(reading(SENSOR_INLET_TEMP, -4), "01 01+0152fc00");
    assert_int_equal(view(SENSOR_INLET_TEMP).states, 0x03);
    assert_string_equal(reading(SENSOR_INLET_TEMP, 1), "");
    assert_string_equal(reading(SENSOR_INLET_TEMP, 2), "01 01-01520200");
    assert_string_equal(reading(SENSOR_INLET_TEMP, 40),
                        "01 01-01502805 01 01+01572823 01 01+01592828");
}

static void test_unavailable(void **state)
{
    (void)state;
    assert_false(view(CPU1).available);
    reading(CPU1, 95);
    assert_true(view(CPU1).available);
    sensors_set_unavailable(sensors(), CPU1);
    assert_string_equal(fake_sensors_events(), "");
    assert_false(view(CPU1).available);
    assert_int_equal(view(CPU1).states, 0);
    assert_int_equal(view(CPU1).severity, SENSOR_OK);
    assert_int_equal(status(CPU1).deasserted, 0);
    assert_string_equal(reading(CPU1, 86), "08 01+01575655"); /* begins again */
    assert_string_equal(reading(CPU1, NAN), "");
    assert_false(view(CPU1).available);
    assert_string_equal(reading(CPU1, INFINITY), "");
    assert_false(view(CPU1).available);
}

static void test_what_is_not_there(void **state)
{
    struct sensor_view seen;
    struct sensor_status found;
    double value;

    (void)state;
    assert_string_equal(reading(SENSOR_CPU_TEMP + 2, 99), "");
    assert_string_equal(reading(0xff, 99), "");
    assert_string_equal(reading(SENSOR_PSU_STATUS, 99), "");
    assert_string_equal(states(CPU1, 1), "");
    assert_string_equal(states(0x00, 1), "");
    assert_string_equal(states(SENSOR_OS_STOP, 0), "");
    assert_string_equal(states(SENSOR_OS_STOP, 0x8000), "");
    sensors_raise(sensors(), CPU1, 9, 0, 0);
    sensors_raise(sensors(), SENSOR_OS_STOP, 200, 0, 0);
    sensors_rearm(sensors(), 0x70, 0x7fff, 0x7fff);
    assert_string_equal(fake_sensors_events(), "");
    assert_int_equal(sensors_view(sensors(), SENSOR_CPU_TEMP + 2, &seen), -ENOENT);
    assert_int_equal(sensors_status(sensors(), SENSOR_SYSTEM_BOOT, &found), -ENOENT);
    assert_int_equal(sensors_override(sensors(), SENSOR_SYSTEM_BOOT, 1, NONE, NONE), -ENOENT);
    assert_int_equal(sensors_threshold(sensors(), CPU1, SENSOR_LC, &value), -ENOENT);
    assert_int_equal(sensors_threshold(sensors(), SENSOR_PSU_STATUS, SENSOR_UC, &value), -ENOENT);
    assert_int_equal(sensors_threshold(sensors(), CPU1, SENSOR_UC, &value), 0);
    assert_true(value == 92);
}

/* ---- states ---- */

static void test_states(void **state)
{
    (void)state;
    assert_false(view(SENSOR_PSU_STATUS).available);
    assert_string_equal(states(SENSOR_PSU_STATUS, 0x09), ""); /* nobody saw them begin */
    assert_int_equal(view(SENSOR_PSU_STATUS).states, 0x09);
    assert_int_equal(status(SENSOR_PSU_STATUS).deasserted, 0);
    assert_string_equal(states(SENSOR_PSU_STATUS, 0x09), "");
    assert_string_equal(states(SENSOR_PSU_STATUS, 0x03), "38 08-6f03ffff 38 08+6f01ffff");
    assert_string_equal(states(SENSOR_PSU_STATUS, 0xffff), "38 08+6f02ffff 38 08+6f03ffff");
    assert_int_equal(view(SENSOR_PSU_STATUS).states, 0x0f); /* no more than there are */
    assert_int_equal(view(SENSOR_PSU_STATUS).severity, SENSOR_CRITICAL);
    sensors_set_unavailable(sensors(), SENSOR_PSU_STATUS);
    assert_string_equal(fake_sensors_events(), "");
    assert_false(view(SENSOR_PSU_STATUS).available);
    assert_string_equal(states(SENSOR_PSU_STATUS, 0x01), "");
    /* Where one state follows the other, the end of one is no event. */
    states(SENSOR_PS_REDUNDANCY, 0x01);
    assert_string_equal(states(SENSOR_PS_REDUNDANCY, 0x02), "40 08+0b01ffff");
    assert_string_equal(states(SENSOR_PS_REDUNDANCY, 0x01), "40 08+0b00ffff");
}

static void test_one_state(void **state)
{
    (void)state;
    /* Known to be well before anybody says so. */
    assert_true(view(SENSOR_OS_STOP).available);
    assert_string_equal(states(SENSOR_OS_STOP, 0), "");
    assert_string_equal(states(SENSOR_OS_STOP, 0x02), "47 20+6f01ffff");
    assert_int_equal(view(SENSOR_OS_STOP).states, 0x02);
    assert_string_equal(states(SENSOR_OS_STOP, 0x02), "");
    assert_string_equal(states(SENSOR_OS_STOP, 0), ""); /* not worth an event */
    /* With event data, which go with the states that a test rig writes. */
    sensors_override(sensors(), SENSOR_SEL, 1u << 5, NONE, 75);
    assert_string_equal(fake_sensors_events(), "44 10+6f35ff4b");
    sensors_override(sensors(), SENSOR_UPS_INPUT, 1u << 4, 1, NONE);
    sensors_override(sensors(), SENSOR_UPS_INPUT, 0, NONE, NONE);
    assert_string_equal(fake_sensors_events(), "4a 09+6fc401ff 4a 09-6f04ffff");
    sensors_override(sensors(), SENSOR_UPS_INPUT, 1u << 3, NONE, NONE); /* it has no such state */
    assert_string_equal(fake_sensors_events(), "");
    assert_int_equal(view(SENSOR_UPS_INPUT).states, 0);
}

static void test_raised(void **state)
{
    (void)state;
    sensors_raise(sensors(), SENSOR_SYSTEM_BOOT, 7, 1, 1);
    sensors_raise(sensors(), SENSOR_MEMORY, 0, NONE, NONE);
    sensors_raise(sensors(), SENSOR_BMC, 0, NONE, NONE);
    sensors_raise(sensors(), SENSOR_LOGIN, 5, NONE, NONE);
    sensors_raise(sensors(), SENSOR_LOGIN, 2, NONE, NONE); /* it makes no such event */
    assert_string_equal(fake_sensors_events(),
                        "46 1d+6ff70101 49 0c+6f00ffff 4e 16+0a00ffff 4d 06+6f05ffff");
    assert_int_equal(view(SENSOR_MEMORY).states, 0);
}

/* ---- enables, scanning, re-arm, override ---- */

static void test_enables(void **state)
{
    struct sensor_settings changed = settings(CPU1);

    (void)state;
    changed.assertion_enables = 0x0200; /* UC only */
    changed.deassertion_enables = 0x0080;
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_string_equal(reading(CPU1, 99), "08 01+0159635c");
    assert_string_equal(reading(CPU1, 20), "08 01-01571455");
    changed.events_on = false;
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_string_equal(reading(CPU1, 99), "");
    assert_int_equal(status(CPU1).asserted, 0x0a80);
    changed.assertion_enables = 0x0001; /* going low: has none */
    assert_int_equal(sensors_set_settings(sensors(), &changed), -EINVAL);
    changed.number = SENSOR_SYSTEM_BOOT;
    assert_int_equal(sensors_set_settings(sensors(), &changed), -EINVAL);
    changed.number = 0x70;
    assert_int_equal(sensors_set_settings(sensors(), &changed), -ENOENT);
}

static void test_new_threshold_acts_at_once(void **state)
{
    struct sensor_settings changed = settings(SENSOR_CPU_UTIL);

    (void)state;
    assert_string_equal(reading(SENSOR_CPU_UTIL, 100), ""); /* out of reach */
    changed.thresholds[SENSOR_UNC] = 160;
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_string_equal(fake_sensors_events(), "30 0b+0157c8a0");
    changed = settings(SENSOR_INLET_TEMP);
    changed.thresholds[SENSOR_LC] = 0xf6; /* -10 is below all upper ones */
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    changed.thresholds[SENSOR_LNC] = 36;
    assert_int_equal(sensors_set_settings(sensors(), &changed), -EINVAL);
    changed.thresholds[SENSOR_LNC] = 5;
    changed.thresholds[SENSOR_LNR] = 99; /* has none: kept as 0 */
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_int_equal(settings(SENSOR_INLET_TEMP).thresholds[SENSOR_LNR], 0);
}

static void test_scanning_off(void **state)
{
    struct sensor_settings changed = settings(CPU1);

    (void)state;
    reading(CPU1, 40);
    changed.scanning_on = false;
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_string_equal(reading(CPU1, 99), "");
    assert_int_equal(view(CPU1).raw, 40);
    sensors_set_unavailable(sensors(), CPU1);
    assert_true(view(CPU1).available);
    assert_string_equal(reading(CPU1, 86), "");
    changed.scanning_on = true; /* what was fed meanwhile shows */
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_string_equal(fake_sensors_events(), "08 01+01575655");
}

static void test_rearm(void **state)
{
    (void)state;
    reading(CPU1, 95);
    reading(CPU1, 90);
    assert_int_equal(status(CPU1).asserted, 0x0280); /* hysteresis holds UC at 90 + 2 */
    reading(CPU1, 88);
    assert_int_equal(status(CPU1).asserted, 0x0080);
    assert_int_equal(status(CPU1).deasserted, 0x0200);
    fake_sensors_events();
    sensors_rearm(sensors(), CPU1, 0x0200, 0);
    assert_string_equal(fake_sensors_events(), "");
    sensors_rearm(sensors(), CPU1, 0x7fff, 0x7fff);
    assert_string_equal(fake_sensors_events(), "08 01+01575855");
    assert_int_equal(status(CPU1).asserted, 0x0080);
    assert_int_equal(status(CPU1).deasserted, 0);
    states(SENSOR_PSU_STATUS, 0x01);
    states(SENSOR_PSU_STATUS, 0x09);
    sensors_rearm(sensors(), SENSOR_PSU_STATUS, 0x0008, 0);
    assert_string_equal(fake_sensors_events(), "38 08+6f03ffff");
    sensors_rearm(sensors(), CPU1 + 1, 0x7fff, 0x7fff); /* says nothing yet */
    assert_string_equal(fake_sensors_events(), "");
    assert_false(view(CPU1 + 1).available);
}

/* Holds until re-armed, whatever is fed. */
static void test_override(void **state)
{
    (void)state;
    reading(CPU1, 40);
    assert_int_equal(sensors_override(sensors(), CPU1, 93, NONE, NONE), 0);
    assert_string_equal(fake_sensors_events(), "08 01+01575d55 08 01+01595d5c");
    assert_string_equal(reading(CPU1, 41), "");
    sensors_set_unavailable(sensors(), CPU1);
    assert_int_equal(view(CPU1).raw, 93);
    reading(CPU1, 42);
    sensors_rearm(sensors(), CPU1, 0x7fff, 0x7fff);
    assert_string_equal(fake_sensors_events(), ""); /* armed again, at 42 */
    assert_int_equal(view(CPU1).raw, 42);
    assert_int_equal(sensors_override(sensors(), SENSOR_INTRUSION, 0x7f, 1, 2), 0);
    assert_string_equal(fake_sensors_events(), "43 05+6ff00102");
    assert_string_equal(states(SENSOR_INTRUSION, 0), "");
    sensors_rearm(sensors(), SENSOR_INTRUSION, 0, 0);
    assert_string_equal(fake_sensors_events(), "43 05-6f00ffff");
    /* Without anything fed, what was written is gone. */
    assert_int_equal(sensors_override(sensors(), SENSOR_FAN, 50, NONE, NONE), 0);
    assert_true(view(SENSOR_FAN).available);
    sensors_rearm(sensors(), SENSOR_FAN, 0x7fff, 0x7fff);
    assert_false(view(SENSOR_FAN).available);
}

static void test_health(void **state)
{
    const char *name;

    (void)state;
    assert_int_equal(sensors_health(sensors(), &name), SENSOR_OK);
    assert_null(name);
    states(SENSOR_PSU_STATUS, 0x09);
    reading(SENSOR_INLET_TEMP, 36);
    assert_int_equal(sensors_health(sensors(), &name), SENSOR_CRITICAL);
    assert_string_equal(name, "PSU1 Status");
    reading(CPU1, 99);
    assert_int_equal(sensors_health(sensors(), &name), SENSOR_NON_RECOVERABLE);
    assert_string_equal(name, "CPU1 Temp");
}

static struct sensor_faults faults_now(void)
{
    struct sensor_faults faults = {.power = false};
    struct sensor_view seen;

    for (unsigned number = 0; sensors_next(sensors(), &number, &seen) == 0;) {
        if (seen.severity < SENSOR_CRITICAL)
            continue;
        const struct sensor_definition *definition = sensors_definition(sensors(), seen.number);
        faults.power |=
            definition->number == SENSOR_PSU_STATUS || definition->number == SENSOR_POWER_UNIT;
        faults.intrusion |= definition->number == SENSOR_INTRUSION;
        faults.drive |= definition->number == SENSOR_DISK;
        faults.fan |= definition->number == SENSOR_FAN;
    }
    return faults;
}

/* Whatever is done to them, what is kept of the faults is what a look at all of them finds. */
static void test_faults_kept(void **state)
{
    static const uint8_t numbers[] = {SENSOR_PSU_STATUS, SENSOR_POWER_UNIT, SENSOR_INTRUSION,
                                      SENSOR_DISK,       SENSOR_FAN,        SENSOR_FAN + 1};
    uint64_t random = 0x9e3779b97f4a7c15;
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint8_t number = numbers[random % 6];
        uint16_t value = (uint16_t)(random >> 16 & 0xff);
        struct sensor_settings changed;
        switch (random >> 32 & 7) {
        case 0:
            sensors_set_states(sensors(), number, value);
            sensors_set_reading(sensors(), number, value * 20);
            break;
        case 1:
            sensors_set_idle_reading(sensors(), number, value * 20);
            break;
        case 2:
            sensors_set_unavailable(sensors(), number);
            break;
        case 3:
            sensors_rearm(sensors(), number, value, value);
            break;
        case 4:
            sensors_override(sensors(), number, value, NONE, NONE);
            break;
        case 5:
            if (sensors_settings(sensors(), number, &changed) == 0) {
                changed.scanning_on = value & 1;
                sensors_set_settings(sensors(), &changed);
            }
            break;
        case 6:
            sensors_set_hardware(sensors(), &fake_bmc.host.hardware, value & 3);
            break;
        default:
            sensors_reset_settings(sensors());
            break;
        }
        fake_sensors_events();
        struct sensor_faults kept = sensors_faults(sensors()), now = faults_now();
        assert_memory_equal(&kept, &now, sizeof now);
        found += now.power + now.intrusion + now.drive + now.fan;
    }
    assert_true(found > 1000);
}

/* ---- storing ---- */

static void test_settings_stored(void **state)
{
    struct sensor_settings changed = settings(CPU1), seen;
    struct sensors *fresh = fake_sensors_new();

    (void)state;
    assert_int_equal(sensors_changed_settings(sensors(), 0, &seen), -ENOENT);
    changed.thresholds[SENSOR_UC] = 90;
    assert_int_equal(sensors_set_settings(sensors(), &changed), 0);
    assert_int_equal(sensors_changed_settings(sensors(), 0, &seen), 0);
    assert_int_equal(seen.number, CPU1);
    assert_int_equal(seen.thresholds[SENSOR_UC], 90);
    assert_int_equal(sensors_changed_settings(sensors(), 1, &seen), -ENOENT);
    assert_int_equal(sensors_restore_settings(fresh, &seen), 0); /* of a CPU not seen yet */
    sensors_set_hardware(fresh, &fake_hardware, 2);
    assert_int_equal(sensors_settings(fresh, CPU1, &seen), 0);
    assert_int_equal(seen.thresholds[SENSOR_UC], 90);
    seen.number = 0x07;
    assert_int_equal(sensors_restore_settings(fresh, &seen), -EINVAL);
    seen = changed;
    seen.assertion_enables = 0xffff;
    assert_int_equal(sensors_restore_settings(fresh, &seen), -EINVAL);
    sensors_free(fresh);
    /* All back, silently; what is held too. */
    reading(CPU1, 91);
    sensors_override(sensors(), SENSOR_FAN, 60, NONE, NONE);
    fake_sensors_events();
    sensors_reset_settings(sensors());
    assert_string_equal(fake_sensors_events(), "");
    assert_int_equal(view(CPU1).states, 0x18); /* hysteresis: 91 + 2 is not below 92 */
    assert_int_equal(sensors_changed_settings(sensors(), 0, &seen), -ENOENT);
    assert_false(view(SENSOR_FAN).available);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fake_sensors_setup, fake_sensors_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_threshold_going_up_and_down),
        TEST(test_threshold_jump),
        TEST(test_lower_thresholds),
        TEST(test_unavailable),
        TEST(test_what_is_not_there),
        TEST(test_states),
        TEST(test_one_state),
        TEST(test_raised),
        TEST(test_enables),
        TEST(test_new_threshold_acts_at_once),
        TEST(test_scanning_off),
        TEST(test_rearm),
        TEST(test_override),
        TEST(test_health),
        TEST(test_faults_kept),
        TEST(test_settings_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
