/* The power actions that a BMC owes, as the store has them. */
#ifndef VBMC_STATE_OWED_H
#define VBMC_STATE_OWED_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/store/owed.h"

/* What is to be stored of it; returns how many there are. */
unsigned owed_rows_encode(struct bmc *bmc, struct store_owed owed[CHASSIS_RECORDS_MAX]);
/* Takes over one that is stored. */
void owed_rows_decode(struct bmc *bmc, const struct store_owed *owed);

#endif
