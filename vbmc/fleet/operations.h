/* The operations of the service that concern the fleet. */
#ifndef VBMC_FLEET_OPERATIONS_H
#define VBMC_FLEET_OPERATIONS_H

struct fleet;

/* Registers add, delete, start, stop, facility and declare-dead (vbmc/service/service.h) for this
 * fleet, which lives as long as anybody calls them. */
void fleet_register_operations(struct fleet *fleet);

#endif
