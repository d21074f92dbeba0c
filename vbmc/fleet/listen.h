/* Where BMCs listen. */
#ifndef VBMC_FLEET_LISTEN_H
#define VBMC_FLEET_LISTEN_H

struct config_bmc;
struct fleet;
struct instance;

/* Assigns the BMC's address and listens there; what fails is logged, kept as the BMC's error, and
 * tried again every two seconds. Nothing while BMCs are loaded. */
void fleet_start_listening(struct fleet *fleet, struct instance *instance);
void fleet_stop_listening(struct fleet *fleet, struct instance *instance);
/* Only assigns its address, which an inactive BMC has as well. */
void fleet_assign_address(struct fleet *fleet, struct instance *instance);
/* Assigns the addresses of all, moves those whose address has changed, and lets those listen that
 * are to. */
void fleet_review_listening(struct fleet *fleet);
/* Closes the socket that BMCs share unless `next` needs the same one; NULL: in any case. */
void fleet_close_shared_socket(struct fleet *fleet, const struct config_bmc *next);

#endif
