/* The simulated availability against the Markov chain worked out in two ways: hour by hour over the
 * distribution of how many units are up, and in closed form. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/availability.h"

#define UNITS 5

static const struct availability_settings usual = {
    .units = 1,
    .needed = 1,
    .reliability = 0.999,
    .repair = 0.1,
    .years = 1,
    .runs = 1000,
    .seed = 1,
};

static double choose(unsigned n, unsigned k)
{
    double result = 1;

    for (unsigned i = 1; i <= k; i++)
        result = result * (n - k + i) / i;
    return result;
}

/* The probability of exactly k of n. */
static double binomial(unsigned n, unsigned k, double p)
{
    return choose(n, k) * pow(p, k) * pow(1 - p, n - k);
}

/* The expected availability by letting the distribution take one hour after the other. */
static double stepwise(const struct availability_settings *settings)
{
    unsigned units = settings->units, hours = (unsigned)availability_hours(settings);
    double now[UNITS + 1] = {0}, sum = 0;

    now[units] = 1;
    for (unsigned hour = 0; hour < hours; hour++) {
        double next[UNITS + 1] = {0};
        for (unsigned up = settings->needed; up <= units; up++)
            sum += now[up];
        for (unsigned up = 0; up <= units; up++) {
            for (unsigned stay = 0; stay <= up; stay++) {
                for (unsigned repaired = 0; repaired <= units - up; repaired++)
                    next[stay + repaired] += now[up] * binomial(up, stay, settings->reliability) *
                                             binomial(units - up, repaired, settings->repair);
            }
        }
        for (unsigned up = 0; up <= units; up++)
            now[up] = next[up];
    }
    return sum / hours;
}

/* cmocka's own compares as float. */
static void assert_near(double value, double wanted, double distance)
{
    if (!(fabs(value - wanted) <= distance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static struct availability_estimate simulate(const struct availability_settings *settings)
{
    struct availability_estimate estimate;

    assert_int_equal(availability_simulate(settings, &estimate), 0);
    return estimate;
}

/* ---- the closed form ---- */

static void test_closed_form(void **state)
{
    static const double rates[][2] = {{0.999, 0.1}, {0.9, 0.02}, {0.5, 0.5}, {0.2, 0.9},
                                      {0, 1},       {0.99, 0},   {1, 0.3},   {0, 0.5}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (unsigned units = 1; units <= UNITS; units++) {
            for (unsigned needed = 1; needed <= units && needed <= 2; needed++) {
                struct availability_settings settings = usual;
                settings.units = units;
                settings.needed = needed;
                settings.reliability = rates[i][0];
                settings.repair = rates[i][1];
                settings.years = 0.1;
                double difference = availability_expected(&settings) - stepwise(&settings);
                if (fabs(difference) > 1e-9)
                    fail_msg("%u of %u at %g, %g: off by %g", needed, units, rates[i][0],
                             rates[i][1], difference);
            }
        }
    }
}

/* a = r / (r + f), and the sum over k of n. */
static void test_long_run(void **state)
{
    struct availability_settings settings = usual;
    double a = 0.1 / 0.101;

    (void)state;
    assert_near(availability_long_run(&settings), a, 1e-12);
    settings.units = 2;
    assert_near(availability_long_run(&settings), 1 - (1 - a) * (1 - a), 1e-12);
    settings.needed = 2;
    assert_near(availability_long_run(&settings), a * a, 1e-12);
    settings.units = 5;
    assert_near(availability_long_run(&settings), 1 - pow(1 - a, 5) - 5 * a * pow(1 - a, 4), 1e-12);
    /* What the start with all units up is worth: (1 - a) / (f + r) hours of a run. */
    settings = usual;
    assert_near(availability_expected(&settings) - availability_long_run(&settings),
                (1 - a) / 0.101 / 8760, 1e-12);
    /* Nothing changes, or all changes each hour. */
    settings.reliability = 1;
    settings.repair = 0;
    assert_true(availability_long_run(&settings) == 1);
    settings.units = 2;
    settings.reliability = 0;
    settings.repair = 1;
    assert_true(availability_long_run(&settings) == 0.5);
}

/* ---- the simulation ---- */

/* Four standard errors: by chance alone one in 16,000 would be beyond, and the seed is fixed. */
static void test_against_closed_form(void **state)
{
    static const struct {
        unsigned units, needed;
        double reliability, repair, years;
    } cases[] = {
        {1, 1, 0.999, 0.1, 1}, {2, 1, 0.999, 0.1, 1}, {3, 1, 0.99, 0.05, 1},
        {2, 2, 0.999, 0.1, 1}, {5, 2, 0.9, 0.1, 0.5}, {4, 2, 0.5, 0.5, 0.01},
        {1, 1, 0.9, 0.9, 0.1}, {3, 2, 0.999, 0, 1},   {2, 1, 0, 0.5, 0.1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct availability_settings settings = {
            .units = cases[i].units,
            .needed = cases[i].needed,
            .reliability = cases[i].reliability,
            .repair = cases[i].repair,
            .years = cases[i].years,
            .runs = 1000,
            .seed = 1,
        };
        struct availability_estimate estimate = simulate(&settings);
        double error = (estimate.high - estimate.low) / 2 / 1.962;
        double difference = estimate.availability - availability_expected(&settings);
        assert_true(estimate.has_interval && error > 0);
        if (fabs(difference) > 4 * error)
            fail_msg("case %zu: off by %g, standard error %g", i, difference, error);
    }
}

/* An outage of k needed units begins when one too many is down, so their rate is known for one
 * unit: each up hour ends in one with the probability f. */
static void test_outages(void **state)
{
    struct availability_estimate estimate = simulate(&usual);
    double up_hours = estimate.availability * 8760 * 1000;

    (void)state;
    assert_near((double)estimate.outages, 0.001 * up_hours, 4 * sqrt(0.001 * up_hours));
    assert_near(estimate.outage_hours, 10, 4 * 10 / sqrt((double)estimate.outages));
    assert_true(estimate.runs_with_outage > 990 && estimate.runs_with_outage <= 1000);
}

/* Of a hundred intervals that hold the truth at 95 %, fewer than 88 or all would be odd. */
static void test_interval_covers(void **state)
{
    struct availability_settings settings = usual;
    static const unsigned runs[] = {5, 50};

    (void)state;
    settings.reliability = 0.99;
    settings.years = 0.2;
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        unsigned covered = 0;
        settings.runs = runs[i];
        double truth = availability_expected(&settings);
        for (settings.seed = 0; settings.seed < 100; settings.seed++) {
            struct availability_estimate estimate = simulate(&settings);
            covered += estimate.low <= truth && truth <= estimate.high;
        }
        assert_in_range(covered, 88, 99);
    }
    settings.runs = 1;
    assert_false(simulate(&settings).has_interval);
}

/* The very numbers, so that another machine or library cannot silently give others. */
static void test_same_seed(void **state)
{
    struct availability_settings settings = usual;

    (void)state;
    settings.units = 2;
    struct availability_estimate first = simulate(&settings), second = simulate(&settings);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(first.outages, 159);
    assert_int_equal((uint64_t)(first.outages * first.outage_hours + 0.5), 780);
    settings.seed = 2;
    second = simulate(&settings);
    assert_true(first.availability != second.availability);
}

static void check_exactly(double reliability, double repair, unsigned units, double availability,
                          uint64_t outages)
{
    struct availability_settings settings = usual;

    settings.units = units;
    settings.reliability = reliability;
    settings.repair = repair;
    settings.runs = 10;
    struct availability_estimate estimate = simulate(&settings);
    assert_near(estimate.availability, availability, 1e-12);
    assert_near(estimate.low, availability, 1e-12);
    assert_near(estimate.high, availability, 1e-12);
    assert_near(availability_expected(&settings), availability, 1e-12);
    assert_int_equal(estimate.outages, outages);
}

static void test_certain(void **state)
{
    (void)state;
    check_exactly(1, 0.1, 1, 1, 0);
    check_exactly(1, 0, 1, 1, 0);
    check_exactly(1, 1, 5, 1, 0);
    check_exactly(0, 0, 1, 1.0 / 8760, 10); /* up in the first hour alone */
    check_exactly(0, 0, 5, 1.0 / 8760, 10);
    check_exactly(0, 1, 1, 0.5, 10 * 8760 / 2); /* up, down, up, down */
}

static void test_refuses(void **state)
{
    struct availability_estimate estimate;
    struct availability_settings wrong[14];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        wrong[i] = usual;
    wrong[0].units = 0;
    wrong[1].units = AVAILABILITY_UNITS_MAX + 1;
    wrong[2].needed = 0;
    wrong[3].needed = 2;
    wrong[4].reliability = -0.1;
    wrong[5].reliability = 1.1;
    wrong[6].reliability = NAN;
    wrong[7].repair = -0.1;
    wrong[8].repair = NAN;
    wrong[9].years = 0;
    wrong[10].years = 0.4 / 8760;
    wrong[11].years = AVAILABILITY_YEARS_MAX + 1;
    wrong[12].runs = 0;
    wrong[13].runs = AVAILABILITY_RUNS_MAX + 1;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(availability_simulate(&wrong[i], &estimate), -EINVAL);
}

static void test_tiers(void **state)
{
    static const struct {
        double availability;
        const char *tier;
    } cases[] = {
        {0, "I"},         {0.99671, "I"},   {0.99705, "I"},  {0.99707, "II"}, {0.99741, "II"},
        {0.99982, "III"}, {0.99988, "III"}, {0.99989, "IV"}, {0.99995, "IV"}, {1, "IV"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(availability_nearest_tier(cases[i].availability)->name, cases[i].tier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_long_run),
        cmocka_unit_test(test_against_closed_form),
        cmocka_unit_test(test_outages),
        cmocka_unit_test(test_interval_covers),
        cmocka_unit_test(test_same_seed),
        cmocka_unit_test(test_certain),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_tiers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
