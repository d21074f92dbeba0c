#include "vbmc/ipmi/dispatch.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/bridge.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/service/audit.h"
#include "vbmc/service/caller.h"

/* With Set Session Privilege Level between them. */
#define CMD_ACTIVATE_SESSION 0x3a
#define CMD_CLOSE_SESSION    0x3c

static const struct command_table *const tables[] = {
    &cmd_app_table,     &cmd_discovery_table, &cmd_messaging_table, &cmd_system_info_table,
    &cmd_session_table, &cmd_chassis_table,   &cmd_payload_table,   &cmd_fru_table,
    &cmd_sel_table,     &cmd_sensor_table,    &cmd_sdr_table,       &cmd_dcmi_table,
    &cmd_pef_table,     &cmd_channel_table,   &cmd_lan_table,       &cmd_watchdog_table,
    &cmd_user_table,
};

const struct command_directory ipmi_commands = {
    .tables = tables,
    .count = ARRAY_SIZE(tables),
    .dispatch = ipmi_dispatch,
};

/* By NetFn, of which requests have the even ones, and command. */
#define NETFN_COUNT 64

static const struct command *by_number[NETFN_COUNT / 2][UINT8_MAX + 1];

static void make_index(void)
{
    for (size_t t = ARRAY_SIZE(tables); t-- > 0;) {
        for (size_t i = tables[t]->count; i-- > 0;) { /* the first of two counts */
            const struct command *command = &tables[t]->rows[i];
            by_number[command->netfn / 2][command->number] = command;
        }
    }
}

/* A command of a group extension is one of its group; the only one here is DCMI. */
static const struct command *find_command(const struct ipmi_msg *msg)
{
    static bool has_index;
    uint8_t netfn = msg->netfn;

    if (netfn == NETFN_GROUP_EXTENSION && (msg->data_length == 0 || msg->data[0] != GROUP_DCMI))
        return NULL;
    if (!has_index)
        make_index();
    has_index = true;
    return netfn < NETFN_COUNT && netfn % 2 == 0 ? by_number[netfn / 2][msg->command] : NULL;
}

/* The specification's names say it, except for those that take what they answer out of a queue: Get
 * Message and Read Event Message Buffer, which are the system interface's. */
bool ipmi_only_reads(const struct ipmi_msg *msg)
{
    const struct command *command = find_command(msg);
    struct ipmi_msg carried;

    if (ipmi_bridge_is_send(msg) && ipmi_bridge_open(msg, &carried) == CC_SUCCESS)
        return ipmi_only_reads(&carried);
    if (!command || command->privilege == COMMAND_FOR_SYSTEM)
        return false;
    return strncmp(command->name, "Get ", 4) == 0 || strncmp(command->name, "Read ", 5) == 0;
}

/* Set BMC Global Enables: but for event logging these are the interface's own. */
#define CMD_SET_GLOBAL_ENABLES 0x2e

static bool keeps_event_logging(const struct ipmi_request *request)
{
    const struct ipmi_msg *msg = request->msg;

    return msg->netfn == NETFN_APP && msg->command == CMD_SET_GLOBAL_ENABLES &&
           msg->data_length == 1 &&
           ((msg->data[0] ^ request->bmc->messaging.enables) & GLOBAL_ENABLE_EVENT_LOGGING) == 0;
}

bool ipmi_is_for_read_only(const struct ipmi_request *request)
{
    const struct command *command = find_command(request->msg);

    if (ipmi_only_reads(request->msg) || keeps_event_logging(request))
        return true;
    return command &&
           (command->privilege == COMMAND_FOR_SYSTEM || strncmp(command->name, "Reserve ", 8) == 0);
}

bool ipmi_is_user_level(const struct ipmi_msg *msg)
{
    const struct command *command = find_command(msg);
    bool is_app = msg->netfn == NETFN_APP;
    bool is_of_session =
        is_app && msg->command >= CMD_ACTIVATE_SESSION && msg->command <= CMD_CLOSE_SESSION;

    return command && command->privilege <= PRIVILEGE_USER && !is_of_session &&
           !ipmi_bridge_is_send(msg);
}

bool ipmi_carries_secret(const struct ipmi_msg *msg)
{
    struct ipmi_msg carried;

    /* One that cannot be opened is refused, whatever it carries. */
    if (ipmi_bridge_is_send(msg))
        return ipmi_bridge_open(msg, &carried) != CC_SUCCESS || ipmi_carries_secret(&carried);
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        if (tables[t]->carries_secret && tables[t]->carries_secret(msg))
            return true;
    }
    return false;
}

/* Privilege comes before the body: who may not ask is not told what the body should have been. */
static bool may_execute(const struct ipmi_request *request, const struct command *command)
{
    switch (request->origin) {
    case IPMI_ORIGIN_SYSTEM_INTERFACE:
        return !request->read_only || ipmi_is_for_read_only(request);
    case IPMI_ORIGIN_LAN_SESSION:
        return command->privilege != COMMAND_FOR_SYSTEM &&
               (unsigned)request->privilege >= command->privilege;
    case IPMI_ORIGIN_LAN_OUTSIDE_SESSION:
        return command->privilege == COMMAND_FOR_ANYONE;
    }
    return false;
}

static int execute(const struct ipmi_request *request, const struct command *command,
                   struct ipmi_response *response)
{
    const struct ipmi_msg *msg = request->msg;
    struct wire_in in = wire_in_init(msg->data, msg->data_length);
    struct wire_out out = wire_out_init(response->data, sizeof response->data);
    struct ipmi_request handled = *request;

    handled.directory = &ipmi_commands;
    int code = command->handler(&handled, &in, &out);
    if (code == COMMAND_PENDING)
        return code;
    if (in.failed)
        return CC_REQUEST_LENGTH_INVALID;
    if (out.failed)
        return CC_RESPONSE_NOT_PROVIDED;
    response->data_length = out.pos;
    return code;
}

/* Of a session's level, or of a guest that may only read: what a stranger is refused by, or what is
 * the guest's, is not for the trail. */
static void note_refusal(const struct ipmi_request *request, const struct command *command)
{
    if (request->origin == IPMI_ORIGIN_LAN_OUTSIDE_SESSION ||
        command->privilege == COMMAND_FOR_SYSTEM)
        return;
    const struct caller caller = command_caller(request);
    if (request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE) {
        service_audit_refused_change(command->name, &caller, request->bmc);
        return;
    }
    service_audit_refused_command(command->name, &caller, request->bmc,
                                  (enum privilege)command->privilege);
}

/* What is answered without a command: a code, or CC_SUCCESS where the command is to run. */
static uint8_t check(const struct ipmi_request *request, const struct command *command)
{
    const struct ipmi_msg *msg = request->msg;

    if (!command)
        return request->origin == IPMI_ORIGIN_LAN_OUTSIDE_SESSION ? CC_INSUFFICIENT_PRIVILEGE
                                                                  : CC_INVALID_COMMAND;
    if (msg->rs_lun != 0)
        return CC_INVALID_FOR_LUN;
    if (!may_execute(request, command)) {
        note_refusal(request, command);
        return CC_INSUFFICIENT_PRIVILEGE;
    }
    if (msg->data_length < command->data_min || msg->data_length > command->data_max)
        return CC_REQUEST_LENGTH_INVALID;
    return CC_SUCCESS;
}

enum ipmi_outcome ipmi_dispatch(const struct ipmi_request *request, struct ipmi_response *response)
{
    const struct ipmi_msg *msg = request->msg;
    const struct command *command = find_command(msg);
    int code = check(request, command);

    response->data_length = 0;
    if (code == CC_SUCCESS)
        code = execute(request, command, response);
    if (code == COMMAND_PENDING)
        return IPMI_PENDING;
    response->completion_code = (uint8_t)code;
    if (msg->netfn == NETFN_GROUP_EXTENSION && msg->data_length > 0 && response->data_length == 0) {
        /* The group is repeated even in an error (section 5.1, NetFn 2Ch). */
        response->data[0] = msg->data[0];
        response->data_length = 1;
    }
    return IPMI_ANSWERED;
}
