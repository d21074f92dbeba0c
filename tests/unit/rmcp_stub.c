#include "tests/unit/rmcp_stub.h"

#include <string.h>

#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"

#define CMD_SET_SESSION_PRIVILEGE 0x3b
#define CMD_CLOSE_SESSION         0x3c
#define CMD_GET_CHASSIS_STATUS    0x01

struct rmcp_stub rmcp_stub;

void rmcp_stub_reset(void)
{
    memset(&rmcp_stub, 0, sizeof rmcp_stub);
}

bool ipmi_only_reads(const struct ipmi_msg *msg)
{
    return msg->netfn == NETFN_CHASSIS && msg->command == CMD_GET_CHASSIS_STATUS;
}

bool ipmi_is_user_level(const struct ipmi_msg *msg)
{
    return ipmi_only_reads(msg);
}

bool ipmi_carries_secret(const struct ipmi_msg *msg)
{
    (void)msg;
    return false;
}

enum ipmi_outcome ipmi_dispatch(const struct ipmi_request *request, struct ipmi_response *response)
{
    const struct ipmi_msg *msg = request->msg;

    rmcp_stub.calls++;
    rmcp_stub.request = *request;
    rmcp_stub.msg = *msg;
    *response = rmcp_stub.response;
    if (rmcp_stub.hook)
        rmcp_stub.hook(request);
    if (msg->netfn != NETFN_APP || !request->sessions)
        return rmcp_stub.outcome;
    if (msg->command == CMD_CLOSE_SESSION &&
        request->sessions->close(request->sessions_context, request->token.session) < 0)
        response->completion_code = 0x87;
    if (msg->command == CMD_SET_SESSION_PRIVILEGE && msg->data_length == 1 &&
        request->sessions->set_privilege(request->sessions_context, request->token.session,
                                         msg->data[0]) < 0)
        response->completion_code = 0x81;
    return rmcp_stub.outcome;
}
