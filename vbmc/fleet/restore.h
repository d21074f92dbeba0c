/* Power restore policy after a boot of this machine. */
#ifndef VBMC_FLEET_RESTORE_H
#define VBMC_FLEET_RESTORE_H

#include <stdbool.h>

struct fleet;
struct fleet_connection;
struct instance;

/* Finds out, at the start, whether this machine has booted since the last run. */
void fleet_note_boot(struct fleet *fleet);
/* Whether BMCs that are loaded now wait for their restore policy. */
bool fleet_power_is_back(const struct fleet *fleet);
/* The connection is up for the first time. */
void fleet_note_connected(const struct fleet *fleet, struct fleet_connection *connection);
/* Carries out the BMC's restore policy, if it waits and the guest's state is known by now. */
void fleet_restore_power(struct fleet *fleet, struct instance *instance);

#endif
