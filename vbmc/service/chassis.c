/* Chassis (IPMI 2.0, chapter 28), except for the boot options. */
#include <errno.h>
#include <stdio.h>

#include "vbmc/service/runs.h"

int service_run_power(const struct service_call *call, const union service_arguments *arguments)
{
    if (arguments->power < HOST_POWER_ACTION_DOWN ||
        arguments->power > HOST_POWER_ACTION_SOFT_SHUTDOWN)
        return -EDOM;
    chassis_control(call->bmc, arguments->power, call->caller->session, call->ticket);
    return -EINPROGRESS;
}

void service_describe_power(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", host_power_action_name(arguments->power));
}

int service_run_identify(const struct service_call *call, const union service_arguments *arguments)
{
    chassis_identify(call->bmc, arguments->identify.seconds, arguments->identify.indefinite);
    return 0;
}
