/* The System Event Log of a BMC. */
#ifndef VBMC_STORE_SEL_H
#define VBMC_STORE_SEL_H

#include <stddef.h>

#include "vbmc/store/store.h"

struct sel_change;
struct sel_entry;
struct sel_state;
struct store;
struct uuid;

/* Does what the change says, of which a copy is made. -EINVAL if it does not fit what is stored. As
 * store_submit. */
int store_sel_put(struct store *store, const struct sel_change *change, store_done_fn done,
                  void *context);

/* One BMC's log: entries by their sequence, in an array for free(). 0, -ENOENT if nothing is
 * stored, or a negative error. */
int store_sel_load(struct store *store, const struct uuid *uuid, struct sel_state *state,
                   struct sel_entry **entries, size_t *count);

#endif
