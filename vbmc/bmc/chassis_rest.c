#include "vbmc/bmc/chassis_rest.h"

#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/core.h"

static const char too_old[] = "it is more than ten minutes old";

static bool is_same_place(const struct chassis *chassis, const struct chassis_action *owed)
{
    return owed->place == 0 || chassis->core->host->place == owed->place;
}

/* Not started again since the action was begun. Each hypervisor numbers its own runs, and begins
 * from 1 again when its machine has booted, which only the machine's own shows as another place. */
static bool is_same_run(const struct chassis *chassis, const struct chassis_action *owed)
{
    return is_same_place(chassis, owed) && chassis->core->host->run == owed->run;
}

/* Of one that was queued: started again since, or moved, as far as is known. */
static bool is_other_run(const struct chassis *chassis, const struct chassis_action *action)
{
    return action->place != 0 && action->run >= 0 && !is_same_run(chassis, action);
}

static int64_t age_ms(const struct chassis *chassis, const struct chassis_action *owed)
{
    return (int64_t)chassis->core->hooks->now(chassis->core) - owed->at_ms;
}

/* What is left to do of one that was begun: an action, or nothing. `*reason`: it cannot be told, as
 * the guest may have come here by a migration, or have been ended there and started here. */
static bool find_rest(const struct chassis *chassis, const struct chassis_action *owed,
                      enum host_power_action *action, const char **reason)
{
    static const char has_moved[] = "the guest is now on another hypervisor";
    enum host_power_state state = bmc_core_power_state(chassis->core);
    bool same_run = is_same_run(chassis, owed);

    switch (owed->action) {
    case HOST_POWER_ACTION_DOWN:
        if (state != HOST_POWER_OFF && !is_same_place(chassis, owed))
            *reason = has_moved;
        return state != HOST_POWER_OFF && same_run;
    case HOST_POWER_ACTION_UP:
        return state != HOST_POWER_RUNNING;
    case HOST_POWER_ACTION_CYCLE:
        /* What has moved away did not end here. */
        if (state == HOST_POWER_OFF ? chassis->core->host->stop_reason == HOST_STOP_MOVED
                                    : !is_same_place(chassis, owed)) {
            *reason = has_moved;
            return false;
        }
        /* Off, or left paused on its way up. */
        if (state == HOST_POWER_OFF || (state == HOST_POWER_PAUSED && !same_run))
            *action = HOST_POWER_ACTION_UP;
        return state == HOST_POWER_OFF || state == HOST_POWER_PAUSED || same_run;
    case HOST_POWER_ACTION_HARD_RESET:
        *action = HOST_POWER_ACTION_UP; /* a reset of a crashed guest pauses it on the way */
        return state == HOST_POWER_PAUSED && same_run;
    default:
        return false;
    }
}

/* Whether it is still to be done, of one that was not begun. What a client wanted started anew and
 * has been started since is done. `*reason`: why it has failed instead. */
static bool waits_still(const struct chassis *chassis, const struct chassis_action *owed,
                        const char **reason)
{
    bool restarts =
        owed->action == HOST_POWER_ACTION_HARD_RESET || owed->action == HOST_POWER_ACTION_CYCLE;

    if (owed->action == HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT)
        *reason = "its moment has passed";
    else if (age_ms(chassis, owed) > CHASSIS_OWED_MAX_AGE_MS)
        *reason = too_old;
    else
        return !(restarts && chassis->core->host->booted && is_other_run(chassis, owed));
    return false;
}

bool chassis_is_left(const struct chassis *chassis, const struct chassis_action *owed,
                     enum host_power_action *action, const char **reason)
{
    bool lasts = owed->action == HOST_POWER_ACTION_DOWN || owed->action == HOST_POWER_ACTION_UP ||
                 owed->action == HOST_POWER_ACTION_CYCLE;

    *reason = NULL;
    *action = owed->action;
    if (!owed->begun)
        return waits_still(chassis, owed, reason);
    bool has_rest = find_rest(chassis, owed, action, reason);
    if (has_rest && *action == HOST_POWER_ACTION_UP &&
        bmc_core_power_state(chassis->core) == HOST_POWER_PAUSED)
        return true;
    if (!*reason && !lasts && !has_rest)
        *reason = "it was interrupted, and is not repeated";
    else if (has_rest && age_ms(chassis, owed) > CHASSIS_OWED_MAX_AGE_MS)
        *reason = too_old;
    return !*reason && has_rest;
}

bool chassis_is_of_another_run(const struct chassis *chassis, const struct chassis_action *action)
{
    switch (action->cause) {
    case RESTART_CAUSE_WATCHDOG:
    case RESTART_CAUSE_PEF_RESET:
    case RESTART_CAUSE_PEF_CYCLE:
    case RESTART_CAUSE_UNKNOWN: /* PEF or a limit of DCMI: nothing is started by it */
        return action->action != HOST_POWER_ACTION_UP && is_other_run(chassis, action);
    default:
        return false;
    }
}
