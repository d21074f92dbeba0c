/* How the fleet handles the events of hypervisors. */
#ifndef VBMC_FLEET_EVENTS_H
#define VBMC_FLEET_EVENTS_H

/* The context is the fleet. */
extern const struct hypervisor_callbacks fleet_hypervisor_callbacks;

#endif
