#include "vbmc/state/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/host/placement.h"
#include "vbmc/store/placement.h"

static struct store_placement row_of(const struct placement_owner *guest,
                                     const struct placement_hypervisor *hypervisor, bool listed)
{
    return (struct store_placement){
        .uuid = *guest->uuid,
        .uri = (char *)placement_hypervisor_uri(hypervisor), /* borrowed: a row to be written */
        .listed = listed,
        .fact = (uint8_t)placement_fact_of(guest->placement, hypervisor),
    };
}

static bool has_row(const struct store_placement *rows, size_t count,
                    const struct placement_hypervisor *place)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].uri, placement_hypervisor_uri(place)) == 0)
            return true;
    }
    return false;
}

static int put(struct store *store, void *owner, const void *copy, store_done_fn done,
               void *context)
{
    const struct placement_owner *guest = owner;
    const struct placement *placement = guest->placement;
    size_t count = 0, facts = placement->away_count + 1;
    CLEANUP_FREE struct store_placement *rows = calloc(placement->count + facts, sizeof *rows);

    (void)copy;
    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < placement->count; i++) {
        const struct placement_copy *seen = &placement->copies[i];
        rows[count++] = row_of(guest, seen->hypervisor, !seen->unlisted);
    }
    for (size_t i = 0; i < facts; i++) {
        const struct placement_hypervisor *place =
            i == 0 ? placement->last : placement->away[i - 1].hypervisor;
        if (place && placement_fact_of(placement, place) != PLACEMENT_FACT_NONE &&
            !has_row(rows, count, place))
            rows[count++] = row_of(guest, place, false);
    }
    return store_placement_put(store, guest->uuid, rows, count, done, context);
}

const struct save_kind placement_save_kind = {.name = "placement", .put = put};
