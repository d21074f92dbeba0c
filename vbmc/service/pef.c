/* Platform Event Filtering (IPMI 2.0, chapters 17 and 30). */
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

int service_run_pef_parameter(const struct service_call *call,
                              const union service_arguments *arguments)
{
    return pef_set_parameter(&call->bmc->pef, &arguments->pef_parameter, call->caller->session,
                             call->ticket);
}

int service_run_pef_postpone(const struct service_call *call,
                             const union service_arguments *arguments)
{
    if (arguments->pef_postpone_s > PEF_POSTPONE_FOREVER)
        return -EDOM;
    pef_postpone(&call->bmc->pef, arguments->pef_postpone_s);
    return service_changed(call, BMC_PART_PEF_PENDING);
}

int service_run_alert(const struct service_call *call, const union service_arguments *arguments)
{
    int result = alerts_send(&call->bmc->alerts, &arguments->alert);

    /* What is to go on for a while is on disk before it is promised. */
    if (result == 0 && call->bmc->alerts.immediate == ALERT_STATUS_PENDING)
        return service_changed(call, BMC_PART_PEF_PENDING);
    return result;
}

int service_run_alert_forget(const struct service_call *call,
                             const union service_arguments *arguments)
{
    (void)arguments;
    alerts_forget(&call->bmc->alerts);
    return 0;
}

int service_run_alert_acknowledge(const struct service_call *call,
                                  const union service_arguments *arguments)
{
    return alerts_acknowledge(&call->bmc->alerts, &arguments->alert_acknowledgement, call->ticket);
}
