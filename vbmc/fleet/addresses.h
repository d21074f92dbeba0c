/* Which address a BMC answers at. What a BMC once got it keeps while its domain exists; what an
 * administrator says (`vbmc add`, [domain]) comes before what is given out. */
#ifndef VBMC_FLEET_ADDRESSES_H
#define VBMC_FLEET_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

struct bmcset;
struct config;
struct config_prefix;
struct instance;
union endpoint_address;

/* Most BMCs that one prefix serves; as many as there are ports. */
#define ADDRESSES_MAX 65536

/* What cannot be given out: ports, or places in the prefix. */
struct addresses_taken {
    bool by_section[ADDRESSES_MAX];
    uint16_t declared[ADDRESSES_MAX]; /* by how many BMCs' metadata */
    uint32_t by_bmcs[ADDRESSES_MAX];  /* how many hold it */
    unsigned first_free;              /* none before it can be given out */
};

/* Of one set of BMCs. */
struct addresses {
    const struct config *config;
    const struct bmcset *set;
    struct addresses_taken ports;
    struct addresses_taken offsets;
};

/* Follows the configuration; it and the set, with all that its BMCs hold, are looked at until the
 * next call. */
void addresses_configure(struct addresses *addresses, const struct config *config,
                         const struct bmcset *set);
/* What the record of a BMC says is held by it; it is not any more. To be called when the BMC comes
 * into the set, before and after its record is replaced, and when it leaves. */
void addresses_hold(struct addresses *addresses, struct instance *instance);
void addresses_release(struct addresses *addresses, struct instance *instance);

/* Finds the BMC's address; *changed tells that its record has to be stored. 0, -EADDRNOTAVAIL (the
 * range or prefix is used up), -EADDRINUSE (what its metadata says is another's by a [domain]
 * section), -EINVAL (the record's address is none), -ENOMEM. */
int addresses_assign(struct addresses *addresses, struct instance *instance,
                     union endpoint_address *address, bool *changed);

/* Place of an address in the prefix, 0 for its first; -1 if it is outside or beyond
 * ADDRESSES_MAX. Takes v4-mapped addresses for IPv4 prefixes. */
long addresses_offset(const struct config_prefix *prefix, const union endpoint_address *address);

#endif
