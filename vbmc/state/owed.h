/* The power actions that a BMC owes, as the store has them. */
#ifndef VBMC_STATE_OWED_H
#define VBMC_STATE_OWED_H

#include "vbmc/state/saves.h"

struct bmc;
struct store_owed;

/* How they are stored: the owner is the struct bmc. Nothing is taken back here: the chassis refuses
 * an action that is not on disk (vbmc/bmc/chassis_power.c), and that one is done is a fact. */
extern const struct save_kind owed_save_kind;

/* Takes over one that is stored. */
void owed_rows_decode(struct bmc *bmc, const struct store_owed *owed);

#endif
