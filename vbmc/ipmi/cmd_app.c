/* App commands about the BMC itself (IPMI 2.0, chapter 20). */
#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/command.h"

/* Get Device ID (section 20.1). */
#define DEVICE_ID          0x20
#define DEVICE_REVISION    0x01
#define FIRMWARE_MAJOR     0x01
#define FIRMWARE_MINOR_BCD 0x00
#define IPMI_VERSION_2_0   0x02 /* low nibble: major version */
#define SUPPORTS_CHASSIS   0x80
#define MANUFACTURER_UNKNOWN                                                                       \
    0x000000 /* a real vendor's id switches on OEM paths in the clients                            \
              */
#define PRODUCT_ID 0x0001

static int get_device_id(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    (void)request;
    (void)in;
    wire_put_u8(out, DEVICE_ID);
    wire_put_u8(out, DEVICE_REVISION);
    wire_put_u8(out, FIRMWARE_MAJOR);
    wire_put_u8(out, FIRMWARE_MINOR_BCD);
    wire_put_u8(out, IPMI_VERSION_2_0);
    wire_put_u8(out, SUPPORTS_CHASSIS);
    wire_put_u8(out, MANUFACTURER_UNKNOWN & 0xff);
    wire_put_u16(out, MANUFACTURER_UNKNOWN >> 8);
    wire_put_u16(out, PRODUCT_ID);
    return CC_SUCCESS;
}

/* Get Self Test Results (section 20.4): there is no device that could have failed one. */
static int get_self_test_results(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    (void)request;
    (void)in;
    wire_put_u8(out, 0x55); /* no error */
    wire_put_u8(out, 0x00);
    return CC_SUCCESS;
}

/* Get Device GUID and Get System GUID (sections 20.8, 22.14): the domain's UUID, least significant
 * byte first, so that ipmitool and FreeIPMI print it as libvirt does. */
static int get_guid(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    (void)in;
    wire_put_bytes(out, request->bmc->guid, sizeof request->bmc->guid);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x01, PRIVILEGE_USER, 0, 0, get_device_id, "Get Device ID"},
    {NETFN_APP, 0x04, PRIVILEGE_USER, 0, 0, get_self_test_results, "Get Self Test Results"},
    {NETFN_APP, 0x08, PRIVILEGE_USER, 0, 0, get_guid, "Get Device GUID"},
    {NETFN_APP, 0x37, COMMAND_FOR_ANYONE, 0, 0, get_guid, "Get System GUID"},
};

const struct command_table cmd_app_table = {commands, ARRAY_SIZE(commands)};
