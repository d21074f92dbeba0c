/* Stops hypervisors. */
#ifndef VBMC_FLEET_DISCONNECT_H
#define VBMC_FLEET_DISCONNECT_H

#include "vbmc/fleet/internal.h"

/* Stops, on a later turn of the loop, what neither the configuration nor a BMC nor an addition
 * needs, when the operations of its guests have ended. */
void fleet_release_links(struct fleet *fleet);
/* Stops a link's hypervisor, without waiting, and frees the link. */
void fleet_stop_link(struct fleet *fleet, struct link *link);

#endif
