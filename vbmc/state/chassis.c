#include "vbmc/state/chassis.h"

#include <stdlib.h>
#include <time.h>

#include "vbmc/base/wall_clock.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/store/chassis.h"

/* Later than that a clock has been set, and what was stored by it means nothing. */
#define YEARS_MAX 30
#define AGE_MAX_S (YEARS_MAX * INT64_C(31556952))

/* Seconds since 1970 of a monotonic time in ms, to the nearest, and back (see struct chassis), not
 * beyond the present: what was read is written as the same second again, however often. */
static int64_t wall_of(struct bmc *bmc, int64_t at_ms)
{
    return (wall_clock_ms() - ((int64_t)bmc->core.hooks->now(&bmc->core) - at_ms) + 500) / 1000;
}

static int64_t monotonic_of(struct bmc *bmc, int64_t at)
{
    int64_t age_ms = wall_clock_ms() - at * 1000;

    return (int64_t)bmc->core.hooks->now(&bmc->core) - (age_ms > 0 ? age_ms : 0);
}

static bool is_plausible(int64_t at)
{
    int64_t now = (int64_t)time(NULL);

    return at > 0 && at <= now + 1 && now - at <= AGE_MAX_S;
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
    row->started_at = wall_of(bmc, chassis->on_since_ms);
    if (chassis->poh_counting || chassis->poh_in_doubt)
        row->counted_at = wall_of(bmc, (int64_t)(chassis->poh_counted_ms - chassis->poh_rest_ms));
}

void chassis_rows_decode(struct bmc *bmc, const struct store_chassis *row)
{
    struct chassis *chassis = &bmc->chassis;

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
    if (row->run < 0 || !is_plausible(row->started_at))
        return;
    int64_t counted_at = is_plausible(row->counted_at) ? row->counted_at : (int64_t)time(NULL);
    chassis_restore_run(chassis, row->run, monotonic_of(bmc, row->started_at),
                        monotonic_of(bmc, counted_at));
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
