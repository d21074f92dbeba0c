/* Who may do what: one row for each operation. The specification's privilege of an IPMI command is
 * in its own row (vbmc/ipmi/cmd_*.c), never below that of the operation it is. */
#include <stdio.h>

#include "vbmc/service/addition.h"
#include "vbmc/service/runs.h"

static void describe_domain(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->undefine.name);
}

static void describe_addition(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->addition->name);
}

static void describe_facility(const union service_arguments *arguments, char *text, size_t size)
{
    const char *which = arguments->facility.which;

    if (arguments->facility.item)
        snprintf(text, size, "%s%s%s %s", arguments->facility.item, which ? " " : "",
                 which ? which : "", arguments->facility.state);
    else
        snprintf(text, size, "clear");
}

static void describe_hypervisor(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->hypervisor);
}

#define WHOLE      SERVICE_WHOLE
#define AUDITED    SERVICE_AUDITED
#define GUEST      SERVICE_OF_GUEST
#define REGISTERED SERVICE_REGISTERED
#define WITHIN     SERVICE_WITHIN

/* clang-format off */
static const struct service_row rows[SERVICE_COUNT] = {
    [SERVICE_VIEW] = {"view", PRIVILEGE_USER, 0, NULL, NULL},
    [SERVICE_VIEW_FLEET] = {"view fleet", PRIVILEGE_ADMINISTRATOR, WHOLE | GUEST, NULL, NULL},
    [SERVICE_CONSOLE] = {"console", PRIVILEGE_USER, AUDITED, NULL, NULL},
    [SERVICE_CONSOLE_WRITE] = {"console input", PRIVILEGE_OPERATOR, 0, NULL, NULL},
    [SERVICE_BREAK] = {"break", PRIVILEGE_OPERATOR, AUDITED | GUEST, NULL, NULL},
    [SERVICE_SCREENSHOT] = {"screenshot", PRIVILEGE_USER, AUDITED | GUEST,
        service_run_screenshot, NULL},
    [SERVICE_DUMP] = {"memory dump", PRIVILEGE_ADMINISTRATOR, WHOLE | WITHIN | AUDITED | GUEST,
        service_run_dump, service_describe_dump},
    [SERVICE_POWER] = {"power", PRIVILEGE_OPERATOR, AUDITED | GUEST,
        service_run_power, service_describe_power},
    [SERVICE_IDENTIFY] = {"identify", PRIVILEGE_OPERATOR, 0, service_run_identify, NULL},
    [SERVICE_FRONT_PANEL] = {"front panel", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_front_panel, NULL},
    [SERVICE_RESTORE_POLICY] = {"power restore policy", PRIVILEGE_OPERATOR, AUDITED,
        service_run_restore_policy, service_describe_restore_policy},
    [SERVICE_CYCLE_INTERVAL] = {"power cycle interval", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_cycle_interval, NULL},
    [SERVICE_BOOT_FLAGS] = {"boot device", PRIVILEGE_OPERATOR, AUDITED | GUEST,
        service_run_boot_flags, service_describe_boot_flags},
    [SERVICE_BOOT_PARAMETER] = {"boot parameter", PRIVILEGE_OPERATOR, 0,
        service_run_boot_parameter, NULL},
    [SERVICE_RESTART] = {"BMC reset", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_restart, service_describe_restart},
    [SERVICE_GLOBAL_ENABLES] = {"BMC global enables", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_global_enables, service_describe_global_enables},
    [SERVICE_MESSAGE_FLAGS] = {"clear message flags", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_message_flags, NULL},
    [SERVICE_CHANNEL_RECEIVE] = {"message channel receive", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_channel_receive, NULL},
    [SERVICE_EVENT_RECEIVER] = {"event receiver", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_event_receiver, service_describe_event_receiver},
    [SERVICE_EVENT_BUFFER] = {"read event buffer", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_event_buffer, NULL},
    [SERVICE_ACPI_STATE] = {"ACPI power state", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_acpi_state, NULL},
    [SERVICE_SYSTEM_INFO] = {"system information", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_system_info, service_describe_system_info},
    [SERVICE_WATCHDOG_SET] = {"watchdog", PRIVILEGE_OPERATOR, AUDITED | GUEST,
        service_run_watchdog_set, service_describe_watchdog_set},
    [SERVICE_WATCHDOG_RESET] = {"reset watchdog", PRIVILEGE_OPERATOR, GUEST,
        service_run_watchdog_reset, NULL},
    [SERVICE_SENSOR_SETTINGS] = {"sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sensor_settings, NULL},
    [SERVICE_SENSOR_RESET] = {"reset sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sensor_reset, NULL},
    [SERVICE_SENSOR_REARM] = {"re-arm sensor", PRIVILEGE_OPERATOR, 0,
        service_run_sensor_rearm, NULL},
    [SERVICE_SENSOR_OVERRIDE] = {"override sensor", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_sensor_override, NULL},
    [SERVICE_SEL_ADD] = {"add event", PRIVILEGE_OPERATOR, 0, service_run_sel_add, NULL},
    [SERVICE_PLATFORM_EVENT] = {"platform event", PRIVILEGE_OPERATOR, 0,
        service_run_platform_event, NULL},
    [SERVICE_SEL_DELETE] = {"delete event", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_delete, NULL},
    [SERVICE_SEL_CLEAR] = {"clear event log", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_clear, NULL},
    [SERVICE_SEL_TIME] = {"set clock", PRIVILEGE_OPERATOR, AUDITED, service_run_sel_time, NULL},
    [SERVICE_SEL_UTC_OFFSET] = {"set UTC offset", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_utc_offset, NULL},
    [SERVICE_SEL_PROCESSED] = {"set last processed event", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_sel_processed, NULL},
    [SERVICE_PEF_PARAMETER] = {"PEF parameter", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_pef_parameter, NULL},
    [SERVICE_PEF_POSTPONE] = {"PEF postpone timer", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_pef_postpone, NULL},
    [SERVICE_ALERT] = {"alert", PRIVILEGE_ADMINISTRATOR, AUDITED, service_run_alert, NULL},
    [SERVICE_ALERT_FORGET] = {"clear alert status", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_alert_forget, NULL},
    [SERVICE_ALERT_ACKNOWLEDGE] = {"acknowledge alert", PRIVILEGE_NONE, 0,
        service_run_alert_acknowledge, NULL},
    [SERVICE_FRU_WRITE] = {"write FRU", PRIVILEGE_OPERATOR, 0, service_run_fru_write, NULL},
    [SERVICE_ASSET_TAG] = {"asset tag", PRIVILEGE_OPERATOR, AUDITED, service_run_asset_tag, NULL},
    [SERVICE_POWER_LIMIT] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        service_run_power_limit, service_describe_power_limit},
    [SERVICE_POWER_LIMIT_ACTIVE] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        service_run_power_limit_active, service_describe_power_limit_active},
    [SERVICE_THERMAL_LIMIT] = {"thermal limit", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_thermal_limit, NULL},
    [SERVICE_IDENTIFIER] = {"controller identifier", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_identifier, NULL},
    [SERVICE_DHCP] = {"DHCP parameters", PRIVILEGE_ADMINISTRATOR, AUDITED, service_run_dhcp, NULL},
    [SERVICE_SESSION_CLOSE] = {"close session", PRIVILEGE_CALLBACK, 0,
        service_run_session_close, NULL},
    [SERVICE_SOL_ACTIVATE] = {"activate SOL", PRIVILEGE_CALLBACK, AUDITED,
        service_run_sol_activate, NULL},
    [SERVICE_SOL_DEACTIVATE] = {"deactivate SOL", PRIVILEGE_CALLBACK, AUDITED,
        service_run_sol_deactivate, NULL},
    [SERVICE_SOL_ACCESS] = {"SOL access", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_sol_access, NULL},
    [SERVICE_SOL_PARAMETER] = {"SOL parameter", PRIVILEGE_ADMINISTRATOR, 0,
        service_run_sol_parameter, NULL},
    [SERVICE_CHANNEL_ACCESS] = {"channel access", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_channel_access, NULL},
    [SERVICE_CHANNEL_KEY] = {"channel key", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_channel_key, NULL},
    [SERVICE_LAN_PARAMETER] = {"LAN parameter", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_lan_parameter, service_describe_lan_parameter},
    [SERVICE_LAN_RESET] = {"reset LAN configuration", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_lan_reset, NULL},
    [SERVICE_LAN_STATISTICS] = {"clear LAN statistics", PRIVILEGE_USER, 0,
        service_run_lan_statistics, NULL},
    [SERVICE_USERS_VIEW] = {"list accounts", PRIVILEGE_OPERATOR, 0, NULL, NULL},
    [SERVICE_USER_CHANGE] = {"account", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_user_change, service_describe_user_change},
    [SERVICE_USER_RESET] = {"reset account", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_user_reset, service_describe_user_reset},
    [SERVICE_INJECT] = {"inject", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_inject, service_describe_inject},
    [SERVICE_CLEAR_FAULTS] = {"clear faults", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_clear_faults, service_describe_clear_faults},
    [SERVICE_ADD_SERIAL] = {"add serial port", PRIVILEGE_ADMINISTRATOR,
        AUDITED | GUEST | REGISTERED, NULL, NULL},
    [SERVICE_DEFINE] = {"define domain", PRIVILEGE_ADMINISTRATOR,
        WHOLE | AUDITED | GUEST | REGISTERED, NULL, NULL},
    [SERVICE_UNDEFINE] = {"undefine domain", PRIVILEGE_ADMINISTRATOR,
        WHOLE | AUDITED | GUEST | REGISTERED, NULL, describe_domain},
    [SERVICE_RELOAD] = {"reload", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, NULL},
    [SERVICE_ADD] = {"add", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, describe_addition},
    [SERVICE_DELETE] = {"delete", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED, NULL, NULL},
    [SERVICE_START] = {"start", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED, NULL, NULL},
    [SERVICE_STOP] = {"stop", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED, NULL, NULL},
    [SERVICE_FACILITY] = {"facility", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, describe_facility},
    [SERVICE_DECLARE_DEAD] = {"declare dead hypervisor", PRIVILEGE_ADMINISTRATOR,
        WHOLE | AUDITED | REGISTERED, NULL, describe_hypervisor},
};
/* clang-format on */

const struct service_row *service_row(enum service_operation operation)
{
    return &rows[operation];
}
