/* Making, renaming and removing BMCs. */
#ifndef VBMC_FLEET_BMCS_H
#define VBMC_FLEET_BMCS_H

struct fleet;
struct instance;
struct store_bmc;
struct store_boot;
struct store_chassis;
struct uuid;
struct virt_domain;

/* The BMC of the domain's guest, which may show another copy of it; NULL if it has none. */
struct instance *fleet_bmc_of(const struct virt_domain *domain);
/* For a domain that has appeared: its owner is the BMC of its guest from here on, if there is one.
 * When a BMC is made or dropped the owner of its domains follows by itself. */
void fleet_set_domain_owner(const struct fleet *fleet, struct virt_domain *domain);
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
/* The BMC takes the name of its domain. */
void fleet_follow_name(struct fleet *fleet, struct instance *instance);
/* Removes all that is stored of this domain. */
void fleet_forget_domain(struct fleet *fleet, const struct uuid *uuid);

#endif
