/* The way from an addition to its domain, through the hypervisors. */
#ifndef VBMC_FLEET_SEARCH_H
#define VBMC_FLEET_SEARCH_H

#include <stdbool.h>

#include "vbmc/fleet/fleet.h"
#include "vbmc/service/addition.h"

/* One that may have to wait for a hypervisor's first answer. */
struct waiting_addition {
    struct waiting_addition *next;
    struct fleet *fleet;
    struct hypervisor *hypervisor; /* the one that is looked at */
    bool looked; /* libvirt was asked itself, not only the domains that are known */
    struct service_addition addition; /* strings owned */
    fleet_done_fn *done;
    void *context;
};

/* Looks for the domain from `waiting->hypervisor` on, which it holds, and then makes the BMC; takes
 * `waiting` (by malloc) over. */
void fleet_search_domain(struct waiting_addition *waiting);
/* Goes on with the additions that waited for this hypervisor. */
void fleet_finish_waiting(struct fleet *fleet, struct hypervisor *hypervisor);
/* The daemon stops: ends them all. */
void fleet_end_waiting(struct fleet *fleet);

#endif
