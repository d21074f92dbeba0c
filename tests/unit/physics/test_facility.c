/* The room: what a lost utility, a battery, a generator and a failed cooling unit lead to, and
 * when. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/facility.h"

/* Feeds A and B, of which A is behind a UPS for 100 s (200 s to recharge); a generator after 30 s.
 * Cooling lost: 2 C/min at first, from 22 towards 50 C; back with 5 min. */
static struct facility room;

static int setup(void **state)
{
    struct facility_settings settings;

    (void)state;
    facility_settings_set_defaults(&settings);
    settings.ups_feeds = 0x1;
    settings.ups_runtime_s = 100;
    settings.ups_recharge_s = 200;
    facility_init(&room, &settings);
    return 0;
}

static void set(const char *item, const char *which, const char *state)
{
    char error[200] = "";

    if (facility_set(&room, item, which, state, error, sizeof error) != 0)
        fail_msg("%s %s %s: %s", item, which ? which : "", state, error);
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-6))
        fail_msg("%.9f is not %.9f", value, expected);
}

static void test_all_well(void **state)
{
    (void)state;
    facility_step(&room, 1e6);
    assert_int_equal(facility_feeds_live(&room), 0x3);
    assert_true(facility_has_ups(&room));
    assert_false(facility_on_battery(&room));
    assert_false(facility_battery_low(&room));
    assert_false(facility_generator_starts(&room));
    assert_false(facility_generator_runs(&room));
    assert_near(room.battery, 1);
    assert_near(room.inlet_c, 22);
}

static void test_feeds(void **state)
{
    (void)state;
    set("feed", "A", "down");
    assert_int_equal(facility_feeds_live(&room), 0x2);
    set("feed", "b", "down");
    assert_int_equal(facility_feeds_live(&room), 0);
    set("feed", "a", "up");
    assert_int_equal(facility_feeds_live(&room), 0x1);
    assert_false(facility_on_battery(&room)); /* that is another matter */
}

static void test_generator_takes_over(void **state)
{
    (void)state;
    set("ups", NULL, "battery");
    assert_true(facility_on_battery(&room));
    assert_true(facility_generator_starts(&room));
    assert_int_equal(facility_feeds_live(&room), 0x1); /* B has no UPS */
    facility_step(&room, 29);
    assert_true(facility_on_battery(&room));
    assert_near(room.battery, 0.71);
    facility_step(&room, 1);
    assert_true(facility_generator_runs(&room));
    assert_false(facility_generator_starts(&room));
    assert_false(facility_on_battery(&room));
    assert_int_equal(facility_feeds_live(&room), 0x3);
    assert_near(room.battery, 0.70);
    facility_step(&room, 20); /* 20 / 200 back */
    assert_near(room.battery, 0.80);
    set("ups", NULL, "line");
    assert_false(facility_generator_runs(&room));
    assert_int_equal(facility_feeds_live(&room), 0x3);
    facility_step(&room, 1000);
    assert_near(room.battery, 1);
    assert_near(room.generator_s, 0);
}

static void test_battery_runs_out(void **state)
{
    (void)state;
    set("generator", NULL, "failed");
    set("utility", NULL, "lost");
    facility_step(&room, 79);
    assert_false(facility_battery_low(&room));
    facility_step(&room, 1.5);
    assert_true(facility_battery_low(&room));
    assert_int_equal(facility_feeds_live(&room), 0x1);
    facility_step(&room, 19.5);
    assert_near(room.battery, 0);
    assert_int_equal(facility_feeds_live(&room), 0);
    assert_true(facility_on_battery(&room));
    set("generator", NULL, "ok"); /* repaired: it begins to start now */
    facility_step(&room, 29.5);
    assert_int_equal(facility_feeds_live(&room), 0);
    facility_step(&room, 1);
    assert_int_equal(facility_feeds_live(&room), 0x3);
    assert_near(room.battery, 0.5 / 200);
}

static void test_generator_fails_while_it_runs(void **state)
{
    (void)state;
    set("ups", NULL, "battery");
    facility_step(&room, 60);
    assert_true(facility_generator_runs(&room));
    set("generator", NULL, "failed");
    assert_true(facility_on_battery(&room));
    assert_int_equal(facility_feeds_live(&room), 0x1);
    set("generator", NULL, "ok"); /* has to start again */
    assert_true(facility_generator_starts(&room));
    facility_step(&room, 29);
    assert_false(facility_generator_runs(&room));
}

static void test_no_ups(void **state)
{
    char error[200] = "";

    (void)state;
    room.settings.ups_feeds = 0xc; /* behind feeds that there are not */
    room.settings.has_generator = false;
    assert_false(facility_has_ups(&room));
    assert_int_equal(facility_set(&room, "ups", NULL, "battery", error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "no UPS"));
    assert_int_equal(facility_set(&room, "generator", NULL, "failed", error, sizeof error),
                     -EINVAL);
    assert_non_null(strstr(error, "no generator"));
    set("utility", NULL, "lost");
    assert_int_equal(facility_feeds_live(&room), 0);
    assert_false(facility_on_battery(&room));
    facility_step(&room, 1e6);
    assert_int_equal(facility_feeds_live(&room), 0);
    set("utility", NULL, "ok");
    assert_int_equal(facility_feeds_live(&room), 0x3);
}

static void test_ups_without_runtime(void **state)
{
    (void)state;
    room.settings.ups_runtime_s = 0;
    room.settings.ups_recharge_s = 0;
    room.settings.generator_start_s = 0;
    set("ups", NULL, "battery");
    assert_true(facility_generator_runs(&room)); /* in no time */
    set("generator", NULL, "failed");
    assert_int_equal(facility_feeds_live(&room), 0);
    facility_step(&room, 1);
    assert_near(room.battery, 0);
    set("ups", NULL, "line");
    facility_step(&room, 1);
    assert_near(room.battery, 1);
}

/* The time constant is (50 - 22) / 2 = 14 min; after 14 min 63.2 % of the 28 C, and in the first
 * second 2 / 60 C. */
static void test_cooling(void **state)
{
    (void)state;
    set("crac", NULL, "failed");
    facility_step(&room, 1);
    assert_true(fabs(room.inlet_c - 22 - 2.0 / 60) < 1e-4);
    facility_step(&room, 14 * 60 - 1);
    assert_near(room.inlet_c, 22 + 28 * (1 - exp(-1)));
    facility_step(&room, 1e6);
    assert_near(room.inlet_c, 50);
    set("crac", NULL, "ok");
    facility_step(&room, 5 * 60);
    assert_near(room.inlet_c, 22 + 28 * exp(-1));
    facility_step(&room, 1e6);
    assert_near(room.inlet_c, 22);
}

static void test_odd_cooling(void **state)
{
    (void)state;
    set("crac", NULL, "failed");
    room.settings.warming_c_per_min = 0; /* a cold place */
    facility_step(&room, 1000);
    assert_near(room.inlet_c, 22);
    room.settings.warming_c_per_min = 2;
    room.settings.hottest_c = 10; /* nonsense: not below what it is with cooling */
    facility_step(&room, 1000);
    assert_near(room.inlet_c, 22);
    room.settings.cooling_minutes = 0;
    room.inlet_c = 40;
    set("crac", NULL, "ok");
    facility_step(&room, 1);
    assert_near(room.inlet_c, 22);
}

static void test_one_long_step_equals_many(void **state)
{
    struct facility other;

    (void)state;
    set("ups", NULL, "battery");
    set("crac", NULL, "failed");
    other = room;
    facility_step(&room, 47.3); /* over the generator's start */
    for (unsigned i = 0; i < 473; i++)
        facility_step(&other, 0.1);
    assert_near(other.battery, room.battery);
    assert_near(other.inlet_c, room.inlet_c);
    assert_near(other.generator_s, room.generator_s);
    assert_near(room.battery, 1 - 0.30 + 17.3 / 200);
}

static void test_absurd_time(void **state)
{
    static const double absurd[] = {0, -1, NAN, INFINITY, -INFINITY};

    (void)state;
    set("ups", NULL, "battery");
    set("crac", NULL, "failed");
    struct facility before = room;
    for (size_t i = 0; i < ARRAY_SIZE(absurd); i++)
        facility_step(&room, absurd[i]);
    assert_near(room.battery, before.battery);
    assert_near(room.inlet_c, before.inlet_c);
    assert_near(room.generator_s, before.generator_s);
}

static void test_clear(void **state)
{
    (void)state;
    set("feed", "B", "down");
    set("ups", NULL, "battery");
    set("generator", NULL, "failed");
    set("crac", NULL, "failed");
    facility_step(&room, 500);
    facility_clear(&room);
    assert_int_equal(facility_feeds_live(&room), 0x3);
    assert_false(room.utility_lost || room.generator_failed || room.crac_failed);
    assert_near(room.battery, 1);
    assert_near(room.inlet_c, 22);
    assert_near(room.generator_s, 0);
}

static void test_refused(void **state)
{
    static const struct {
        const char *item, *which, *state, *says;
    } cases[] = {
        {"", NULL, "ok", "the room has: feed, ups"},
        {"door", NULL, "open", "the room has: feed, ups"},
        {"feed", NULL, "down", "A, B"},
        {"feed", "", "down", "A, B"},
        {"feed", "C", "down", "A, B"},
        {"feed", "AB", "down", "A, B"},
        {"feed", "!", "down", "A, B"},
        {"feed", "A", "failed", "up, down"},
        {"ups", NULL, "down", "line, battery"},
        {"ups", "A", "line", "line, battery"},
        {"utility", NULL, "battery", "ok, lost"},
        {"generator", NULL, "running", "ok, failed"},
        {"crac", NULL, "", "ok, failed"},
        {"crac", "1", "failed", "ok, failed"},
    };

    (void)state;
    struct facility before = room;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char error[200] = "";

        assert_int_equal(
            facility_set(&room, cases[i].item, cases[i].which, cases[i].state, error, sizeof error),
            -EINVAL);
        if (!strstr(error, cases[i].says))
            fail_msg("%s %s: %s", cases[i].item, cases[i].state, error);
    }
    assert_memory_equal(&room, &before, sizeof room);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_well, setup),
        cmocka_unit_test_setup(test_feeds, setup),
        cmocka_unit_test_setup(test_generator_takes_over, setup),
        cmocka_unit_test_setup(test_battery_runs_out, setup),
        cmocka_unit_test_setup(test_generator_fails_while_it_runs, setup),
        cmocka_unit_test_setup(test_no_ups, setup),
        cmocka_unit_test_setup(test_ups_without_runtime, setup),
        cmocka_unit_test_setup(test_cooling, setup),
        cmocka_unit_test_setup(test_odd_cooling, setup),
        cmocka_unit_test_setup(test_one_long_step_equals_many, setup),
        cmocka_unit_test_setup(test_absurd_time, setup),
        cmocka_unit_test_setup(test_clear, setup),
        cmocka_unit_test_setup(test_refused, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
