#include "vbmc/bmc/power_history.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "vbmc/base/array.h"

#define EQUAL_W 0.01 /* DCMI has whole watts */

/* Width of a bucket in each tier. */
static const uint64_t width_ms[POWER_HISTORY_TIERS] = {1000, 15000, 60000};

static const struct {
    unsigned window_s;
    unsigned tier;
} windows[] = {
    {5, 0}, {15, 0}, {30, 0}, {60, 0}, {180, 1}, {300, 1}, {420, 1}, {900, 1}, {1800, 2}, {3600, 2},
};

const unsigned power_history_windows[] = {5, 15, 30, 60, 180, 300, 420, 900, 1800, 3600, 0};

static void add_to_bucket(struct power_bucket *bucket, uint64_t number, uint64_t ms, double watts)
{
    float value = (float)watts;

    if (bucket->number != number || bucket->known_ms == 0)
        *bucket = (struct power_bucket){.number = number, .least = value, .most = value};
    bucket->watt_ms += watts * (double)ms;
    bucket->known_ms += (uint32_t)ms;
    if (value < bucket->least)
        bucket->least = value;
    if (value > bucket->most)
        bucket->most = value;
}

/* Of a long time only the end is still in a bucket. */
static uint64_t skip_old(uint64_t from, uint64_t to, uint64_t width)
{
    uint64_t kept = (POWER_HISTORY_BUCKETS - 1) * width, last = to - to % width;

    return last > kept && from < last - kept ? last - kept : from;
}

static void add_to_tier(struct power_history *history, unsigned tier, uint64_t from, uint64_t to,
                        double watts)
{
    uint64_t width = width_ms[tier];

    from = skip_old(from, to, width);
    while (from < to) {
        uint64_t number = from / width, end = (number + 1) * width;
        if (end > to)
            end = to;
        add_to_bucket(&history->buckets[tier][number % POWER_HISTORY_BUCKETS], number, end - from,
                      watts);
        from = end;
    }
}

static void add(struct power_history *history, uint64_t from, uint64_t to, double watts)
{
    for (unsigned tier = 0; tier < POWER_HISTORY_TIERS; tier++)
        add_to_tier(history, tier, from, to, watts);
}

/* From now on there are buckets. 0, or -ENOMEM. */
static int begin_buckets(struct power_history *history)
{
    if (history->buckets)
        return 0;
    history->buckets = calloc(POWER_HISTORY_TIERS, sizeof *history->buckets);
    if (!history->buckets)
        return -ENOMEM;
    add(history, history->begun_ms, history->counted_ms, history->first_watts);
    return 0;
}

/* The last value is counted as far as it holds up to now. */
static void count_up_to(struct power_history *history, uint64_t now_ms)
{
    uint64_t held_until = history->is_held ? now_ms : history->noted_ms + POWER_HISTORY_HOLD_MS;
    uint64_t to = now_ms < held_until ? now_ms : held_until;

    if (!history->has_value || to <= history->counted_ms)
        return;
    if (history->buckets)
        add(history, history->counted_ms, to, history->watts);
    history->counted_ms = to;
}

/* Whether it goes on as it has begun. Without memory for buckets it begins again. */
static void follow_first(struct power_history *history, uint64_t now_ms, double watts)
{
    bool goes_on = history->has_value && history->counted_ms == now_ms &&
                   fabs(watts - history->first_watts) <= EQUAL_W;

    if (history->buckets || goes_on || (history->has_value && begin_buckets(history) == 0))
        return;
    history->first_watts = watts;
    history->begun_ms = now_ms;
}

void power_history_note(struct power_history *history, uint64_t now_ms, double watts)
{
    count_up_to(history, now_ms);
    follow_first(history, now_ms, watts);
    history->has_value = true;
    history->is_held = false;
    history->watts = watts;
    history->noted_ms = history->counted_ms = now_ms;
}

void power_history_hold(struct power_history *history)
{
    history->is_held = history->has_value;
}

void power_history_release(struct power_history *history, uint64_t at_ms)
{
    if (!history->is_held)
        return;
    count_up_to(history, at_ms);
    history->is_held = false;
    if (at_ms > history->noted_ms)
        history->noted_ms = at_ms;
}

void power_history_clear(struct power_history *history)
{
    free(history->buckets);
    *history = (struct power_history){.has_value = false};
}

bool power_history_is_live(const struct power_history *history, uint64_t now_ms)
{
    return history->has_value &&
           (history->is_held || now_ms - history->noted_ms < POWER_HISTORY_HOLD_MS);
}

static void add_statistics(struct power_statistics *sum, const struct power_bucket *bucket)
{
    if (sum->known_ms == 0 || bucket->least < sum->least)
        sum->least = bucket->least;
    if (sum->known_ms == 0 || bucket->most > sum->most)
        sum->most = bucket->most;
    sum->average += bucket->watt_ms; /* divided when all is summed up */
    sum->known_ms += bucket->known_ms;
}

static void sum_up(const struct power_history *history, unsigned tier, uint64_t now_ms,
                   unsigned count, struct power_statistics *sum)
{
    uint64_t present = now_ms / width_ms[tier];

    *sum = (struct power_statistics){.known_ms = 0};
    for (unsigned back = 0; back < count && back <= present; back++) {
        uint64_t number = present - back;
        const struct power_bucket *bucket = &history->buckets[tier][number % POWER_HISTORY_BUCKETS];
        if (bucket->number == number && bucket->known_ms > 0)
            add_statistics(sum, bucket);
    }
}

int power_history_read(struct power_history *history, uint64_t now_ms, unsigned window_s,
                       struct power_statistics *statistics)
{
    size_t i = 0;

    while (i < ARRAY_SIZE(windows) && windows[i].window_s != window_s)
        i++;
    if (i == ARRAY_SIZE(windows))
        return -EINVAL;
    if (!history->has_value)
        return -ENODATA;
    count_up_to(history, now_ms);
    if (begin_buckets(history) < 0)
        return -ENOMEM;
    unsigned tier = windows[i].tier;
    sum_up(history, tier, now_ms, (unsigned)(window_s * UINT64_C(1000) / width_ms[tier]),
           statistics);
    if (statistics->known_ms == 0)
        return -ENODATA;
    statistics->average /= statistics->known_ms;
    return 0;
}
