/* App commands about the BMC itself (IPMI 2.0, chapter 20). */
#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sdr.h"
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

/* Set and Get ACPI Power State (sections 20.6, 20.7). The BMC sees for itself whether its guest
 * runs, so what it is told is only checked. */
#define ACPI_SET         0x80
#define ACPI_NO_CHANGE   0x7f
#define ACPI_S0          0x00
#define ACPI_S3          0x03
#define ACPI_S5          0x05
#define ACPI_UNKNOWN     0x2a
#define ACPI_D0          0x00
#define ACPI_D3          0x03
#define ACPI_LEGACY_ON   0x20
#define ACPI_LEGACY_OFF  0x21
#define ACPI_S5_OVERRIDE 0x0a

static bool is_system_state(uint8_t state)
{
    return state <= ACPI_S5_OVERRIDE || state == ACPI_LEGACY_ON || state == ACPI_LEGACY_OFF ||
           state == ACPI_UNKNOWN || state == ACPI_NO_CHANGE;
}

static bool is_device_state(uint8_t state)
{
    return state <= ACPI_D3 || state == ACPI_UNKNOWN || state == ACPI_NO_CHANGE;
}

static int set_acpi_power_state(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    uint8_t system = wire_u8(in), device = wire_u8(in);

    (void)request;
    (void)out;
    if ((system & ACPI_SET && !is_system_state(system & 0x7f)) ||
        (device & ACPI_SET && !is_device_state(device & 0x7f)))
        return CC_INVALID_DATA_FIELD;
    return CC_SUCCESS;
}

static int get_acpi_power_state(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    static const uint8_t states[] = {
        [HOST_POWER_UNKNOWN] = ACPI_UNKNOWN, [HOST_POWER_OFF] = ACPI_S5,
        [HOST_POWER_RUNNING] = ACPI_S0,      [HOST_POWER_PAUSED] = ACPI_S0,
        [HOST_POWER_SUSPENDED] = ACPI_S3,    [HOST_POWER_CRASHED] = ACPI_S0,
    };

    (void)in;
    wire_put_u8(out, states[bmc_power_state(request->bmc)]);
    wire_put_u8(out, ACPI_D0); /* the BMC itself */
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
    {NETFN_APP, 0x06, PRIVILEGE_ADMINISTRATOR, 2, 2, set_acpi_power_state, "Set ACPI Power State"},
    {NETFN_APP, 0x07, PRIVILEGE_USER, 0, 0, get_acpi_power_state, "Get ACPI Power State"},
    {NETFN_APP, 0x08, PRIVILEGE_USER, 0, 0, get_guid, "Get Device GUID"},
    {NETFN_APP, 0x37, COMMAND_FOR_ANYONE, 0, 0, get_guid, "Get System GUID"},
};

const struct command_table cmd_app_table = {commands, ARRAY_SIZE(commands)};
