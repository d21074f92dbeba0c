/* The facility that all servers stand in, and the second by which everything in it moves on. */
#ifndef VBMC_FLEET_ROOM_H
#define VBMC_FLEET_ROOM_H

#include "vbmc/fleet/internal.h"

/* Makes the room as it is configured, with its timer not yet running. */
void fleet_begin_room(struct fleet *fleet);
/* Takes over what is stored of it. 0, or a negative error with its text. */
int fleet_load_room(struct fleet *fleet, char *error, size_t size);
void fleet_run_room(struct fleet *fleet);
void fleet_stop_room(struct fleet *fleet);
/* Follows the configuration. */
void fleet_configure_room(struct fleet *fleet);

#endif
