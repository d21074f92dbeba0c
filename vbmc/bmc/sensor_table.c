#include "vbmc/bmc/sensor_table.h"

#include <math.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/sensors.h"

/* Sensor types (IPMI 2.0, table 42-3). */
enum {
    TYPE_TEMPERATURE = 0x01,
    TYPE_VOLTAGE = 0x02,
    TYPE_FAN = 0x04,
    TYPE_PHYSICAL_SECURITY = 0x05,
    TYPE_PLATFORM_SECURITY = 0x06,
    TYPE_PROCESSOR = 0x07,
    TYPE_POWER_SUPPLY = 0x08,
    TYPE_POWER_UNIT = 0x09,
    TYPE_OTHER_UNITS = 0x0b,
    TYPE_MEMORY = 0x0c,
    TYPE_DRIVE_SLOT = 0x0d,
    TYPE_EVENT_LOGGING = 0x10,
    TYPE_SYSTEM_EVENT = 0x12,
    TYPE_BUTTON = 0x14,
    TYPE_MICROCONTROLLER = 0x16,
    TYPE_BOOT_INITIATED = 0x1d,
    TYPE_BOOT_ERROR = 0x1e,
    TYPE_OS_BOOT = 0x1f,
    TYPE_OS_STOP = 0x20,
    TYPE_ACPI_POWER = 0x22,
    TYPE_WATCHDOG2 = 0x23,
    TYPE_LAN = 0x27,
    TYPE_BATTERY = 0x29,
    TYPE_SESSION_AUDIT = 0x2a,
};

/* Entities (table 43-13). */
enum {
    ENTITY_PROCESSOR = 0x03,
    ENTITY_MANAGEMENT_MODULE = 0x06,
    ENTITY_SYSTEM_BOARD = 0x07,
    ENTITY_MEMORY_DEVICE = 0x20,
    ENTITY_POWER_SUPPLY = 0x0a,
    ENTITY_ADD_IN_CARD = 0x0b,
    ENTITY_FRONT_PANEL = 0x0c,
    ENTITY_POWER_UNIT = 0x13,
    ENTITY_CHASSIS = 0x17,
    ENTITY_DISK_BAY = 0x1a,
    ENTITY_FAN = 0x1d,
    ENTITY_FIRMWARE = 0x22,
    ENTITY_OPERATING_SYSTEM = 0x23,
    ENTITY_BATTERY = 0x28,
    ENTITY_AIR_INLET = 0x40,
};

static const struct sensor_unit celsius = {"C", 1, false};
static const struct sensor_unit volts = {"V", 4, false};
static const struct sensor_unit watts = {"W", 6, false};
static const struct sensor_unit rpm = {"RPM", 18, false};
static const struct sensor_unit percent = {"%", 0, true};

/* What the rows have in common. No B, which FreeIPMI adds to a hysteresis. Watts count by 2 for
 * each socket, which lets a disk's work be seen and still leaves room for all that a server can
 * draw through one supply. A utilisation never reaches its thresholds of 101 % until a client
 * lowers them (the lesser first, else ipmitool refuses). */
#define ROW(first, n, text) .number = (first), .count = (n), .name = (text)
#define IN(id, instance)    .entity = (id), .entity_instance = (instance)
#define ANALOG(kind, of)    .type = (kind), .event_type = EVENT_TYPE_THRESHOLD, .unit = &(of)
#define TEMPERATURE         ANALOG(TYPE_TEMPERATURE, celsius), .scale = {.m = 1, .is_signed = true}
#define FAN_SPEED           ANALOG(TYPE_FAN, rpm), .scale = {.m = 100}
#define VOLTAGE(millivolts)                                                                        \
    ANALOG(TYPE_VOLTAGE, volts), .scale = {.m = (millivolts), .r_exponent = -3}
#define POWER ANALOG(TYPE_OTHER_UNITS, watts), .scale = {.m = 2}, .scale_by_sockets = true
#define UTILISATION                                                                                \
    ANALOG(TYPE_OTHER_UNITS, percent), .scale = {.m = 5, .r_exponent = -1},                        \
                                       .thresholds = {NAN, NAN, NAN, 101, 101, NAN},               \
                                       .hysteresis = 4
#define DISCRETE(kind)                                                                             \
    .class = SENSOR_CLASS_DISCRETE, .type = (kind), .event_type = EVENT_TYPE_SPECIFIC
#define EVENT_ONLY(kind)                                                                           \
    .class = SENSOR_CLASS_EVENT_ONLY, .type = (kind), .event_type = EVENT_TYPE_SPECIFIC

const struct sensor_definition sensor_table[] = {
    {
        ROW(SENSOR_INLET_TEMP, 1, "Inlet Temp"),
        TEMPERATURE,
        IN(ENTITY_AIR_INLET, 1),
        .thresholds = {5, 0, NAN, 35, 40, 47},
        .hysteresis = 1,
    },
    {
        ROW(SENSOR_EXHAUST_TEMP, 1, "Exhaust Temp"),
        TEMPERATURE,
        IN(ENTITY_SYSTEM_BOARD, 1),
        .thresholds = {NAN, NAN, NAN, 60, 65, 75},
        .hysteresis = 2,
    },
    {
        ROW(SENSOR_DIMM_TEMP, 1, "DIMM Temp"),
        TEMPERATURE,
        IN(ENTITY_MEMORY_DEVICE, 1),
        .thresholds = {NAN, NAN, NAN, 80, 85, 95},
        .hysteresis = 2,
    },
    {
        ROW(SENSOR_CPU_TEMP, 8, "CPU# Temp"),
        .per = SENSOR_PER_SOCKET,
        TEMPERATURE,
        IN(ENTITY_PROCESSOR, 1),
        .thresholds = {NAN, NAN, NAN, 85, 92, 98},
        .hysteresis = 2,
    },
    {
        ROW(SENSOR_FAN, 4, "Fan#"),
        FAN_SPEED,
        IN(ENTITY_FAN, 1),
        .thresholds = {1500, 1000, NAN, NAN, NAN, NAN},
        .hysteresis = 2,
    },
    {
        ROW(SENSOR_PSU_INPUT, 6, "PSU# Input"),
        .per = SENSOR_PER_PSU,
        POWER,
        IN(ENTITY_POWER_SUPPLY, 1),
        .thresholds = {NAN, NAN, NAN, 420, 470, NAN},
        .hysteresis = 4,
    },
    {
        ROW(SENSOR_SYS_POWER, 1, "Sys Power"),
        POWER,
        IN(ENTITY_SYSTEM_BOARD, 1),
        .thresholds = {NAN, NAN, NAN, 450, 490, NAN},
        .hysteresis = 4,
    },
    {
        ROW(SENSOR_CPU_POWER, 1, "CPU Power"),
        POWER,
        IN(ENTITY_PROCESSOR, 1),
        .thresholds = {NAN, NAN, NAN, NAN, NAN, NAN},
    },
    {
        ROW(SENSOR_DISK_POWER, 1, "Disk Power"),
        ANALOG(TYPE_OTHER_UNITS, watts),
        .scale = {.m = 5, .r_exponent = -1},
        IN(ENTITY_DISK_BAY, 1),
        .thresholds = {NAN, NAN, NAN, NAN, NAN, NAN},
    },
    {
        ROW(SENSOR_FAN_POWER, 1, "Fan Power"),
        ANALOG(TYPE_OTHER_UNITS, watts),
        .scale = {.m = 5, .r_exponent = -1},
        IN(ENTITY_FAN, 1),
        .thresholds = {NAN, NAN, NAN, NAN, NAN, NAN},
    },
    {
        ROW(SENSOR_POWER_LIMIT, 1, "Power Limit"),
        .class = SENSOR_CLASS_DISCRETE,
        .type = TYPE_OTHER_UNITS,
        .event_type = EVENT_TYPE_LIMIT,
        IN(ENTITY_SYSTEM_BOARD, 1),
        .assertions = 0x0002,
        .deassertions = 0x0002,
        .states = 0x0003,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_THERMAL_LIMIT, 1, "Thermal Limit"),
        .class = SENSOR_CLASS_DISCRETE,
        .type = TYPE_TEMPERATURE,
        .event_type = EVENT_TYPE_LIMIT,
        IN(ENTITY_AIR_INLET, 1),
        .assertions = 0x0002,
        .deassertions = 0x0002,
        .states = 0x0003,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_12V, 1, "12V"),
        VOLTAGE(59),
        IN(ENTITY_SYSTEM_BOARD, 1),
        .thresholds = {11.4, 10.8, NAN, 12.6, 13.2, NAN},
        .nominal = 12,
        .hysteresis = 1,
    },
    {
        ROW(SENSOR_5V, 1, "5V"),
        VOLTAGE(25),
        IN(ENTITY_SYSTEM_BOARD, 1),
        .thresholds = {4.75, 4.5, NAN, 5.25, 5.5, NAN},
        .nominal = 5,
        .hysteresis = 1,
    },
    {
        ROW(SENSOR_3_3V, 1, "3.3V"),
        VOLTAGE(16),
        IN(ENTITY_SYSTEM_BOARD, 1),
        .thresholds = {3.136, 2.976, NAN, 3.472, 3.632, NAN},
        .nominal = 3.296,
        .hysteresis = 1,
    },
    {
        ROW(SENSOR_VBAT, 1, "VBAT"),
        VOLTAGE(16),
        IN(ENTITY_BATTERY, 1),
        .thresholds = {2.704, 2.496, NAN, 3.456, 3.6, NAN},
        .nominal = 3.04,
        .hysteresis = 1,
    },
    {
        ROW(SENSOR_CPU_UTIL, 1, "CPU Util"),
        UTILISATION,
        IN(ENTITY_SYSTEM_BOARD, 1),
    },
    {
        ROW(SENSOR_MEM_UTIL, 1, "Mem Util"),
        UTILISATION,
        IN(ENTITY_SYSTEM_BOARD, 1),
    },
    {
        ROW(SENSOR_IO_UTIL, 1, "IO Util"),
        UTILISATION,
        IN(ENTITY_SYSTEM_BOARD, 1),
    },
    {
        ROW(SENSOR_PSU_STATUS, 6, "PSU# Status"),
        .per = SENSOR_PER_PSU,
        DISCRETE(TYPE_POWER_SUPPLY),
        IN(ENTITY_POWER_SUPPLY, 1),
        .assertions = 0x000f, /* presence, failure, predictive failure, input lost */
        .deassertions = 0x000f,
        .states = 0x000f,
    },
    {
        ROW(SENSOR_PS_REDUNDANCY, 1, "PS Redundancy"),
        .class = SENSOR_CLASS_DISCRETE,
        .type = TYPE_POWER_SUPPLY,
        .event_type = EVENT_TYPE_REDUNDANCY,
        IN(ENTITY_POWER_UNIT, 1),
        .assertions = 0x00ff, /* the next state says that the last one is over */
        .states = 0x00ff,
    },
    {
        ROW(SENSOR_POWER_UNIT, 1, "Power Unit"),
        DISCRETE(TYPE_POWER_UNIT),
        IN(ENTITY_POWER_UNIT, 1),
        .assertions = 0x0073, /* off, cycle, AC lost, soft power control failure, failure */
        .deassertions = 0x0071,
        .states = 0x0073,
    },
    {
        ROW(SENSOR_ACPI_POWER, 1, "ACPI Power"),
        DISCRETE(TYPE_ACPI_POWER),
        IN(ENTITY_SYSTEM_BOARD, 1),
        .assertions = 0x00ff, /* S0 to S5, S4/S5, G3 */
        .states = 0x00ff,
    },
    {
        ROW(SENSOR_INTRUSION, 1, "Intrusion"),
        DISCRETE(TYPE_PHYSICAL_SECURITY),
        IN(ENTITY_CHASSIS, 1),
        .assertions = 0x0001,
        .deassertions = 0x0001,
        .states = 0x0001,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_SEL, 1, "SEL"),
        DISCRETE(TYPE_EVENT_LOGGING),
        IN(ENTITY_MANAGEMENT_MODULE, 1),
        .assertions = 0x0034, /* cleared, full, almost full */
        .states = 0x0030,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_WATCHDOG2, 1, "Watchdog2"),
        DISCRETE(TYPE_WATCHDOG2),
        IN(ENTITY_MANAGEMENT_MODULE, 1),
        .assertions = 0x010f, /* expired, reset, power down, power cycle, timer interrupt */
        .states = 0x010f,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_SYSTEM_BOOT, 1, "System Boot"),
        EVENT_ONLY(TYPE_BOOT_INITIATED),
        IN(ENTITY_FIRMWARE, 1),
        .assertions = 0x00ff,
    },
    {
        ROW(SENSOR_BOOT_DEVICE, 1, "Boot Device"), EVENT_ONLY(TYPE_BOOT_ERROR),
        IN(ENTITY_FIRMWARE, 1), .assertions = 0x0001, /* no bootable media */
    },
    {
        ROW(SENSOR_SESSION_AUDIT, 1, "Session Audit"), EVENT_ONLY(TYPE_SESSION_AUDIT),
        IN(ENTITY_MANAGEMENT_MODULE, 1), .assertions = 0x0008, /* locked out after bad passwords */
    },
    {
        ROW(SENSOR_OS_STOP, 1, "OS Stop"),
        DISCRETE(TYPE_OS_STOP),
        IN(ENTITY_OPERATING_SYSTEM, 1),
        .assertions = 0x003f,
        .states = 0x003f,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_OS_BOOT, 1, "OS Boot"),
        EVENT_ONLY(TYPE_OS_BOOT),
        IN(ENTITY_OPERATING_SYSTEM, 1),
        .assertions = 0x07ff,
    },
    {
        ROW(SENSOR_MEMORY, 1, "Memory"),
        DISCRETE(TYPE_MEMORY),
        IN(ENTITY_MEMORY_DEVICE, 1),
        .assertions = 0x0063, /* correctable, uncorrectable, correctable limit, presence */
        .deassertions = 0x0022,
        .states = 0x0062,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_UPS_INPUT, 1, "UPS Input"),
        DISCRETE(TYPE_POWER_UNIT),
        IN(ENTITY_POWER_UNIT, 2),
        .assertions = 0x0010, /* AC lost */
        .deassertions = 0x0010,
        .states = 0x0010,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_UPS_BATTERY, 1, "UPS Battery"),
        DISCRETE(TYPE_BATTERY),
        IN(ENTITY_BATTERY, 2),
        .assertions = 0x0007, /* low, failed, presence */
        .deassertions = 0x0003,
        .states = 0x0007,
        .begins_without_states = true,
    },
    {
        ROW(SENSOR_POWER_BUTTON, 1, "Power Button"),
        EVENT_ONLY(TYPE_BUTTON),
        IN(ENTITY_FRONT_PANEL, 1),
        .assertions = 0x001f,
    },
    {
        ROW(SENSOR_LOGIN, 1, "User Login"), EVENT_ONLY(TYPE_PLATFORM_SECURITY),
        IN(ENTITY_MANAGEMENT_MODULE, 1),
        .assertions = 0x0020, /* out-of-band access password violation */
    },
    {
        ROW(SENSOR_BMC, 1, "BMC"),
        .class = SENSOR_CLASS_EVENT_ONLY,
        .type = TYPE_MICROCONTROLLER,
        .event_type = EVENT_TYPE_AVAILABILITY,
        IN(ENTITY_MANAGEMENT_MODULE, 1),
        .assertions = 0x01ff,
    },
    {
        ROW(SENSOR_CLOCK, 1, "Clock"), EVENT_ONLY(TYPE_SYSTEM_EVENT),
        IN(ENTITY_MANAGEMENT_MODULE, 1), .assertions = 0x0020, /* clock synchronisation */
    },
    {
        ROW(SENSOR_CPU_STATUS, 8, "CPU# Status"),
        .per = SENSOR_PER_SOCKET,
        DISCRETE(TYPE_PROCESSOR),
        IN(ENTITY_PROCESSOR, 1),
        .assertions = 0x0c83, /* IERR, thermal trip, presence, throttled, machine check */
        .deassertions = 0x0403,
        .states = 0x0c83,
    },
    {
        ROW(SENSOR_PEF, 1, "PEF"), EVENT_ONLY(TYPE_SYSTEM_EVENT), IN(ENTITY_MANAGEMENT_MODULE, 1),
        .assertions = 0x0010, /* PEF action */
    },
    {
        ROW(SENSOR_DISK, 64, "Disk *"),
        .per = SENSOR_PER_DISK,
        DISCRETE(TYPE_DRIVE_SLOT),
        IN(ENTITY_DISK_BAY, 1),
        .assertions = 0x0007, /* presence, fault, predictive failure */
        .deassertions = 0x0007,
        .states = 0x0007,
    },
    {
        ROW(SENSOR_NIC, 32, "NIC# Link"),
        .per = SENSOR_PER_NIC,
        DISCRETE(TYPE_LAN),
        IN(ENTITY_ADD_IN_CARD, 1),
        .assertions = 0x0003, /* heartbeat lost, heartbeat */
        .states = 0x0003,
    },
};

const size_t sensor_table_count = ARRAY_SIZE(sensor_table);

const struct sensor_definition *sensor_definition_find(uint8_t number)
{
    for (size_t i = 0; i < sensor_table_count; i++) {
        const struct sensor_definition *definition = &sensor_table[i];
        if (number >= definition->number && number - definition->number < definition->count)
            return definition;
    }
    return NULL;
}

/* '#' stands for the number within the row. */
static void write_name(const struct sensor_definition *definition, unsigned instance,
                       char name[SENSOR_NAME_MAX + 1])
{
    size_t used = 0;

    for (const char *from = definition->name; *from; from++) {
        if (*from != '#') {
            name[used++] = *from;
            continue;
        }
        if (instance >= 10)
            name[used++] = (char)('0' + instance / 10);
        name[used++] = (char)('0' + instance % 10);
    }
    name[used] = '\0';
}

const char *sensor_definition_name(uint8_t number)
{
    static char names[UINT8_MAX + 1][SENSOR_NAME_MAX + 1]; /* the same for all servers */
    const struct sensor_definition *definition = sensor_definition_find(number);

    if (definition && !names[number][0])
        write_name(definition, number - definition->number + 1U, names[number]);
    return names[number];
}

uint8_t sensor_definition_thresholds(const struct sensor_definition *definition)
{
    uint8_t mask = 0;

    if (definition->class != SENSOR_CLASS_THRESHOLD)
        return 0;
    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++)
        if (!isnan(definition->thresholds[i]))
            mask |= (uint8_t)(1u << i);
    return mask;
}

/* A lower threshold makes the event of its going-low offset, an upper one that of going high, both
 * when it is reached and when it is left again. */
static uint16_t threshold_events(const struct sensor_definition *definition)
{
    uint8_t mask = sensor_definition_thresholds(definition);
    uint16_t events = 0;

    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++)
        if (mask & 1u << i)
            events |= (uint16_t)(1u << sensor_threshold_offset(i));
    return events;
}

uint16_t sensor_definition_assertions(const struct sensor_definition *definition)
{
    return definition->class == SENSOR_CLASS_THRESHOLD ? threshold_events(definition)
                                                       : definition->assertions;
}

uint16_t sensor_definition_deassertions(const struct sensor_definition *definition)
{
    return definition->class == SENSOR_CLASS_THRESHOLD ? threshold_events(definition)
                                                       : definition->deassertions;
}

uint8_t sensor_definition_threshold(const struct sensor_definition *definition, unsigned which)
{
    return sensor_scale_to_raw(&definition->scale, definition->thresholds[which]);
}

void sensor_settings_set_defaults(struct sensor_settings *settings, uint8_t number,
                                  const struct sensor_definition *definition)
{
    uint8_t mask = sensor_definition_thresholds(definition);

    *settings = (struct sensor_settings){
        .number = number,
        .positive_hysteresis = definition->hysteresis,
        .negative_hysteresis = definition->hysteresis,
        .events_on = true,
        .scanning_on = true,
        .assertion_enables = sensor_definition_assertions(definition),
        .deassertion_enables = sensor_definition_deassertions(definition),
    };
    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++)
        if (mask & 1u << i)
            settings->thresholds[i] = sensor_definition_threshold(definition, i);
}

static double power_of_ten(int exponent)
{
    double result = 1;

    for (; exponent > 0; exponent--)
        result *= 10;
    for (; exponent < 0; exponent++)
        result /= 10;
    return result;
}

uint8_t sensor_scale_to_raw(const struct sensor_scale *scale, double value)
{
    double counts =
        (value / power_of_ten(scale->r_exponent) - scale->b * power_of_ten(scale->b_exponent)) /
        scale->m;
    int least = scale->is_signed ? -128 : 0, most = least + 255;

    if (!(counts > least))
        return (uint8_t)least;
    if (counts >= most)
        return (uint8_t)most;
    return (uint8_t)(counts < 0 ? (int)(counts - 0.5) : (int)(counts + 0.5)); /* the nearest */
}

double sensor_scale_to_value(const struct sensor_scale *scale, uint8_t raw)
{
    double value =
        scale->m * sensor_scale_counts(scale, raw) + scale->b * power_of_ten(scale->b_exponent);

    /* Divided rather than multiplied: 0.1 cannot be said exactly. */
    return scale->r_exponent < 0 ? value / power_of_ten(-scale->r_exponent)
                                 : value * power_of_ten(scale->r_exponent);
}
