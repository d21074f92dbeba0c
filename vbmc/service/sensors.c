/* Sensors (IPMI 2.0, chapter 35). */
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/service/runs.h"

int service_run_sensor_settings(const struct service_call *call,
                                const union service_arguments *arguments)
{
    if (!call->bmc->sensors)
        return -ENOSYS;
    int result = sensors_set_settings(call->bmc->sensors, &arguments->sensor_settings);
    if (result < 0)
        return result == -ENOENT ? -ENOENT : -EDOM;
    return service_changed(call, BMC_PART_SENSORS);
}

int service_run_sensor_reset(const struct service_call *call,
                             const union service_arguments *arguments)
{
    (void)arguments;
    if (!call->bmc->sensors)
        return -ENOSYS;
    sensors_reset_settings(call->bmc->sensors);
    return service_changed(call, BMC_PART_SENSORS);
}

int service_run_sensor_rearm(const struct service_call *call,
                             const union service_arguments *arguments)
{
    if (!call->bmc->sensors)
        return -ENOSYS;
    sensors_rearm(call->bmc->sensors, arguments->sensor_rearm.number,
                  arguments->sensor_rearm.assertions, arguments->sensor_rearm.deassertions);
    return 0;
}

int service_run_sensor_override(const struct service_call *call,
                                const union service_arguments *arguments)
{
    if (!call->bmc->sensors)
        return -ENOSYS;
    if (service_is_event_too_often(call))
        return -EBUSY;
    return sensors_override(call->bmc->sensors, arguments->sensor_override.number,
                            arguments->sensor_override.reading_or_states,
                            arguments->sensor_override.data2, arguments->sensor_override.data3);
}
