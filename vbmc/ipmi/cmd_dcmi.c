/* Commands of DCMI 1.5 (chapter 6; NetFn 2Ch, group DCh), each under its name there. Request and
 * response data begin with the group, in errors too. */
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/ipmi/cmd_dcmi_power.h"
#include "vbmc/ipmi/cmd_dcmi_thermal.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/dcmi_group.h"

#define VERSION_MAJOR 1
#define VERSION_MINOR 5

#define PIECE_MAX 16 /* bytes of an asset tag or identifier in one message */

/* ---- Get DCMI Capabilities Info ---- */

#define CAPABILITY_REVISION 2
#define SEL_ENTRIES_MAX     0x0fff
#define SEL_ROLLS_OVER      0x9000 /* by itself, and drops single records */
#define NO_CHANNEL          0xff
#define BMC_ADDRESS         0x40 /* 20h in bits 7:1 */

static void put_platform_capabilities(const struct bmc *bmc, struct wire_out *out)
{
    wire_put_u8(out, 0x0f); /* identification, SEL, chassis power, temperature */
    wire_put_u8(out, 0x01); /* power management */
    /* Primary LAN, and SOL; reserved in this revision, but ipmitool prints them. */
    wire_put_u8(out, (uint8_t)(0x08 | (bmc->payload ? 0x10 : 0)));
}

static void put_mandatory_attributes(const struct bmc *bmc, struct wire_out *out)
{
    unsigned records = SEL_RECORDS_MAX < SEL_ENTRIES_MAX ? SEL_RECORDS_MAX : SEL_ENTRIES_MAX;
    bool rolls_over = bmc->sel && sel_policy(bmc->sel) == SEL_FULL_DROP_OLDEST;

    wire_put_u16(out, (uint16_t)(records | (rolls_over ? SEL_ROLLS_OVER : 0)));
    wire_put_u8(out, 0x05); /* asset tag, GUID; no DHCP */
    wire_put_u8(out, 0x07); /* temperatures of baseboard, CPUs, inlet */
    wire_put_u8(out, 1);    /* s between samples of them */
}

static void put_optional_attributes(const struct bmc *bmc, struct wire_out *out)
{
    (void)bmc;
    wire_put_u8(out, BMC_ADDRESS); /* of the power controller */
    wire_put_u8(out, 0);           /* channel 0, revision 0 */
}

static void put_access_attributes(const struct bmc *bmc, struct wire_out *out)
{
    (void)bmc;
    wire_put_u8(out, CHANNEL_LAN);
    wire_put_u8(out, NO_CHANNEL); /* secondary LAN */
    wire_put_u8(out, NO_CHANNEL); /* serial */
}

static int get_capabilities(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    static void (*const put[])(const struct bmc *, struct wire_out *) = {
        NULL,
        put_platform_capabilities,
        put_mandatory_attributes,
        put_optional_attributes,
        put_access_attributes,
        cmd_dcmi_put_power_periods,
    };

    if (!dcmi_group_begin(request, in, out))
        return CC_INVALID_COMMAND;
    uint8_t parameter = wire_u8(in);
    if (parameter == 0 || parameter >= ARRAY_SIZE(put))
        return CC_PARAMETER_OUT_OF_RANGE;
    wire_put_u8(out, VERSION_MAJOR);
    wire_put_u8(out, VERSION_MINOR);
    wire_put_u8(out, CAPABILITY_REVISION);
    put[parameter](request->bmc, out);
    return CC_SUCCESS;
}

/* ---- asset tag and identifier ---- */

/* A piece of a text: its whole length, then the bytes that were asked for, as far as there are. */
static int put_piece(struct wire_in *in, struct wire_out *out, const void *text, size_t length)
{
    size_t offset = wire_u8(in), count = wire_u8(in);

    if (offset > length || count > PIECE_MAX)
        return CC_PARAMETER_OUT_OF_RANGE;
    if (count > length - offset)
        count = length - offset;
    wire_put_u8(out, (uint8_t)length);
    wire_put_bytes(out, (const uint8_t *)text + offset, count);
    return CC_SUCCESS;
}

/* Puts a piece into a text that is `length` long and may be `size`; what was behind it is cut off
 * (the new length is offset plus count). The new length, or a code. */
static int take_piece(struct wire_in *in, uint8_t *text, size_t length, size_t size,
                      size_t *new_length)
{
    size_t offset = wire_u8(in), count = wire_u8(in);

    if (count != wire_left(in))
        return CC_REQUEST_LENGTH_INVALID;
    if (count > PIECE_MAX || offset > length || offset + count > size)
        return CC_PARAMETER_OUT_OF_RANGE;
    wire_copy(in, text + offset, count);
    *new_length = offset + count;
    return CC_SUCCESS;
}

/* Get Asset Tag. */
static int get_asset_tag(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    uint8_t tag[FRU_ASSET_TAG_MAX];

    if (!dcmi_group_begin(request, in, out) || !request->bmc->fru)
        return CC_INVALID_COMMAND;
    return put_piece(in, out, tag, fru_asset_tag(request->bmc->fru, tag));
}

/* Set Asset Tag. */
static int set_asset_tag(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    const struct fru *fru = request->bmc->fru;
    uint8_t tag[FRU_ASSET_TAG_MAX];
    size_t length;

    if (!dcmi_group_begin(request, in, out) || !fru)
        return CC_INVALID_COMMAND;
    int code = take_piece(in, tag, fru_asset_tag(fru, tag), sizeof tag, &length);
    if (code != CC_SUCCESS)
        return code;
    wire_put_u8(out, (uint8_t)length);
    return command_call(request, out, SERVICE_ASSET_TAG,
                        &(union service_arguments){.asset_tag = {tag, length, false}});
}

/* Get Management Controller Identifier String. */
static int get_identifier(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    char identifier[DCMI_IDENTIFIER_MAX];

    if (!dcmi)
        return CC_INVALID_COMMAND;
    return put_piece(in, out, identifier, dcmi_identifier(dcmi, identifier));
}

/* Set Management Controller Identifier String: 64 bytes at most, of which the last
 * one is a terminator. */
static int set_identifier(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    char identifier[DCMI_IDENTIFIER_MAX + 1];
    size_t length;

    if (!dcmi)
        return CC_INVALID_COMMAND;
    int code = take_piece(in, (uint8_t *)identifier, dcmi_identifier(dcmi, identifier),
                          sizeof identifier, &length);
    if (code != CC_SUCCESS)
        return code;
    const union service_arguments arguments = {
        .identifier = {identifier, strnlen(identifier, length)},
    };
    wire_put_u8(out, (uint8_t)length);
    return command_call(request, out, SERVICE_IDENTIFIER, &arguments);
}

/* ---- configuration parameters ---- */

#define DCMI_PARAMETER_REVISION 1
#define DISCOVERY_MASK          0x83

enum {
    PARAMETER_ACTIVATE_DHCP = 1,
    PARAMETER_DISCOVERY = 2,
    PARAMETER_INITIAL_TIMEOUT = 3,
    PARAMETER_CONTACT_TIMEOUT = 4,
    PARAMETER_CONTACT_RETRY = 5,
    PARAMETER_COUNT,
};

/* Which parameter a request is about; its settings are in *dhcp. */
static int begin_parameter(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out, uint8_t *parameter, struct dcmi_dhcp *dhcp)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);

    *parameter = wire_u8(in);
    uint8_t set_selector = wire_u8(in);
    if (!dcmi)
        return CC_INVALID_COMMAND;
    *dhcp = *dcmi_dhcp(dcmi);
    if (*parameter == 0 || *parameter >= PARAMETER_COUNT)
        return CC_PARAMETER_NOT_SUPPORTED;
    return set_selector == 0 ? CC_SUCCESS : CC_PARAMETER_OUT_OF_RANGE;
}

static int set_configuration(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    union service_arguments arguments = {0};
    struct dcmi_dhcp *dhcp = &arguments.dhcp;
    uint8_t parameter;

    int code = begin_parameter(request, in, out, &parameter, dhcp);
    if (code != CC_SUCCESS)
        return code;
    if (wire_left(in) != (parameter >= PARAMETER_CONTACT_TIMEOUT ? 2 : 1))
        return CC_REQUEST_LENGTH_INVALID;
    switch (parameter) {
    case PARAMETER_DISCOVERY:
        dhcp->discovery = wire_u8(in) & DISCOVERY_MASK;
        break;
    case PARAMETER_INITIAL_TIMEOUT:
        dhcp->initial_timeout_s = wire_u8(in);
        break;
    case PARAMETER_CONTACT_TIMEOUT:
        dhcp->contact_timeout_s = wire_u16(in);
        break;
    case PARAMETER_CONTACT_RETRY:
        dhcp->contact_retry_s = wire_u16(in);
        break;
    default: /* there is no DHCP to restart, and nothing is kept of it */
        return CC_SUCCESS;
    }
    return command_call(request, out, SERVICE_DHCP, &arguments);
}

static int get_configuration(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    struct dcmi_dhcp dhcp;
    uint8_t parameter;

    int code = begin_parameter(request, in, out, &parameter, &dhcp);
    if (code != CC_SUCCESS)
        return code;
    wire_put_u8(out, VERSION_MAJOR);
    wire_put_u8(out, VERSION_MINOR);
    wire_put_u8(out, DCMI_PARAMETER_REVISION);
    switch (parameter) {
    case PARAMETER_DISCOVERY:
        wire_put_u8(out, dhcp.discovery);
        break;
    case PARAMETER_INITIAL_TIMEOUT:
        wire_put_u8(out, dhcp.initial_timeout_s);
        break;
    case PARAMETER_CONTACT_TIMEOUT:
        wire_put_u16(out, dhcp.contact_timeout_s);
        break;
    case PARAMETER_CONTACT_RETRY:
        wire_put_u16(out, dhcp.contact_retry_s);
        break;
    default:
        wire_put_u8(out, 0);
    }
    return CC_SUCCESS;
}

#define PIECE_HEADER 3 /* group, offset, count */
#define DATA_MAX     255

#define ROW(number, privilege, least, most, handler, name)                                         \
    {                                                                                              \
        NETFN_GROUP_EXTENSION, number, privilege, least, most, handler, name                       \
    }

static const struct command commands[] = {
    ROW(0x01, PRIVILEGE_USER, 2, 2, get_capabilities, "Get DCMI Capabilities Info"),
    ROW(0x02, PRIVILEGE_USER, 4, 4, cmd_dcmi_get_power_reading, "Get Power Reading"),
    ROW(0x03, PRIVILEGE_USER, 3, 3, cmd_dcmi_get_power_limit, "Get Power Limit"),
    ROW(0x04, PRIVILEGE_OPERATOR, 15, 15, cmd_dcmi_set_power_limit, "Set Power Limit"),
    ROW(0x05, PRIVILEGE_OPERATOR, 4, 4, cmd_dcmi_activate_power_limit,
        "Activate/Deactivate Power Limit"),
    ROW(0x06, PRIVILEGE_USER, 3, 3, get_asset_tag, "Get Asset Tag"),
    ROW(0x07, PRIVILEGE_OPERATOR, 5, 5, cmd_dcmi_get_sensor_info, "Get DCMI Sensor Info"),
    ROW(0x08, PRIVILEGE_OPERATOR, PIECE_HEADER, DATA_MAX, set_asset_tag, "Set Asset Tag"),
    ROW(0x09, PRIVILEGE_USER, 3, 3, get_identifier, "Get Management Controller Identifier String"),
    ROW(0x0a, PRIVILEGE_ADMINISTRATOR, PIECE_HEADER, DATA_MAX, set_identifier,
        "Set Management Controller Identifier String"),
    ROW(0x0b, PRIVILEGE_ADMINISTRATOR, 7, 7, cmd_dcmi_set_thermal_limit, "Set Thermal Limit"),
    ROW(0x0c, PRIVILEGE_USER, 3, 3, cmd_dcmi_get_thermal_limit, "Get Thermal Limit"),
    ROW(0x10, PRIVILEGE_USER, 5, 5, cmd_dcmi_get_temperature_readings, "Get Temperature Readings"),
    ROW(0x12, PRIVILEGE_ADMINISTRATOR, 4, DATA_MAX, set_configuration,
        "Set DCMI Configuration Parameters"),
    ROW(0x13, PRIVILEGE_USER, 3, 3, get_configuration, "Get DCMI Configuration Parameters"),
};

const struct command_table cmd_dcmi_table = {commands, ARRAY_SIZE(commands), NULL};
