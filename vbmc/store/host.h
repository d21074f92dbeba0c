/* The boot of this machine in which the daemon last ran. */
#ifndef VBMC_STORE_HOST_H
#define VBMC_STORE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/store/store.h"

#define STORE_BOOT_ID_SIZE 64

struct uuid;

/* Reads the stored boot id; "" if none was ever stored. 0 or a negative error. */
int store_host_load_boot_id(struct store *store, char boot_id[STORE_BOOT_ID_SIZE]);
/* Stores another in its place. With `restores` all guests' power restore policies are to be carried
 * out from now on (struct store_chassis), in the same transaction; but not those of the `count`
 * guests in `settled`, which is copied. As store_submit. */
int store_host_put_boot(struct store *store, const char *boot_id, bool restores,
                        const struct uuid *settled, size_t count, store_done_fn done,
                        void *context);

#endif
