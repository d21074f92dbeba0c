#include "vbmc/bmcset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int bmcset_add(struct bmcset *set, struct instance *instance)
{
    struct instance **grown = realloc(set->instances, (set->count + 1) * sizeof(struct instance *));

    if (!grown)
        return -ENOMEM;
    set->instances = grown;
    set->instances[set->count++] = instance;
    return 0;
}

void bmcset_remove(struct bmcset *set, const struct instance *instance)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->instances[i] == instance) {
            set->instances[i] = set->instances[--set->count];
            return;
        }
    }
}

void bmcset_clear(struct bmcset *set)
{
    free(set->instances);
    *set = (struct bmcset){0};
}

struct instance *bmcset_find_uuid(const struct bmcset *set, const struct uuid *uuid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (uuid_equal(&instance_record(set->instances[i])->uuid, uuid))
            return set->instances[i];
    }
    return NULL;
}

struct instance *bmcset_find_number(const struct bmcset *set, uint32_t number)
{
    for (size_t i = 0; i < set->count; i++) {
        if (instance_bmc(set->instances[i])->number == number)
            return set->instances[i];
    }
    return NULL;
}

struct instance *bmcset_find_domain(const struct bmcset *set, const struct virt_domain *domain)
{
    for (size_t i = 0; i < set->count; i++) {
        if (instance_domain(set->instances[i]) == domain)
            return set->instances[i];
    }
    return NULL;
}
