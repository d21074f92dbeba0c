/* What placement_decide.c uses of placement.c. */
#ifndef VBMC_HOST_PLACEMENT_INTERNAL_H
#define VBMC_HOST_PLACEMENT_INTERNAL_H

#include "vbmc/host/placement.h"

/* That hypervisor's copy; NULL: none. */
struct placement_copy *placement_find_copy(const struct placement *placement,
                                           const struct placement_hypervisor *hypervisor);
/* It has a copy without permission to read it. */
bool placement_hides(const struct placement *placement,
                     const struct placement_hypervisor *hypervisor);
/* The hypervisor is connected and shows the guest running. */
bool placement_runs_at(const struct placement *placement,
                       const struct placement_hypervisor *hypervisor);
/* The guest was seen running there last. */
bool placement_was_running_at(const struct placement *placement,
                              const struct placement_hypervisor *hypervisor);
/* Records which hypervisors are not connected now: the guest may have moved there. */
void placement_note_away(const struct placement_map *map, struct placement *placement);
/* Sets what is stored of the guest. */
void placement_set_fact(struct placement *placement, enum placement_fact fact,
                        struct placement_hypervisor *last);

#endif
