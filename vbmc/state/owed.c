#include "vbmc/state/owed.h"

#include "vbmc/base/stored_time.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/store/owed.h"

static unsigned encode(struct bmc *bmc, struct store_owed owed[CHASSIS_RECORDS_MAX])
{
    struct chassis_action actions[CHASSIS_RECORDS_MAX];
    unsigned count = chassis_list_owed(&bmc->chassis, actions);
    struct stored_clock clock;

    stored_clock_read(&clock, (int64_t)bmc->core.hooks->now(&bmc->core));
    for (unsigned i = 0; i < count; i++) {
        owed[i] = (struct store_owed){
            .uuid = bmc->core.uuid,
            .action = (uint8_t)actions[i].action,
            .cause = (uint8_t)actions[i].cause,
            .begun = actions[i].begun,
            .run = actions[i].run,
            .place = actions[i].place,
            .at = stored_time_of(&clock, actions[i].at_ms) / 1000,
            .clock = clock,
        };
    }
    return count;
}

void owed_rows_decode(struct bmc *bmc, const struct store_owed *owed)
{
    int64_t now_ms = (int64_t)bmc->core.hooks->now(&bmc->core);
    int64_t at_ms = stored_time_moment(&owed->clock, owed->at * 1000, now_ms);
    const struct chassis_action action = {
        .action = (enum host_power_action)owed->action,
        .cause = (enum restart_cause)owed->cause,
        .begun = owed->begun,
        .run = owed->run,
        .place = owed->place,
        .at_ms = at_ms < now_ms ? at_ms : now_ms,
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
