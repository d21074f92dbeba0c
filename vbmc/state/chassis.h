/* The chassis of a BMC as the store has it: what happened at a monotonic time there, with the time
 * of day here. */
#ifndef VBMC_STATE_CHASSIS_H
#define VBMC_STATE_CHASSIS_H

#include "vbmc/state/saves.h"

struct bmc;
struct store_chassis;

void chassis_rows_encode(struct bmc *bmc, struct store_chassis *row);
/* How it is stored: the owner is the struct bmc, a copy a struct store_chassis. Only what clients
 * set is taken back. */
extern const struct save_kind chassis_save_kind;

/* Before anything is known of the guest. */
void chassis_rows_decode(struct bmc *bmc, const struct store_chassis *row);

#endif
