/* Marks of deleted BMCs: discovery leaves their domains alone. */
#ifndef VBMC_FLEET_DELETED_H
#define VBMC_FLEET_DELETED_H

#include <stdbool.h>

#include "vbmc/base/uuid.h"

struct fleet;

/* Of the fleet's list. */
struct deleted_mark {
    struct deleted_mark *next;
    struct deleted_mark **place; /* what points to it */
    struct uuid uuid;
};

bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid);
/* Without memory there is no mark until the next start. */
void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid);
void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid);
/* Frees all marks. */
void fleet_clear_deleted(struct fleet *fleet);

#endif
