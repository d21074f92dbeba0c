#include "vbmc/physics/supply.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "vbmc/base/array.h"

#define NEEDED_MAX 2

/* PSUs built in: `times` * N + `spare`. */
static const struct {
    const char *name;
    unsigned times, spare;
} policies[] = {
    [SUPPLY_N] = {"N", 1, 0},
    [SUPPLY_N_PLUS_1] = {"N+1", 1, 1},
    [SUPPLY_2N] = {"2N", 2, 0},
    [SUPPLY_2N_PLUS_1] = {"2N+1", 2, 1},
};

/* Offsets of the generic event type 0Bh (IPMI 2.0, table 42-2). This module has no memory, so the
 * offsets that say where a state was entered from (3, 4, 6, 7) are not told apart: 3 stands for
 * "not redundant, enough". */
enum {
    OFFSET_FULLY_REDUNDANT = 0,
    OFFSET_REDUNDANCY_LOST = 1,
    OFFSET_REDUNDANCY_DEGRADED = 2,
    OFFSET_NON_REDUNDANT_SUFFICIENT = 3,
    OFFSET_NON_REDUNDANT_INSUFFICIENT = 5,
};

const char *supply_redundancy_name(enum supply_redundancy redundancy)
{
    return policies[redundancy].name;
}

int supply_redundancy_parse(const char *text, enum supply_redundancy *redundancy)
{
    for (unsigned i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strcasecmp(text, policies[i].name) == 0) {
            *redundancy = (enum supply_redundancy)i;
            return 0;
        }
    }
    return -EINVAL;
}

void supply_layout_set_defaults(struct supply_layout *layout)
{
    *layout = (struct supply_layout){
        .redundancy = SUPPLY_2N,
        .needed = 1,
        .feed_count = 2,
        .feeds = {0, 1},
    };
}

static unsigned needed_of(const struct supply_layout *layout)
{
    if (layout->needed < 1)
        return 1;
    return layout->needed > NEEDED_MAX ? NEEDED_MAX : layout->needed;
}

unsigned supply_psu_count(const struct supply_layout *layout)
{
    return policies[layout->redundancy].times * needed_of(layout) +
           policies[layout->redundancy].spare;
}

unsigned supply_psu_feed(const struct supply_layout *layout, unsigned psu)
{
    unsigned count = layout->feed_count;

    if (count > SUPPLY_PSUS_MAX)
        count = SUPPLY_PSUS_MAX;
    return count > 0 ? layout->feeds[psu % count] : 0;
}

static uint8_t redundancy_of(const struct supply_layout *layout, unsigned live)
{
    unsigned needed = needed_of(layout);

    if (live < needed)
        return OFFSET_NON_REDUNDANT_INSUFFICIENT;
    if (layout->redundancy == SUPPLY_N)
        return OFFSET_NON_REDUNDANT_SUFFICIENT;
    if (live == supply_psu_count(layout))
        return OFFSET_FULLY_REDUNDANT;
    return live == needed ? OFFSET_REDUNDANCY_LOST : OFFSET_REDUNDANCY_DEGRADED;
}

void supply_evaluate(const struct supply_layout *layout, uint8_t feeds_live,
                     const uint8_t faults[SUPPLY_PSUS_MAX], struct supply_state *state)
{
    unsigned count = supply_psu_count(layout), live = 0;

    memset(state, 0, sizeof *state);
    for (unsigned psu = 0; psu < count && psu < SUPPLY_PSUS_MAX; psu++) {
        unsigned feed = supply_psu_feed(layout, psu);
        bool removed = faults[psu] & SUPPLY_PSU_REMOVED;
        bool has_ac = feed < SUPPLY_FEEDS_MAX && (feeds_live >> feed & 1) &&
                      !(faults[psu] & SUPPLY_PSU_AC_LOST);

        if (!has_ac && !removed)
            state->ac_lost |= (uint8_t)(1u << psu);
        if (has_ac && !removed && !(faults[psu] & SUPPLY_PSU_FAILED)) {
            state->live |= (uint8_t)(1u << psu);
            live++;
        }
    }
    state->sufficient = live >= needed_of(layout);
    state->redundancy = redundancy_of(layout, live);
}
