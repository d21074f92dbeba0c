#include "vbmc/verbs/call.h"

#include <errno.h>
#include <stdio.h>

#include "vbmc/control/control.h"
#include "vbmc/service/result.h"

struct caller verbs_caller(const struct control_identity *identity)
{
    struct caller caller = {
        .front_end = identity->by_ssh ? CALLER_SSH : CALLER_CONTROL,
        .pid = identity->pid,
        .privilege = identity->privilege,
        .by_key = identity->by_key,
        .one_bmc = identity->one_bmc,
        .uuid = identity->uuid,
    };

    snprintf(caller.name, sizeof caller.name, "%s", identity->account);
    snprintf(caller.address, sizeof caller.address, "%s", identity->address);
    return caller;
}

static enum control_code code_of(int result)
{
    switch (result) {
    case -EEXIST:
        return CONTROL_EXISTS;
    case -ENOENT:
    case -ENOTUNIQ:
        return CONTROL_NOT_FOUND;
    case -EDOM:
        return CONTROL_USAGE;
    default:
        return CONTROL_FAILED;
    }
}

void verbs_refuse(struct control_request *request, enum service_operation operation, int result,
                  const char *text)
{
    char words[SERVICE_TEXT_SIZE];

    control_reply_error(request, code_of(result), "%s",
                        text ? text : service_explain(operation, result, words));
}

bool verbs_permit(struct control_request *request, enum service_operation operation)
{
    const struct caller caller = verbs_caller(control_request_identity(request));
    int result = service_permit(operation, &caller);

    if (result < 0)
        verbs_refuse(request, operation, result, NULL);
    return result == 0;
}

static void answer(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        verbs_refuse(request, (enum service_operation)ticket->numbers[0], result, ticket->text);
    else
        control_reply_ok(request, NULL);
}

void verbs_call_then(struct control_request *request, enum service_operation operation,
                     struct bmc *bmc, const union service_arguments *arguments,
                     void (*done)(const struct bmc_ticket *ticket, int result))
{
    const struct caller caller = verbs_caller(control_request_identity(request));
    const struct bmc_ticket ticket = {
        .done = done,
        .sink = request,
        .numbers = {operation},
        .waits_for_end = true,
    };
    const struct service_call call = {.caller = &caller, .bmc = bmc, .ticket = &ticket};
    int result = service_call(operation, &call, arguments);

    if (result != -EINPROGRESS)
        bmc_ticket_finish(&ticket, result);
}

void verbs_call(struct control_request *request, enum service_operation operation, struct bmc *bmc,
                const union service_arguments *arguments)
{
    verbs_call_then(request, operation, bmc, arguments, answer);
}

bool verbs_admit(struct control_request *request, enum service_operation operation, struct bmc *bmc,
                 const union service_arguments *arguments)
{
    const struct caller caller = verbs_caller(control_request_identity(request));
    const struct service_call call = {.caller = &caller, .bmc = bmc};
    int result = service_call(operation, &call, arguments);

    if (result < 0)
        verbs_refuse(request, operation, result, NULL);
    return result == 0;
}
