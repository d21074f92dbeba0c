/* LAN commands (IPMI 2.0, chapter 23). */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define RESERVED_OF_SET 0xf0 /* beside the channel */
#define RESERVED_OF_GET 0x70

static bool is_lan(const struct ipmi_request *request, uint8_t channel, uint8_t reserved)
{
    return !(channel & reserved) && command_is_lan(request, channel & 0x0f);
}

/* Set LAN Configuration Parameters (section 23.1). */
#define SET_LAN_CONFIGURATION 0x01
#define COMMUNITY             16
#define SET_DATA_MAX          40 /* any longer parameter there may be is not supported, no wrong length */

static int set_lan_configuration(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    uint8_t channel = wire_u8(in);
    uint8_t number = wire_u8(in);
    size_t size = wire_left(in);
    const uint8_t *data = wire_bytes(in, size);

    if (!is_lan(request, channel, RESERVED_OF_SET))
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_LAN_PARAMETER,
                        &(union service_arguments){.lan_parameter = {number, data, size}});
}

/* Get LAN Configuration Parameters (section 23.2). */
static int get_lan_configuration(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    uint8_t channel = wire_u8(in);
    uint8_t number = wire_u8(in);
    uint8_t set = wire_u8(in);
    uint8_t block = wire_u8(in);
    uint8_t data[LAN_PARAMETER_MAX];
    size_t size = 0;

    if (!is_lan(request, channel, RESERVED_OF_GET))
        return CC_INVALID_DATA_FIELD;
    if (!(channel & REVISION_ONLY)) {
        int result = lan_get_parameter(&request->bmc->lan, number, set, block, data, &size);
        if (result < 0)
            return command_code_of_result(result);
    }
    wire_put_u8(out, PARAMETER_REVISION);
    wire_put_bytes(out, data, size);
    return CC_SUCCESS;
}

/* Suspend BMC ARPs (section 23.3). The machine's kernel answers ARP for the BMC's address and
 * cannot be made to stop for one of its programs; it sends no gratuitous ones. So nothing is
 * suspended, and the answer says what goes on: [1] responses, [0] gratuitous ARPs. */
#define ARP_BITS      0x03
#define ARP_RESPONSES 0x02

static int suspend_bmc_arps(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    const struct lan *lan = &request->bmc->lan;
    struct lan_network network = {.has_v4 = true};
    uint8_t channel = wire_u8(in);
    uint8_t bits = wire_u8(in);

    if (!is_lan(request, channel, RESERVED_OF_SET) || bits & ~ARP_BITS)
        return CC_INVALID_DATA_FIELD;
    if (lan->ops)
        lan->ops->network(lan->ops_context, &network);
    wire_put_u8(out, network.has_v4 ? ARP_RESPONSES : 0);
    return CC_SUCCESS;
}

/* Get IP/UDP/RMCP Statistics (section 23.4). What the kernel drops is not seen here. */
#define CLEAR_STATISTICS 0x01

static int get_statistics(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out)
{
    const struct lan *lan = &request->bmc->lan;
    struct lan_statistics statistics = {0};
    uint8_t channel = wire_u8(in);
    uint8_t clear = wire_u8(in);

    if (!is_lan(request, channel, RESERVED_OF_SET) || clear & ~CLEAR_STATISTICS)
        return CC_INVALID_DATA_FIELD;
    if (clear) {
        int code = command_call(request, out, SERVICE_LAN_STATISTICS, NULL);
        if (code != CC_SUCCESS)
            return code;
    }
    if (lan->ops)
        lan->ops->statistics(lan->ops_context, &statistics);
    wire_put_u16(out, statistics.received);
    wire_put_zeros(out, 6); /* header errors, address errors, fragments */
    wire_put_u16(out, statistics.sent);
    wire_put_u16(out, statistics.received); /* all of them are UDP */
    wire_put_u16(out, statistics.valid);
    wire_put_zeros(out, 4); /* no proxy */
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_TRANSPORT, SET_LAN_CONFIGURATION, PRIVILEGE_ADMINISTRATOR, 2, SET_DATA_MAX,
     set_lan_configuration, "Set LAN Configuration Parameters"},
    {NETFN_TRANSPORT, 0x02, PRIVILEGE_OPERATOR, 4, 4, get_lan_configuration,
     "Get LAN Configuration Parameters"},
    {NETFN_TRANSPORT, 0x03, PRIVILEGE_OPERATOR, 2, 2, suspend_bmc_arps, "Suspend BMC ARPs"},
    {NETFN_TRANSPORT, 0x04, PRIVILEGE_USER, 2, 2, get_statistics, "Get IP/UDP/RMCP Statistics"},
};

/* The community string is a password. */
static bool carries_secret(const struct ipmi_msg *msg)
{
    return msg->netfn == NETFN_TRANSPORT && msg->command == SET_LAN_CONFIGURATION &&
           msg->data_length > 1 && msg->data[1] == COMMUNITY;
}

const struct command_table cmd_lan_table = {commands, ARRAY_SIZE(commands), carries_secret};
