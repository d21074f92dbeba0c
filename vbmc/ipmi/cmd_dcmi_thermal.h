/* Temperature readings and the thermal limit of the inlet (DCMI 1.5). */
#ifndef VBMC_IPMI_CMD_DCMI_THERMAL_H
#define VBMC_IPMI_CMD_DCMI_THERMAL_H

#include "vbmc/ipmi/command.h"

command_handler cmd_dcmi_get_sensor_info, cmd_dcmi_get_temperature_readings,
    cmd_dcmi_set_thermal_limit, cmd_dcmi_get_thermal_limit;

#endif
