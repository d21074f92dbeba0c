/* Chassis commands (IPMI 2.0, chapter 28), except for the boot options, which have a file of their
 * own. */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/boot_parameters.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/ipmi/cmd_boot.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

/* Get Chassis Capabilities (section 28.1). */
#define CAPABILITY_INTRUSION_SENSOR     0x01
#define CAPABILITY_DIAGNOSTIC_INTERRUPT 0x04

static int get_chassis_capabilities(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    (void)in;
    wire_put_u8(out, CAPABILITY_DIAGNOSTIC_INTERRUPT |
                         (request->bmc->sensors ? CAPABILITY_INTRUSION_SENSOR : 0));
    for (int device = 0; device < 5; device++) /* FRU, SDR, SEL, system management, bridge */
        wire_put_u8(out, IPMI_BMC_ADDRESS);
    return CC_SUCCESS;
}

/* Get Chassis Status (section 28.2). */
#define STATUS_POWER_ON         0x01
#define STATUS_POWER_FAULT      0x08
#define STATUS_CONTROL_FAULT    0x10
#define MISC_INTRUSION          0x01
#define MISC_DRIVE_FAULT        0x04
#define MISC_FAN_FAULT          0x08
#define MISC_IDENTIFY_SUPPORTED 0x40

static int get_chassis_status(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    const struct chassis *chassis = &bmc->chassis;
    enum host_power_state state = bmc_power_state(bmc);
    struct sensor_faults faults = {.power = false};

    (void)in;
    if (state == HOST_POWER_UNKNOWN)
        return CC_NODE_BUSY; /* never a guess */
    if (bmc->sensors)
        faults = sensors_faults(bmc->sensors);
    wire_put_u8(out, (uint8_t)(chassis->restore_policy << 5 |
                               (chassis->control_fault ? STATUS_CONTROL_FAULT : 0) |
                               (faults.power ? STATUS_POWER_FAULT : 0) |
                               (host_power_state_is_on(state) ? STATUS_POWER_ON : 0)));
    wire_put_u8(out, chassis->last_power_event);
    wire_put_u8(
        out, (uint8_t)(MISC_IDENTIFY_SUPPORTED | chassis_identify_state(&bmc->chassis) << 4 |
                       (faults.intrusion ? MISC_INTRUSION : 0) |
                       (faults.drive ? MISC_DRIVE_FAULT : 0) | (faults.fan ? MISC_FAN_FAULT : 0)));
    wire_put_u8(out, chassis->front_panel_disabled);
    return CC_SUCCESS;
}

/* Chassis Control (section 28.3). */
static int chassis_control_command(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    uint8_t action = wire_u8(in);

    if (action > HOST_POWER_ACTION_SOFT_SHUTDOWN)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_POWER,
                        &(union service_arguments){.power = (enum host_power_action)action});
}

/* Chassis Identify (section 28.5). */
#define IDENTIFY_FORCE 0x01

static int chassis_identify_command(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    uint8_t seconds = wire_left(in) > 0 ? wire_u8(in) : IDENTIFY_DEFAULT_S;
    uint8_t force = wire_left(in) > 0 ? wire_u8(in) : 0;

    if (force & ~IDENTIFY_FORCE)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_IDENTIFY,
                        &(union service_arguments){.identify = {seconds, force != 0}});
}

/* Set Front Panel Enables (section 28.6). */
#define BUTTONS 0x0f

static int set_front_panel_enables(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    uint8_t disabled = wire_u8(in);

    if (disabled & ~BUTTONS)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_FRONT_PANEL,
                        &(union service_arguments){.front_panel_disabled = disabled});
}

/* Set Power Restore Policy (section 28.8); 3 changes nothing and only asks what is supported. */
#define POLICY_NO_CHANGE   3
#define POLICIES_SUPPORTED 0x07

static int set_power_restore_policy(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    uint8_t policy = wire_u8(in);

    if (policy > POLICY_NO_CHANGE)
        return CC_INVALID_DATA_FIELD;
    wire_put_u8(out, POLICIES_SUPPORTED);
    if (policy == POLICY_NO_CHANGE)
        return CC_SUCCESS;
    return command_call(
        request, out, SERVICE_RESTORE_POLICY,
        &(union service_arguments){.restore_policy = (enum power_restore_policy)policy});
}

/* Set Power Cycle Interval (section 28.9). */
static int set_power_cycle_interval(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    return command_call(request, out, SERVICE_CYCLE_INTERVAL,
                        &(union service_arguments){.cycle_interval_s = wire_u8(in)});
}

/* Get System Restart Cause (section 28.11). */
static int get_system_restart_cause(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    enum restart_cause cause = request->bmc->chassis.restart_cause;

    (void)in;
    wire_put_u8(out, (uint8_t)cause);
    wire_put_u8(out, cause == RESTART_CAUSE_CHASSIS_CONTROL ? CHANNEL_LAN : 0);
    return CC_SUCCESS;
}

/* Get POH Counter (section 28.14): counts of 60 minutes. */
#define POH_MINUTES_PER_COUNT 60

static int get_poh_counter(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    (void)in;
    wire_put_u8(out, POH_MINUTES_PER_COUNT);
    wire_put_u32(out, chassis_poh_minutes(&request->bmc->chassis) / POH_MINUTES_PER_COUNT);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_CHASSIS, 0x00, PRIVILEGE_USER, 0, 0, get_chassis_capabilities,
     "Get Chassis Capabilities"},
    {NETFN_CHASSIS, 0x01, PRIVILEGE_USER, 0, 0, get_chassis_status, "Get Chassis Status"},
    {NETFN_CHASSIS, 0x02, PRIVILEGE_OPERATOR, 1, 1, chassis_control_command, "Chassis Control"},
    {NETFN_CHASSIS, 0x04, PRIVILEGE_OPERATOR, 0, 2, chassis_identify_command, "Chassis Identify"},
    {NETFN_CHASSIS, 0x06, PRIVILEGE_OPERATOR, 1, 1, set_power_restore_policy,
     "Set Power Restore Policy"},
    {NETFN_CHASSIS, 0x07, PRIVILEGE_USER, 0, 0, get_system_restart_cause,
     "Get System Restart Cause"},
    {NETFN_CHASSIS, 0x08, PRIVILEGE_OPERATOR, 1, 1 + BOOT_PARAMETER_MAX, cmd_boot_set,
     "Set System Boot Options"},
    {NETFN_CHASSIS, 0x09, PRIVILEGE_OPERATOR, 3, 3, cmd_boot_get, "Get System Boot Options"},
    {NETFN_CHASSIS, 0x0a, PRIVILEGE_ADMINISTRATOR, 1, 1, set_front_panel_enables,
     "Set Front Panel Enables"},
    {NETFN_CHASSIS, 0x0b, PRIVILEGE_ADMINISTRATOR, 1, 1, set_power_cycle_interval,
     "Set Power Cycle Interval"},
    {NETFN_CHASSIS, 0x0f, PRIVILEGE_USER, 0, 0, get_poh_counter, "Get POH Counter"},
};

const struct command_table cmd_chassis_table = {commands, ARRAY_SIZE(commands), NULL};
