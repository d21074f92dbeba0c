/* BMCs are made from records, follow the name of their domain, and go. */
#ifndef VBMC_FLEET_BMCS_H
#define VBMC_FLEET_BMCS_H

#include "vbmc/fleet/internal.h"

/* The BMC of the domain's guest, which may show another copy of it; NULL if it has none. */
struct instance *fleet_bmc_of(const struct virt_domain *domain);
/* A domain has appeared: from here on it carries the BMC of its guest, if there is one. Those that
 * were there before a BMC was made, or when it goes, follow by themselves. */
void fleet_give_domain(const struct fleet *fleet, struct virt_domain *domain);
/* Makes a BMC from what is stored, and starts it if the record says so. NULL if there is no memory.
 */
struct instance *fleet_make_instance(struct fleet *fleet, const struct store_bmc *record,
                                     const struct store_chassis *chassis,
                                     const struct store_boot *boot);
/* The same for a BMC that may exist already (else NULL): it then keeps its chassis and boot
 * options. */
struct instance *fleet_adopt_record(struct fleet *fleet, struct instance *instance,
                                    const struct store_bmc *record);
void fleet_drop_instance(struct fleet *fleet, struct instance *instance);
/* The BMC is called as its domain is now. */
void fleet_follow_name(struct fleet *fleet, struct instance *instance);
/* Nothing of this domain is kept. */
void fleet_forget_domain(struct fleet *fleet, const struct uuid *uuid);

#endif
