/* The operations of the service that concern the fleet and its domains. */
#ifndef VBMC_FLEET_OPERATIONS_H
#define VBMC_FLEET_OPERATIONS_H

struct fleet;

/* Registers all that are SERVICE_REGISTERED (vbmc/service/service.h) but the reload, for this
 * fleet, which lives as long as anybody calls them. */
void fleet_register_operations(struct fleet *fleet);

#endif
