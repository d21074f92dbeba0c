/* What a BMC's LAN configuration says of the machine: addresses, MAC, counters. Internal. */
#ifndef VBMC_INSTANCE_NETWORK_H
#define VBMC_INSTANCE_NETWORK_H

#include "vbmc/bmc/lan.h"

/* The context is the struct instance. */
extern const struct lan_ops instance_lan_ops;

#endif
