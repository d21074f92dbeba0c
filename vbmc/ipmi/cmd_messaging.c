/* App commands about messages for system software (IPMI 2.0, sections 22.1 to 22.8). */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/bridge.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/ipmi/msg.h"

/* Set BMC Global Enables (section 22.1). The specification leaves it to the system interface; here
 * an administrator has it over LAN too, as with the BMCs of servers, for `ipmitool mc setenables`.
 */
static int set_global_enables(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    return command_call(request, out, SERVICE_GLOBAL_ENABLES,
                        &(union service_arguments){.global_enables = wire_u8(in)});
}

/* Get BMC Global Enables (section 22.2). */
static int get_global_enables(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    (void)in;
    wire_put_u8(out, request->bmc->messaging.enables);
    return CC_SUCCESS;
}

/* Clear Message Flags (section 22.3). */
static int clear_message_flags(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    return command_call(request, out, SERVICE_MESSAGE_FLAGS,
                        &(union service_arguments){.message_flags = wire_u8(in)});
}

/* Get Message Flags (section 22.4). */
static int get_message_flags(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    (void)in;
    wire_put_u8(out, messaging_flags(&request->bmc->messaging));
    return CC_SUCCESS;
}

/* Enable Message Channel Receive (section 22.5), for the LAN channel, the only one with messages.
 */
#define RECEIVE_DISABLE 0x00
#define RECEIVE_ENABLE  0x01
#define RECEIVE_GET     0x02

static int enable_message_channel_receive(const struct ipmi_request *request, struct wire_in *in,
                                          struct wire_out *out)
{
    uint8_t channel = wire_u8(in), operation = wire_u8(in);
    const union service_arguments arguments = {.channel_receive = operation == RECEIVE_ENABLE};
    bool is_on = request->bmc->messaging.lan_receive;

    if (channel != CHANNEL_LAN || operation > RECEIVE_GET)
        return CC_INVALID_DATA_FIELD;
    if (operation != RECEIVE_GET)
        is_on = arguments.channel_receive;
    wire_put_u8(out, channel);
    wire_put_u8(out, is_on ? RECEIVE_ENABLE : RECEIVE_DISABLE);
    return operation == RECEIVE_GET
               ? CC_SUCCESS
               : command_call(request, out, SERVICE_CHANNEL_RECEIVE, &arguments);
}

/* Get Message (section 22.6). */
#define CC_QUEUE_EMPTY 0x80

static int get_message(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    struct messaging_message message = {.length = 0};

    (void)in;
    int code = command_call(request, out, SERVICE_MESSAGE_TAKE,
                            &(union service_arguments){.message_taken = &message});
    if (code != CC_SUCCESS)
        return code == CC_NOT_PRESENT ? CC_QUEUE_EMPTY : code;
    wire_put_bytes(out, message.bytes, message.length);
    return CC_SUCCESS;
}

/* Send Message (section 22.7). Over the LAN what comes back is the data of the answer; who has it
 * tracked gets it as a message of its own (vbmc/rmcp/route.c). Of the system interface it goes to
 * the Receive Message Queue. */
static int send_message(const struct ipmi_request *request, struct wire_in *in,
                        struct wire_out *out)
{
    struct ipmi_request carried = *request;
    struct ipmi_response response;
    struct ipmi_msg message;
    int code = ipmi_bridge_open(request->msg, &message);

    (void)in;
    if (code != CC_SUCCESS)
        return code;
    carried.msg = &message;
    if (request->directory->dispatch(&carried, &response) == IPMI_PENDING)
        return COMMAND_PENDING;
    if (request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE)
        ipmi_bridge_queue(request->bmc, &message, &response);
    else
        ipmi_bridge_put(request->msg, &message, &response, out);
    return CC_SUCCESS;
}

/* Read Event Message Buffer (section 22.8). */
static int read_event_message_buffer(const struct ipmi_request *request, struct wire_in *in,
                                     struct wire_out *out)
{
    uint8_t event[MESSAGING_EVENT_SIZE] = {0};
    int code;

    (void)in;
    code = command_call(request, out, SERVICE_EVENT_BUFFER,
                        &(union service_arguments){.event_taken = event});
    if (code != CC_SUCCESS)
        return code == CC_NOT_PRESENT ? CC_QUEUE_EMPTY : code;
    wire_put_bytes(out, event, sizeof event);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x2e, PRIVILEGE_ADMINISTRATOR, 1, 1, set_global_enables, "Set BMC Global Enables"},
    {NETFN_APP, 0x2f, PRIVILEGE_USER, 0, 0, get_global_enables, "Get BMC Global Enables"},
    {NETFN_APP, 0x30, COMMAND_FOR_SYSTEM, 1, 1, clear_message_flags, "Clear Message Flags"},
    {NETFN_APP, 0x31, COMMAND_FOR_SYSTEM, 0, 0, get_message_flags, "Get Message Flags"},
    {NETFN_APP, 0x32, COMMAND_FOR_SYSTEM, 2, 2, enable_message_channel_receive,
     "Enable Message Channel Receive"},
    {NETFN_APP, 0x33, COMMAND_FOR_SYSTEM, 0, 0, get_message, "Get Message"},
    {NETFN_APP, CMD_SEND_MESSAGE, PRIVILEGE_USER, 1 + IPMI_MSG_OVERHEAD, IPMI_MSG_DATA_MAX,
     send_message, "Send Message"},
    {NETFN_APP, 0x35, COMMAND_FOR_SYSTEM, 0, 0, read_event_message_buffer,
     "Read Event Message Buffer"},
};

const struct command_table cmd_messaging_table = {commands, ARRAY_SIZE(commands), NULL};
