/* Where a guest is, as the store has it. */
#ifndef VBMC_STATE_PLACEMENT_H
#define VBMC_STATE_PLACEMENT_H

#include "vbmc/state/saves.h"

/* Whose placement is stored. The hypervisors that it names outlive the writing of it. */
struct placement_owner {
    const struct uuid *uuid;
    const struct placement *placement;
};

/* How it is stored: the owner is a struct placement_owner. Nothing is taken back: where the guest
 * is does not depend on the disk. */
extern const struct save_kind placement_save_kind;

#endif
