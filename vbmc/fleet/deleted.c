/* Marks of deleted BMCs: discovery leaves their domains alone. */
#include "vbmc/fleet/deleted.h"

#include <stdlib.h>

bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid)
{
    for (size_t i = 0; i < fleet->deleted_count; i++) {
        if (uuid_equal(&fleet->deleted[i], uuid))
            return true;
    }
    return false;
}

void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    struct uuid *grown =
        realloc(fleet->deleted, (fleet->deleted_count + 1) * sizeof *fleet->deleted);

    if (!grown)
        return;
    fleet->deleted = grown;
    fleet->deleted[fleet->deleted_count++] = *uuid;
}

void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    for (size_t i = 0; i < fleet->deleted_count; i++) {
        if (uuid_equal(&fleet->deleted[i], uuid)) {
            fleet->deleted[i] = fleet->deleted[--fleet->deleted_count];
            return;
        }
    }
}
