/* How often a server is without power when its supplies fail and are repaired by chance: simulated,
 * and as the closed form of the Markov chain that it is. Pure.
 *
 * Time goes in steps of an hour. Each unit (a power supply with its path) is up or down: an up one
 * fails in an hour with the probability f = 1 - reliability, a down one is repaired with the
 * probability `repair`, each for itself. The server is up while `needed` units are.
 *
 * All units are up at first, as in a room that was just handed over. With the eigenvalue
 * l = 1 - f - repair and the stationary availability a = repair / (repair + f), a unit is up in the
 * hour t with the probability a + (1 - a) l^t. That start matters for about 1 / (f + repair) hours:
 * ten of a year's 8760 where a repair takes ten hours, all of them where nothing is repaired. */
#ifndef VBMC_PHYSICS_AVAILABILITY_H
#define VBMC_PHYSICS_AVAILABILITY_H

#include <stdbool.h>
#include <stdint.h>

#define AVAILABILITY_UNITS_MAX      8
#define AVAILABILITY_HOURS_PER_YEAR 8760
#define AVAILABILITY_YEARS_MAX      100
#define AVAILABILITY_RUNS_MAX       1000000

struct availability_settings {
    unsigned units;     /* 1..AVAILABILITY_UNITS_MAX */
    unsigned needed;    /* 1..units */
    double reliability; /* 0..1 */
    double repair;      /* 0..1 */
    double years;       /* of one run; at least an hour, at most AVAILABILITY_YEARS_MAX */
    unsigned runs;      /* 1..AVAILABILITY_RUNS_MAX */
    uint64_t seed;
};

struct availability_estimate {
    double availability; /* 0..1: part of the time in which the server was up */
    bool has_interval;   /* not with a single run */
    double low, high;    /* 95 % confidence interval of the above, over the runs, within 0..1 */
    uint64_t outages;    /* of all runs; one that the end of a run cuts short counts */
    uint64_t runs_with_outage;
    double outage_hours; /* mean duration; 0 without an outage */
};

/* Hours of one run. */
uint64_t availability_hours(const struct availability_settings *settings);
/* The same settings always give the same estimate, on any machine with IEEE 754 numbers. 0, or
 * -EINVAL if a setting is out of its range. */
int availability_simulate(const struct availability_settings *settings,
                          struct availability_estimate *estimate);
/* The expected value of what availability_simulate estimates. Valid settings only, here and below.
 */
double availability_expected(const struct availability_settings *settings);
/* The same over a time without end. */
double availability_long_run(const struct availability_settings *settings);

/* The Uptime Institute's tiers, by the availability that goes with each. */
struct availability_tier {
    const char *name; /* "III" */
    double availability;
};

/* The one whose down-time is nearest. */
const struct availability_tier *availability_nearest_tier(double availability);

#endif
