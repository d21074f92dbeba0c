/* Marks of deleted BMCs: discovery leaves their domains alone. */
#ifndef VBMC_FLEET_DELETED_H
#define VBMC_FLEET_DELETED_H

#include "vbmc/fleet/internal.h"

bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid);
/* Without memory there is no mark until the next start. */
void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid);
void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid);

#endif
