/* The physics: power against figures computed by hand, where temperatures settle, in which order
 * things happen, and that no input leads anywhere absurd. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/model.h"

/* One socket, two DIMMs, a disk, a NIC and two PSUs. */
static const struct model_inputs idle_server = {
    .on = true,
    .sockets = 1,
    .dimms = 2,
    .disks = 1,
    .nics = 1,
    .inlet_c = 22,
    .psus = 2,
    .psus_live = 0x3,
};

static struct model model;
static struct model_constants constants;
static struct model_inputs inputs;

static int setup(void **state)
{
    (void)state;
    model_constants_set_defaults(&constants);
    model_init(&model, &constants, 22);
    inputs = idle_server;
    return 0;
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.6f is not %.6f +- %g", value, expected, tolerance);
}

static void settle(void)
{
    model_step(&model, &inputs, 3600);
}

/* ---- constants ---- */

static void test_table_is_in_order_and_in_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_constant_count; i++) {
        const struct model_constant *constant = &model_constant_table[i];

        assert_int_equal(constant->offset, i * sizeof(double));
        assert_true(constant->least <= constant->standard);
        assert_true(constant->standard <= constant->most);
        assert_ptr_equal(model_constant_find(constant->name), constant);
        assert_true(*constant->unit && *constant->meaning);
        assert_near(*model_constant_value(&constants, constant), constant->standard, 0);
    }
    assert_int_equal(model_constant_find("cpu-max-watts")->offset,
                     offsetof(struct model_constants, cpu_max_watts));
    assert_int_equal(model_constant_find("volt-battery")->offset,
                     offsetof(struct model_constants, volt_battery));
    assert_null(model_constant_find("cpu-max"));
}

/* ---- power ---- */

static void test_off_draws_standby(void **state)
{
    (void)state;
    inputs.on = false;
    model_step(&model, &inputs, 0);
    /* 9 W on two PSUs: load 9 / 1100 = 0.0081818, efficiency 0.60 + 0.24 * 0.081818 = 0.6196364;
     * 9 / 0.6196364 = 14.524648, half of it each. */
    assert_near(model.readings.dc_w, 9, 1e-9);
    assert_near(model.readings.system_w, 14.524648, 1e-5);
    assert_near(model.readings.psu_input_w[0], 7.262324, 1e-5);
    assert_near(model.readings.psu_input_w[1], 7.262324, 1e-5);
    assert_near(model.readings.psu_input_w[2], 0, 0);
    assert_near(model.readings.volt_12, 0, 0);
    assert_near(model.readings.volt_battery, 3.05, 1e-9);
}

static void test_idle(void **state)
{
    (void)state;
    settle();
    /* 18 + 2 * 1.5 + 4.5 + 3 + 28 = 56.5; fans 4 * 9 * 0.3^3 = 0.972. Load 57.472 / 1100 =
     * 0.0522473, efficiency 0.60 + 0.24 * 0.522473 = 0.7253935. */
    assert_near(model.readings.dc_w, 57.472, 1e-4);
    assert_near(model.readings.system_w, 57.472 / 0.7253935, 1e-3);
    /* R = 0.36 + 0.135 / 0.3 = 0.81: 22 + 18 * 0.81; DIMM R = 3 + 1.5 / 0.3 = 8: 22 + 1.5 * 8;
     * exhaust 22 + 79.229 / (0.3 * 0.028 * 1206). */
    assert_near(model.readings.cpu_c[0], 36.58, 1e-3);
    assert_near(model.readings.dimm_c, 34, 1e-3);
    assert_near(model.readings.exhaust_c, 29.8208, 1e-3);
    assert_near(model.readings.fan_rpm[3], 4200, 1e-3);
    /* 12.10 - 0.0003 * 57.472 and so on. */
    assert_near(model.readings.volt_12, 12.0827584, 1e-6);
    assert_near(model.readings.volt_5, 5.0442528, 1e-6);
    assert_near(model.readings.volt_3_3, 3.3271264, 1e-6);
}

static void test_each_part_adds_its_watts(void **state)
{
    (void)state;
    model_step(&model, &inputs, 0);
    double before = model.readings.dc_w;

    inputs.cpu_utilisation[0] = 0.5;  /* (110 - 18) / 2 = 46 */
    inputs.memory_utilisation = 0.4;  /* 2 * 2.5 * 0.4 = 2 */
    inputs.disk_requests_per_s = 500; /* 0.004 * 500 = 2 */
    inputs.disk_bytes_per_s = 50e6;   /* 0.02 * 50 = 1 */
    inputs.nic_bytes_per_s = 100e6;   /* 0.03 * 100 = 3 */
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w - before, 46 + 2 + 2 + 1 + 3, 1e-9);
    inputs.disk_bytes_per_s = 3e9; /* a disk has no more than 9 - 4.5 to give */
    inputs.nic_bytes_per_s = 3e9;  /* 8 - 3 */
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w - before, 46 + 2 + 4.5 + 5, 1e-9);
    inputs.disks = 3; /* 2 idle ones more, and room for 2 + 60 above the first */
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w - before, 46 + 2 + 2 * 4.5 + 3 * 4.5 + 5, 1e-9);
}

static void test_sockets_add_up(void **state)
{
    (void)state;
    inputs.sockets = 2;
    inputs.cpu_utilisation[1] = 1;
    inputs.cpu_utilisation[2] = 1; /* there is no third */
    model_step(&model, &inputs, 0);
    /* 56.972 as idle with fans at 0.3 (57.472), 110 for the second socket. */
    assert_near(model.readings.dc_w, 57.472 + 110, 1e-9);
    settle();
    assert_true(model.readings.cpu_c[1] > model.readings.cpu_c[0] + 20);
    assert_near(model.readings.cpu_c[2], 22, 1e-9);
}

/* The efficiency curve at its points, between them and beyond; one PSU, watts by the board. */
static void test_efficiency(void **state)
{
    static const struct {
        double load, efficiency;
    } cases[] = {{0.1, 0.84}, {0.15, 0.87},  {0.2, 0.90}, {0.35, 0.92},
                 {0.5, 0.94}, {0.75, 0.925}, {1, 0.91},   {1.5, 0.91}};

    (void)state;
    inputs = (struct model_inputs){.on = false, .psus = 1, .psus_live = 1};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        constants.standby_watts = 550 * cases[i].load;
        model_step(&model, &inputs, 0);
        assert_near(model.readings.system_w, 550 * cases[i].load / cases[i].efficiency, 1e-6);
    }
}

static void test_live_psus_share(void **state)
{
    (void)state;
    settle();
    inputs.psus_live = 0x2;
    model_step(&model, &inputs, 0);
    /* All on one: load 57.472 / 550 = 0.104495, efficiency 0.84 + 0.06 * 0.04495 = 0.842697. */
    assert_near(model.readings.psu_input_w[0], 0, 0);
    assert_near(model.readings.psu_input_w[1], 57.472 / 0.842697, 1e-3);
    assert_near(model.readings.system_w, model.readings.psu_input_w[1], 1e-9);
    inputs.psus = 1; /* the second is not built in */
    model_step(&model, &inputs, 0);
    assert_near(model.readings.system_w, 0, 0);
}

static void test_no_ac(void **state)
{
    (void)state;
    settle();
    inputs.psus_live = 0;
    model_step(&model, &inputs, 1);
    assert_near(model.readings.system_w, 0, 0);
    assert_near(model.readings.dc_w, 0, 0);
    assert_near(model.readings.psu_input_w[0], 0, 0);
    assert_near(model.readings.fan_rpm[0], 0, 0);
    assert_near(model.readings.volt_12, 0, 0);
    settle();
    assert_near(model.readings.cpu_c[0], 22, 0.01);
    assert_near(model.readings.exhaust_c, 22, 0.01);
}

/* ---- heat and fans ---- */

/* Where it settles, from the formulas: with s the speed of all fans, T = 22 + 110 (0.36 + 0.135 /
 * s) and s = 0.3 + 0.7 (T - 56) / 24, so s = 0.3 + 0.7 (5.6 + 14.85 / s) / 24, or s^2 - 0.4633333 s
 * - 0.433125 = 0: s = 0.9293732, T = 61.6 + 14.85 / s = 77.578511. */
static void test_full_load_stays_below_80(void **state)
{
    (void)state;
    inputs.cpu_utilisation[0] = 1;
    settle();
    assert_near(model.readings.cpu_c[0], 77.578511, 1e-3);
    assert_near(model.fan_duty, 0.9293732, 1e-5);
    assert_near(model.readings.fan_rpm[0], 14000 * 0.9293732, 0.1);
    /* 28 + 110 + 3 + 4.5 + 3 + 36 * 0.9293732^3 = 148.5 + 28.8983. */
    assert_near(model.readings.dc_w, 177.3983, 1e-3);
}

/* Fans at full speed: 45 + 110 * 0.495. */
static void test_without_cooling_the_cpu_overheats(void **state)
{
    (void)state;
    inputs.cpu_utilisation[0] = 1;
    inputs.inlet_c = 45;
    settle();
    assert_near(model.readings.inlet_c, 45, 0);
    assert_near(model.readings.cpu_c[0], 99.45, 1e-3);
    assert_near(model.fan_duty, 1, 1e-9);
    assert_true(model.readings.cpu_c[0] > 98);
}

static void test_failed_fan(void **state)
{
    (void)state;
    inputs.cpu_utilisation[0] = 1;
    settle();
    inputs.fans_failed = 0x2;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.fan_rpm[1], 0, 0);
    settle();
    assert_near(model.readings.fan_rpm[1], 0, 0);
    assert_near(model.readings.fan_rpm[0], 14000, 1);
    assert_near(model.readings.cpu_c[0], 22 + 110 * (0.36 + 0.135 / 0.75), 0.01); /* 81.4 */
    /* Idle: the others stay up, R = 0.36 + 0.135 / 0.45. */
    inputs.cpu_utilisation[0] = 0;
    settle();
    assert_near(model.readings.fan_rpm[0], 8400, 0.1);
    assert_near(model.readings.cpu_c[0], 22 + 18 * 0.66, 0.01);
    inputs.fans_failed = 0; /* repaired, it starts with the least speed, and all go down to it */
    model_step(&model, &inputs, 0);
    assert_near(model.readings.fan_rpm[1], 4200, 1e-6);
    settle();
    assert_near(model.readings.fan_rpm[0], 4200, 0.1);
}

static void test_no_fans_at_all(void **state)
{
    (void)state;
    inputs.fans_failed = 0xf;
    inputs.cpu_utilisation[0] = 1;
    settle();
    assert_near(model.readings.cpu_c[0], 110, 1e-9); /* slows itself down */
}

/* After a step of load: watts at once, then the CPU, then the fans; visible within 3 s (10 s for
 * the fans), settled within a minute, and no more than a hair above where it settles. */
static void test_order_of_reactions(void **state)
{
    struct model_readings before, now;
    double highest = 0;

    (void)state;
    settle();
    before = model.readings;
    inputs.cpu_utilisation[0] = 1;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w, before.dc_w + 92, 1e-3);
    assert_near(model.readings.cpu_c[0], before.cpu_c[0], 1e-9);
    model_step(&model, &inputs, 3);
    assert_true(model.readings.cpu_c[0] > before.cpu_c[0] + 5);
    assert_near(model.readings.fan_rpm[0], before.fan_rpm[0], 1);
    model_step(&model, &inputs, 7);
    assert_true(model.readings.fan_rpm[0] > before.fan_rpm[0] + 500);
    for (unsigned i = 0; i < 50; i++) {
        model_step(&model, &inputs, 1);
        highest = fmax(highest, model.readings.cpu_c[0]);
    }
    now = model.readings;
    settle();
    assert_near(now.cpu_c[0], model.readings.cpu_c[0], 0.5);
    assert_near(now.fan_rpm[0], model.readings.fan_rpm[0], 100);
    assert_near(now.dc_w, model.readings.dc_w, 1);
    assert_true(highest < model.readings.cpu_c[0] + 0.5);
}

static void test_comes_back_down(void **state)
{
    (void)state;
    settle();
    struct model_readings idle = model.readings;
    inputs.cpu_utilisation[0] = 1;
    settle();
    double hot = model.readings.cpu_c[0], fast = model.readings.fan_rpm[0];

    inputs.cpu_utilisation[0] = 0;
    for (unsigned i = 0; i < 60; i++) {
        double cpu = model.readings.cpu_c[0], fan = model.readings.fan_rpm[0];

        model_step(&model, &inputs, 1);
        assert_true(model.readings.cpu_c[0] < cpu);
        assert_true(model.readings.fan_rpm[0] <= fan + 1e-9);
    }
    assert_near(model.readings.cpu_c[0], idle.cpu_c[0], 1);
    assert_near(model.readings.fan_rpm[0], idle.fan_rpm[0], 10);
    assert_near(model.readings.dc_w, idle.dc_w, 0.1);
    assert_true(hot > idle.cpu_c[0] + 30 && fast > 2 * idle.fan_rpm[0]);
}

/* More load never settles cooler, slower or at fewer watts. */
static void test_settles_monotonously(void **state)
{
    struct model_readings last = {0};

    (void)state;
    for (unsigned percent = 0; percent <= 100; percent += 5) {
        inputs.cpu_utilisation[0] = percent / 100.0;
        settle();
        assert_true(model.readings.cpu_c[0] > last.cpu_c[0]);
        assert_true(model.readings.fan_rpm[0] >= last.fan_rpm[0] - 1e-6);
        assert_true(model.readings.system_w > last.system_w);
        last = model.readings;
    }
}

/* No load makes the fans hunt: once settled, they stay within one RPM. */
static void test_fans_do_not_hunt(void **state)
{
    (void)state;
    for (unsigned percent = 10; percent <= 100; percent += 10) {
        inputs.cpu_utilisation[0] = percent / 100.0;
        model_step(&model, &inputs, 300);
        double rpm = model.readings.fan_rpm[0];
        for (unsigned i = 0; i < 100; i++) {
            model_step(&model, &inputs, 0.7);
            assert_near(model.readings.fan_rpm[0], rpm, 1);
        }
    }
}

static void test_power_off_and_on(void **state)
{
    (void)state;
    inputs.cpu_utilisation[0] = 1;
    settle();
    double hot = model.readings.cpu_c[0];

    inputs.on = false;
    model_step(&model, &inputs, 1);
    assert_near(model.readings.fan_rpm[0], 0, 0);
    assert_near(model.readings.dc_w, 9, 1e-9);
    assert_near(model.fan_duty, 0, 0);
    assert_true(model.readings.cpu_c[0] < hot && model.readings.cpu_c[0] > 22);
    settle();
    assert_near(model.readings.cpu_c[0], 22, 0.01);
    assert_near(model.readings.dimm_c, 22, 0.01);
    assert_near(model.readings.inlet_c, 22, 0);
    inputs.on = true;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.fan_rpm[0], 4200,
                1e-6); /* never below it, not even while starting */
}

/* ---- time ---- */

static void test_one_long_step_equals_many(void **state)
{
    struct model other;

    (void)state;
    settle();
    inputs.cpu_utilisation[0] = 0.8;
    inputs.memory_utilisation = 0.5;
    other = model;
    model_step(&model, &inputs, 10);
    for (unsigned i = 0; i < 10; i++)
        model_step(&other, &inputs, 1);
    assert_near(other.readings.cpu_c[0], model.readings.cpu_c[0], 1e-9);
    assert_near(other.readings.dimm_c, model.readings.dimm_c, 1e-9);
    assert_near(other.readings.exhaust_c, model.readings.exhaust_c, 1e-9);
    assert_near(other.readings.fan_rpm[0], model.readings.fan_rpm[0], 1e-6);
    assert_near(other.readings.system_w, model.readings.system_w, 1e-9);
}

static void test_the_same_again(void **state)
{
    struct model other = model;

    (void)state;
    inputs.cpu_utilisation[0] = 0.3;
    for (unsigned i = 0; i < 100; i++) {
        model_step(&model, &inputs, 1.3);
        model_step(&other, &inputs, 1.3);
    }
    assert_memory_equal(&model.readings, &other.readings, sizeof model.readings);
}

/* First order: with fans at rest and constant power, 63.2 % of the way after R C. Fans stand, a =
 * 0.1, R = 1.71, tau = 34.2 s, towards 22 + 18 * 1.71 = 52.78. */
static void test_time_constant(void **state)
{
    (void)state;
    inputs.fans_failed = 0xf;
    model_step(&model, &inputs, 34.2);
    assert_near(model.readings.cpu_c[0], 22 + 30.78 * (1 - exp(-1)), 1e-3);
}

/* ---- nonsense ---- */

static void assert_sane(void)
{
    const struct model_readings *readings = &model.readings;

    for (unsigned i = 0; i < MODEL_SOCKETS_MAX; i++)
        assert_true(readings->cpu_c[i] >= -40 && readings->cpu_c[i] <= 110);
    for (unsigned i = 0; i < MODEL_FANS; i++)
        assert_true(readings->fan_rpm[i] >= 0 && readings->fan_rpm[i] <= 14000);
    for (unsigned i = 0; i < MODEL_PSUS_MAX; i++)
        assert_true(readings->psu_input_w[i] >= 0 && readings->psu_input_w[i] < 1e6);
    assert_true(readings->system_w >= readings->dc_w && readings->system_w < 1e6);
    assert_true(readings->dimm_c >= -40 && readings->dimm_c < 1000);
    assert_true(readings->exhaust_c >= -40 && readings->exhaust_c < 1e5);
    assert_true(readings->volt_12 >= 0 && readings->volt_12 <= 12.1);
}

static void test_absurd_inputs(void **state)
{
    static const double absurd[] = {NAN, INFINITY, -INFINITY, -1, 2, 1e300, -1e300};

    for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
        setup(state);
        inputs.cpu_utilisation[0] = absurd[i];
        inputs.memory_utilisation = absurd[i];
        inputs.disk_requests_per_s = absurd[i];
        inputs.disk_bytes_per_s = absurd[i];
        inputs.nic_bytes_per_s = absurd[i];
        inputs.inlet_c = absurd[i];
        model_step(&model, &inputs, absurd[i]);
        model_step(&model, &inputs, 60);
        assert_sane();
        inputs = idle_server; /* nothing of it stays */
        settle();
        assert_near(model.readings.cpu_c[0], 36.58, 1e-3);
    }
}

static void test_absurd_counts(void **state)
{
    (void)state;
    inputs.sockets = inputs.dimms = inputs.disks = inputs.nics = inputs.psus = UINT32_MAX;
    inputs.psus_live = inputs.fans_failed = 0xff;
    model_step(&model, &inputs, 60);
    assert_sane();
    inputs.sockets = inputs.dimms = inputs.disks = inputs.nics = inputs.psus = 0;
    model_step(&model, &inputs, 60);
    assert_sane();
    assert_near(model.readings.system_w, 0, 0);
}

/* Above 1 counts as 1, below 0 as 0, no number as 0, and an inlet that is none stays as it was. */
static void test_clamped(void **state)
{
    (void)state;
    inputs.cpu_utilisation[0] = 7;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w, 57.472 + 92, 1e-9);
    inputs.cpu_utilisation[0] = -7;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.dc_w, 57.472, 1e-9);
    inputs.cpu_utilisation[0] = NAN;
    inputs.inlet_c = NAN;
    model_step(&model, &inputs, -5);
    assert_near(model.readings.dc_w, 57.472, 1e-9);
    assert_near(model.readings.inlet_c, 22, 0);
    inputs.inlet_c = 1000;
    model_step(&model, &inputs, 0);
    assert_near(model.readings.inlet_c, 100, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_table_is_in_order_and_in_range, setup),
        cmocka_unit_test_setup(test_off_draws_standby, setup),
        cmocka_unit_test_setup(test_idle, setup),
        cmocka_unit_test_setup(test_each_part_adds_its_watts, setup),
        cmocka_unit_test_setup(test_sockets_add_up, setup),
        cmocka_unit_test_setup(test_efficiency, setup),
        cmocka_unit_test_setup(test_live_psus_share, setup),
        cmocka_unit_test_setup(test_no_ac, setup),
        cmocka_unit_test_setup(test_full_load_stays_below_80, setup),
        cmocka_unit_test_setup(test_without_cooling_the_cpu_overheats, setup),
        cmocka_unit_test_setup(test_failed_fan, setup),
        cmocka_unit_test_setup(test_no_fans_at_all, setup),
        cmocka_unit_test_setup(test_order_of_reactions, setup),
        cmocka_unit_test_setup(test_comes_back_down, setup),
        cmocka_unit_test_setup(test_settles_monotonously, setup),
        cmocka_unit_test_setup(test_fans_do_not_hunt, setup),
        cmocka_unit_test_setup(test_power_off_and_on, setup),
        cmocka_unit_test_setup(test_one_long_step_equals_many, setup),
        cmocka_unit_test_setup(test_the_same_again, setup),
        cmocka_unit_test_setup(test_time_constant, setup),
        cmocka_unit_test_setup(test_absurd_inputs, setup),
        cmocka_unit_test_setup(test_absurd_counts, setup),
        cmocka_unit_test_setup(test_clamped, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
