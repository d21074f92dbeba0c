#include "vbmc/service/service.h"

#include <errno.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/platform/platform.h"
#include "vbmc/service/accounts.h"
#include "vbmc/service/audit.h"
#include "vbmc/service/caller.h"

static struct {
    service_registered_run *run;
    void *context;
} registered[SERVICE_COUNT];

void service_register(enum service_operation operation, service_registered_run *run, void *context)
{
    registered[operation].run = run;
    registered[operation].context = context;
}

/* Whether the caller may, by the table. */
static int judge(enum service_operation operation, const struct caller *caller)
{
    const struct service_row *row = service_row(operation);

    if (caller->front_end == CALLER_SYSTEM_INTERFACE)
        return 0;
    if (caller->privilege < row->privilege)
        return -EPERM;
    return (row->flags & SERVICE_WHOLE) && caller->one_bmc ? -EACCES : 0;
}

int service_permit(enum service_operation operation, const struct caller *caller)
{
    int result = judge(operation, caller);

    if (result < 0)
        service_audit_refusal(operation, caller, NULL, result);
    return result;
}

/* The same, and what the accounts of the BMC say. */
static int judge_call(enum service_operation operation, const struct service_call *call)
{
    struct caller there = *call->caller;
    int result = judge(operation, call->caller);

    if (result < 0 || !call->bmc)
        return result;
    if (call->caller->one_bmc && !uuid_equal(&call->caller->uuid, &call->bmc->core.uuid))
        return -ENOENT;
    if (!service_is_judged_there(service_row(operation)->flags))
        return 0;
    if (service_is_locked_out(call->caller, call->bmc))
        return -EKEYREJECTED;
    there.privilege = service_level_on(call->caller, call->bmc);
    return judge(operation, &there);
}

static int run(enum service_operation operation, const struct service_call *call,
               const union service_arguments *arguments)
{
    const struct service_row *row = service_row(operation);

    if ((row->flags & SERVICE_REGISTERED) && !registered[operation].run)
        return -ENOSYS;
    if (call->bmc && call->bmc->platform)
        platform_wake(call->bmc->platform);
    if (row->flags & SERVICE_REGISTERED)
        return registered[operation].run(registered[operation].context, call, arguments);
    return row->run ? row->run(call, arguments) : 0;
}

/* A guest may change its BMC like a client, but each change is a record that stays. After so many
 * at once it may make one a second; what is summed up in the trail, as the heart beats of a
 * watchdog, it may do at any time. */
#define GUEST_CHANGES        300
#define GUEST_CHANGE_EACH_MS 1000

static bool is_too_often(const struct service_row *row, const struct service_call *call)
{
    return call->caller->front_end == CALLER_SYSTEM_INTERFACE && call->bmc &&
           !(row->flags & (SERVICE_SUMMED | SERVICE_LOOKS)) &&
           !rate_take(&call->bmc->guest_changes, GUEST_CHANGES, GUEST_CHANGE_EACH_MS,
                      call->bmc->core.hooks->now(&call->bmc->core));
}

int service_call(enum service_operation operation, const struct service_call *call,
                 const union service_arguments *arguments)
{
    const struct service_row *row = service_row(operation);
    struct bmc_ticket ticket;
    int result = judge_call(operation, call);

    if (result < 0) {
        service_audit_refusal(operation, call->caller, call->bmc, result);
        return result;
    }
    if (!(row->flags & SERVICE_AUDITED) || (row->is_idle && row->is_idle(call, arguments)))
        return run(operation, call, arguments);
    if (is_too_often(row, call)) {
        service_audit_refusal(operation, call->caller, call->bmc, -EBUSY);
        return -EBUSY;
    }
    struct service_audit *audit = service_audit_begin(operation, call, arguments, &ticket);
    if (!audit)
        return -ENOMEM;
    const struct service_call recorded = {call->caller, call->bmc, &ticket};
    return service_audit_end(audit, run(operation, &recorded, arguments));
}
