/* What DCMI 1.5 sets. */
#include "vbmc/bmc/dcmi.h"

#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/service/runs.h"

int service_run_power_limit(const struct service_call *call,
                            const union service_arguments *arguments)
{
    if (!call->bmc->dcmi)
        return -ENOSYS;
    if (dcmi_set_power_limit(call->bmc->dcmi, &arguments->power_limit) < 0)
        return -EDOM;
    return service_changed(call, BMC_PART_DCMI);
}

void service_describe_power_limit(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%u W", arguments->power_limit.watts);
}

/* Not while none is set. */
int service_run_power_limit_active(const struct service_call *call,
                                   const union service_arguments *arguments)
{
    if (!call->bmc->dcmi)
        return -ENOSYS;
    struct dcmi_power_limit limit = *dcmi_power_limit(call->bmc->dcmi);
    limit.active = arguments->power_limit_active;
    if (dcmi_set_power_limit(call->bmc->dcmi, &limit) < 0)
        return -EINVAL;
    return service_changed(call, BMC_PART_DCMI);
}

void service_describe_power_limit_active(const union service_arguments *arguments, char *text,
                                         size_t size)
{
    snprintf(text, size, "%s", arguments->power_limit_active ? "activated" : "deactivated");
}

int service_run_thermal_limit(const struct service_call *call,
                              const union service_arguments *arguments)
{
    if (!call->bmc->dcmi)
        return -ENOSYS;
    unsigned actions = dcmi_thermal_limit(call->bmc->dcmi)->actions;
    if (dcmi_set_thermal_limit(call->bmc->dcmi, &arguments->thermal_limit) < 0)
        return -EDOM;
    actions |= arguments->thermal_limit.actions;
    return actions & DCMI_THERMAL_PERSISTENT
               ? service_changed(call, BMC_PART_DCMI)
               : bmc_core_unchanged(&call->bmc->core, BMC_PART_DCMI, call->ticket);
}

int service_run_identifier(const struct service_call *call,
                           const union service_arguments *arguments)
{
    if (!call->bmc->dcmi)
        return -ENOSYS;
    if (dcmi_set_identifier(call->bmc->dcmi, arguments->identifier.bytes,
                            arguments->identifier.length) < 0)
        return -ERANGE;
    return service_changed(call, BMC_PART_DCMI);
}

int service_run_dhcp(const struct service_call *call, const union service_arguments *arguments)
{
    if (!call->bmc->dcmi)
        return -ENOSYS;
    dcmi_set_dhcp(call->bmc->dcmi, &arguments->dhcp);
    return service_changed(call, BMC_PART_DCMI);
}
