/* Power statistics with hand-computed values, and limits with their exceptions, on a fake clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/power_history.h"
#include "vbmc/bmc/sensors.h"

/* ---- windows ---- */

static struct power_history history;

static int clear_history(void **state)
{
    (void)state;
    power_history_clear(&history);
    return 0;
}

static void expect_window(uint64_t now_ms, unsigned window_s, double least, double most,
                          double average, uint32_t known_ms)
{
    struct power_statistics statistics;

    assert_int_equal(power_history_read(&history, now_ms, window_s, &statistics), 0);
    assert_float_equal(statistics.least, least, 1e-3);
    assert_float_equal(statistics.most, most, 1e-3);
    assert_float_equal(statistics.average, average, 1e-3);
    assert_int_equal(statistics.known_ms, known_ms);
}

static void expect_nothing(uint64_t now_ms, unsigned window_s)
{
    struct power_statistics statistics;

    assert_int_equal(power_history_read(&history, now_ms, window_s, &statistics), -ENODATA);
}

static void test_nothing_known(void **state)
{
    struct power_statistics statistics;

    (void)state;
    for (size_t i = 0; power_history_windows[i]; i++)
        expect_nothing(5000, power_history_windows[i]);
    assert_int_equal(power_history_read(&history, 5000, 7, &statistics), -EINVAL);
    assert_int_equal(power_history_read(&history, 5000, 0, &statistics), -EINVAL);
    assert_false(power_history_is_live(&history, 5000));
    power_history_note(&history, 5000, 100);
    assert_true(power_history_is_live(&history, 5000));
    expect_nothing(5000, 5); /* no time has passed with it */
    expect_window(5001, 5, 100, 100, 100, 1);
}

/* Two parts of 100 W and one of 400 W are 200 W, whatever the number of readings. */
static void test_average_is_by_time(void **state)
{
    (void)state;
    power_history_note(&history, 10000, 100);
    power_history_note(&history, 10500, 100);
    power_history_note(&history, 11000, 100);
    power_history_note(&history, 12000, 400);
    expect_window(13000, 5, 100, 400, 200, 3000);
    expect_window(13000, 3600, 100, 400, 200, 3000);
    expect_window(13000, 5, 100, 400, 200, 3000); /* asked twice, counted once */
}

/* 1 s each of 10, 20, 30 ... W. A window of 5 s at 20.5 s has the buckets of 16 to 20 s. */
static void test_window_rolls(void **state)
{
    (void)state;
    for (uint64_t second = 0; second <= 20; second++)
        power_history_note(&history, second * 1000, (double)(second + 1) * 10);
    /* (170 + 180 + 190 + 200) W s and half a second of 210 W, over 4.5 s */
    expect_window(20500, 5, 170, 210, 845 / 4.5, 4500);
    /* 15 s: seconds 6 to 19 are 14 * 135 W, and half of 210 W */
    expect_window(20500, 15, 70, 210, (14 * 135 + 105) / 14.5, 14500);
    /* All: 20 s of 105 W on average, and half of 210 W */
    expect_window(20500, 60, 10, 210, (2100 + 105) / 20.5, 20500);
    expect_window(20500, 300, 10, 210, (2100 + 105) / 20.5, 20500);
}

/* An hour of 100 W with a minute of 700 W in it leaves each window when its time is over. */
static void test_long_windows(void **state)
{
    const uint64_t peak = 600000, end = peak + 60000;

    (void)state;
    for (uint64_t at = 0; at < 4500000; at += 1000)
        power_history_note(&history, at, at >= peak && at < end ? 700 : 100);
    uint64_t now = 4500000;
    power_history_note(&history, now, 100);
    expect_window(now, 60, 100, 100, 100, 59000);
    expect_window(now, 3600, 100, 100, 100, 3540000);
    clear_history(state);
    for (uint64_t at = 0; at < 1200000; at += 1000)
        power_history_note(&history, at, at >= peak && at < end ? 700 : 100);
    now = 1200000;
    power_history_note(&history, now, 100);
    expect_window(now, 180, 100, 100, 100, 165000);
    expect_window(now, 420, 100, 100, 100, 405000);
    expect_window(now, 900, 100, 700, 100 + 600 * 60 / 885.0, 885000);
    expect_window(now, 1800, 100, 700, 130, 1200000);
    expect_window(now, 3600, 100, 700, 130, 1200000);
}

/* What was drawn while nobody looked is not made up. */
static void test_gap(void **state)
{
    (void)state;
    power_history_note(&history, 0, 200);
    assert_true(power_history_is_live(&history, 9999));
    assert_false(power_history_is_live(&history, 10000));
    expect_window(60000, 300, 200, 200, 200, 10000);
    expect_nothing(60000, 30);
    power_history_note(&history, 100000, 50);
    expect_window(110000, 300, 50, 200, 125, 20000);
    /* A day later nothing of it is left. */
    expect_nothing(86400000, 3600);
    power_history_note(&history, 86400000, 70);
    expect_window(86401000, 3600, 70, 70, 70, 1000);
}

/* What holds until it is told otherwise is known all the time, and takes no room. */
static void test_hold(void **state)
{
    (void)state;
    power_history_note(&history, 1000, 200);
    power_history_hold(&history);
    assert_true(power_history_is_live(&history, 86400000));
    power_history_note(&history, 86400000, 200);
    assert_null(history.buckets);
    power_history_hold(&history);
    power_history_note(&history, 86401000, 300);
    expect_window(86402000, 5, 200, 300, 225, 4000);
    expect_window(86402000, 3600, 200, 300, 200.028, 3542000);
    /* Held up to a time, from which on it holds as any value. */
    power_history_hold(&history);
    power_history_release(&history, 86410000);
    assert_true(power_history_is_live(&history, 86419999));
    assert_false(power_history_is_live(&history, 86420000));
    expect_window(86430000, 30, 300, 300, 300, 19000);
}

/* A few changes need no buckets, and those that were needed go when all of it is long ago. */
static void test_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < POWER_HISTORY_RUNS; i++)
        power_history_note(&history, 10000 + 1000 * i, 100 + 50 * i);
    expect_window(13000, 5, 100, 200, 150, 3000);
    assert_null(history.buckets);
    power_history_note(&history, 13000, 250);
    assert_non_null(history.buckets);
    expect_window(14000, 5, 100, 250, 175, 4000);
    power_history_hold(&history);
    power_history_note(&history, 13000 + 3600000, 250);
    assert_non_null(history.buckets);
    power_history_hold(&history);
    power_history_note(&history, 13000 + 3600001, 250);
    assert_null(history.buckets);
    expect_window(13000 + 3601000, 3600, 250, 250, 250, 3554000);
}

/* What is in no window any more makes no buckets needed. */
static void test_room_of_old_changes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        power_history_note(&history, 4000000 * i, 100 + i);
        power_history_hold(&history);
    }
    assert_null(history.buckets);
    expect_window(4000000 * 9, 3600, 108, 108, 108, 3540000);
}

/* ---- limits ---- */

struct told {
    enum dcmi_limit limit;
    bool exceeded;
};

static struct told told[16];
static unsigned told_count;
static struct dcmi *dcmi;

static void on_limit(void *context, enum dcmi_limit limit, bool exceeded)
{
    assert_ptr_equal(context, &told);
    assert_true(told_count < ARRAY_SIZE(told));
    told[told_count++] = (struct told){limit, exceeded};
}

static void expect_told(unsigned count, enum dcmi_limit limit, bool exceeded)
{
    assert_int_equal(told_count, count);
    assert_int_equal(told[count - 1].limit, limit);
    assert_int_equal(told[count - 1].exceeded, exceeded);
}

static void ignore_event(void *context, const struct sensor_event *event)
{
    (void)context, (void)event;
}

static int setup(void **state)
{
    static const struct dcmi_ops ops = {on_limit};
    static const struct sensors_ops sensor_ops = {ignore_event};
    static const struct host_hardware hardware = {.sockets = 2, .vcpus = 2, .dimms = 1};

    fake_bmc_setup(state);
    told_count = 0;
    fake_bmc.bmc.sensors = sensors_new(&sensor_ops, NULL);
    dcmi = fake_bmc.bmc.dcmi =
        dcmi_new(&fake_bmc.bmc.core, &fake_bmc.bmc.chassis, fake_bmc.bmc.sensors);
    if (!dcmi || !fake_bmc.bmc.sensors)
        return -1;
    sensors_set_hardware(fake_bmc.bmc.sensors, &hardware, 2);
    dcmi_set_ops(dcmi, &ops, &told);
    return 0;
}

static int teardown(void **state)
{
    dcmi_free(dcmi);
    sensors_free(fake_bmc.bmc.sensors);
    return fake_bmc_teardown(state);
}

static void pass(unsigned seconds, double watts)
{
    for (unsigned i = 0; i < seconds; i++) {
        fake_bmc_advance(&fake_bmc, 1000);
        dcmi_note_power(dcmi, fake_bmc.now_ms, watts);
    }
}

static void set_limit(enum dcmi_power_action action, uint16_t watts, uint32_t correction_ms)
{
    const struct dcmi_power_limit limit = {true, action, watts, correction_ms, 1};

    assert_int_equal(dcmi_set_power_limit(dcmi, &limit), 0);
}

static void test_reading(void **state)
{
    struct power_statistics statistics;

    (void)state;
    assert_int_equal(dcmi_current_watts(dcmi), 0);
    assert_false(dcmi_power_is_measured(dcmi));
    pass(1, 99.6);
    assert_int_equal(dcmi_current_watts(dcmi), 100);
    assert_true(dcmi_power_is_measured(dcmi));
    pass(1, 150);
    pass(1, 1e9);
    assert_int_equal(dcmi_current_watts(dcmi), 65535);
    pass(1, -3);
    assert_int_equal(dcmi_current_watts(dcmi), 0);
    fake_bmc_advance(&fake_bmc, 20000);
    assert_false(dcmi_power_is_measured(dcmi));
    assert_int_equal(dcmi_power_statistics(dcmi, DCMI_WINDOW_S, &statistics), 0);
    assert_int_equal(statistics.known_ms, 13000);
}

static void test_power_limit_logs(void **state)
{
    (void)state;
    set_limit(DCMI_POWER_LOG, 200, 3000);
    pass(10, 200); /* as much as is allowed */
    pass(4, 201);  /* begins, and goes on for 3 s: not longer */
    pass(1, 200);
    assert_int_equal(told_count, 0);
    pass(4, 201);
    assert_int_equal(told_count, 0);
    pass(1, 201);
    expect_told(1, DCMI_LIMIT_POWER, true);
    pass(100, 300);
    assert_int_equal(told_count, 1); /* once */
    pass(1, 200);
    expect_told(2, DCMI_LIMIT_POWER, false);
    pass(5, 201);
    expect_told(3, DCMI_LIMIT_POWER, true);
    assert_int_equal(fake_bmc.host.count, 0); /* nobody was powered off */
}

/* A guest whose load comes and goes about the limit does not fill the log. */
static void test_load_about_the_limit(void **state)
{
    (void)state;
    set_limit(DCMI_POWER_LOG, 200, 1000);
    for (unsigned i = 0; i < 24; i++) {
        pass(3, 201);
        pass(2, 200);
    }
    expect_told(4, DCMI_LIMIT_POWER, false); /* twice in two minutes */
    set_limit(DCMI_POWER_LOG, 190, 1000);    /* another limit counts for itself */
    pass(3, 200);
    expect_told(5, DCMI_LIMIT_POWER, true);
}

static void test_power_limit_powers_off(void **state)
{
    (void)state;
    set_limit(DCMI_POWER_OFF, 200, 1000);
    pass(2, 250);
    assert_int_equal(fake_bmc.host.count, 0);
    pass(1, 250);
    expect_told(1, DCMI_LIMIT_POWER, true);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    pass(1, 9);
    expect_told(2, DCMI_LIMIT_POWER, false);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* It has its turn when a client's cycle has started the guest anew, which keeps the limit so far.
 */
static void test_power_limit_and_another_run(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_bmc.host.domain.run = 7;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 02 02"), FAKE_BMC_WAITS);
    set_limit(DCMI_POWER_OFF, 200, 1000);
    pass(3, 250);
    fake_bmc.host.domain.run = 8;
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 1);
}

static void test_no_exception(void **state)
{
    (void)state;
    pass(5, 1000); /* no limit */
    set_limit(DCMI_POWER_NO_ACTION, 200, 1000);
    assert_int_equal(dcmi_power_limit_watts(dcmi), 200);
    pass(5, 1000);
    assert_int_equal(
        dcmi_set_power_limit(dcmi, &(struct dcmi_power_limit){false, DCMI_POWER_OFF, 200, 1000, 1}),
        0);
    assert_int_equal(dcmi_power_limit_watts(dcmi), 0);
    pass(5, 1000);
    assert_int_equal(told_count, 0);
    assert_int_equal(fake_bmc.host.count, 0);
}

/* A new limit is judged again; the event of the old one ends with it. */
static void test_limit_changes(void **state)
{
    (void)state;
    set_limit(DCMI_POWER_LOG, 200, 1000);
    pass(3, 250);
    expect_told(1, DCMI_LIMIT_POWER, true);
    set_limit(DCMI_POWER_OFF, 240, 2000);
    expect_told(2, DCMI_LIMIT_POWER, false);
    pass(3, 250);
    assert_int_equal(fake_bmc.host.count, 0);
    pass(1, 250);
    expect_told(3, DCMI_LIMIT_POWER, true);
    assert_int_equal(fake_bmc.host.count, 1);
    dcmi_reset(dcmi);
    expect_told(4, DCMI_LIMIT_POWER, false);
}

static void test_wrong_limits(void **state)
{
    static const struct dcmi_power_limit wrong[] = {
        {true, DCMI_POWER_LOG, 0, 1000, 1},
        {false, 2, 100, 1000, 1},
        {false, 0x10, 100, 1000, 1},
        {false, DCMI_POWER_LOG, 100, 999, 1},
        {false, DCMI_POWER_LOG, 100, 3600001, 1},
        {false, DCMI_POWER_LOG, 100, 1000, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(dcmi_set_power_limit(dcmi, &wrong[i]), -EINVAL);
    assert_int_equal(dcmi_power_limit(dcmi)->watts, 0);
    assert_int_equal(dcmi_set_thermal_limit(dcmi, &(struct dcmi_thermal_limit){.actions = 0x10}),
                     -EINVAL);
}

static void test_thermal_limit(void **state)
{
    const struct dcmi_thermal_limit log = {DCMI_THERMAL_LOG, 40, 5};
    const struct dcmi_thermal_limit off = {DCMI_THERMAL_POWER_OFF | DCMI_THERMAL_PERSISTENT, 40, 0};

    (void)state;
    sensors_set_reading(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP, 45);
    pass(10, 100);
    assert_int_equal(told_count, 0); /* no limit */
    assert_int_equal(dcmi_set_thermal_limit(dcmi, &log), 0);
    pass(6, 100);
    assert_int_equal(told_count, 0);
    pass(1, 100);
    expect_told(1, DCMI_LIMIT_INLET_TEMPERATURE, true);
    assert_int_equal(fake_bmc.host.count, 0);
    sensors_set_reading(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP, 40);
    pass(1, 100);
    expect_told(2, DCMI_LIMIT_INLET_TEMPERATURE, false);
    assert_int_equal(dcmi_set_thermal_limit(dcmi, &off), 0);
    sensors_set_reading(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP, 41);
    pass(2, 100);
    expect_told(3, DCMI_LIMIT_INLET_TEMPERATURE, true);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
    /* Without a reading nobody knows that it is exceeded. */
    sensors_set_unavailable(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP);
    pass(1, 100);
    expect_told(4, DCMI_LIMIT_INLET_TEMPERATURE, false);
}

static void expect_identifier(const char *expected)
{
    char identifier[DCMI_IDENTIFIER_MAX];
    size_t length = dcmi_identifier(dcmi, identifier);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(identifier, expected, length);
}

static void test_identifier(void **state)
{
    char longest[65];

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[64] = '\0';
    expect_identifier("DCMI456789abcdef");
    dcmi_set_name(dcmi, "web01");
    expect_identifier("web01");
    assert_int_equal(dcmi_set_identifier(dcmi, "mine", 4), 0);
    dcmi_set_name(dcmi, "renamed");
    expect_identifier("mine");
    assert_int_equal(dcmi_set_identifier(dcmi, longest, 64), -EINVAL);
    assert_int_equal(dcmi_set_identifier(dcmi, "a\0b", 3), -EINVAL);
    expect_identifier("mine");
    assert_int_equal(dcmi_set_identifier(dcmi, "", 0), 0);
    expect_identifier("renamed");
    dcmi_set_name(dcmi, longest);
    expect_identifier(longest + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_known, clear_history),
        cmocka_unit_test_setup(test_average_is_by_time, clear_history),
        cmocka_unit_test_setup(test_window_rolls, clear_history),
        cmocka_unit_test_setup_teardown(test_long_windows, clear_history, clear_history),
        cmocka_unit_test_setup_teardown(test_gap, clear_history, clear_history),
        cmocka_unit_test_setup_teardown(test_hold, clear_history, clear_history),
        cmocka_unit_test_setup_teardown(test_room, clear_history, clear_history),
        cmocka_unit_test_setup_teardown(test_room_of_old_changes, clear_history, clear_history),
        cmocka_unit_test_setup_teardown(test_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_limit_logs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_about_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_limit_powers_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_limit_and_another_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_exception, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thermal_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identifier, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
