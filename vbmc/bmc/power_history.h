/* What a server drew over the last while: minimum, maximum and time-weighted average over rolling
 * windows. Memory is bounded: time is cut into buckets, 60 of 1 s, 60 of 15 s and 60 of 1 min; a
 * window is made of whole buckets and the one that has just begun, so that it is up to one bucket
 * shorter than its name says. As long as the value has changed a few times at most there are none:
 * what a server at rest drew is one number, or some. */
#ifndef VBMC_BMC_POWER_HISTORY_H
#define VBMC_BMC_POWER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_HISTORY_BUCKETS 60
#define POWER_HISTORY_TIERS   3
/* How long a value holds when no other follows: nobody knows what was drawn after that. */
#define POWER_HISTORY_HOLD_MS 10000

#define POWER_HISTORY_RUNS 3

struct power_bucket {
    double watt_ms;
    uint32_t number;   /* time / width; tells an old bucket from a present one */
    uint32_t known_ms; /* how much of the bucket is known */
    float least, most;
};

struct power_buckets {
    struct power_bucket tiers[POWER_HISTORY_TIERS][POWER_HISTORY_BUCKETS];
};

/* A value, and from when up to when. */
struct power_run {
    double watts;
    uint64_t begun_ms, end_ms;
};

/* The beginning is all zeros. */
struct power_history {
    struct power_buckets *buckets; /* NULL: the runs are all there is */
    bool has_value;
    bool is_held;        /* it holds until it is told otherwise */
    uint8_t run_count;   /* with buckets: 1 */
    double watts;        /* the last value ... */
    uint64_t noted_ms;   /* ... and since when it holds */
    uint64_t counted_ms; /* up to when it is counted */
    /* The last of them goes on. */
    struct power_run runs[POWER_HISTORY_RUNS];
};

/* Windows that there are, in ascending order, in seconds; 0 ends them. */
extern const unsigned power_history_windows[];

void power_history_clear(struct power_history *history);
/* The value from now on. Time does not go backwards. */
void power_history_note(struct power_history *history, uint64_t now_ms, double watts);
/* The last value holds, also longer than POWER_HISTORY_HOLD_MS, until the next one or until
 * power_history_release. */
void power_history_hold(struct power_history *history);
/* It was held up to that time; from there it holds as if it had been noted then. */
void power_history_release(struct power_history *history, uint64_t at_ms);
/* The last value is not too old. */
bool power_history_is_live(const struct power_history *history, uint64_t now_ms);

struct power_statistics {
    double least, most, average; /* W */
    uint32_t known_ms;           /* of the window */
};

/* Over one of power_history_windows, ending now. 0; -ENODATA if nothing is known of it; -EINVAL if
 * there is no such window; -ENOMEM. */
int power_history_read(struct power_history *history, uint64_t now_ms, unsigned window_s,
                       struct power_statistics *statistics);

#endif
