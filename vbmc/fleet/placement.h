/* Where the guests are (vbmc/host/placement.h), and which domain their BMCs show. */
#ifndef VBMC_FLEET_PLACEMENT_H
#define VBMC_FLEET_PLACEMENT_H

struct fleet;
struct fleet_connection;
struct hypervisor;
struct instance;
struct store_placement;
struct virt_domain;

/* Takes over which hypervisors are declared dead. 0, or a negative error. */
int fleet_load_dead_hypervisors(struct fleet *fleet);
/* Takes over a stored row of a BMC that was just made. */
void fleet_restore_placement(struct fleet *fleet, struct instance *instance,
                             const struct store_placement *row);
/* Gives the BMC the domain that counts, or takes it where none does. */
void fleet_follow_placement(struct fleet *fleet, struct instance *instance);
/* All of them. */
void fleet_follow_placements(struct fleet *fleet);
/* One of the guest's domains has appeared, or changed its state. */
void fleet_see_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain);
/* That hypervisor has begun or ceased to hide one of its domains. */
void fleet_see_hidden(struct fleet *fleet, struct instance *instance,
                      struct hypervisor *hypervisor);
/* Looks for the domains of a BMC that has just been made, or may have another hypervisor now. */
void fleet_see_copies(struct fleet *fleet, struct instance *instance);
/* One of its domains is gone. */
void fleet_lose_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain);
/* The connection has come up (all its domains have been seen) or is not there. */
void fleet_place_connection_change(struct fleet *fleet, struct fleet_connection *connection);
/* The connection is about to go: nothing names its hypervisor any more. */
void fleet_place_connection_removal(struct fleet *fleet, struct fleet_connection *connection);

#endif
