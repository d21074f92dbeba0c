#include "vbmc/service/service.h"

#include <errno.h>
#include <stdio.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/service/accounts.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/result.h"

#define DETAIL_SIZE 256

static struct {
    service_registered_run *run;
    void *context;
} registered[SERVICE_COUNT];

void service_register(enum service_operation operation, service_registered_run *run, void *context)
{
    registered[operation].run = run;
    registered[operation].context = context;
}

static void format_subject(const struct bmc *bmc, char *text, size_t size)
{
    char uuid[UUID_TEXT_SIZE];

    if (!bmc) {
        snprintf(text, size, "vbmcd");
    } else if (bmc->core.host) {
        snprintf(text, size, "%s", bmc->core.host->name);
    } else {
        uuid_format(&bmc->core.uuid, uuid);
        snprintf(text, size, "%s", uuid);
    }
}

/* NAME: OPERATION by WHO from WHERE */
static void audit(const struct service_row *row, const struct service_call *call,
                  const union service_arguments *arguments)
{
    char subject[128], who[CALLER_TEXT_SIZE], detail[DETAIL_SIZE] = "", pid[24] = "";

    if (!(row->flags & SERVICE_AUDITED))
        return;
    format_subject(call->bmc, subject, sizeof subject);
    caller_format(call->caller, who);
    if (row->describe)
        row->describe(arguments, detail, sizeof detail);
    if (call->caller->pid > 0)
        snprintf(pid, sizeof pid, ", pid %d", (int)call->caller->pid);
    log_info("%s: %s%s%s by %s%s", subject, row->name, detail[0] ? " " : "", detail, who, pid);
}

static int refuse(enum service_operation operation, const struct caller *caller, int result)
{
    const struct service_row *row = service_row(operation);
    char text[SERVICE_TEXT_SIZE], who[CALLER_TEXT_SIZE];

    if (row->flags & SERVICE_AUDITED) {
        caller_format(caller, who);
        log_info("%s refused to %s: %s", row->name, who, service_explain(operation, result, text));
    }
    return result;
}

int service_permit(enum service_operation operation, const struct caller *caller)
{
    const struct service_row *row = service_row(operation);

    if (caller->front_end == CALLER_SYSTEM_INTERFACE)
        return 0;
    if (caller->privilege < row->privilege)
        return refuse(operation, caller, -EPERM);
    if ((row->flags & SERVICE_WHOLE) && caller->one_bmc)
        return refuse(operation, caller, -EACCES);
    return 0;
}

/* What the accounts of the BMC say. */
static int permit_there(enum service_operation operation, const struct service_call *call)
{
    struct caller there = *call->caller;

    if (!call->bmc || !service_is_judged_there(service_row(operation)->flags))
        return 0;
    if (service_is_locked_out(call->caller, call->bmc))
        return refuse(operation, call->caller, -EKEYREJECTED);
    there.privilege = service_level_on(call->caller, call->bmc);
    return service_permit(operation, &there);
}

int service_call(enum service_operation operation, const struct service_call *call,
                 const union service_arguments *arguments)
{
    const struct service_row *row = service_row(operation);
    int result = service_permit(operation, call->caller);

    if (result == 0)
        result = permit_there(operation, call);
    if (result < 0)
        return result;
    if (call->bmc && call->caller->one_bmc &&
        !uuid_equal(&call->caller->uuid, &call->bmc->core.uuid))
        return -ENOENT;
    audit(row, call, arguments);
    if ((row->flags & SERVICE_REGISTERED) && !registered[operation].run)
        return -ENOSYS;
    if (row->flags & SERVICE_REGISTERED)
        return registered[operation].run(registered[operation].context, call, arguments);
    return row->run ? row->run(call, arguments) : 0;
}
