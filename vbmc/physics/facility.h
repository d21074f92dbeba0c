/* The room that all servers of a daemon stand in: utility, generator, UPS, power feeds and
 * cooling. Pure: time is given. */
#ifndef VBMC_PHYSICS_FACILITY_H
#define VBMC_PHYSICS_FACILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From [facility]. */
struct facility_settings {
    unsigned feed_count;    /* 1..SUPPLY_FEEDS_MAX; named A, B, ... */
    uint8_t ups_feeds;      /* bit N: feed N is behind the UPS; 0: there is none */
    unsigned ups_runtime_s; /* on battery, from full */
    unsigned ups_recharge_s;
    bool has_generator;
    unsigned generator_start_s;
    double inlet_c;           /* with the cooling as it should be */
    double warming_c_per_min; /* at first, when it has failed */
    double hottest_c;         /* towards which it goes then */
    double cooling_minutes;   /* time constant of its way back */
};

/* Two feeds behind a UPS for 10 minutes (an hour to recharge), a generator that takes 30 s, 22 C;
 * without cooling 2 C a minute at first, towards 50 C, back with 5 minutes. */
void facility_settings_set_defaults(struct facility_settings *settings);

struct facility {
    struct facility_settings settings;
    /* What was done to it, stored. */
    uint8_t feeds_down; /* bit N: feed N was switched off */
    bool utility_lost;  /* "ups battery" */
    bool generator_failed;
    bool crac_failed;
    /* What follows from it, stored, too. */
    double battery; /* 0..1 */
    double inlet_c;
    double generator_s; /* since it was asked to start; 0: it stands */
};

/* A room in which all is as it should be. */
void facility_init(struct facility *facility, const struct facility_settings *settings);
/* Lets time pass, of any length: ten steps of 1 s come to the same as one of 10 s. What is not a
 * positive number is left out.
 *   - Utility lost: the generator, if there is one that has not failed, runs generator_start_s
 *     later, and until the utility is back. (`generator_s` counts up to there.)
 *   - The UPS is on battery while there is neither utility nor generator: the battery goes from 1
 * to 0 within ups_runtime_s; else from 0 to 1 within ups_recharge_s.
 *   - Cooling failed: the inlet goes exponentially to hottest_c with the time constant (hottest_c -
 *     settings.inlet_c) / warming_c_per_min, which gives the slope asked for at first. Not failed:
 *     back to settings.inlet_c with cooling_minutes. */
void facility_step(struct facility *facility, double seconds);

/* What is done to it:
 *     item       which         state
 *     feed       A, B, ...     up, down
 *     ups        NULL          line, battery     (the utility is there, or lost)
 *     utility    NULL          ok, lost          (the same, for a room without a UPS)
 *     generator  NULL          ok, failed
 *     crac       NULL          ok, failed
 * 0, or -EINVAL with a line in `error` that says what is possible; then nothing has changed. What
 * follows for battery and inlet is left to facility_step, but what facility_feeds_live,
 * facility_on_battery and facility_generator_runs say changes at once. */
int facility_set(struct facility *facility, const char *item, const char *which, const char *state,
                 char *error, size_t error_size);
/* All as it should be, battery and inlet too. */
void facility_clear(struct facility *facility);

/* Bit N: feed N has power: it was not switched off, and there is utility or generator, or it is
 * behind a UPS whose battery is not empty. */
uint8_t facility_feeds_live(const struct facility *facility);
/* At least one feed is behind one. */
bool facility_has_ups(const struct facility *facility);
/* There is a UPS, and neither utility nor generator; also once its battery is empty. */
bool facility_on_battery(const struct facility *facility);
bool facility_battery_low(const struct facility *facility); /* at most a fifth left */
bool facility_generator_starts(const struct facility *facility);
bool facility_generator_runs(const struct facility *facility);

#endif
