/* What the fleet makes of what hypervisors tell. */
#ifndef VBMC_FLEET_EVENTS_H
#define VBMC_FLEET_EVENTS_H

#include "vbmc/fleet/internal.h"

/* The context is the fleet. */
extern const struct hypervisor_callbacks fleet_hypervisor_callbacks;

#endif
