/* What is known of where each guest is (vbmc/host/placement.h), and the hypervisors that were
 * declared dead. */
#ifndef VBMC_STORE_PLACEMENT_H
#define VBMC_STORE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

/* One guest and one hypervisor. */
struct store_placement {
    struct uuid uuid;
    char *uri;
    bool listed;  /* the hypervisor has the domain, as far as is known */
    uint8_t fact; /* enum placement_fact, if this hypervisor is the last one; else 0 */
};

/* Writes a copy of the `count` rows of one guest in place of all that is stored of it; strings are
 * copied. As store_submit. */
int store_placement_put(struct store *store, const struct uuid *uuid,
                        const struct store_placement *rows, size_t count, store_done_fn done,
                        void *context);
/* All of them by UUID, in an array for store_placement_free. 0 or a negative error. */
int store_placement_load_all(struct store *store, struct store_placement **rows, size_t *count);
void store_placement_free(struct store_placement *rows, size_t count);

/* Marks the hypervisor of that URI as dead, or no longer. As store_submit. */
int store_dead_hypervisor_put(struct store *store, const char *uri, bool dead, store_done_fn done,
                              void *context);

struct store_dead_hypervisor {
    char *uri;
};
/* All that are marked, in an array for store_dead_hypervisors_free. 0 or a negative error. */
int store_dead_hypervisors_load(struct store *store, struct store_dead_hypervisor **rows,
                                size_t *count);
void store_dead_hypervisors_free(struct store_dead_hypervisor *rows, size_t count);

#endif
