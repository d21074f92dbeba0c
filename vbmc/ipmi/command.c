#include "vbmc/ipmi/command.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

uint8_t command_code_of_result(int result)
{
    switch (result) {
    case 0:
        return CC_SUCCESS;
    case -EHOSTUNREACH:
    case -ENODEV:
    case -EBUSY:
        return CC_NODE_BUSY;
    case -EINVAL:
    case -ENOTSUP:
        return CC_NOT_IN_PRESENT_STATE;
    case -ENOSPC:
        return CC_OUT_OF_SPACE;
    case -ENOENT:
        return CC_NOT_PRESENT;
    default:
        return CC_UNSPECIFIED;
    }
}

static void answer_ticket(const struct bmc_ticket *ticket, int result)
{
    const struct ipmi_sink *sink = ticket->sink;
    const struct ipmi_token token = {
        .bmc = ticket->numbers[0],
        .session = ticket->numbers[1],
        .request = ticket->numbers[2],
    };
    struct ipmi_response response = {.completion_code = command_code_of_result(result)};

    if (result == 0) {
        memcpy(response.data, ticket->data, ticket->data_length);
        response.data_length = ticket->data_length;
    }
    sink->reply(sink->context, &token, &response);
}

struct bmc_ticket command_ticket(const struct ipmi_request *request)
{
    return (struct bmc_ticket){
        .done = answer_ticket,
        .sink = request->sink,
        .numbers = {request->token.bmc, request->token.session, request->token.request},
    };
}

struct bmc_ticket command_ticket_with(const struct ipmi_request *request,
                                      const struct wire_out *out)
{
    struct bmc_ticket ticket = command_ticket(request);

    assert(out->pos <= sizeof ticket.data);
    memcpy(ticket.data, out->base, out->pos);
    ticket.data_length = (uint8_t)out->pos;
    return ticket;
}

int command_changed(const struct ipmi_request *request, enum bmc_part part,
                    const struct wire_out *out)
{
    struct bmc_ticket ticket = out ? command_ticket_with(request, out) : command_ticket(request);

    request->bmc->hooks->changed(request->bmc, part, &ticket);
    return COMMAND_PENDING;
}
