#include "vbmc/physics/availability.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "vbmc/base/array.h"

#define POWERS 20 /* 2^20 hours are more than AVAILABILITY_YEARS_MAX */

_Static_assert(AVAILABILITY_YEARS_MAX *AVAILABILITY_HOURS_PER_YEAR < 1 << POWERS,
               "a run has more hours than a sojourn");

static const struct availability_tier tiers[] = {
    {"I", 0.99671},
    {"II", 0.99741},
    {"III", 0.99982},
    {"IV", 0.99995},
};

uint64_t availability_hours(const struct availability_settings *settings)
{
    return (uint64_t)(settings->years * AVAILABILITY_HOURS_PER_YEAR + 0.5);
}

/* NaN is in no range. */
static bool is_valid(const struct availability_settings *settings)
{
    return settings->units >= 1 && settings->units <= AVAILABILITY_UNITS_MAX &&
           settings->needed >= 1 && settings->needed <= settings->units &&
           settings->reliability >= 0 && settings->reliability <= 1 && settings->repair >= 0 &&
           settings->repair <= 1 && settings->years > 0 &&
           settings->years <= AVAILABILITY_YEARS_MAX && availability_hours(settings) >= 1 &&
           settings->runs >= 1 && settings->runs <= AVAILABILITY_RUNS_MAX;
}

/* ---- chance ---- */

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* How long a unit stays as it is: hours, distributed geometrically. Inverting that distribution
 * takes the greatest n with stay^n >= u; it is found bit by bit from the powers stay^(2^i), by
 * nothing but products, since a logarithm differs from one C library to the next. */
struct sojourn {
    double powers[POWERS];
    unsigned count; /* what comes behind is too small to count */
};

static void sojourn_init(struct sojourn *sojourn, double stay)
{
    sojourn->count = 0;
    while (sojourn->count < POWERS && stay >= 0x1p-53) {
        sojourn->powers[sojourn->count++] = stay;
        stay *= stay;
    }
}

static uint64_t sojourn_draw(const struct sojourn *sojourn, uint64_t *random)
{
    double u = (double)((next_random(random) >> 11) + 1) * 0x1p-53; /* in (0, 1] */
    double power = 1;
    uint64_t hours = 1;

    for (unsigned i = sojourn->count; i-- > 0;) {
        if (power * sojourn->powers[i] >= u) {
            power *= sojourn->powers[i];
            hours += UINT64_C(1) << i;
        }
    }
    return hours;
}

/* ---- a run ---- */

struct chain {
    unsigned units, needed;
    uint64_t hours;
    struct sojourn up, down;
    uint64_t random;
};

struct run {
    uint64_t hours_down;
    uint64_t outages;
};

static struct run simulate_run(struct chain *chain)
{
    bool is_up[AVAILABILITY_UNITS_MAX];
    uint64_t changes_at[AVAILABILITY_UNITS_MAX];
    unsigned up = chain->units;
    struct run run = {0};

    for (unsigned i = 0; i < chain->units; i++) {
        is_up[i] = true;
        changes_at[i] = sojourn_draw(&chain->up, &chain->random);
    }
    for (uint64_t now = 0; now < chain->hours;) {
        bool was_up = up >= chain->needed;
        uint64_t next = chain->hours;
        for (unsigned i = 0; i < chain->units; i++) {
            if (changes_at[i] < next)
                next = changes_at[i];
        }
        if (!was_up)
            run.hours_down += next - now;
        for (unsigned i = 0; i < chain->units && next < chain->hours; i++) {
            if (changes_at[i] != next)
                continue;
            is_up[i] = !is_up[i];
            up = is_up[i] ? up + 1 : up - 1;
            changes_at[i] += sojourn_draw(is_up[i] ? &chain->up : &chain->down, &chain->random);
        }
        run.outages += was_up && up < chain->needed;
        now = next;
    }
    return run;
}

/* The 97.5 % quantile of Student's distribution. */
static double student_quantile(unsigned degrees)
{
    static const double few[] = {
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    };

    if (degrees <= ARRAY_SIZE(few))
        return few[degrees - 1];
    return 1.95996 + 2.4 / degrees; /* to three digits */
}

int availability_simulate(const struct availability_settings *settings,
                          struct availability_estimate *estimate)
{
    double mean = 0, squares = 0; /* Welford's: the mean, and the sum of squared deviations */

    *estimate = (struct availability_estimate){0};
    if (!is_valid(settings))
        return -EINVAL;
    struct chain chain = {
        .units = settings->units,
        .needed = settings->needed,
        .hours = availability_hours(settings),
        .random = settings->seed,
    };
    sojourn_init(&chain.up, settings->reliability);
    sojourn_init(&chain.down, 1 - settings->repair);
    uint64_t hours_down = 0;
    for (unsigned i = 1; i <= settings->runs; i++) {
        struct run run = simulate_run(&chain);
        double deviation = (double)run.hours_down - mean;
        mean += deviation / i;
        squares += deviation * ((double)run.hours_down - mean);
        hours_down += run.hours_down;
        estimate->outages += run.outages;
        estimate->runs_with_outage += run.outages > 0;
    }
    double hours = (double)chain.hours;
    estimate->availability = 1 - (double)hours_down / (hours * settings->runs);
    if (estimate->outages)
        estimate->outage_hours = (double)hours_down / (double)estimate->outages;
    estimate->has_interval = settings->runs > 1;
    if (estimate->has_interval) {
        unsigned degrees = settings->runs - 1;
        double half = student_quantile(degrees) * sqrt(squares / degrees / settings->runs) / hours;
        estimate->low = fmax(0, estimate->availability - half);
        estimate->high = fmin(1, estimate->availability + half);
    }
    return 0;
}

/* ---- the closed form ---- */

/* The probability that at least `needed` of the units are up if each is with probability `up`. */
static double enough_up(const struct availability_settings *settings, double up)
{
    double exactly[AVAILABILITY_UNITS_MAX + 1] = {1}; /* n of those looked at are up */
    double sum = 0;

    for (unsigned units = 1; units <= settings->units; units++) {
        for (unsigned n = units; n > 0; n--)
            exactly[n] = exactly[n] * (1 - up) + exactly[n - 1] * up;
        exactly[0] *= 1 - up;
    }
    for (unsigned n = settings->units; n >= settings->needed; n--)
        sum += exactly[n];
    return sum;
}

/* Of one unit. */
static double stationary(const struct availability_settings *settings)
{
    double rate = 1 - settings->reliability + settings->repair;

    return rate > 0 ? settings->repair / rate : 1; /* nothing ever changes: up, as at first */
}

double availability_expected(const struct availability_settings *settings)
{
    double a = stationary(settings), eigenvalue = settings->reliability - settings->repair;
    double power = 1, sum = 0;
    uint64_t hours = availability_hours(settings);

    for (uint64_t hour = 0; hour < hours; hour++) {
        sum += enough_up(settings, a + (1 - a) * power);
        power *= eigenvalue;
    }
    return sum / (double)hours;
}

double availability_long_run(const struct availability_settings *settings)
{
    /* All fail and all are repaired together, for ever. */
    if (settings->reliability <= 0 && settings->repair >= 1)
        return 0.5;
    return enough_up(settings, stationary(settings));
}

/* ---- tiers ---- */

const struct availability_tier *availability_nearest_tier(double availability)
{
    const struct availability_tier *nearest = &tiers[0];

    for (size_t i = 1; i < ARRAY_SIZE(tiers); i++) {
        if (fabs(tiers[i].availability - availability) < fabs(nearest->availability - availability))
            nearest = &tiers[i];
    }
    return nearest;
}
