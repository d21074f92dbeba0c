#include "vbmc/fleet/bmcset.h"

#include <errno.h>
#include <stdlib.h>

int bmcset_add(struct bmcset *set, struct instance *instance)
{
    struct instance **grown = realloc(set->instances, (set->count + 1) * sizeof(struct instance *));

    if (!grown)
        return -ENOMEM;
    set->instances = grown;
    if (uuid_map_put(&set->by_uuid, &instance_record(instance)->uuid, instance) < 0)
        return -ENOMEM;
    set->instances[set->count++] = instance;
    return 0;
}

void bmcset_remove(struct bmcset *set, struct instance *instance)
{
    size_t i = 0;

    while (i < set->count && set->instances[i] != instance)
        i++;
    if (i == set->count)
        return;
    uuid_map_remove(&set->by_uuid, &instance_record(instance)->uuid);
    set->instances[i] = set->instances[--set->count];
}

void bmcset_clear(struct bmcset *set)
{
    free(set->instances);
    uuid_map_clear(&set->by_uuid);
    *set = (struct bmcset){0};
}

struct instance *bmcset_find_uuid(const struct bmcset *set, const struct uuid *uuid)
{
    return uuid_map_get(&set->by_uuid, uuid);
}

struct instance *bmcset_find_number(const struct bmcset *set, uint32_t number)
{
    for (size_t i = 0; i < set->count; i++) {
        if (instance_bmc(set->instances[i])->number == number)
            return set->instances[i];
    }
    return NULL;
}
