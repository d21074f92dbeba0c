/* Which domain has a BMC by the rules of the configuration (fleet_why_none). */
#ifndef VBMC_FLEET_DISCOVERY_H
#define VBMC_FLEET_DISCOVERY_H

#include <stdbool.h>

struct fleet;
struct instance;
struct virt_domain;

/* Makes a BMC for a domain that has none, if the rules give it one. */
void fleet_discover(struct fleet *fleet, struct virt_domain *domain);
/* Removes a discovered BMC that the rule "tagged" no longer gives to its domain; true if it did. */
bool fleet_drop_untagged(struct fleet *fleet, struct instance *instance,
                         const struct virt_domain *domain);
/* Makes the BMC that an OpenStack set-up has for the domain, if it has one and none was added or
 * deleted since. */
void fleet_take_over_openstack(struct fleet *fleet, struct virt_domain *domain);

#endif
