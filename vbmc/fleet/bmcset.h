/* The set of BMCs of the process, and the ways to find one. */
#ifndef VBMC_FLEET_BMCSET_H
#define VBMC_FLEET_BMCSET_H

#include <stddef.h>

#include "vbmc/base/uuid_map.h"
#include "vbmc/instance/instance.h"

struct bmcset {
    struct instance **instances; /* in no order */
    size_t count;
    struct uuid_map by_uuid;
};

/* 0, or -ENOMEM. */
int bmcset_add(struct bmcset *set, struct instance *instance);
/* Takes it out; does not free it. */
void bmcset_remove(struct bmcset *set, struct instance *instance);
/* Frees the set, not the instances. */
void bmcset_clear(struct bmcset *set);

struct instance *bmcset_find_uuid(const struct bmcset *set, const struct uuid *uuid);
struct instance *bmcset_find_number(const struct bmcset *set, uint32_t number);

#endif
