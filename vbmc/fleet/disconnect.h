/* Stops hypervisors. */
#ifndef VBMC_FLEET_DISCONNECT_H
#define VBMC_FLEET_DISCONNECT_H

struct fleet;
struct fleet_connection;

/* Stops, on a later turn of the loop, what neither the configuration nor a BMC nor an addition
 * needs, when the operations of its guests have ended. */
void fleet_release_connections(struct fleet *fleet);
/* Stops the hypervisor, without waiting, and frees the connection, which the caller has taken out
 * of the fleet's list. */
void fleet_disconnect(struct fleet *fleet, struct fleet_connection *connection);

#endif
