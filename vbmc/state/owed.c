#include "vbmc/state/owed.h"

#include <time.h>

#include "vbmc/base/wall_clock.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/store/owed.h"

/* The model knows the monotonic clock alone, which ends with the machine: what is stored goes by
 * the machine's clock of the day. */
static unsigned encode(struct bmc *bmc, struct store_owed owed[CHASSIS_RECORDS_MAX])
{
    struct chassis_action actions[CHASSIS_RECORDS_MAX];
    unsigned count = chassis_list_owed(&bmc->chassis, actions);
    int64_t now_ms = (int64_t)bmc->core.hooks->now(&bmc->core),
            offset_ms = wall_clock_ms() - now_ms;

    for (unsigned i = 0; i < count; i++) {
        owed[i] = (struct store_owed){
            .uuid = bmc->core.uuid,
            .action = (uint8_t)actions[i].action,
            .cause = (uint8_t)actions[i].cause,
            .begun = actions[i].begun,
            .run = actions[i].run,
            .place = actions[i].place,
            .at = (actions[i].at_ms + offset_ms) / 1000,
        };
    }
    return count;
}

void owed_rows_decode(struct bmc *bmc, const struct store_owed *owed)
{
    int64_t age_ms = wall_clock_ms() - owed->at * 1000;
    const struct chassis_action action = {
        .action = (enum host_power_action)owed->action,
        .cause = (enum restart_cause)owed->cause,
        .begun = owed->begun,
        .run = owed->run,
        .place = owed->place,
        .at_ms = (int64_t)bmc->core.hooks->now(&bmc->core) - (age_ms > 0 ? age_ms : 0),
    };

    chassis_restore_owed(&bmc->chassis, &action);
}

static int put(struct store *store, void *owner, const void *copy, store_done_fn done,
               void *context)
{
    struct bmc *bmc = owner;
    struct store_owed owed[CHASSIS_RECORDS_MAX];
    unsigned count = encode(bmc, owed);

    (void)copy;
    return store_owed_put(store, &bmc->core.uuid, owed, count, done, context);
}

const struct save_kind owed_save_kind = {.name = "power actions", .put = put};
