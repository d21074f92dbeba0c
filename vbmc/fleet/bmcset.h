/* The set of BMCs of the process, indexed by all that one is looked up by. */
#ifndef VBMC_FLEET_BMCSET_H
#define VBMC_FLEET_BMCSET_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/hash_index.h"

struct instance;
struct uuid;

struct bmcset {
    struct instance **instances; /* in no order */
    size_t count;
    size_t size;
    /* Of entries, which know where in `instances` the BMC is. */
    struct hash_index by_number;
    struct hash_index by_uuid;
    struct hash_index by_name;
};

/* 0, or -ENOMEM. */
int bmcset_add(struct bmcset *set, struct instance *instance);
/* Takes it out, if it is there; does not free it. */
void bmcset_remove(struct bmcset *set, struct instance *instance);
/* The name in the BMC's record is another. */
void bmcset_rename(struct bmcset *set, struct instance *instance);
/* Frees the set, not the instances. */
void bmcset_clear(struct bmcset *set);

/* NULL if there is none. */
struct instance *bmcset_find_uuid(const struct bmcset *set, const struct uuid *uuid);
struct instance *bmcset_find_number(const struct bmcset *set, uint32_t number);
/* The BMCs of that name, of which each hypervisor may have one, in no order: NULL after the last.
 * `*cursor` is NULL for the first; the set must not change meanwhile. */
struct instance *bmcset_next_named(const struct bmcset *set, const char *name,
                                   const struct hash_index_node **cursor);

#endif
