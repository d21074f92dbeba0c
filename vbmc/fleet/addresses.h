/* Which address a BMC answers at. What a BMC once got it keeps while its domain exists; what an
 * administrator says (`vbmc add`, [domain]) comes before what is given out. */
#ifndef VBMC_FLEET_ADDRESSES_H
#define VBMC_FLEET_ADDRESSES_H

#include <stdbool.h>

#include "vbmc/fleet/bmcset.h"
#include "vbmc/config/config.h"

/* Most BMCs that one prefix serves. */
#define ADDRESSES_MAX 65536

/* Finds the BMC's address; *changed tells that its record has to be stored. 0, -EADDRNOTAVAIL (the
 * range or prefix is used up), -EINVAL (the record's address is none). */
int addresses_assign(const struct config *config, const struct bmcset *set,
                     struct instance *instance, union endpoint_address *address, bool *changed);

/* Place of an address in the prefix, 0 for its first; -1 if it is outside or beyond
 * ADDRESSES_MAX. Takes v4-mapped addresses for IPv4 prefixes. */
long addresses_offset(const struct config_prefix *prefix, const union endpoint_address *address);

#endif
