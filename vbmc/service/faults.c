/* Faults of the server that people inject. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/platform/inject.h"
#include "vbmc/service/runs.h"

#define TEXT_SIZE 128

int service_run_inject(const struct service_call *call, const union service_arguments *arguments)
{
    struct fault fault = *arguments->fault;
    char error[TEXT_SIZE] = "";

    if (!call->bmc->platform)
        return -ENOSYS;
    fault.since_s = time(NULL);
    int result = platform_inject(call->bmc->platform, &fault, error, sizeof error);
    if (result < 0)
        return service_refuse(call, result, error[0] ? error : NULL);
    /* Also where nothing stays: the event is on disk when this is. */
    return service_changed(call, BMC_PART_FAULTS);
}

void service_describe_inject(const union service_arguments *arguments, char *text, size_t size)
{
    char target[TEXT_SIZE], kind[TEXT_SIZE];

    fault_format_target(arguments->fault, target, sizeof target);
    fault_format_kind(arguments->fault, kind, sizeof kind);
    snprintf(text, size, "%s %s", target, kind);
}

int service_run_clear_faults(const struct service_call *call,
                             const union service_arguments *arguments)
{
    struct bmc_ticket ticket = *call->ticket;

    if (!call->bmc->platform)
        return -ENOSYS;
    unsigned cleared = platform_clear_faults(call->bmc->platform, arguments->clear_faults.like,
                                             arguments->clear_faults.kind);
    if (cleared == 0)
        return 0;
    for (unsigned i = 0; i < sizeof ticket.data; i++)
        ticket.data[i] = (uint8_t)(cleared >> 8 * i);
    ticket.data_length = sizeof ticket.data;
    call->bmc->core.hooks->changed(&call->bmc->core, BMC_PART_FAULTS, &ticket);
    return -EINPROGRESS;
}

void service_describe_clear_faults(const union service_arguments *arguments, char *text,
                                   size_t size)
{
    if (arguments->clear_faults.like)
        fault_format_target(arguments->clear_faults.like, text, size);
}
