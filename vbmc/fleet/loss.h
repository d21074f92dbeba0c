/* BMCs and marks whose domains are gone. */
#ifndef VBMC_FLEET_LOSS_H
#define VBMC_FLEET_LOSS_H

#include <stdbool.h>

struct fleet;
struct instance;
struct uuid;

/* True if the BMC was discovered and no hypervisor can have its domain any more. */
bool fleet_is_lost(const struct fleet *fleet, struct instance *instance);
/* Removes such a BMC, at once or after a while in which its domain may be defined elsewhere;
 * clients that have sessions with it get a moment to close them. */
void fleet_lose_bmc(struct fleet *fleet, struct instance *instance);
/* The same with all of them: those whose domain went while its hypervisor was not connected, or
 * just now. */
void fleet_drop_lost_bmcs(struct fleet *fleet);
/* Removes a BMC at once, with all that is stored of it. */
void fleet_forget_bmc(struct fleet *fleet, struct instance *instance);
/* Removes the mark of a deleted BMC, if there is one, if no hypervisor can have its domain any
 * more; all such marks. */
void fleet_drop_lost_mark(struct fleet *fleet, const struct uuid *uuid);
void fleet_drop_lost_marks(struct fleet *fleet);

#endif
