#include "vbmc/ipmi/command.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/service/caller.h"

uint8_t command_code_of_result(int result)
{
    static const struct {
        int result;
        enum completion_code code;
    } codes[] = {
        {0, CC_SUCCESS},
        {-EHOSTUNREACH, CC_NODE_BUSY},
        {-ENODEV, CC_NODE_BUSY},
        {-EBUSY, CC_NODE_BUSY},
        {-EINVAL, CC_NOT_IN_PRESENT_STATE},
        {-ENOTSUP, CC_NOT_IN_PRESENT_STATE},
        {-ENOSPC, CC_OUT_OF_SPACE},
        {-ETIMEDOUT, CC_TIMEOUT},
        {-ENOENT, CC_NOT_PRESENT},
        {-ENOSYS, CC_INVALID_COMMAND},
        {-EPERM, CC_INSUFFICIENT_PRIVILEGE},
        {-EKEYREJECTED, CC_INSUFFICIENT_PRIVILEGE},
        {-EDOM, CC_INVALID_DATA_FIELD},
        {-EEXIST, CC_INVALID_DATA_FIELD},
        {-ERANGE, CC_PARAMETER_OUT_OF_RANGE},
        {-EMSGSIZE, CC_REQUEST_LENGTH_INVALID},
        {-ENOPROTOOPT, CC_PARAMETER_NOT_SUPPORTED},
        {-EALREADY, CC_PARAMETERS_BEING_SET},
        {-EBADF, CC_PARAMETER_READ_ONLY},
    };

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].result == result)
            return (uint8_t)codes[i].code;
    }
    return CC_UNSPECIFIED;
}

uint8_t command_channel(const struct ipmi_request *request, uint8_t channel)
{
    channel &= 0x0f;
    return channel == CHANNEL_THIS ? request->channel : channel;
}

bool command_is_lan(const struct ipmi_request *request, uint8_t channel)
{
    return channel == CHANNEL_LAN || (channel == CHANNEL_THIS && request->channel == CHANNEL_LAN);
}

bool command_has_accounts(const struct ipmi_request *request, uint8_t channel)
{
    return command_is_lan(request, channel) ||
           (channel == CHANNEL_THIS && request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE);
}

static void answer_with(const struct bmc_ticket *ticket, int result, size_t length_of_error)
{
    const struct ipmi_sink *sink = ticket->sink;
    const struct ipmi_token token = {
        .bmc = ticket->numbers[0],
        .session = ticket->numbers[1],
        .request = ticket->numbers[2],
    };
    struct ipmi_response response = {
        .completion_code = command_code_of_result(result),
        .data_length = result == 0 ? ticket->data_length : length_of_error,
    };

    memcpy(response.data, ticket->data, response.data_length);
    sink->reply(sink->context, &token, &response);
}

static void answer_ticket(const struct bmc_ticket *ticket, int result)
{
    answer_with(ticket, result, 0);
}

/* Of a group extension the first byte is the group, in errors too. */
static void answer_group_ticket(const struct bmc_ticket *ticket, int result)
{
    answer_with(ticket, result, 1);
}

/* Answers the request through its sink, with success by what was written to `out`. */
static struct bmc_ticket ticket_of(const struct ipmi_request *request, const struct wire_out *out)
{
    struct bmc_ticket ticket = {
        .done = request->msg->netfn == NETFN_GROUP_EXTENSION ? answer_group_ticket : answer_ticket,
        .sink = request->sink,
        .numbers = {request->token.bmc, request->token.session, request->token.request},
        .data_length = (uint8_t)out->pos,
    };

    assert(out->pos <= sizeof ticket.data);
    memcpy(ticket.data, out->base, out->pos);
    return ticket;
}

struct caller command_caller(const struct ipmi_request *request)
{
    const struct users *users = &request->bmc->users;
    struct caller caller = {
        .front_end =
            request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE ? CALLER_SYSTEM_INTERFACE : CALLER_LAN,
        .privilege = request->privilege,
        .channel = request->channel,
        .user_id = request->user_id,
        .session = request->token.session,
        .one_bmc = true,
        .uuid = request->bmc->core.uuid,
    };
    struct ipmi_session_info session;

    if (request->user_id <= USER_ID_MAX)
        snprintf(caller.name, sizeof caller.name, "%s", users->by_id[request->user_id].name);
    if (request->sessions &&
        request->sessions->info(request->sessions_context, caller.session, &session) == 0)
        endpoint_address_format_host(&session.remote, caller.address);
    return caller;
}

int command_call(const struct ipmi_request *request, const struct wire_out *out,
                 enum service_operation operation, const union service_arguments *arguments)
{
    const struct caller caller = command_caller(request);
    const struct bmc_ticket ticket = ticket_of(request, out);
    const struct service_call call = {.caller = &caller, .bmc = request->bmc, .ticket = &ticket};
    int result = service_call(operation, &call, arguments);

    return result == -EINPROGRESS ? COMMAND_PENDING : command_code_of_result(result);
}
