/* Who may do what: one row for each operation. The specification's privilege of an IPMI command is
 * in its own row (vbmc/ipmi/cmd_*.c), never below that of the operation it is. */
#include <stdio.h>

#include "vbmc/service/runs.h"

static void describe_path(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "to %s", arguments->path);
}

static void describe_domain(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->domain);
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

#define WHOLE   .whole = true
#define AUDITED .audited = true
#define GUEST   .of_guest = true
#define FLEET   .of_fleet = true

/* clang-format off */
static const struct service_row rows[SERVICE_COUNT] = {
    [SERVICE_VIEW] = {"view", PRIVILEGE_USER},
    [SERVICE_VIEW_FLEET] = {"view fleet", PRIVILEGE_ADMINISTRATOR, WHOLE, GUEST},
    [SERVICE_CONSOLE] = {"console", PRIVILEGE_USER, AUDITED},
    [SERVICE_CONSOLE_WRITE] = {"console input", PRIVILEGE_OPERATOR},
    [SERVICE_BREAK] = {"break", PRIVILEGE_OPERATOR, AUDITED, GUEST},
    [SERVICE_SCREENSHOT] = {"screenshot", PRIVILEGE_USER, AUDITED, GUEST},
    [SERVICE_DUMP] = {"memory dump", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, GUEST,
        .describe = describe_path},
    [SERVICE_ADD_SERIAL] = {"add serial port", PRIVILEGE_ADMINISTRATOR, AUDITED, GUEST},
    [SERVICE_DEFINE] = {"define domain", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, GUEST},
    [SERVICE_UNDEFINE] = {"undefine domain", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, GUEST,
        .describe = describe_domain},
    [SERVICE_RELOAD] = {"reload", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED},
    [SERVICE_POWER] = {"power", PRIVILEGE_OPERATOR, AUDITED, GUEST,
        .run = service_run_power, .describe = service_describe_power},
    [SERVICE_IDENTIFY] = {"identify", PRIVILEGE_OPERATOR, .run = service_run_identify},
    [SERVICE_FRONT_PANEL] = {"front panel", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_front_panel},
    [SERVICE_RESTORE_POLICY] = {"power restore policy", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_restore_policy, .describe = service_describe_restore_policy},
    [SERVICE_CYCLE_INTERVAL] = {"power cycle interval", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_cycle_interval},
    [SERVICE_BOOT_FLAGS] = {"boot device", PRIVILEGE_OPERATOR, AUDITED, GUEST,
        .run = service_run_boot_flags, .describe = service_describe_boot_flags},
    [SERVICE_BOOT_PARAMETER] = {"boot parameter", PRIVILEGE_OPERATOR,
        .run = service_run_boot_parameter},
    [SERVICE_SENSOR_SETTINGS] = {"sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_sensor_settings},
    [SERVICE_SENSOR_RESET] = {"reset sensor settings", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_sensor_reset},
    [SERVICE_SENSOR_REARM] = {"re-arm sensor", PRIVILEGE_OPERATOR, .run = service_run_sensor_rearm},
    [SERVICE_SENSOR_OVERRIDE] = {"override sensor", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_sensor_override},
    [SERVICE_SEL_ADD] = {"add event", PRIVILEGE_OPERATOR, .run = service_run_sel_add},
    [SERVICE_SEL_DELETE] = {"delete event", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_sel_delete},
    [SERVICE_SEL_CLEAR] = {"clear event log", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_sel_clear},
    [SERVICE_SEL_TIME] = {"set clock", PRIVILEGE_OPERATOR, AUDITED, .run = service_run_sel_time},
    [SERVICE_SEL_UTC_OFFSET] = {"set UTC offset", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_sel_utc_offset},
    [SERVICE_SEL_PROCESSED] = {"set last processed event", PRIVILEGE_ADMINISTRATOR,
        .run = service_run_sel_processed},
    [SERVICE_FRU_WRITE] = {"write FRU", PRIVILEGE_OPERATOR, .run = service_run_fru_write},
    [SERVICE_ASSET_TAG] = {"asset tag", PRIVILEGE_OPERATOR, AUDITED, .run = service_run_asset_tag},
    [SERVICE_POWER_LIMIT] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_power_limit, .describe = service_describe_power_limit},
    [SERVICE_POWER_LIMIT_ACTIVE] = {"power limit", PRIVILEGE_OPERATOR, AUDITED,
        .run = service_run_power_limit_active, .describe = service_describe_power_limit_active},
    [SERVICE_THERMAL_LIMIT] = {"thermal limit", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_thermal_limit},
    [SERVICE_IDENTIFIER] = {"controller identifier", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_identifier},
    [SERVICE_DHCP] = {"DHCP parameters", PRIVILEGE_ADMINISTRATOR, AUDITED, .run = service_run_dhcp},
    [SERVICE_SESSION_CLOSE] = {"close session", PRIVILEGE_CALLBACK,
        .run = service_run_session_close},
    [SERVICE_SOL_ACTIVATE] = {"activate SOL", PRIVILEGE_CALLBACK, AUDITED,
        .run = service_run_sol_activate},
    [SERVICE_SOL_DEACTIVATE] = {"deactivate SOL", PRIVILEGE_CALLBACK, AUDITED,
        .run = service_run_sol_deactivate},
    [SERVICE_SOL_ACCESS] = {"SOL access", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_sol_access},
    [SERVICE_SOL_PARAMETER] = {"SOL parameter", PRIVILEGE_ADMINISTRATOR,
        .run = service_run_sol_parameter},
    [SERVICE_INJECT] = {"inject", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_inject, .describe = service_describe_inject},
    [SERVICE_CLEAR_FAULTS] = {"clear faults", PRIVILEGE_ADMINISTRATOR, AUDITED,
        .run = service_run_clear_faults, .describe = service_describe_clear_faults},
    [SERVICE_ADD] = {"add", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, FLEET,
        .describe = describe_addition},
    [SERVICE_DELETE] = {"delete", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, FLEET},
    [SERVICE_START] = {"start", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, FLEET},
    [SERVICE_STOP] = {"stop", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, FLEET},
    [SERVICE_FACILITY] = {"facility", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED, FLEET,
        .describe = describe_facility},
    [SERVICE_DECLARE_DEAD] = {"declare dead hypervisor", PRIVILEGE_ADMINISTRATOR, WHOLE, AUDITED,
        FLEET, .describe = describe_hypervisor},
};
/* clang-format on */

const struct service_row *service_row(enum service_operation operation)
{
    return &rows[operation];
}
