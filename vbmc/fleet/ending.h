/* The last part of stopping. */
#ifndef VBMC_FLEET_ENDING_H
#define VBMC_FLEET_ENDING_H

struct fleet;

/* Frees the fleet, if it stops and no hypervisor is left; its memory goes when the loop has turned.
 */
void fleet_finish_stopping(struct fleet *fleet);

#endif
