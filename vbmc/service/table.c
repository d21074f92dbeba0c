/* Who may do what: one row for each operation. The specification's privilege of an IPMI command is
 * in its own row (vbmc/ipmi/cmd_*.c), never below that of the operation it is. */
#include <stdbool.h>

#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

/* ---- what is no change ---- */

/* A log-out. */
static bool is_own_session(const struct service_call *call,
                           const union service_arguments *arguments)
{
    return arguments->session_close.session == call->caller->session;
}

/* What the guest's driver takes out of its own interface, at each interrupt. */
static bool is_own_interface(const struct service_call *call,
                             const union service_arguments *arguments)
{
    (void)arguments;
    return call->caller->front_end == CALLER_SYSTEM_INTERFACE;
}

/* Parameter 0 of all groups is "set in progress": what goes before and behind the changes of one
 * client. */
static bool is_boot_progress(const struct service_call *call,
                             const union service_arguments *arguments)
{
    (void)call;
    return arguments->boot_parameter.number == 0;
}

static bool is_pef_progress(const struct service_call *call,
                            const union service_arguments *arguments)
{
    (void)call;
    return arguments->pef_parameter.number == 0;
}

static bool is_sol_progress(const struct service_call *call,
                            const union service_arguments *arguments)
{
    (void)call;
    return arguments->sol_parameter.number == 0;
}

static bool is_lan_progress(const struct service_call *call,
                            const union service_arguments *arguments)
{
    (void)call;
    return arguments->lan_parameter.number == 0;
}

static bool is_system_info_progress(const struct service_call *call,
                                    const union service_arguments *arguments)
{
    (void)call;
    return arguments->system_info.number == 0;
}

#define WHOLE      SERVICE_WHOLE
#define AUDITED    SERVICE_AUDITED
#define GUEST      SERVICE_OF_GUEST
#define REGISTERED SERVICE_REGISTERED
#define WITHIN     SERVICE_WITHIN
/* All that changes anything is in the audit trail. SUMMED: agents and drivers do it over and over,
 * or piece by piece, and a trail of heart beats has no room for what matters. LOOKS: nothing of it
 * outlasts the BMC's memory, or it is the guest's console; strangers may ask for it, or its answer
 * is more than a ticket carries. */
#define SUMMED (SERVICE_AUDITED | SERVICE_SUMMED)
#define LOOKS  (SERVICE_AUDITED | SERVICE_LOOKS)
#define JOINED SERVICE_JOINED

/* clang-format off */
static const struct service_row rows[SERVICE_COUNT] = {
    [SERVICE_VIEW] = {"view", PRIVILEGE_USER, 0,
        NULL, NULL, NULL},
    [SERVICE_VIEW_FLEET] = {"view fleet", PRIVILEGE_ADMINISTRATOR, WHOLE | GUEST,
        NULL, NULL, NULL},
    [SERVICE_AUDIT] = {"audit trail", PRIVILEGE_ADMINISTRATOR, 0,
        NULL, NULL, NULL},
    [SERVICE_CONSOLE] = {"console", PRIVILEGE_USER, LOOKS,
        NULL, NULL, NULL},
    [SERVICE_CONSOLE_WRITE] = {"console input", PRIVILEGE_OPERATOR, 0,
        NULL, NULL, NULL},
    [SERVICE_BREAK] = {"break", PRIVILEGE_OPERATOR, LOOKS | GUEST,
        NULL, NULL, NULL},
    [SERVICE_SCREENSHOT] = {"screenshot", PRIVILEGE_USER, LOOKS | GUEST,
        service_run_screenshot, NULL, NULL},
    [SERVICE_DUMP] = {"memory dump", PRIVILEGE_ADMINISTRATOR, WHOLE | WITHIN | AUDITED | GUEST,
        service_run_dump, service_describe_dump, NULL},
    [SERVICE_POWER] = {"power", PRIVILEGE_OPERATOR, AUDITED | GUEST | JOINED,
        service_run_power, service_describe_power, NULL},
    [SERVICE_IDENTIFY] = {"identify", PRIVILEGE_OPERATOR, AUDITED,
        service_run_identify, service_describe_identify, NULL},
    [SERVICE_FRONT_PANEL] = {"front panel", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_front_panel, service_describe_front_panel, NULL},
    [SERVICE_RESTORE_POLICY] = {"power restore policy", PRIVILEGE_OPERATOR, AUDITED,
        service_run_restore_policy, service_describe_restore_policy, NULL},
    [SERVICE_CYCLE_INTERVAL] = {"power cycle interval", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_cycle_interval, service_describe_cycle_interval, NULL},
    [SERVICE_BOOT_FLAGS] = {"boot device", PRIVILEGE_OPERATOR, AUDITED | GUEST,
        service_run_boot_flags, service_describe_boot_flags, NULL},
    [SERVICE_BOOT_PARAMETER] = {"boot parameter", PRIVILEGE_OPERATOR, AUDITED,
        service_run_boot_parameter, service_describe_boot_parameter, is_boot_progress},
    [SERVICE_RESTART] = {"BMC reset", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_restart, service_describe_restart, NULL},
    [SERVICE_GLOBAL_ENABLES] = {"BMC global enables", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_global_enables, service_describe_global_enables, NULL},
    [SERVICE_MESSAGE_FLAGS] = {"clear message flags", PRIVILEGE_ADMINISTRATOR, LOOKS,
        service_run_message_flags, NULL, is_own_interface},
    [SERVICE_MESSAGE_PUT] = {"queue message", PRIVILEGE_ADMINISTRATOR, LOOKS,
        service_run_message_put, NULL, is_own_interface},
    [SERVICE_MESSAGE_TAKE] = {"take message", PRIVILEGE_ADMINISTRATOR, LOOKS,
        service_run_message_take, NULL, is_own_interface},
    [SERVICE_CHANNEL_RECEIVE] = {"message channel receive", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_channel_receive, NULL, NULL},
    [SERVICE_EVENT_RECEIVER] = {"event receiver", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_event_receiver, service_describe_event_receiver, NULL},
    [SERVICE_EVENT_BUFFER] = {"read event buffer", PRIVILEGE_ADMINISTRATOR, LOOKS,
        service_run_event_buffer, NULL, is_own_interface},
    [SERVICE_ACPI_STATE] = {"ACPI power state", PRIVILEGE_ADMINISTRATOR, SUMMED,
        service_run_acpi_state, NULL, NULL},
    [SERVICE_SYSTEM_INFO] = {"system information", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_system_info, service_describe_system_info, is_system_info_progress},
    [SERVICE_WATCHDOG_SET] = {"watchdog", PRIVILEGE_OPERATOR, AUDITED | GUEST,
        service_run_watchdog_set, service_describe_watchdog_set, NULL},
    [SERVICE_WATCHDOG_RESET] = {"reset watchdog", PRIVILEGE_OPERATOR, SUMMED | GUEST,
        service_run_watchdog_reset, NULL, NULL},
    [SERVICE_SENSOR_SETTINGS] = {"sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sensor_settings, service_describe_sensor_settings, NULL},
    [SERVICE_SENSOR_RESET] = {"reset sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sensor_reset, NULL, NULL},
    [SERVICE_SENSOR_REARM] = {"re-arm sensor", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sensor_rearm, service_describe_sensor_rearm, NULL},
    [SERVICE_SENSOR_OVERRIDE] = {"override sensor", PRIVILEGE_ADMINISTRATOR, SUMMED,
        service_run_sensor_override, service_describe_sensor_override, NULL},
    [SERVICE_SEL_ADD] = {"add event", PRIVILEGE_OPERATOR, SUMMED,
        service_run_sel_add, service_describe_event, NULL},
    [SERVICE_PLATFORM_EVENT] = {"platform event", PRIVILEGE_OPERATOR, SUMMED,
        service_run_platform_event, service_describe_event, NULL},
    [SERVICE_SEL_DELETE] = {"delete event", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_delete, service_describe_sel_id, NULL},
    [SERVICE_SEL_CLEAR] = {"clear event log", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_clear, NULL, NULL},
    [SERVICE_SEL_TIME] = {"set clock", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_time, service_describe_sel_time, NULL},
    [SERVICE_SEL_UTC_OFFSET] = {"set UTC offset", PRIVILEGE_OPERATOR, AUDITED,
        service_run_sel_utc_offset, service_describe_sel_utc_offset, NULL},
    [SERVICE_SEL_PROCESSED] = {"set last processed event", PRIVILEGE_ADMINISTRATOR, SUMMED,
        service_run_sel_processed, NULL, NULL},
    [SERVICE_PEF_PARAMETER] = {"PEF parameter", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_pef_parameter, service_describe_pef_parameter, is_pef_progress},
    [SERVICE_PEF_POSTPONE] = {"PEF postpone timer", PRIVILEGE_ADMINISTRATOR, SUMMED,
        service_run_pef_postpone, NULL, NULL},
    [SERVICE_ALERT] = {"alert", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_alert, service_describe_alert, NULL},
    [SERVICE_ALERT_FORGET] = {"clear alert status", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_alert_forget, NULL, NULL},
    [SERVICE_ALERT_ACKNOWLEDGE] = {"acknowledge alert", PRIVILEGE_NONE, LOOKS,
        service_run_alert_acknowledge, NULL, NULL},
    [SERVICE_FRU_WRITE] = {"write FRU", PRIVILEGE_OPERATOR, SUMMED,
        service_run_fru_write, service_describe_fru, NULL},
    [SERVICE_ASSET_TAG] = {"asset tag", PRIVILEGE_OPERATOR, AUDITED,
        service_run_asset_tag, service_describe_asset_tag, NULL},
    [SERVICE_POWER_LIMIT] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        service_run_power_limit, service_describe_power_limit, NULL},
    [SERVICE_POWER_LIMIT_ACTIVE] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        service_run_power_limit_active, service_describe_power_limit_active, NULL},
    [SERVICE_THERMAL_LIMIT] = {"thermal limit", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_thermal_limit, service_describe_thermal_limit, NULL},
    [SERVICE_IDENTIFIER] = {"controller identifier", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_identifier, service_describe_identifier, NULL},
    [SERVICE_DHCP] = {"DHCP parameters", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_dhcp, service_describe_dhcp, NULL},
    [SERVICE_SESSION_CLOSE] = {"close session", PRIVILEGE_CALLBACK, AUDITED,
        service_run_session_close, service_describe_session, is_own_session},
    [SERVICE_SOL_ACTIVATE] = {"activate SOL", PRIVILEGE_CALLBACK, LOOKS,
        service_run_sol_activate, NULL, NULL},
    [SERVICE_SOL_DEACTIVATE] = {"deactivate SOL", PRIVILEGE_CALLBACK, LOOKS,
        service_run_sol_deactivate, NULL, NULL},
    [SERVICE_SOL_ACCESS] = {"SOL access", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_sol_access, service_describe_sol_access, NULL},
    [SERVICE_SOL_PARAMETER] = {"SOL parameter", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_sol_parameter, service_describe_sol_parameter, is_sol_progress},
    [SERVICE_CHANNEL_ACCESS] = {"channel access", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_channel_access, service_describe_channel_access, NULL},
    [SERVICE_CHANNEL_KEY] = {"channel key", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_channel_key, NULL, NULL},
    [SERVICE_LAN_PARAMETER] = {"LAN parameter", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_lan_parameter, service_describe_lan_parameter, is_lan_progress},
    [SERVICE_LAN_RESET] = {"reset LAN configuration", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_lan_reset, NULL, NULL},
    [SERVICE_LAN_STATISTICS] = {"clear LAN statistics", PRIVILEGE_USER, LOOKS,
        service_run_lan_statistics, NULL, NULL},
    [SERVICE_USERS_VIEW] = {"list accounts", PRIVILEGE_OPERATOR, 0,
        NULL, NULL, NULL},
    [SERVICE_USER_CHANGE] = {"account", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_user_change, service_describe_user_change, NULL},
    [SERVICE_USER_RESET] = {"reset account", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_user_reset, service_describe_user_reset, NULL},
    [SERVICE_INJECT] = {"inject", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_inject, service_describe_inject, NULL},
    [SERVICE_CLEAR_FAULTS] = {"clear faults", PRIVILEGE_ADMINISTRATOR, AUDITED,
        service_run_clear_faults, service_describe_clear_faults, NULL},
    [SERVICE_TAG] = {"tag", PRIVILEGE_ADMINISTRATOR, AUDITED | GUEST | REGISTERED,
        NULL, service_describe_tags, NULL},
    [SERVICE_ADD_SERIAL] = {"add serial port", PRIVILEGE_ADMINISTRATOR, AUDITED | GUEST | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_INBAND] = {"interface to its BMC", PRIVILEGE_ADMINISTRATOR, AUDITED | GUEST | REGISTERED,
        NULL, service_describe_inband, NULL},
    [SERVICE_DEFINE] = {"define domain", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | GUEST | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_UNDEFINE] = {"undefine domain", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | GUEST | REGISTERED,
        NULL, service_describe_domain, NULL},
    [SERVICE_RELOAD] = {"reload", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_ADD] = {"add", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, service_describe_addition, NULL},
    [SERVICE_DELETE] = {"delete", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_START] = {"start", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_STOP] = {"stop", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, NULL, NULL},
    [SERVICE_FACILITY] = {"facility", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, service_describe_facility, NULL},
    [SERVICE_DECLARE_DEAD] = {"declare dead hypervisor", PRIVILEGE_ADMINISTRATOR, WHOLE | AUDITED | REGISTERED,
        NULL, service_describe_hypervisor, NULL},
};
/* clang-format on */

const struct service_row *service_row(enum service_operation operation)
{
    return &rows[operation];
}
