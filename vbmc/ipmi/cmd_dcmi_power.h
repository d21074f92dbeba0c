/* Power readings and the power limit of DCMI 1.5 (section 6.6). */
#ifndef VBMC_IPMI_CMD_DCMI_POWER_H
#define VBMC_IPMI_CMD_DCMI_POWER_H

#include "vbmc/ipmi/command.h"

command_handler cmd_dcmi_get_power_reading, cmd_dcmi_get_power_limit, cmd_dcmi_set_power_limit,
    cmd_dcmi_activate_power_limit;

/* The averaging periods that there are, as Get DCMI Capabilities Info tells them. */
void cmd_dcmi_put_power_periods(const struct bmc *bmc, struct wire_out *out);

#endif
