#include "vbmc/physics/facility.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/supply.h"

#define BATTERY_LOW        0.2
#define SECONDS_PER_MINUTE 60.0

void facility_settings_set_defaults(struct facility_settings *settings)
{
    *settings = (struct facility_settings){
        .feed_count = 2,
        .ups_feeds = 0x3,
        .ups_runtime_s = 600,
        .ups_recharge_s = 3600,
        .has_generator = true,
        .generator_start_s = 30,
        .inlet_c = 22,
        .warming_c_per_min = 2,
        .hottest_c = 50,
        .cooling_minutes = 5,
    };
}

void facility_init(struct facility *facility, const struct facility_settings *settings)
{
    *facility = (struct facility){.settings = *settings};
    facility_clear(facility);
}

void facility_clear(struct facility *facility)
{
    facility->feeds_down = 0;
    facility->utility_lost = false;
    facility->generator_failed = false;
    facility->crac_failed = false;
    facility->battery = 1;
    facility->inlet_c = facility->settings.inlet_c;
    facility->generator_s = 0;
}

/* ---- what is the case ---- */

static uint8_t feeds_of(const struct facility *facility)
{
    unsigned count = facility->settings.feed_count;

    if (count > SUPPLY_FEEDS_MAX)
        count = SUPPLY_FEEDS_MAX;
    return (uint8_t)((1u << count) - 1);
}

bool facility_has_ups(const struct facility *facility)
{
    return (facility->settings.ups_feeds & feeds_of(facility)) != 0;
}

bool facility_generator_starts(const struct facility *facility)
{
    return facility->settings.has_generator && facility->utility_lost &&
           !facility->generator_failed &&
           facility->generator_s < facility->settings.generator_start_s;
}

bool facility_generator_runs(const struct facility *facility)
{
    return facility->settings.has_generator && facility->utility_lost &&
           !facility->generator_failed &&
           facility->generator_s >= facility->settings.generator_start_s;
}

/* Utility or generator. */
static bool has_mains(const struct facility *facility)
{
    return !facility->utility_lost || facility_generator_runs(facility);
}

bool facility_on_battery(const struct facility *facility)
{
    return facility_has_ups(facility) && !has_mains(facility);
}

bool facility_battery_low(const struct facility *facility)
{
    return facility_has_ups(facility) && facility->battery <= BATTERY_LOW;
}

uint8_t facility_feeds_live(const struct facility *facility)
{
    uint8_t live = feeds_of(facility) & (uint8_t)~facility->feeds_down;

    if (has_mains(facility))
        return live;
    if (facility->battery <= 0 || facility->settings.ups_runtime_s == 0)
        return 0;
    return live & facility->settings.ups_feeds;
}

/* ---- time ---- */

static void step_battery(struct facility *facility, double seconds)
{
    bool drains = facility_on_battery(facility);
    unsigned whole = drains ? facility->settings.ups_runtime_s : facility->settings.ups_recharge_s;
    double change = whole > 0 ? seconds / whole : seconds > 0;

    facility->battery += drains ? -change : change;
    facility->battery = fmin(fmax(facility->battery, 0), 1);
}

/* Towards a temperature with a time constant: exact for any length. */
static void step_inlet(struct facility *facility, double seconds)
{
    const struct facility_settings *settings = &facility->settings;
    double towards = settings->inlet_c;
    double time_constant = settings->cooling_minutes * SECONDS_PER_MINUTE;

    if (facility->crac_failed) {
        if (!(settings->warming_c_per_min > 0))
            return;
        /* The exponential that leaves the normal temperature with the slope that is asked for. */
        time_constant = fmax(settings->hottest_c - settings->inlet_c, 0) /
                        settings->warming_c_per_min * SECONDS_PER_MINUTE;
        towards = fmax(settings->hottest_c, settings->inlet_c);
    }
    double share = time_constant > 0 ? -expm1(-seconds / time_constant) : seconds > 0;
    facility->inlet_c += (towards - facility->inlet_c) * share;
}

/* How long nothing changes but by itself: until the generator has started. */
static double next_change(const struct facility *facility, double seconds)
{
    if (!facility_generator_starts(facility))
        return seconds;
    return fmin(seconds, facility->settings.generator_start_s - facility->generator_s);
}

void facility_step(struct facility *facility, double seconds)
{
    if (!(seconds > 0) || isinf(seconds))
        return;
    step_inlet(facility, seconds);
    while (seconds > 0) {
        double part = next_change(facility, seconds);

        step_battery(facility, part);
        if (facility_generator_starts(facility)) {
            double started = facility->settings.generator_start_s;
            /* Set, not added up: rounding must not leave it a hair before its start. */
            facility->generator_s =
                part < seconds ? started : fmin(facility->generator_s + part, started);
        } else if (!facility_generator_runs(facility)) {
            facility->generator_s = 0;
        }
        seconds -= part;
    }
}

/* ---- what is done to it ---- */

static int refuse(char *error, size_t error_size, const char *text)
{
    snprintf(error, error_size, "%s", text);
    return -EINVAL;
}

static int set_feed(struct facility *facility, const char *which, const char *state, char *error,
                    size_t error_size)
{
    uint8_t feeds = feeds_of(facility);
    unsigned feed = SUPPLY_FEEDS_MAX;
    bool down = strcmp(state, "down") == 0;

    if (which && strlen(which) == 1)
        feed = (unsigned)((which[0] & ~0x20) - 'A');
    if (feed >= SUPPLY_FEEDS_MAX || !(feeds >> feed & 1)) {
        snprintf(error, error_size, "which feed? There %s",
                 feeds == 0x1   ? "is: A"
                 : feeds == 0x3 ? "are: A, B"
                 : feeds == 0x7 ? "are: A, B, C"
                                : "are: A, B, C, D");
        return -EINVAL;
    }
    if (!down && strcmp(state, "up") != 0)
        return refuse(error, error_size, "a feed can be: up, down");
    if (down)
        facility->feeds_down |= (uint8_t)(1u << feed);
    else
        facility->feeds_down &= (uint8_t) ~(1u << feed);
    return 0;
}

static const char *missing_ups(const struct facility *facility)
{
    return facility_has_ups(facility) ? NULL : "there is no UPS here (see ups-feeds in [facility])";
}

static const char *missing_generator(const struct facility *facility)
{
    return facility->settings.has_generator ? NULL : "there is no generator here (see [facility])";
}

/* Those that are either well or not. */
static const struct {
    const char *name, *well, *unwell;
    size_t flag; /* offset of the bool */
    const char *(*missing)(const struct facility *facility);
} items[] = {
    {"ups", "line", "battery", offsetof(struct facility, utility_lost), missing_ups},
    {"utility", "ok", "lost", offsetof(struct facility, utility_lost), NULL},
    {"generator", "ok", "failed", offsetof(struct facility, generator_failed), missing_generator},
    {"crac", "ok", "failed", offsetof(struct facility, crac_failed), NULL},
};

int facility_set(struct facility *facility, const char *item, const char *which, const char *state,
                 char *error, size_t error_size)
{
    if (strcmp(item, "feed") == 0)
        return set_feed(facility, which, state, error, error_size);
    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        if (strcmp(item, items[i].name) != 0)
            continue;
        const char *missing = items[i].missing ? items[i].missing(facility) : NULL;
        bool unwell = strcmp(state, items[i].unwell) == 0;

        if (missing)
            return refuse(error, error_size, missing);
        if (which || (!unwell && strcmp(state, items[i].well) != 0)) {
            snprintf(error, error_size, "%s can be: %s, %s", item, items[i].well, items[i].unwell);
            return -EINVAL;
        }
        *(bool *)((char *)facility + items[i].flag) = unwell;
        if (!facility->utility_lost || facility->generator_failed)
            facility->generator_s = 0;
        return 0;
    }
    return refuse(error, error_size, "the room has: feed, ups, utility, generator, crac");
}
