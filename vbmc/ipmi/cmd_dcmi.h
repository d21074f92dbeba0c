/* What the files of DCMI commands share. */
#ifndef VBMC_IPMI_CMD_DCMI_H
#define VBMC_IPMI_CMD_DCMI_H

#include "vbmc/ipmi/command.h"

struct dcmi;

/* Takes the group, which dispatch has looked at, and answers it. NULL if the BMC has no DCMI. */
struct dcmi *cmd_dcmi_begin(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out);
/* As command_save_document, with the group in an error too. */
int cmd_dcmi_save(const struct ipmi_request *request, enum bmc_document document,
                  const struct wire_out *out);

/* cmd_dcmi_power.c */
command_handler cmd_dcmi_get_power_reading, cmd_dcmi_get_power_limit, cmd_dcmi_set_power_limit,
    cmd_dcmi_activate_power_limit;
/* The averaging periods that there are, as Get DCMI Capabilities Info tells them. */
void cmd_dcmi_put_power_periods(const struct bmc *bmc, struct wire_out *out);

/* cmd_dcmi_thermal.c */
command_handler cmd_dcmi_get_sensor_info, cmd_dcmi_get_temperature_readings,
    cmd_dcmi_set_thermal_limit, cmd_dcmi_get_thermal_limit;

#endif
