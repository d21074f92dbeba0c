/* The hypervisors that guests may be on, named by the configuration or only in the store. Loop
 * thread. */
#ifndef VBMC_HOST_PLACEMENT_MAP_H
#define VBMC_HOST_PLACEMENT_MAP_H

#include <stdbool.h>

/* A hypervisor, known by its URI for as long as the process lives. */
struct placement_hypervisor {
    struct placement_hypervisor *next;
    char *uri;
    char *name;     /* of its section, else the URI */
    bool connected; /* and its list of domains has been taken over, or is just being */
    bool known;     /* it was connected before, since the process began */
    bool dead;      /* declared dead by an administrator */
    bool removed;   /* neither the configuration nor a BMC names it */
};

struct placement_map {
    struct placement_hypervisor *first; /* in the order in which they were named */
};

/* NULL if it was never named. */
struct placement_hypervisor *placement_map_find(const struct placement_map *map, const char *uri);
/* The same; an unknown one is added, as removed. NULL if there is no memory. */
struct placement_hypervisor *placement_map_get(struct placement_map *map, const char *uri);
/* 0, or -ENOMEM. */
int placement_hypervisor_rename(struct placement_hypervisor *hypervisor, const char *name);
/* The same; any other hypervisor of that name is called by its URI from now on. */
int placement_map_name(struct placement_map *map, struct placement_hypervisor *hypervisor,
                       const char *name);
/* The hypervisor of that name or URI; a removed one only if no other has the name. NULL if there is
 * none. */
struct placement_hypervisor *placement_map_find_named(const struct placement_map *map,
                                                      const char *name);
void placement_map_clear(struct placement_map *map);

#endif
