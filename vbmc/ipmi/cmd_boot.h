/* Set and Get System Boot Options (IPMI 2.0, sections 28.12 and 28.13). */
#ifndef VBMC_IPMI_CMD_BOOT_H
#define VBMC_IPMI_CMD_BOOT_H

#include "vbmc/ipmi/command.h"

command_handler cmd_boot_set;
command_handler cmd_boot_get;

#endif
