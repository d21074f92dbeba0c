/* Finds things by their UUID, in a time that does not depend on how many there are. */
#ifndef VBMC_BASE_UUID_MAP_H
#define VBMC_BASE_UUID_MAP_H

#include <stddef.h>

#include "vbmc/base/uuid.h"

struct uuid_map_slot {
    struct uuid uuid;
    void *value; /* the caller's; NULL: the slot is free */
};

/* The beginning is all zeros. */
struct uuid_map {
    struct uuid_map_slot *slots;
    size_t size; /* 0, or a power of two; a quarter of the slots are always free */
    size_t count;
};

/* `value` is not NULL; takes the place of what was there. 0, or -ENOMEM. */
int uuid_map_put(struct uuid_map *map, const struct uuid *uuid, void *value);
/* NULL if nothing is there. */
void *uuid_map_get(const struct uuid_map *map, const struct uuid *uuid);
void uuid_map_remove(struct uuid_map *map, const struct uuid *uuid);
/* Frees the map, not the values. */
void uuid_map_clear(struct uuid_map *map);

#endif
