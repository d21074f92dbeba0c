/* Power restore policy after a boot of this machine. */
#ifndef VBMC_FLEET_RESTORE_H
#define VBMC_FLEET_RESTORE_H

struct fleet;
struct fleet_connection;
struct instance;

/* Finds out, at the start, whether this machine has booted since the last run. */
void fleet_note_boot(struct fleet *fleet);
/* What is stored of the BMC has been taken over: whether it waits for its restore policy. */
void fleet_note_loaded(const struct fleet *fleet, struct instance *instance);
/* When all are loaded: stores which boot this is, and that they wait. Until that is on disk, which
 * is tried again and again, no policy is carried out. */
void fleet_store_boot(struct fleet *fleet);
/* The connection is up for the first time. */
void fleet_note_connected(const struct fleet *fleet, struct fleet_connection *connection);
/* Carries out the BMC's restore policy, if it waits and the guest's state is known by now. */
void fleet_restore_power(struct fleet *fleet, struct instance *instance);

#endif
