/* What a BMC's LAN configuration says of the machine: addresses, MAC, counters. Internal. */
#ifndef VBMC_INSTANCE_NETWORK_H
#define VBMC_INSTANCE_NETWORK_H

#include "vbmc/bmc/lan.h"

struct instance;

/* The context is the struct instance. */
extern const struct lan_ops instance_lan_ops;

/* What is known of the machine's network is asked again when it is needed next. */
void instance_forget_network(struct instance *instance);

#endif
