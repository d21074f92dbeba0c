/* The room that all servers of a daemon stand in: utility, generator, UPS, power feeds and
 * cooling. Pure: time is given. */
#ifndef VBMC_BMC_FACILITY_H
#define VBMC_BMC_FACILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/supply.h"

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

void facility_init(struct facility *facility, const struct facility_settings *settings);
void facility_step(struct facility *facility, double seconds);

/* `item` is "feed", "ups", "generator" or "crac", `which` a feed's letter or NULL, `state` "up",
 * "down", "battery", "line", "ok" or "failed". 0, or -EINVAL with a line in `error`. */
int facility_set(struct facility *facility, const char *item, const char *which, const char *state,
                 char *error, size_t error_size);
/* All as it should be. */
void facility_clear(struct facility *facility);

/* Bit N: feed N has power. */
uint8_t facility_feeds_live(const struct facility *facility);
bool facility_on_battery(const struct facility *facility);
bool facility_battery_low(const struct facility *facility); /* at most a fifth left */
bool facility_generator_runs(const struct facility *facility);

#endif
