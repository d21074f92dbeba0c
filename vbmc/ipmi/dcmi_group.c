#include "vbmc/ipmi/dcmi_group.h"

#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/command.h"

struct dcmi *dcmi_group_begin(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    wire_put_u8(out, wire_u8(in));
    return request->bmc->dcmi;
}

static void answer_saved(const struct bmc_ticket *ticket, int result)
{
    const struct ipmi_sink *sink = ticket->sink;
    const struct ipmi_token token = {ticket->numbers[0], ticket->numbers[1], ticket->numbers[2]};
    struct ipmi_response response = {
        .completion_code = command_code_of_result(result),
        .data = {GROUP_DCMI},
        .data_length = 1,
    };

    if (result == 0) {
        memcpy(response.data, ticket->data, ticket->data_length);
        response.data_length = ticket->data_length;
    }
    sink->reply(sink->context, &token, &response);
}

int dcmi_group_changed(const struct ipmi_request *request, enum bmc_part part,
                       const struct wire_out *out)
{
    struct bmc_ticket ticket = command_ticket_with(request, out);

    ticket.done = answer_saved;
    request->bmc->hooks->changed(request->bmc, part, &ticket);
    return COMMAND_PENDING;
}
