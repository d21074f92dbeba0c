/* One value for each UUID, found in a time that does not depend on how many there are. */
#ifndef VBMC_BASE_UUID_MAP_H
#define VBMC_BASE_UUID_MAP_H

#include "vbmc/base/hash_index.h"

struct uuid;

/* The beginning is all zeros. */
struct uuid_map {
    struct hash_index entries;
};

/* `value` is not NULL; takes the place of what was there. 0, or -ENOMEM. */
int uuid_map_put(struct uuid_map *map, const struct uuid *uuid, void *value);
/* NULL if nothing is there. */
void *uuid_map_get(const struct uuid_map *map, const struct uuid *uuid);
void uuid_map_remove(struct uuid_map *map, const struct uuid *uuid);
/* Frees the map, not the values. */
void uuid_map_clear(struct uuid_map *map);

#endif
