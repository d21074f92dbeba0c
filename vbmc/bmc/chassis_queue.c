#include "vbmc/bmc/chassis_queue.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/waiters.h"

bool chassis_is_starting(const struct chassis *chassis)
{
    return chassis->queued > 0 && (chassis->queue[0].action == HOST_POWER_ACTION_UP ||
                                   chassis->queue[0].action == HOST_POWER_ACTION_CYCLE);
}

void chassis_accept_power_up(struct chassis *chassis)
{
    struct chassis_action *action = chassis->queue;

    if (chassis->queued == 0 || action->action != HOST_POWER_ACTION_UP || !action->stored)
        return;
    action->accepted = true;
    waiters_expire(&action->waiters, UINT64_MAX - 1, 0);
}

struct chassis_action *chassis_add_queued(struct chassis *chassis)
{
    if (!chassis->queue)
        chassis->queue = calloc(CHASSIS_QUEUE_MAX, sizeof *chassis->queue);
    return chassis->queue ? &chassis->queue[chassis->queued++] : NULL;
}

bool chassis_keep_owed(struct chassis *chassis, const struct chassis_action *action)
{
    if (chassis->owed_count + chassis->queued >= CHASSIS_RECORDS_MAX)
        return false;
    if (!chassis->owed)
        chassis->owed = calloc(CHASSIS_RECORDS_MAX, sizeof *chassis->owed);
    if (!chassis->owed)
        return false;
    chassis->owed[chassis->owed_count] = *action;
    chassis->owed[chassis->owed_count++].waiters = (struct waiters){.count = 0};
    chassis->owed_changed = true;
    return true;
}

unsigned chassis_list_owed(const struct chassis *chassis,
                           struct chassis_action records[CHASSIS_RECORDS_MAX])
{
    if (chassis->owed_count > 0)
        memcpy(records, chassis->owed, chassis->owed_count * sizeof records[0]);
    if (chassis->queued > 0)
        memcpy(records + chassis->owed_count, chassis->queue, chassis->queued * sizeof records[0]);
    return chassis->owed_count + chassis->queued;
}

uint64_t chassis_start_by_ms(const struct chassis *chassis)
{
    const struct chassis_action *action = chassis->queue;

    return chassis->queued > 0 && action->start_by_ms > 0 && !action->started ? action->start_by_ms
                                                                              : UINT64_MAX;
}

uint64_t chassis_unstored_deadline(const struct chassis_action *action)
{
    uint64_t deadline = waiters_next_deadline(&action->waiters);

    if (action->stored || action->accepted || deadline == UINT64_MAX)
        return UINT64_MAX;
    return deadline + CHASSIS_UNSTORED_MS;
}

uint64_t chassis_next_deadline(const struct chassis *chassis)
{
    uint64_t next = chassis_start_by_ms(chassis);

    if (chassis->resume_at_ms > 0 && chassis->resume_at_ms < next)
        next = chassis->resume_at_ms;
    for (unsigned i = 0; i < chassis->queued; i++) {
        const struct chassis_action *action = &chassis->queue[i];
        uint64_t deadline = action->stored ? waiters_next_deadline(&action->waiters)
                                           : chassis_unstored_deadline(action);
        if (deadline < next)
            next = deadline;
    }
    return next;
}
