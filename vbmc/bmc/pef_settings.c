#include "vbmc/bmc/pef_settings.h"

#include "vbmc/bmc/channel.h"

/* Sensor types and event types (IPMI 2.0, tables 42-1 and 42-3). */
enum {
    TYPE_TEMPERATURE = 0x01,
    TYPE_VOLTAGE = 0x02,
    TYPE_FAN = 0x04,
    TYPE_PHYSICAL_SECURITY = 0x05,
    TYPE_POWER_SUPPLY = 0x08,
    TYPE_WATCHDOG2 = 0x23,
    THRESHOLD = 0x01,
    REDUNDANCY = 0x0b,
    SENSOR_SPECIFIC = 0x6f,
};

enum { NON_CRITICAL = 0x08, CRITICAL = 0x10 };

/* Offsets of threshold events (table 42-2). */
#define LOWER_CRITICAL     0x0014 /* lower critical and non-recoverable, going low */
#define UPPER_NON_CRITICAL 0x0080 /* going high */
#define UPPER_CRITICAL     0x0a00 /* upper critical and non-recoverable, going high */

#define POLICY 1

/* Any generator, any sensor of that type; of the event data only the offset counts. */
#define FILTER(severity, type, trigger, offsets)                                                   \
    {                                                                                              \
        PEF_FILTER_ENABLED | PEF_FILTER_FACTORY, PEF_ACTION_ALERT, POLICY, (severity),             \
            PEF_FILTER_ANY, PEF_FILTER_ANY, (type), PEF_FILTER_ANY, (trigger), (offsets)&0xff,     \
            (offsets) >> 8,                                                                        \
    }

#define ENTRY(destination)                                                                         \
    {                                                                                              \
        POLICY << 4 | PEF_RULE_ALWAYS, CHANNEL_LAN << 4 | (destination), 0                         \
    }

const struct pef_settings pef_default_settings = {
    .control = PEF_EVENT_MESSAGES,
    .actions = PEF_ACTIONS,
    .startup_delay_s = 60,
    .alert_startup_delay_s = 60,
    .filters =
        {
            FILTER(CRITICAL, TYPE_TEMPERATURE, THRESHOLD, UPPER_CRITICAL),
            FILTER(NON_CRITICAL, TYPE_TEMPERATURE, THRESHOLD, UPPER_NON_CRITICAL),
            FILTER(CRITICAL, TYPE_FAN, THRESHOLD, LOWER_CRITICAL),
            FILTER(CRITICAL, TYPE_VOLTAGE, THRESHOLD, LOWER_CRITICAL | UPPER_CRITICAL),
            /* Failure, predictive failure, input lost. */
            FILTER(CRITICAL, TYPE_POWER_SUPPLY, SENSOR_SPECIFIC, 0x000e),
            /* Redundancy lost, degraded, or the power is no longer enough. */
            FILTER(NON_CRITICAL, TYPE_POWER_SUPPLY, REDUNDANCY, 0x0026),
            /* Expired, hard reset, power down, power cycle. */
            FILTER(CRITICAL, TYPE_WATCHDOG2, SENSOR_SPECIFIC, 0x000f),
            FILTER(CRITICAL, TYPE_PHYSICAL_SECURITY, SENSOR_SPECIFIC, 0x0001),
        },
    .policies =
        {
            ENTRY(1),
            ENTRY(2),
            ENTRY(3),
            ENTRY(4),
            ENTRY(5),
            ENTRY(6),
            ENTRY(7),
            ENTRY(8),
            ENTRY(9),
            ENTRY(10),
            ENTRY(11),
            ENTRY(12),
            ENTRY(13),
            ENTRY(14),
            ENTRY(15),
            ENTRY(0),
        },
};
