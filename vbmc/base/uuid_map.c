#include "vbmc/base/uuid_map.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/hash.h"
#include "vbmc/base/uuid.h"

struct entry {
    struct uuid uuid;
    void *value;
};

static uint64_t hash(const struct uuid *uuid)
{
    return hash_bytes(HASH_BEGIN, uuid->bytes, sizeof uuid->bytes);
}

static struct entry *find(const struct uuid_map *map, const struct uuid *uuid)
{
    const struct hash_index_node *cursor = NULL;
    struct entry *entry;

    while ((entry = hash_index_next(&map->entries, hash(uuid), &cursor))) {
        if (uuid_equal(&entry->uuid, uuid))
            return entry;
    }
    return NULL;
}

int uuid_map_put(struct uuid_map *map, const struct uuid *uuid, void *value)
{
    struct entry *entry = find(map, uuid);

    if (entry) {
        entry->value = value;
        return 0;
    }
    entry = malloc(sizeof *entry);
    if (!entry || hash_index_add(&map->entries, hash(uuid), entry) < 0) {
        free(entry);
        return -ENOMEM;
    }
    *entry = (struct entry){*uuid, value};
    return 0;
}

void *uuid_map_get(const struct uuid_map *map, const struct uuid *uuid)
{
    const struct entry *entry = find(map, uuid);

    return entry ? entry->value : NULL;
}

void uuid_map_remove(struct uuid_map *map, const struct uuid *uuid)
{
    struct entry *entry = find(map, uuid);

    if (!entry)
        return;
    hash_index_remove(&map->entries, hash(uuid), entry);
    free(entry);
}

void uuid_map_clear(struct uuid_map *map)
{
    hash_index_clear(&map->entries, free);
}
