#include "vbmc/bmc/chassis_decide.h"

#include <errno.h>

#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/core.h"

static int decide_by_state(const struct chassis *chassis, enum host_power_action action)
{
    enum host_power_state state = bmc_core_power_state(chassis->core);

    if (host_power_state_is_on(state) && chassis->core->host->migrating)
        return -EBUSY; /* it may run at the other end by now */
    switch (state) {
    case HOST_POWER_UNKNOWN:
        return -EHOSTUNREACH;
    case HOST_POWER_OFF:
        if (action == HOST_POWER_ACTION_DOWN)
            return 0;
        return action == HOST_POWER_ACTION_UP ? 1 : -EINVAL;
    case HOST_POWER_RUNNING:
        return action == HOST_POWER_ACTION_UP ? 0 : 1;
    case HOST_POWER_PAUSED:
    case HOST_POWER_SUSPENDED:
    case HOST_POWER_CRASHED:
        return 1;
    }
    return -EINVAL;
}

int chassis_decide(const struct chassis *chassis, enum host_power_action action)
{
    int result = decide_by_state(chassis, action);

    /* A server whose supplies deliver too little does not come up. */
    if (result > 0 && action == HOST_POWER_ACTION_UP && chassis->lacks_supply)
        return -EINVAL;
    return result;
}

bool chassis_has_several_steps(const struct chassis *chassis, enum host_power_action action)
{
    return action == HOST_POWER_ACTION_UP || action == HOST_POWER_ACTION_CYCLE ||
           (action == HOST_POWER_ACTION_HARD_RESET &&
            bmc_core_power_state(chassis->core) == HOST_POWER_CRASHED);
}

bool chassis_needs_store(const struct chassis *chassis, enum host_power_action action)
{
    return action == HOST_POWER_ACTION_CYCLE ||
           (action == HOST_POWER_ACTION_UP &&
            boot_override(chassis->boot).device != HOST_BOOT_NONE);
}

bool chassis_outlives_a_loss(const struct chassis_action *action)
{
    switch (action->action) {
    case HOST_POWER_ACTION_DOWN:
    case HOST_POWER_ACTION_UP:
    case HOST_POWER_ACTION_CYCLE:
        return action->accepted;
    case HOST_POWER_ACTION_HARD_RESET:
    case HOST_POWER_ACTION_SOFT_SHUTDOWN:
        return action->accepted && !action->begun;
    default:
        return false;
    }
}
