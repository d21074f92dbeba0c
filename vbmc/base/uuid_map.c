#include "vbmc/base/uuid_map.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/hash.h"

#define SIZE_MIN 16

static size_t hash(const struct uuid *uuid)
{
    uint64_t value = hash_bytes(HASH_BEGIN, uuid->bytes, sizeof uuid->bytes);

    return (size_t)(value ^ value >> 32);
}

/* Where the UUID is, or is to be put. */
static size_t find_slot(const struct uuid_map *map, const struct uuid *uuid)
{
    size_t i = hash(uuid) & (map->size - 1);

    while (map->slots[i].value && !uuid_equal(&map->slots[i].uuid, uuid))
        i = (i + 1) & (map->size - 1);
    return i;
}

static int grow(struct uuid_map *map)
{
    struct uuid_map larger = {.size = map->size > 0 ? map->size * 2 : SIZE_MIN};

    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < map->size; i++) {
        if (map->slots[i].value)
            larger.slots[find_slot(&larger, &map->slots[i].uuid)] = map->slots[i];
    }
    larger.count = map->count;
    free(map->slots);
    *map = larger;
    return 0;
}

int uuid_map_put(struct uuid_map *map, const struct uuid *uuid, void *value)
{
    if (map->count + 1 > map->size / 4 * 3 && grow(map) < 0)
        return -ENOMEM;
    struct uuid_map_slot *slot = &map->slots[find_slot(map, uuid)];
    map->count += !slot->value;
    *slot = (struct uuid_map_slot){*uuid, value};
    return 0;
}

void *uuid_map_get(const struct uuid_map *map, const struct uuid *uuid)
{
    return map->size > 0 ? map->slots[find_slot(map, uuid)].value : NULL;
}

/* Those that follow without a gap may have been put there since their own slots were taken. */
void uuid_map_remove(struct uuid_map *map, const struct uuid *uuid)
{
    if (!uuid_map_get(map, uuid))
        return;
    size_t i = find_slot(map, uuid);
    map->slots[i].value = NULL;
    map->count--;
    for (i = (i + 1) & (map->size - 1); map->slots[i].value; i = (i + 1) & (map->size - 1)) {
        struct uuid_map_slot moved = map->slots[i];
        map->slots[i].value = NULL;
        map->slots[find_slot(map, &moved.uuid)] = moved;
    }
}

void uuid_map_clear(struct uuid_map *map)
{
    free(map->slots);
    *map = (struct uuid_map){0};
}
