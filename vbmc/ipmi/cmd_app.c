/* App commands about the BMC itself (IPMI 2.0, chapter 20). */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

/* Get Device ID (section 20.1). */
#define DEVICE_ID          0x20
#define DEVICE_REVISION    0x01
#define FIRMWARE_MAJOR     0x01
#define FIRMWARE_MINOR_BCD 0x00
#define IPMI_VERSION_2_0   0x02 /* low nibble: major version */
#define PRODUCT_ID         0x0001

static int get_device_id(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    (void)in;
    wire_put_u8(out, DEVICE_ID);
    wire_put_u8(out, DEVICE_REVISION);
    wire_put_u8(out, FIRMWARE_MAJOR);
    wire_put_u8(out, FIRMWARE_MINOR_BCD);
    wire_put_u8(out, IPMI_VERSION_2_0);
    wire_put_u8(out, sdr_device_support(request->bmc));
    wire_put_u8(out, (uint8_t)request->bmc->manufacturer);
    wire_put_u16(out, (uint16_t)(request->bmc->manufacturer >> 8));
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

/* Cold Reset and Warm Reset (sections 20.2, 20.3). The answer leaves before sessions end. */
static int reset(const struct ipmi_request *request, struct wire_out *out, bool is_cold)
{
    return command_call(request, out, SERVICE_RESTART,
                        &(union service_arguments){.restart_is_cold = is_cold});
}

static int cold_reset(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    (void)in;
    return reset(request, out, true);
}

static int warm_reset(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    (void)in;
    return reset(request, out, false);
}

/* Set ACPI Power State (section 20.6). */
#define ACPI_SET 0x80

static int set_acpi_power_state(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    uint8_t system = wire_u8(in), device = wire_u8(in);
    uint8_t system_state = system & 0x7f, device_state = device & 0x7f;
    const union service_arguments arguments = {
        .acpi_state = {system & ACPI_SET ? &system_state : NULL,
                       device & ACPI_SET ? &device_state : NULL},
    };

    return command_call(request, out, SERVICE_ACPI_STATE, &arguments);
}

/* Get ACPI Power State (section 20.7). */
static int get_acpi_power_state(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;

    (void)in;
    wire_put_u8(out, acpi_system_state(&bmc->acpi, bmc_power_state(bmc)));
    wire_put_u8(out, bmc->acpi.device);
    return CC_SUCCESS;
}

/* Get BT Interface Capabilities (section 22.10): of who asks by that interface. */
#define BT_REQUESTS   1
#define BT_BUFFER     0xff
#define BT_RESPONSE_S 10
#define BT_NO_RETRIES 0

static int get_bt_capabilities(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    (void)in;
    if (request->origin != IPMI_ORIGIN_SYSTEM_INTERFACE)
        return CC_INVALID_COMMAND;
    wire_put_u8(out, BT_REQUESTS);
    wire_put_u8(out, BT_BUFFER); /* to the BMC */
    wire_put_u8(out, BT_BUFFER); /* from it */
    wire_put_u8(out, BT_RESPONSE_S);
    wire_put_u8(out, BT_NO_RETRIES);
    return CC_SUCCESS;
}

/* Get System Interface Capabilities (section 22.9): of KCS, which the system interface is. */
#define INTERFACE_KCS 0x01
#define KCS_VERSION   0x00
#define KCS_BUFFER    0xff

static int get_system_interface_capabilities(const struct ipmi_request *request, struct wire_in *in,
                                             struct wire_out *out)
{
    (void)request;
    if (wire_u8(in) != INTERFACE_KCS)
        return CC_INVALID_DATA_FIELD;
    wire_put_u8(out, 0); /* reserved */
    wire_put_u8(out, KCS_VERSION);
    wire_put_u8(out, KCS_BUFFER);
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
    {NETFN_APP, 0x02, PRIVILEGE_ADMINISTRATOR, 0, 0, cold_reset, "Cold Reset"},
    {NETFN_APP, 0x03, PRIVILEGE_ADMINISTRATOR, 0, 0, warm_reset, "Warm Reset"},
    {NETFN_APP, 0x04, PRIVILEGE_USER, 0, 0, get_self_test_results, "Get Self Test Results"},
    {NETFN_APP, 0x06, PRIVILEGE_ADMINISTRATOR, 2, 2, set_acpi_power_state, "Set ACPI Power State"},
    {NETFN_APP, 0x07, PRIVILEGE_USER, 0, 0, get_acpi_power_state, "Get ACPI Power State"},
    {NETFN_APP, 0x08, PRIVILEGE_USER, 0, 0, get_guid, "Get Device GUID"},
    {NETFN_APP, 0x36, PRIVILEGE_USER, 0, 0, get_bt_capabilities, "Get BT Interface Capabilities"},
    {NETFN_APP, 0x37, COMMAND_FOR_ANYONE, 0, 0, get_guid, "Get System GUID"},
    {NETFN_APP, 0x57, PRIVILEGE_USER, 1, 1, get_system_interface_capabilities,
     "Get System Interface Capabilities"},
};

const struct command_table cmd_app_table = {commands, ARRAY_SIZE(commands), NULL};
