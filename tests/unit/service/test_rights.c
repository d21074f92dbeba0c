/* The two tables that say who may do what, side by side: the specification's, of IPMI commands, and
 * that of the operations. Nobody may do by IPMI what he may not do by another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/service/service.h"

static const struct {
    const char *command;
    enum service_operation operation;
} rows[] = {
    {"Chassis Control", SERVICE_POWER},
    {"Chassis Identify", SERVICE_IDENTIFY},
    {"Set Front Panel Enables", SERVICE_FRONT_PANEL},
    {"Set Power Restore Policy", SERVICE_RESTORE_POLICY},
    {"Set Power Cycle Interval", SERVICE_CYCLE_INTERVAL},
    {"Cold Reset", SERVICE_RESTART},
    {"Warm Reset", SERVICE_RESTART},
    {"Set BMC Global Enables", SERVICE_GLOBAL_ENABLES},
    {"Set Event Receiver", SERVICE_EVENT_RECEIVER},
    {"Clear Message Flags", SERVICE_MESSAGE_FLAGS},
    {"Enable Message Channel Receive", SERVICE_CHANNEL_RECEIVE},
    {"Get Message", SERVICE_MESSAGE_TAKE},
    {"Read Event Message Buffer", SERVICE_EVENT_BUFFER},
    {"Set ACPI Power State", SERVICE_ACPI_STATE},
    {"Set System Info Parameters", SERVICE_SYSTEM_INFO},
    {"Set System Boot Options", SERVICE_BOOT_FLAGS},
    {"Set System Boot Options", SERVICE_BOOT_PARAMETER},
    {"Set Watchdog Timer", SERVICE_WATCHDOG_SET},
    {"Reset Watchdog Timer", SERVICE_WATCHDOG_RESET},
    {"Set Sensor Hysteresis", SERVICE_SENSOR_SETTINGS},
    {"Set Sensor Thresholds", SERVICE_SENSOR_SETTINGS},
    {"Set Sensor Event Enable", SERVICE_SENSOR_SETTINGS},
    {"Run Initialization Agent", SERVICE_SENSOR_RESET},
    {"Re-arm Sensor Events", SERVICE_SENSOR_REARM},
    {"Set Sensor Reading And Event Status", SERVICE_SENSOR_OVERRIDE},
    {"Add SEL Entry", SERVICE_SEL_ADD},
    {"Platform Event", SERVICE_PLATFORM_EVENT},
    {"Delete SEL Entry", SERVICE_SEL_DELETE},
    {"Clear SEL", SERVICE_SEL_CLEAR},
    {"Set SEL Time", SERVICE_SEL_TIME},
    {"Set SDR Repository Time", SERVICE_SEL_TIME},
    {"Set SEL Time UTC Offset", SERVICE_SEL_UTC_OFFSET},
    {"Alert Immediate", SERVICE_ALERT},
    {"Alert Immediate", SERVICE_ALERT_FORGET},
    {"PET Acknowledge", SERVICE_ALERT_ACKNOWLEDGE},
    {"Arm PEF Postpone Timer", SERVICE_PEF_POSTPONE},
    {"Set PEF Configuration Parameters", SERVICE_PEF_PARAMETER},
    {"Set Last Processed Event ID", SERVICE_SEL_PROCESSED},
    {"Write FRU Data", SERVICE_FRU_WRITE},
    {"Set Asset Tag", SERVICE_ASSET_TAG},
    {"Set Power Limit", SERVICE_POWER_LIMIT},
    {"Activate/Deactivate Power Limit", SERVICE_POWER_LIMIT_ACTIVE},
    {"Set Thermal Limit", SERVICE_THERMAL_LIMIT},
    {"Set Management Controller Identifier String", SERVICE_IDENTIFIER},
    {"Set DCMI Configuration Parameters", SERVICE_DHCP},
    {"Set Channel Access", SERVICE_CHANNEL_ACCESS},
    {"Set Channel Security Keys", SERVICE_CHANNEL_KEY},
    {"Set LAN Configuration Parameters", SERVICE_LAN_PARAMETER},
    {"Get IP/UDP/RMCP Statistics", SERVICE_LAN_STATISTICS},
    {"Close Session", SERVICE_SESSION_CLOSE},
    {"Activate Payload", SERVICE_SOL_ACTIVATE},
    {"Deactivate Payload", SERVICE_SOL_DEACTIVATE},
    {"Set User Payload Access", SERVICE_SOL_ACCESS},
    {"Set User Access", SERVICE_USER_CHANGE},
    {"Set User Name", SERVICE_USER_CHANGE},
    {"Set User Password", SERVICE_USER_CHANGE},
    {"Set SOL Configuration Parameters", SERVICE_SOL_PARAMETER},
};

/* Commands that change nothing of the BMC although their names do not say so: they reserve, check
 * what they are told, or concern the session of the request alone. */
static const char *const unchanging[] = {
    "Reserve SEL",
    "Reserve SDR Repository",
    "Set Sensor Type",
    "Set Auxiliary Log Status",
    "Set Session Privilege Level",
    "Send Message",
    "Suspend BMC ARPs",
    "Set Command Enables",
    "Set Command Sub-function Enables",
    "Activate Session",
};

static const struct command *find_command(const char *name)
{
    const struct command_table *const *tables = ipmi_commands.tables;

    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            if (strcmp(tables[t]->rows[i].name, name) == 0)
                return &tables[t]->rows[i];
        }
    }
    return NULL;
}

static void test_same_levels(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct command *command = find_command(rows[i].command);
        const struct service_row *row = service_row(rows[i].operation);
        assert_non_null(command);
        /* What is the system interface's has no level; by no other way is it for less than all. */
        unsigned level =
            command->privilege == COMMAND_FOR_SYSTEM ? PRIVILEGE_ADMINISTRATOR : command->privilege;
        if (level != row->privilege)
            fail_msg("%s: level %u, %s: level %u", command->name, command->privilege, row->name,
                     row->privilege);
        assert_false(row->flags & SERVICE_WHOLE); /* a session is of one BMC */
    }
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].command, name) == 0)
            return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(unchanging); i++) {
        if (strcmp(unchanging[i], name) == 0)
            return true;
    }
    return strncmp(name, "Get ", 4) == 0 || strncmp(name, "Read ", 5) == 0;
}

/* A new command that changes something has its row here, and with it an operation. */
static void test_no_other_commands(void **state)
{
    const struct command_table *const *tables = ipmi_commands.tables;

    (void)state;
    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            if (!is_known(tables[t]->rows[i].name))
                fail_msg("%s: of which operation is it?", tables[t]->rows[i].name);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_levels),
        cmocka_unit_test(test_no_other_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
