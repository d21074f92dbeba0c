#include "vbmc/fleet/bmcset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/hash.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"

#define SIZE_MIN 16

struct entry {
    struct instance *instance;
    size_t position;
    uint64_t name_hash; /* as it is in by_name */
};

static uint64_t hash_number(uint32_t number)
{
    return hash_bytes(HASH_BEGIN, &number, sizeof number);
}

static uint64_t hash_uuid(const struct uuid *uuid)
{
    return hash_bytes(HASH_BEGIN, uuid->bytes, sizeof uuid->bytes);
}

static uint64_t hash_name(const char *name)
{
    return hash_bytes(HASH_BEGIN, name, strlen(name));
}

static struct entry *find_number(const struct bmcset *set, uint32_t number)
{
    const struct hash_index_node *cursor = NULL;
    struct entry *entry;

    while ((entry = hash_index_next(&set->by_number, hash_number(number), &cursor))) {
        if (instance_bmc(entry->instance)->core.number == number)
            return entry;
    }
    return NULL;
}

static struct entry *find_entry(const struct bmcset *set, struct instance *instance)
{
    struct entry *entry = find_number(set, instance_bmc(instance)->core.number);

    return entry && entry->instance == instance ? entry : NULL;
}

static void remove_from_indexes(struct bmcset *set, struct entry *entry)
{
    hash_index_remove(&set->by_number, hash_number(instance_bmc(entry->instance)->core.number),
                      entry);
    hash_index_remove(&set->by_uuid, hash_uuid(&instance_record(entry->instance)->uuid), entry);
    hash_index_remove(&set->by_name, entry->name_hash, entry);
}

static int grow(struct bmcset *set)
{
    size_t size = set->size > 0 ? set->size * 2 : SIZE_MIN;
    struct instance **grown = realloc(set->instances, size * sizeof(struct instance *));

    if (!grown)
        return -ENOMEM;
    set->instances = grown;
    set->size = size;
    return 0;
}

int bmcset_add(struct bmcset *set, struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);
    struct entry *entry = malloc(sizeof *entry);

    if (!entry || (set->count == set->size && grow(set) < 0)) {
        free(entry);
        return -ENOMEM;
    }
    *entry = (struct entry){instance, set->count, hash_name(record->name)};
    if (hash_index_add(&set->by_number, hash_number(instance_bmc(instance)->core.number), entry) <
            0 ||
        hash_index_add(&set->by_uuid, hash_uuid(&record->uuid), entry) < 0 ||
        hash_index_add(&set->by_name, entry->name_hash, entry) < 0) {
        remove_from_indexes(set, entry);
        free(entry);
        return -ENOMEM;
    }
    set->instances[set->count++] = instance;
    return 0;
}

void bmcset_remove(struct bmcset *set, struct instance *instance)
{
    struct entry *entry = find_entry(set, instance);

    if (!entry)
        return;
    struct instance *last = set->instances[--set->count];
    find_entry(set, last)->position = entry->position;
    set->instances[entry->position] = last;
    remove_from_indexes(set, entry);
    free(entry);
}

void bmcset_rename(struct bmcset *set, struct instance *instance)
{
    struct entry *entry = find_entry(set, instance);
    uint64_t hash = hash_name(instance_record(instance)->name);

    hash_index_move(&set->by_name, entry->name_hash, hash, entry);
    entry->name_hash = hash;
}

void bmcset_clear(struct bmcset *set)
{
    hash_index_clear(&set->by_uuid, NULL);
    hash_index_clear(&set->by_name, NULL);
    hash_index_clear(&set->by_number, free);
    free(set->instances);
    *set = (struct bmcset){0};
}

struct instance *bmcset_find_uuid(const struct bmcset *set, const struct uuid *uuid)
{
    const struct hash_index_node *cursor = NULL;
    const struct entry *entry;

    while ((entry = hash_index_next(&set->by_uuid, hash_uuid(uuid), &cursor))) {
        if (uuid_equal(&instance_record(entry->instance)->uuid, uuid))
            return entry->instance;
    }
    return NULL;
}

struct instance *bmcset_find_number(const struct bmcset *set, uint32_t number)
{
    const struct entry *entry = find_number(set, number);

    return entry ? entry->instance : NULL;
}

struct instance *bmcset_next_named(const struct bmcset *set, const char *name,
                                   const struct hash_index_node **cursor)
{
    uint64_t hash = hash_name(name);
    const struct entry *entry;

    while ((entry = hash_index_next(&set->by_name, hash, cursor))) {
        if (strcmp(instance_record(entry->instance)->name, name) == 0)
            return entry->instance;
    }
    return NULL;
}
