/* System Event Log (IPMI 2.0, chapter 31). */
#include "vbmc/bmc/sel.h"

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

int service_run_sel_add(const struct service_call *call, const union service_arguments *arguments)
{
    if (!call->bmc->sel)
        return -ENOSYS;
    if (service_is_event_too_often(call))
        return -EBUSY;
    sel_add(call->bmc->sel, arguments->sel_record, call->ticket);
    return -EINPROGRESS;
}

/* What the guest says is logged whatever the BMC global enables say (section 22.1). */
int service_run_platform_event(const struct service_call *call,
                               const union service_arguments *arguments)
{
    const struct bmc *bmc = call->bmc;

    if (!bmc->sel)
        return -ENOSYS;
    if (call->caller->front_end != CALLER_SYSTEM_INTERFACE &&
        !messaging_logs_events(&bmc->messaging)) {
        sel_pass_event(bmc->sel, arguments->sel_record);
        return 0;
    }
    if (service_is_event_too_often(call))
        return -EBUSY;
    sel_add_event(bmc->sel, arguments->sel_record, call->ticket);
    return -EINPROGRESS;
}

int service_run_sel_delete(const struct service_call *call,
                           const union service_arguments *arguments)
{
    if (!call->bmc->sel)
        return -ENOSYS;
    sel_delete(call->bmc->sel, arguments->sel_id, call->ticket);
    return -EINPROGRESS;
}

int service_run_sel_clear(const struct service_call *call, const union service_arguments *arguments)
{
    (void)arguments;
    if (!call->bmc->sel)
        return -ENOSYS;
    sel_clear(call->bmc->sel, call->ticket);
    return -EINPROGRESS;
}

int service_run_sel_time(const struct service_call *call, const union service_arguments *arguments)
{
    if (!call->bmc->sel)
        return -ENOSYS;
    if (arguments->sel_time == SEL_TIME_UNSPECIFIED)
        return -EDOM;
    sel_set_time(call->bmc->sel, arguments->sel_time, call->ticket);
    return -EINPROGRESS;
}

int service_run_sel_utc_offset(const struct service_call *call,
                               const union service_arguments *arguments)
{
    int16_t minutes = arguments->sel_utc_offset_min;

    if (!call->bmc->sel)
        return -ENOSYS;
    if (minutes != SEL_UTC_OFFSET_UNKNOWN &&
        (minutes < -SEL_UTC_OFFSET_LIMIT_MIN || minutes > SEL_UTC_OFFSET_LIMIT_MIN))
        return -ERANGE;
    sel_set_utc_offset(call->bmc->sel, minutes, call->ticket);
    return -EINPROGRESS;
}

int service_run_sel_processed(const struct service_call *call,
                              const union service_arguments *arguments)
{
    if (!call->bmc->sel)
        return -ENOSYS;
    sel_set_last_processed(call->bmc->sel, arguments->sel_processed.by_bmc,
                           arguments->sel_processed.id, call->ticket);
    return -EINPROGRESS;
}
