#include "vbmc/fleet/deleted.h"

#include <stdlib.h>

#include "vbmc/fleet/internal.h"

bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid)
{
    return uuid_map_get(&fleet->deleted_by_uuid, uuid) != NULL;
}

void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    if (fleet_is_deleted(fleet, uuid))
        return;
    struct deleted_mark *mark = malloc(sizeof *mark);
    if (!mark || uuid_map_put(&fleet->deleted_by_uuid, uuid, mark) < 0) {
        free(mark);
        return;
    }
    *mark = (struct deleted_mark){fleet->deleted, &fleet->deleted, *uuid};
    if (mark->next)
        mark->next->place = &mark->next;
    fleet->deleted = mark;
}

void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid)
{
    struct deleted_mark *mark = uuid_map_get(&fleet->deleted_by_uuid, uuid);

    if (!mark)
        return;
    uuid_map_remove(&fleet->deleted_by_uuid, uuid);
    *mark->place = mark->next;
    if (mark->next)
        mark->next->place = mark->place;
    free(mark);
}

void fleet_clear_deleted(struct fleet *fleet)
{
    while (fleet->deleted)
        fleet_unmark_deleted(fleet, &fleet->deleted->uuid);
    uuid_map_clear(&fleet->deleted_by_uuid);
}
