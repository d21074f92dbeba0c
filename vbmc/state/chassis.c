#include "vbmc/state/chassis.h"

#include <stdlib.h>

#include "vbmc/base/stored_time.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/store/chassis.h"

/* Older than that, or of the future, something is only where a clock has been set between two boots
 * of the machine: what was stored by it means nothing. */
#define YEARS_MAX  30
#define AGE_MAX_MS (YEARS_MAX * INT64_C(31556952) * 1000)

static int64_t now_of(const struct bmc *bmc)
{
    return (int64_t)bmc->core.hooks->now(&bmc->core);
}

/* Seconds since 1970 of a monotonic time in ms, to the nearest: what was read is written as the
 * same second again, however often. */
static int64_t seconds_of(const struct stored_clock *clock, int64_t at_ms)
{
    return (stored_time_of(clock, at_ms) + 500) / 1000;
}

/* The monotonic time of what was stored, not beyond the present (see struct chassis). False if it
 * means nothing. */
static bool read_time(const struct stored_clock *clock, int64_t at, int64_t now_ms, int64_t *at_ms)
{
    int64_t moment = stored_time_moment(clock, at * 1000, now_ms);

    *at_ms = moment < now_ms ? moment : now_ms;
    return at > 0 && moment <= now_ms + 1000 && now_ms - moment <= AGE_MAX_MS;
}

static uint8_t restore_of(const struct chassis *chassis)
{
    if (chassis->restore == RESTORE_NONE)
        return STORE_RESTORE_NONE;
    return chassis->was_on_last_run ? STORE_RESTORE_WAS_ON : STORE_RESTORE_WAS_OFF;
}

void chassis_rows_encode(struct bmc *bmc, struct store_chassis *row)
{
    struct chassis *chassis = &bmc->chassis;

    *row = (struct store_chassis){
        .uuid = bmc->core.uuid,
        .restore_policy = (uint8_t)chassis->restore_policy,
        .cycle_interval_s = chassis->cycle_interval_s,
        .poh_minutes = chassis_poh_minutes(&bmc->chassis),
        .was_on = chassis->was_on,
        .restart_cause = (uint8_t)chassis->restart_cause,
        .boots = chassis->boots,
        .last_power_event = chassis->last_power_event,
        .run = -1,
        .restore = restore_of(chassis),
    };
    if (!chassis->on_since_ms)
        return;
    row->run = chassis->run;
    stored_clock_read(&row->clock, now_of(bmc));
    row->started_at = seconds_of(&row->clock, chassis->on_since_ms);
    if (chassis->poh_counting || chassis->poh_in_doubt)
        row->counted_at =
            seconds_of(&row->clock, (int64_t)(chassis->poh_counted_ms - chassis->poh_rest_ms));
}

void chassis_rows_decode(struct bmc *bmc, const struct store_chassis *row)
{
    struct chassis *chassis = &bmc->chassis;
    int64_t now_ms = now_of(bmc), started_ms, counted_ms;

    chassis->restore_policy = (enum power_restore_policy)row->restore_policy;
    chassis->cycle_interval_s = row->cycle_interval_s;
    chassis->poh_minutes = row->poh_minutes;
    chassis->was_on = chassis->was_on_last_run = row->was_on;
    if (row->restore != STORE_RESTORE_NONE) { /* the guest may have been seen off since */
        chassis->restore = RESTORE_WAITS;
        chassis->was_on_last_run = row->restore == STORE_RESTORE_WAS_ON;
    }
    chassis->restart_cause = (enum restart_cause)row->restart_cause;
    chassis->boots = row->boots;
    chassis->last_power_event = row->last_power_event;
    if (row->run < 0 || !read_time(&row->clock, row->started_at, now_ms, &started_ms))
        return;
    if (!read_time(&row->clock, row->counted_at, now_ms, &counted_ms))
        counted_ms = now_ms;
    chassis_restore_run(chassis, row->run, started_ms, counted_ms);
}

static void *copy(void *owner)
{
    struct store_chassis *row = malloc(sizeof *row);

    if (row)
        chassis_rows_encode(owner, row);
    return row;
}

static int put(struct store *store, void *owner, const void *row, store_done_fn done, void *context)
{
    (void)owner;
    return store_chassis_put(store, row, done, context);
}

/* Not what the guest has done. */
static bool take_back(void *owner, const void *stored, bool asked)
{
    const struct store_chassis *row = stored;
    struct chassis *chassis = &((struct bmc *)owner)->chassis;
    struct chassis defaults;

    (void)asked;
    chassis_set_defaults(&defaults);
    chassis->restore_policy =
        row ? (enum power_restore_policy)row->restore_policy : defaults.restore_policy;
    chassis->cycle_interval_s = row ? row->cycle_interval_s : defaults.cycle_interval_s;
    return false;
}

const struct save_kind chassis_save_kind = {
    .name = "chassis settings",
    .copy = copy,
    .release = free,
    .put = put,
    .take_back = take_back,
};
