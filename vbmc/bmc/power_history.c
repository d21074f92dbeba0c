#include "vbmc/bmc/power_history.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"

#define EQUAL_W 0.01 /* DCMI has whole watts */
/* What ended so long ago is in no window. */
#define WINDOW_MAX_MS 3600000

/* Width of a bucket in each tier. */
static const uint64_t width_ms[POWER_HISTORY_TIERS] = {1000, 15000, 60000};

static const struct {
    unsigned window_s;
    unsigned tier;
} windows[] = {
    {5, 0}, {15, 0}, {30, 0}, {60, 0}, {180, 1}, {300, 1}, {420, 1}, {900, 1}, {1800, 2}, {3600, 2},
};

const unsigned power_history_windows[] = {5, 15, 30, 60, 180, 300, 420, 900, 1800, 3600, 0};

static void add_to_bucket(struct power_bucket *bucket, uint32_t number, uint64_t ms, double watts)
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

static void add_to_tier(struct power_bucket *buckets, uint64_t width, const struct power_run *run)
{
    uint64_t from = skip_old(run->begun_ms, run->end_ms, width);

    while (from < run->end_ms) {
        uint64_t number = from / width, end = (number + 1) * width;
        if (end > run->end_ms)
            end = run->end_ms;
        add_to_bucket(&buckets[number % POWER_HISTORY_BUCKETS], (uint32_t)number, end - from,
                      run->watts);
        from = end;
    }
}

static void add(struct power_buckets *buckets, const struct power_run *run)
{
    for (unsigned tier = 0; tier < POWER_HISTORY_TIERS; tier++)
        add_to_tier(buckets->tiers[tier], width_ms[tier], run);
}

/* With what the runs say. NULL: no memory. */
static struct power_buckets *make_buckets(const struct power_history *history)
{
    struct power_buckets *buckets = calloc(1, sizeof *buckets);

    for (unsigned i = 0; buckets && i < history->run_count; i++)
        add(buckets, &history->runs[i]);
    return buckets;
}

static struct power_run *last_run(struct power_history *history)
{
    return &history->runs[history->run_count - 1];
}

/* A value that has been the same for as long as any window goes back is all there is. */
static void forget_old(struct power_history *history)
{
    const struct power_run *last = last_run(history);
    unsigned gone = 0;

    if (history->buckets && last->end_ms - last->begun_ms > WINDOW_MAX_MS) {
        free(history->buckets);
        history->buckets = NULL;
    }
    while (gone + 1 < history->run_count &&
           history->runs[gone].end_ms + WINDOW_MAX_MS < last->end_ms)
        gone++;
    history->run_count = (uint8_t)(history->run_count - gone);
    memmove(history->runs, history->runs + gone, history->run_count * sizeof history->runs[0]);
}

/* The last value is counted as far as it holds up to now. */
static void count_up_to(struct power_history *history, uint64_t now_ms)
{
    uint64_t held_until = history->is_held ? now_ms : history->noted_ms + POWER_HISTORY_HOLD_MS;
    uint64_t to = now_ms < held_until ? now_ms : held_until;

    if (!history->has_value || to <= history->counted_ms)
        return;
    const struct power_run counted = {history->watts, history->counted_ms, to};
    if (history->buckets)
        add(history->buckets, &counted);
    history->counted_ms = last_run(history)->end_ms = to;
    forget_old(history);
}

/* Without memory for buckets it begins again. */
static void begin_run(struct power_history *history, uint64_t now_ms, double watts)
{
    if (history->run_count == POWER_HISTORY_RUNS && !history->buckets)
        history->buckets = make_buckets(history);
    if (history->run_count == POWER_HISTORY_RUNS || history->buckets)
        history->run_count = 0;
    history->runs[history->run_count++] = (struct power_run){watts, now_ms, now_ms};
}

void power_history_note(struct power_history *history, uint64_t now_ms, double watts)
{
    count_up_to(history, now_ms);
    bool goes_on = history->has_value && history->counted_ms == now_ms &&
                   fabs(watts - last_run(history)->watts) <= EQUAL_W;
    if (!goes_on)
        begin_run(history, now_ms, watts);
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

static void sum_up(const struct power_bucket *buckets, uint64_t present, unsigned count,
                   struct power_statistics *sum)
{
    *sum = (struct power_statistics){.known_ms = 0};
    for (unsigned back = 0; back < count && back <= present; back++) {
        uint64_t number = present - back;
        const struct power_bucket *bucket = &buckets[number % POWER_HISTORY_BUCKETS];
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
    struct power_buckets *buckets = history->buckets ? history->buckets : make_buckets(history);
    if (!buckets)
        return -ENOMEM;
    uint64_t width = width_ms[windows[i].tier];
    sum_up(buckets->tiers[windows[i].tier], now_ms / width,
           (unsigned)(window_s * UINT64_C(1000) / width), statistics);
    if (buckets != history->buckets) /* few ask, and rarely */
        free(buckets);
    if (statistics->known_ms == 0)
        return -ENODATA;
    statistics->average /= statistics->known_ms;
    return 0;
}
