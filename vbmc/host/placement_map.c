#include "vbmc/host/placement_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct placement_hypervisor *placement_map_find(const struct placement_map *map, const char *uri)
{
    struct placement_hypervisor *hypervisor = map->first;

    while (hypervisor && strcmp(hypervisor->uri, uri) != 0)
        hypervisor = hypervisor->next;
    return hypervisor;
}

static void free_hypervisor(struct placement_hypervisor *hypervisor)
{
    free(hypervisor->uri);
    free(hypervisor->name);
    free(hypervisor);
}

struct placement_hypervisor *placement_map_get(struct placement_map *map, const char *uri)
{
    struct placement_hypervisor *hypervisor = placement_map_find(map, uri);
    struct placement_hypervisor **end = &map->first;

    if (hypervisor)
        return hypervisor;
    hypervisor = calloc(1, sizeof *hypervisor);
    if (!hypervisor)
        return NULL;
    hypervisor->uri = strdup(uri);
    hypervisor->name = strdup(uri);
    hypervisor->removed = true;
    if (!hypervisor->uri || !hypervisor->name) {
        free_hypervisor(hypervisor);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = hypervisor;
    return hypervisor;
}

int placement_hypervisor_rename(struct placement_hypervisor *hypervisor, const char *name)
{
    char *copy = strdup(name);

    if (!copy)
        return -ENOMEM;
    free(hypervisor->name);
    hypervisor->name = copy;
    return 0;
}

int placement_map_name(struct placement_map *map, struct placement_hypervisor *hypervisor,
                       const char *name)
{
    for (struct placement_hypervisor *other = map->first; other; other = other->next) {
        if (other != hypervisor && strcmp(other->name, name) == 0 &&
            placement_hypervisor_rename(other, other->uri) < 0)
            return -ENOMEM;
    }
    return placement_hypervisor_rename(hypervisor, name);
}

static struct placement_hypervisor *find_name(const struct placement_map *map, const char *name,
                                              bool removed)
{
    struct placement_hypervisor *hypervisor = map->first;

    while (hypervisor && (hypervisor->removed != removed || strcmp(hypervisor->name, name) != 0))
        hypervisor = hypervisor->next;
    return hypervisor;
}

struct placement_hypervisor *placement_map_find_named(const struct placement_map *map,
                                                      const char *name)
{
    struct placement_hypervisor *hypervisor = find_name(map, name, false);

    if (!hypervisor)
        hypervisor = placement_map_find(map, name);
    return hypervisor ? hypervisor : find_name(map, name, true);
}

void placement_map_clear(struct placement_map *map)
{
    while (map->first) {
        struct placement_hypervisor *hypervisor = map->first;
        map->first = hypervisor->next;
        free_hypervisor(hypervisor);
    }
}
