/* {"sets": 1, "use": 4, "interrupt": 0, "action": 1, "pre-timeout-s": 0, "initial": 3000,
 *  "dont-log": 0, "expired": 16, "running": 1, "held": 0, "interrupted": 0, "run": 7, "place": 8,
 *  "due-interrupt": 0, "due-action": 0, "due-run": 7, "due-place": 8, "ends-at": 1700000000000,
 *  "ends-at-monotonic": 1000000, "boot": "d0e1..."}
 *
 * A countdown is stored by when it ends, so that nothing has to be written while it goes on: by the
 * monotonic clock, which nobody sets and which holds for one boot of this machine, and by the time
 * of day for when the machine has booted since. Of one that stands still "left-ms" is stored
 * instead. */
#include <errno.h>
#include <string.h>

#include "vbmc/base/boot_id.h"
#include "vbmc/base/json.h"
#include "vbmc/base/wall_clock.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_number.h"

enum member {
    SETS,
    USE,
    INTERRUPT,
    ACTION,
    PRETIMEOUT,
    INITIAL,
    DONT_LOG,
    EXPIRED,
    RUNNING,
    HELD,
    INTERRUPTED,
    RUN,
    PLACE,
    DUE_INTERRUPT,
    DUE_ACTION,
    DUE_RUN,
    DUE_PLACE,
    STOPS,
    COUNT
};

/* What they are stored as, and the bounds of what is taken back. */
static const struct {
    const char *key;
    int64_t least, most;
} members[COUNT] = {
    [SETS] = {"sets", 1, UINT32_MAX},
    [USE] = {"use", 0, UINT8_MAX},
    [INTERRUPT] = {"interrupt", 0, UINT8_MAX},
    [ACTION] = {"action", 0, UINT8_MAX},
    [PRETIMEOUT] = {"pre-timeout-s", 0, UINT8_MAX},
    [INITIAL] = {"initial", 0, UINT16_MAX},
    [DONT_LOG] = {"dont-log", 0, 1},
    [EXPIRED] = {"expired", 0, UINT8_MAX},
    [RUNNING] = {"running", 0, 1},
    [HELD] = {"held", 0, 1},
    [INTERRUPTED] = {"interrupted", 0, 1},
    [RUN] = {"run", INT64_MIN, INT64_MAX},
    [PLACE] = {"place", 0, INT64_MAX},
    [DUE_INTERRUPT] = {"due-interrupt", 0, 1},
    [DUE_ACTION] = {"due-action", 0, UINT8_MAX},
    [DUE_RUN] = {"due-run", INT64_MIN, INT64_MAX},
    [DUE_PLACE] = {"due-place", 0, INT64_MAX},
    [STOPS] = {"stops", 0, UINT32_MAX},
};

static int add_time(struct json_object *json, const struct bmc *bmc,
                    const struct watchdog_record *record)
{
    char boot[BOOT_ID_SIZE];

    if (!record->running || record->held)
        return record_add_number(json, "left-ms", record->left_ms);
    boot_id_read(boot);
    if (record_add_number(json, "ends-at", wall_clock_ms() + record->left_ms) < 0 ||
        record_add_number(json, "ends-at-monotonic",
                          (int64_t)bmc->core.hooks->now(&bmc->core) + record->left_ms) < 0)
        return -ENOMEM;
    return qmp_json_add(json, "boot", json_object_new_string(boot));
}

static void fill_values(const struct watchdog_record *record, int64_t values[COUNT])
{
    const int64_t filled[COUNT] = {
        [SETS] = record->sets,
        [USE] = record->settings.use,
        [INTERRUPT] = record->settings.interrupt,
        [ACTION] = record->settings.action,
        [PRETIMEOUT] = record->settings.pretimeout_s,
        [INITIAL] = record->settings.initial,
        [DONT_LOG] = record->settings.dont_log,
        [EXPIRED] = record->expired,
        [RUNNING] = record->running,
        [HELD] = record->held,
        [INTERRUPTED] = record->interrupted,
        [RUN] = record->run,
        [PLACE] = record->place,
        [DUE_INTERRUPT] = record->due_interrupt,
        [DUE_ACTION] = record->due_action,
        [DUE_RUN] = record->due_run,
        [DUE_PLACE] = record->due_place,
        [STOPS] = record->stops,
    };

    memcpy(values, filled, sizeof filled);
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *json = json_object_new_object();
    struct watchdog_record record;
    int64_t values[COUNT];

    watchdog_take_record(&bmc->watchdog, &record);
    fill_values(&record, values);
    for (size_t i = 0; json && i < COUNT; i++) {
        if (record_add_number(json, members[i].key, values[i]) < 0)
            return NULL;
    }
    return json && add_time(json, bmc, &record) == 0 ? cleanup_steal_pointer(&json) : NULL;
}

/* What is left of a countdown that goes on, negative where it is over. */
static bool read_time(struct json_object *json, const struct bmc *bmc, int64_t *left_ms)
{
    const char *stored = qmp_json_string(json, "boot");
    int64_t now_ms = (int64_t)bmc->core.hooks->now(&bmc->core), wall = wall_clock_ms(), at;
    char boot[BOOT_ID_SIZE];

    boot_id_read(boot);
    bool is_same_boot = stored && boot[0] && strcmp(stored, boot) == 0;
    if (!record_read_number(json, is_same_boot ? "ends-at-monotonic" : "ends-at", 0, INT64_MAX / 2,
                            &at))
        return false;
    *left_ms = at - (is_same_boot ? now_ms : wall);
    return true;
}

/* Of what is missing: a version that did not know it went by the run in which the timer started. */
static int64_t value_of_before(enum member member, const int64_t value[COUNT])
{
    switch (member) {
    case DUE_RUN:
        return value[RUN];
    case DUE_PLACE:
        return value[PLACE];
    default:
        return 0;
    }
}

static bool read_values(struct json_object *json, int64_t value[COUNT])
{
    for (size_t i = 0; i < COUNT; i++) {
        bool is_there = json_object_object_get_ex(json, members[i].key, NULL);
        if (i >= DUE_INTERRUPT && !is_there) {
            value[i] = value_of_before((enum member)i, value);
            continue;
        }
        if (!record_read_number(json, members[i].key, members[i].least, members[i].most, &value[i]))
            return false;
    }
    return true;
}

static bool read_record(struct json_object *json, const struct bmc *bmc,
                        struct watchdog_record *record)
{
    int64_t value[COUNT];

    if (!read_values(json, value))
        return false;
    *record = (struct watchdog_record){
        .settings =
            {
                .use = (enum watchdog_use)value[USE],
                .interrupt = (enum watchdog_interrupt)value[INTERRUPT],
                .action = (enum watchdog_action)value[ACTION],
                .pretimeout_s = (uint8_t)value[PRETIMEOUT],
                .initial = (uint16_t)value[INITIAL],
                .dont_log = value[DONT_LOG] != 0,
            },
        .sets = (uint32_t)value[SETS],
        .expired = (uint8_t)value[EXPIRED],
        .running = value[RUNNING] != 0,
        .held = value[HELD] != 0,
        .interrupted = value[INTERRUPTED] != 0,
        .run = value[RUN],
        .place = value[PLACE],
        .due_interrupt = value[DUE_INTERRUPT] != 0,
        .due_action = (enum watchdog_action)value[DUE_ACTION],
        .due_run = value[DUE_RUN],
        .due_place = value[DUE_PLACE],
        .stops = (uint32_t)value[STOPS],
    };
    if (record->running && !record->held)
        return read_time(json, bmc, &record->left_ms);
    return record_read_number(json, "left-ms", 0, INT64_MAX / 2, &record->left_ms);
}

/* Of a timer that was never set, which says no more than no record does. */
static bool is_of_nothing(struct json_object *json)
{
    int64_t sets;

    return !json || record_read_number(json, members[SETS].key, 0, 0, &sets);
}

static int decode(struct bmc *bmc, struct json_object *json)
{
    struct watchdog_record record;

    if (is_of_nothing(json))
        return watchdog_restore(&bmc->watchdog, NULL);
    return read_record(json, bmc, &record) ? watchdog_restore(&bmc->watchdog, &record) : -EINVAL;
}

static bool is_as_stored(const struct bmc *bmc, struct json_object *json)
{
    struct watchdog_record present, stored;
    int64_t is[COUNT], was[COUNT];

    if (!read_record(json, bmc, &stored))
        return false;
    watchdog_take_record(&bmc->watchdog, &present);
    fill_values(&present, is);
    fill_values(&stored, was);
    return memcmp(is, was, sizeof is) == 0 && present.left_ms == stored.left_ms;
}

/* A record that cannot be read would be left out as well when the daemon starts. */
static bool take_back(struct bmc *bmc, struct json_object *json)
{
    if (!is_of_nothing(json) && decode(bmc, json) == 0)
        return is_as_stored(bmc, json);
    decode(bmc, NULL);
    return true;
}

const struct record_kind record_watchdog = {
    .name = "watchdog",
    .encode = encode,
    .decode = decode,
    .take_back = take_back,
};
