/* A server that has settled is at rest: it is awake again for whatever happens to it, and reads the
 * same as one that has been stepped all the time. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/power_history.h"
#include "vbmc/platform/internal.h"

static unsigned awakenings;

static struct platform *platform(void)
{
    return fake_bmc.bmc.platform;
}

static void note_awake(void *context)
{
    (void)context;
    awakenings++;
}

/* As the daemon does: one at rest is not stepped. */
static unsigned pass(unsigned seconds)
{
    unsigned steps = 0;

    while (seconds-- > 0) {
        if (platform_is_at_rest(platform())) {
            fake_bmc_advance(&fake_bmc, 1000);
            continue;
        }
        fake_server_step(1);
        steps++;
    }
    return steps;
}

static int setup(void **state)
{
    fake_server_setup(state);
    platform_on_awake(platform(), note_awake, NULL);
    pass(2);
    assert_true(platform_is_at_rest(platform()));
    awakenings = 0;
    return 0;
}

static void expect_awake(void)
{
    assert_int_equal(awakenings, 1);
    assert_false(platform_is_at_rest(platform()));
    awakenings = 0;
}

static void test_found_running(void **state)
{
    struct model_readings before = platform()->model.readings;

    (void)state;
    /* It has been on for long: stepping it for an hour moves nothing that a sensor shows. */
    for (unsigned i = 0; i < 3600; i++)
        fake_server_step(1);
    assert_float_equal(platform()->model.readings.cpu_c[0], before.cpu_c[0], 0.02);
    assert_float_equal(platform()->model.readings.exhaust_c, before.exhaust_c, 0.02);
    assert_float_equal(platform()->model.readings.fan_rpm[3], before.fan_rpm[3], 5);
    assert_float_equal(platform()->model.readings.system_w, before.system_w, 0.05);
    assert_true(before.cpu_c[0] > 30);
}

static void test_same_figures(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0); /* known from here on */
    expect_awake();
    pass(2);
    assert_true(platform_is_at_rest(platform()));
    for (unsigned i = 0; i < 100; i++) {
        fake_server_sample(2, 0, 0);
        assert_int_equal(pass(2), 0);
    }
    assert_int_equal(fake_server_reading(SENSOR_CPU_UTIL), 0);
    fake_server_sample(2, 0.5, 0);
    expect_awake();
    pass(1);
    assert_true(fake_server_reading(SENSOR_CPU_UTIL) > 20);
}

static void test_old_figures(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0);
    pass(3600);
    assert_true(platform_is_at_rest(platform()));
    assert_float_equal(fake_server_reading(SENSOR_CPU_UTIL), 0, 0.1);
    awakenings = 0;
    fake_server_stood(3600);
    expect_awake();
    assert_int_equal(pass(15), 15);
    assert_float_equal(fake_server_reading(SENSOR_CPU_UTIL), 0, 0.1);
    pass(2);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
    pass(2);
    assert_true(platform_is_at_rest(platform()));
}

/* What the guest does after an hour is not spread over the hour. */
static void test_work_after_an_hour(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0);
    pass(3600);
    fake_server_stood(3600);
    fake_server_sample(2, 0.5, 0.5);
    pass(1);
    assert_float_equal(fake_server_reading(SENSOR_CPU_UTIL), 50, 1);
    pass(18); /* it is not known to stand */
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
}

/* A BMC that is made later than the guest's sample stands, and no sample comes. */
static void test_found_standing(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0);
    fake_server_restart();
    platform_on_awake(platform(), note_awake, NULL);
    pass(5);
    assert_true(platform_is_at_rest(platform()));
    assert_float_equal(fake_server_reading(SENSOR_CPU_UTIL), 0, 0.1);
}

/* Work after a rest of any length leaves the same behind as work after none. */
static void test_rest_takes_no_time(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0);
    pass(2);
    fake_server_sample(2, 1, 1);
    pass(5);
    struct model_readings at_once = platform()->model.readings;
    fake_server_teardown(state);
    setup(state);
    fake_server_sample(2, 0, 0);
    fake_server_sample(2, 0, 0);
    pass(2);
    for (unsigned i = 0; i < 1000; i++) {
        fake_server_sample(2, 0, 0);
        assert_int_equal(pass(2), 0);
    }
    fake_server_sample(2, 1, 1);
    pass(5);
    assert_float_equal(platform()->model.readings.cpu_c[0], at_once.cpu_c[0], 1e-2);
    assert_float_equal(platform()->model.readings.system_w, at_once.system_w, 1e-2);
    assert_true(at_once.cpu_c[0] < 70); /* it was on its way */
}

static void test_what_happens(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("fan/1", "failed"), 0);
    expect_awake();
    pass(900);
    assert_true(platform_is_at_rest(platform()));
    assert_int_equal(fake_server_reading(SENSOR_FAN), 0);
    fake_bmc.host.domain.state = HOST_POWER_PAUSED;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    expect_awake();
    pass(2);
    platform_configure(platform(), &fake_server.settings);
    expect_awake();
    pass(2);
    fake_bmc.host.domain.state = HOST_POWER_UNKNOWN;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    expect_awake();
    pass(1);
    assert_true(isnan(fake_server_reading(SENSOR_EXHAUST_TEMP)));
}

static void test_no_rest_meanwhile(void **state)
{
    const struct dcmi_power_limit limit = {.active = true,
                                           .action = DCMI_POWER_LOG,
                                           .watts = 50,
                                           .correction_ms = 60000,
                                           .sampling_s = 1};

    (void)state;
    assert_int_equal(dcmi_set_power_limit(fake_bmc.bmc.dcmi, &limit), 0);
    platform_wake(platform());
    assert_int_equal(pass(30), 30); /* for how long is it above? */
    assert_string_equal(fake_server_events(), "");
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    assert_int_equal(pass(30), 30); /* the power-off is under way */
}

/* What was drawn at rest is known, up to the end of the rest. */
static void test_power_at_rest(void **state)
{
    struct power_statistics statistics;

    (void)state;
    pass(4000);
    assert_int_equal(dcmi_power_statistics(fake_bmc.bmc.dcmi, 3600, &statistics), 0);
    assert_true(statistics.known_ms > 3500000);
    assert_float_equal(statistics.least, statistics.most, 0.1);
    assert_true(dcmi_power_is_measured(fake_bmc.bmc.dcmi));
    /* The daemon stood still for a while. */
    uint64_t since = fake_bmc.now_ms;
    fake_bmc_advance(&fake_bmc, 60000);
    platform_wake_since(platform(), since);
    assert_false(dcmi_power_is_measured(fake_bmc.bmc.dcmi));
    pass(1);
    assert_int_equal(dcmi_power_statistics(fake_bmc.bmc.dcmi, 60, &statistics), 0);
    assert_true(statistics.known_ms < 12000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_running, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_same_figures, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_old_figures, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_work_after_an_hour, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_found_standing, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_rest_takes_no_time, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_what_happens, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_no_rest_meanwhile, setup, fake_server_teardown),
        cmocka_unit_test_setup_teardown(test_power_at_rest, setup, fake_server_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
