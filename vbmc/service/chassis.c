/* Chassis (IPMI 2.0, chapter 28), except for the boot options. */
#include <stdio.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

int service_run_power(const struct service_call *call, const union service_arguments *arguments)
{
    if (arguments->power < HOST_POWER_ACTION_DOWN ||
        arguments->power > HOST_POWER_ACTION_SOFT_SHUTDOWN)
        return -EDOM;
    if (call->caller->front_end == CALLER_SYSTEM_INTERFACE)
        chassis_control_from_within(&call->bmc->chassis, arguments->power, call->ticket);
    else
        chassis_control(&call->bmc->chassis, arguments->power, call->caller->session, call->ticket);
    return -EINPROGRESS;
}

void service_describe_power(const union service_arguments *arguments, char *text, size_t size)
{
    if (arguments->power >= HOST_POWER_ACTION_DOWN &&
        arguments->power <= HOST_POWER_ACTION_SOFT_SHUTDOWN)
        snprintf(text, size, "%s", host_power_action_name(arguments->power));
}

int service_run_identify(const struct service_call *call, const union service_arguments *arguments)
{
    chassis_identify(&call->bmc->chassis, arguments->identify.seconds,
                     arguments->identify.indefinite);
    return 0;
}

/* Kept and shown; a guest has no buttons to lock. */
int service_run_front_panel(const struct service_call *call,
                            const union service_arguments *arguments)
{
    call->bmc->chassis.front_panel_disabled = arguments->front_panel_disabled;
    return 0;
}

int service_run_restore_policy(const struct service_call *call,
                               const union service_arguments *arguments)
{
    if (arguments->restore_policy > POWER_RESTORE_ALWAYS_ON)
        return -EDOM;
    call->bmc->chassis.restore_policy = arguments->restore_policy;
    return service_changed(call, BMC_PART_CHASSIS);
}

void service_describe_restore_policy(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    /* As ipmitool names them. */
    static const char *const names[] = {
        [POWER_RESTORE_STAY_OFF] = "always-off",
        [POWER_RESTORE_PREVIOUS] = "previous",
        [POWER_RESTORE_ALWAYS_ON] = "always-on",
    };

    if ((size_t)arguments->restore_policy < ARRAY_SIZE(names))
        snprintf(text, size, "%s", names[arguments->restore_policy]);
}

int service_run_cycle_interval(const struct service_call *call,
                               const union service_arguments *arguments)
{
    call->bmc->chassis.cycle_interval_s = arguments->cycle_interval_s;
    return service_changed(call, BMC_PART_CHASSIS);
}
