/* The chassis of a BMC as the store has it: what happened at a monotonic time there, with the time
 * of day here. */
#ifndef VBMC_STATE_CHASSIS_H
#define VBMC_STATE_CHASSIS_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/store/chassis.h"

void chassis_rows_encode(struct bmc *bmc, struct store_chassis *row);
/* Before anything is known of the guest. */
void chassis_rows_decode(struct bmc *bmc, const struct store_chassis *row);

#endif
