/* The hypervisors that guests may be on, whether the configuration names them or only what is
 * stored of a guest does. Loop thread. */
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
/* The same; one that was never named is made, as removed. NULL if there is no memory. */
struct placement_hypervisor *placement_map_get(struct placement_map *map, const char *uri);
/* 0, or -ENOMEM. */
int placement_hypervisor_rename(struct placement_hypervisor *hypervisor, const char *name);
/* The same, and any other one of that name, which was its section's before, is called by its URI
 * from now on. */
int placement_map_name(struct placement_map *map, struct placement_hypervisor *hypervisor,
                       const char *name);
/* The one that people mean by a name or a URI: a name means a removed one only if nothing else is
 * called so. NULL if there is none. */
struct placement_hypervisor *placement_map_find_named(const struct placement_map *map,
                                                      const char *name);
void placement_map_clear(struct placement_map *map);

#endif
