#include "vbmc/ipmi/cmd_dcmi_thermal.h"

#include <math.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dcmi_group.h"

#define SENSOR_TYPE_TEMPERATURE 0x01
#define SETS_MAX                8 /* sensors in one answer */
#define READING_NEGATIVE        0x80
#define READING_MAX             0x7f

/* DCMI has numbers of its own for what IPMI numbers too. Both mean the same here. */
static const struct {
    uint8_t dcmi, ipmi;
} entities[] = {
    {0x40, 0x37}, /* air inlet */
    {0x41, 0x03}, /* processor */
    {0x42, 0x07}, /* baseboard */
};

#define ENTITY_AIR_INLET 0x37

static uint8_t ipmi_entity(uint8_t entity)
{
    for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
        if (entities[i].dcmi == entity)
            return entities[i].ipmi;
    }
    return entity;
}

struct selection {
    uint8_t entity, instance; /* instance 0: all of them from `start` on */
    uint8_t start;
    bool only_available;
};

/* The sensors that a request asks for. The number of all of them is in *total, and the first
 * SETS_MAX are in `views`. */
static unsigned select_sensors(const struct sensors *sensors, const struct selection *selection,
                               struct sensor_view views[SETS_MAX], unsigned *total)
{
    struct sensor_view view;
    unsigned count = 0;

    *total = 0;
    for (unsigned number = 0; sensors && sensors_next(sensors, &number, &view) == 0;) {
        if (!view.is_threshold || view.type != SENSOR_TYPE_TEMPERATURE ||
            ipmi_entity(view.entity) != selection->entity ||
            (selection->only_available && !view.available))
            continue;
        ++*total;
        if (selection->instance != 0 ? view.entity_instance == selection->instance
                                     : view.entity_instance >= selection->start) {
            if (count < SETS_MAX)
                views[count++] = view;
        }
    }
    return count;
}

static bool read_selection(struct wire_in *in, struct selection *selection)
{
    uint8_t type = wire_u8(in);

    selection->entity = ipmi_entity(wire_u8(in));
    selection->instance = wire_u8(in);
    selection->start = wire_u8(in);
    return type == SENSOR_TYPE_TEMPERATURE;
}

/* Both commands begin so: how many of the sensors asked for there are and follow goes into the
 * answer, and these are in `views`. */
static int begin_selected(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out, bool only_available,
                          struct sensor_view views[SETS_MAX], unsigned *count)
{
    struct selection selection = {.only_available = only_available};
    unsigned total;

    if (!dcmi_group_begin(request, in, out))
        return CC_INVALID_COMMAND;
    if (!read_selection(in, &selection))
        return CC_INVALID_DATA_FIELD;
    *count = select_sensors(request->bmc->sensors, &selection, views, &total);
    wire_put_u8(out, (uint8_t)total);
    wire_put_u8(out, (uint8_t)*count);
    return CC_SUCCESS;
}

/* Get DCMI Sensor Info: the SDRs of temperatures by their entity. */
int cmd_dcmi_get_sensor_info(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    struct sensor_view views[SETS_MAX];
    unsigned count;

    int code = begin_selected(request, in, out, false, views, &count);
    if (code != CC_SUCCESS)
        return code;
    for (unsigned i = 0; i < count; i++)
        wire_put_u16(out, views[i].sdr_id);
    return CC_SUCCESS;
}

/* Get Temperature Readings. A sensor without a reading is left out. */
int cmd_dcmi_get_temperature_readings(const struct ipmi_request *request, struct wire_in *in,
                                      struct wire_out *out)
{
    struct sensor_view views[SETS_MAX];
    unsigned count;

    int code = begin_selected(request, in, out, true, views, &count);
    if (code != CC_SUCCESS)
        return code;
    for (unsigned i = 0; i < count; i++) {
        uint8_t celsius = (uint8_t)lround(fmin(fabs(views[i].value), READING_MAX));
        bool negative = views[i].value < 0 && celsius > 0;
        wire_put_u8(out, (uint8_t)(celsius | (negative ? READING_NEGATIVE : 0)));
        wire_put_u8(out, views[i].entity_instance);
    }
    return CC_SUCCESS;
}

/* Thermal limits are for the inlet alone. DCMI 1.0 had the limit before
 * the actions, and FreeIPMI's library still has it so; ipmitool, the one client that sends these
 * commands, has the actions first, as DCMI 1.5. */
static int read_inlet(struct wire_in *in)
{
    uint8_t entity = ipmi_entity(wire_u8(in)), instance = wire_u8(in);

    if (entity != ENTITY_AIR_INLET)
        return CC_INVALID_DATA_FIELD;
    return instance <= 1 ? CC_SUCCESS : CC_NOT_PRESENT;
}

int cmd_dcmi_set_thermal_limit(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    union service_arguments arguments;

    if (!dcmi)
        return CC_INVALID_COMMAND;
    int code = read_inlet(in);
    if (code != CC_SUCCESS)
        return code;
    arguments.thermal_limit.actions = wire_u8(in);
    arguments.thermal_limit.celsius = wire_u8(in);
    arguments.thermal_limit.exception_s = wire_u16(in);
    return command_call(request, out, SERVICE_THERMAL_LIMIT, &arguments);
}

int cmd_dcmi_get_thermal_limit(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);

    if (!dcmi)
        return CC_INVALID_COMMAND;
    int code = read_inlet(in);
    if (code != CC_SUCCESS)
        return code;
    const struct dcmi_thermal_limit *limit = dcmi_thermal_limit(dcmi);
    wire_put_u8(out, limit->actions);
    wire_put_u8(out, limit->celsius);
    wire_put_u16(out, limit->exception_s);
    return CC_SUCCESS;
}
