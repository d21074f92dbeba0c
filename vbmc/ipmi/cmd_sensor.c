/* Sensor and event commands (IPMI 2.0, chapters 29, 30 and 35). */
#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define EVENTS_ON           0x80
#define SCANNING_ON         0x40
#define READING_UNAVAILABLE 0x20

#define DATA_UNSPECIFIED 0xff

/* ---- a sensor of the request ---- */

static int find_sensor(const struct ipmi_request *request, struct wire_in *in,
                       struct sensor_view *view)
{
    const struct sensors *sensors = request->bmc->sensors;
    uint8_t number = wire_u8(in);

    if (!sensors)
        return CC_INVALID_COMMAND;
    return sensors_view(sensors, number, view) < 0 ? CC_NOT_PRESENT : CC_SUCCESS;
}

/* A sensor that only makes events cannot be asked for anything but its type. */
static int find_readable(const struct ipmi_request *request, struct wire_in *in,
                         struct sensor_view *view)
{
    int code = find_sensor(request, in, view);

    return code == CC_SUCCESS && view->is_event_only ? CC_NOT_PRESENT : code;
}

static int find_threshold(const struct ipmi_request *request, struct wire_in *in,
                          struct sensor_view *view)
{
    int code = find_readable(request, in, view);

    return code == CC_SUCCESS && !view->is_threshold ? CC_ILLEGAL_FOR_SENSOR : code;
}

/* Ends a handler that made these settings. */
static int apply_settings(const struct ipmi_request *request,
                          const struct sensor_settings *settings, const struct wire_out *out)
{
    return command_call(request, out, SERVICE_SENSOR_SETTINGS,
                        &(union service_arguments){.sensor_settings = *settings});
}

static uint8_t thresholds_of(const struct ipmi_request *request, uint8_t number)
{
    return sensor_definition_thresholds(sensors_definition(request->bmc->sensors, number));
}

/* ---- event receiver: the BMC is its own, or has none (sections 29.1, 29.2) ---- */

#define EVENT_RECEIVER_NONE 0xff
#define EVENT_RECEIVER_LUN  0

static int set_event_receiver(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    uint8_t address = wire_u8(in), lun = wire_u8(in);

    if (!request->bmc->sensors)
        return CC_INVALID_COMMAND;
    if ((address != IPMI_BMC_ADDRESS && address != EVENT_RECEIVER_NONE) ||
        lun != EVENT_RECEIVER_LUN)
        return CC_INVALID_DATA_FIELD;
    const union service_arguments arguments = {
        .no_event_receiver = address == EVENT_RECEIVER_NONE,
    };
    return command_call(request, out, SERVICE_EVENT_RECEIVER, &arguments);
}

static int get_event_receiver(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;

    (void)in;
    if (!bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u8(out, bmc->messaging.no_receiver ? EVENT_RECEIVER_NONE : IPMI_BMC_ADDRESS);
    wire_put_u8(out, EVENT_RECEIVER_LUN);
    return CC_SUCCESS;
}

/* ---- factors, hysteresis, thresholds ---- */

/* Get Sensor Reading Factors (section 35.5): the same for every reading. */
static int get_sensor_reading_factors(const struct ipmi_request *request, struct wire_in *in,
                                      struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_scale scale;
    int code = find_threshold(request, in, &view);

    wire_skip(in, 1); /* the reading */
    if (code != CC_SUCCESS || sensors_scale(request->bmc->sensors, view.number, &scale) < 0)
        return code;
    wire_put_u8(out, DATA_UNSPECIFIED); /* no other factors behind this reading */
    sdr_put_factors(out, &scale);
    return CC_SUCCESS;
}

/* Set Sensor Hysteresis (section 35.6). */
static int set_sensor_hysteresis(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_threshold(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    wire_skip(in, 1); /* mask, reserved */
    settings.positive_hysteresis = wire_u8(in);
    settings.negative_hysteresis = wire_u8(in);
    return apply_settings(request, &settings, out);
}

/* Get Sensor Hysteresis (section 35.7). */
static int get_sensor_hysteresis(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_threshold(request, in, &view);

    wire_skip(in, 1); /* mask, reserved */
    if (code != CC_SUCCESS)
        return code;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    wire_put_u8(out, settings.positive_hysteresis);
    wire_put_u8(out, settings.negative_hysteresis);
    return CC_SUCCESS;
}

/* Set Sensor Thresholds (section 35.8). */
#define THRESHOLDS_ALL 0x3f

static int set_sensor_thresholds(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_threshold(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    uint8_t mask = wire_u8(in);
    if (mask & ~THRESHOLDS_ALL)
        return CC_INVALID_DATA_FIELD;
    if (mask & ~thresholds_of(request, view.number))
        return CC_ILLEGAL_FOR_SENSOR;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    for (unsigned i = 0; i < SENSOR_THRESHOLDS; i++) {
        uint8_t threshold = wire_u8(in);
        if (mask & 1u << i)
            settings.thresholds[i] = threshold;
    }
    return apply_settings(request, &settings, out);
}

/* Get Sensor Thresholds (section 35.9). */
static int get_sensor_thresholds(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_threshold(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    wire_put_u8(out, thresholds_of(request, view.number));
    wire_put_bytes(out, settings.thresholds, sizeof settings.thresholds);
    return CC_SUCCESS;
}

/* ---- events ---- */

#define ENABLE_LEAVE    0
#define ENABLE_SELECTED 1
#define ENABLE_NOT      2
#define ENABLE_RESERVED 0x0f

/* Masks at the end of a request may be missing from any byte on. */
static uint16_t optional_mask(struct wire_in *in)
{
    uint16_t low = wire_left(in) > 0 ? wire_u8(in) : 0;
    uint16_t high = wire_left(in) > 0 ? wire_u8(in) : 0;

    return (uint16_t)((low | high << 8) & 0x7fff);
}

/* Set Sensor Event Enable (section 35.10). Events that the sensor cannot make are left out. */
static int set_sensor_event_enable(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    const struct sensor_definition *definition =
        sensors_definition(request->bmc->sensors, view.number);
    uint8_t flags = wire_u8(in), what = flags >> 4 & 0x03;
    uint16_t assertions = optional_mask(in) & sensor_definition_assertions(definition);
    uint16_t deassertions = optional_mask(in) & sensor_definition_deassertions(definition);
    if (flags & ENABLE_RESERVED)
        return CC_INVALID_DATA_FIELD;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    settings.events_on = flags & EVENTS_ON;
    settings.scanning_on = flags & SCANNING_ON;
    switch (what) {
    case ENABLE_LEAVE:
        break;
    case ENABLE_SELECTED:
        settings.assertion_enables |= assertions;
        settings.deassertion_enables |= deassertions;
        break;
    case ENABLE_NOT:
        settings.assertion_enables &= (uint16_t)~assertions;
        settings.deassertion_enables &= (uint16_t)~deassertions;
        break;
    default:
        return CC_INVALID_DATA_FIELD;
    }
    return apply_settings(request, &settings, out);
}

/* Get Sensor Event Enable (section 35.11). */
static int get_sensor_event_enable(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_settings settings;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    sensors_settings(request->bmc->sensors, view.number, &settings);
    wire_put_u8(out, (uint8_t)((settings.events_on ? EVENTS_ON : 0) |
                               (settings.scanning_on ? SCANNING_ON : 0)));
    wire_put_u16(out, settings.assertion_enables);
    wire_put_u16(out, settings.deassertion_enables);
    return CC_SUCCESS;
}

/* Re-arm Sensor Events (section 35.12). */
#define REARM_SELECTED 0x80

static int rearm_sensor_events(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    struct sensor_view view;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    uint8_t what = wire_u8(in);
    bool is_by_mask = what & REARM_SELECTED;
    uint16_t assertions = optional_mask(in), deassertions = optional_mask(in);
    const union service_arguments arguments = {
        .sensor_rearm = {view.number, is_by_mask ? assertions : 0x7fff,
                         is_by_mask ? deassertions : 0x7fff},
    };

    if (what & ~REARM_SELECTED)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_SENSOR_REARM, &arguments);
}

static uint8_t status_flags(const struct sensor_status *status)
{
    return (uint8_t)((status->events_on ? EVENTS_ON : 0) | (status->scanning_on ? SCANNING_ON : 0) |
                     (status->available ? 0 : READING_UNAVAILABLE));
}

/* Get Sensor Event Status (section 35.13). */
static int get_sensor_event_status(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_status status;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    sensors_status(request->bmc->sensors, view.number, &status);
    wire_put_u8(out, status_flags(&status));
    wire_put_u16(out, status.asserted);
    wire_put_u16(out, status.deasserted);
    return CC_SUCCESS;
}

/* ---- readings ---- */

/* Get Sensor Reading (section 35.14). Reserved bits read as 1. */
static int get_sensor_reading(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    struct sensor_view view;
    struct sensor_status status;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    sensors_status(request->bmc->sensors, view.number, &status);
    wire_put_u8(out, view.is_threshold ? view.raw : 0);
    wire_put_u8(out, status_flags(&status));
    if (view.is_threshold)
        wire_put_u8(out, (uint8_t)(0xc0 | view.states));
    else
        wire_put_u16(out, 0x8000 | view.states);
    return CC_SUCCESS;
}

/* Set Sensor Type (section 35.15): no sensor's is left to its user. */
static int set_sensor_type(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    struct sensor_view view;
    int code = find_sensor(request, in, &view);

    (void)out;
    wire_skip(in, 2);
    return code == CC_SUCCESS ? CC_ILLEGAL_FOR_SENSOR : code;
}

/* Get Sensor Type (section 35.16). */
static int get_sensor_type(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    struct sensor_view view;
    int code = find_sensor(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    wire_put_u8(out, view.type);
    wire_put_u8(out, view.event_type);
    return CC_SUCCESS;
}

/* Set Sensor Reading And Event Status (section 35.17), for test rigs: a written reading, or written
 * states (the assertion bits of a discrete sensor), stand in for what is measured until Re-arm
 * Sensor Events. */
#define CC_NOT_SETTABLE            0x80
#define CC_EVENT_DATA_NOT_SETTABLE 0x81
#define BITS_LEAVE                 0
#define BITS_WRITE                 1
#define BITS_SET                   2
#define READING_LEAVE              0
#define READING_WRITE              1

struct written {
    unsigned reading_operation, assertion_operation, deassertion_operation, data_operation;
    uint8_t reading;
    uint16_t assertions, deassertions;
    uint8_t data[3];
};

static struct written read_written(struct wire_in *in)
{
    uint8_t operations = wire_u8(in);
    struct written written = {
        .reading_operation = operations & 0x03,
        .deassertion_operation = operations >> 2 & 0x03,
        .assertion_operation = operations >> 4 & 0x03,
        .data_operation = operations >> 6 & 0x03,
        .data = {0, DATA_UNSPECIFIED, DATA_UNSPECIFIED},
    };

    written.reading = wire_left(in) > 0 ? wire_u8(in) : 0;
    written.assertions = optional_mask(in);
    written.deassertions = optional_mask(in);
    for (size_t i = 0; i < sizeof written.data && wire_left(in) > 0; i++)
        written.data[i] = wire_u8(in);
    return written;
}

static int override_sensor(const struct ipmi_request *request, const struct wire_out *out,
                           uint8_t number, uint16_t reading_or_states, uint8_t data2, uint8_t data3)
{
    const union service_arguments arguments = {
        .sensor_override = {number, reading_or_states, data2, data3},
    };

    return command_call(request, out, SERVICE_SENSOR_OVERRIDE, &arguments);
}

static int write_states(const struct ipmi_request *request, const struct wire_out *out,
                        const struct sensor_view *view, const struct written *written)
{
    bool has_data = written->data_operation != 0;
    uint16_t states = view->states;

    if (written->reading_operation != READING_LEAVE)
        return CC_NOT_SETTABLE;
    switch (written->assertion_operation) {
    case BITS_LEAVE:
        return CC_SUCCESS;
    case BITS_WRITE:
        states = written->assertions;
        break;
    case BITS_SET:
        states |= written->assertions;
        break;
    default:
        states &= (uint16_t)~written->assertions;
        break;
    }
    return override_sensor(request, out, view->number, states,
                           has_data ? written->data[1] : DATA_UNSPECIFIED,
                           has_data ? written->data[2] : DATA_UNSPECIFIED);
}

static int set_sensor_reading(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    struct sensor_view view;
    int code = find_readable(request, in, &view);

    if (code != CC_SUCCESS)
        return code;
    struct written written = read_written(in);
    if (written.deassertion_operation != BITS_LEAVE)
        return CC_NOT_SETTABLE; /* they follow from the rest */
    if (!view.is_threshold)
        return write_states(request, out, &view, &written);
    if (written.assertion_operation != BITS_LEAVE)
        return CC_NOT_SETTABLE;
    if (written.data_operation != 0)
        return CC_EVENT_DATA_NOT_SETTABLE;
    if (written.reading_operation > READING_WRITE)
        return CC_INVALID_DATA_FIELD;
    if (written.reading_operation == READING_WRITE)
        return override_sensor(request, out, view.number, written.reading, DATA_UNSPECIFIED,
                               DATA_UNSPECIFIED);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_SENSOR_EVENT, 0x00, PRIVILEGE_ADMINISTRATOR, 2, 2, set_event_receiver,
     "Set Event Receiver"},
    {NETFN_SENSOR_EVENT, 0x01, PRIVILEGE_USER, 0, 0, get_event_receiver, "Get Event Receiver"},
    {NETFN_SENSOR_EVENT, 0x23, PRIVILEGE_USER, 2, 2, get_sensor_reading_factors,
     "Get Sensor Reading Factors"},
    {NETFN_SENSOR_EVENT, 0x24, PRIVILEGE_OPERATOR, 4, 4, set_sensor_hysteresis,
     "Set Sensor Hysteresis"},
    {NETFN_SENSOR_EVENT, 0x25, PRIVILEGE_USER, 2, 2, get_sensor_hysteresis,
     "Get Sensor Hysteresis"},
    {NETFN_SENSOR_EVENT, 0x26, PRIVILEGE_OPERATOR, 8, 8, set_sensor_thresholds,
     "Set Sensor Thresholds"},
    {NETFN_SENSOR_EVENT, 0x27, PRIVILEGE_USER, 1, 1, get_sensor_thresholds,
     "Get Sensor Thresholds"},
    {NETFN_SENSOR_EVENT, 0x28, PRIVILEGE_OPERATOR, 2, 6, set_sensor_event_enable,
     "Set Sensor Event Enable"},
    {NETFN_SENSOR_EVENT, 0x29, PRIVILEGE_USER, 1, 1, get_sensor_event_enable,
     "Get Sensor Event Enable"},
    {NETFN_SENSOR_EVENT, 0x2a, PRIVILEGE_OPERATOR, 2, 6, rearm_sensor_events,
     "Re-arm Sensor Events"},
    {NETFN_SENSOR_EVENT, 0x2b, PRIVILEGE_USER, 1, 1, get_sensor_event_status,
     "Get Sensor Event Status"},
    {NETFN_SENSOR_EVENT, 0x2d, PRIVILEGE_USER, 1, 1, get_sensor_reading, "Get Sensor Reading"},
    {NETFN_SENSOR_EVENT, 0x2e, PRIVILEGE_OPERATOR, 3, 3, set_sensor_type, "Set Sensor Type"},
    {NETFN_SENSOR_EVENT, 0x2f, PRIVILEGE_USER, 1, 1, get_sensor_type, "Get Sensor Type"},
    {NETFN_SENSOR_EVENT, 0x30, PRIVILEGE_ADMINISTRATOR, 2, 10, set_sensor_reading,
     "Set Sensor Reading And Event Status"},
};

const struct command_table cmd_sensor_table = {commands, ARRAY_SIZE(commands), NULL};
