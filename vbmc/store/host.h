/* The machine, and the boot of it, in which the daemon last ran. */
#ifndef VBMC_STORE_HOST_H
#define VBMC_STORE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/store/store.h"

#define STORE_BOOT_ID_SIZE 64

struct uuid;

struct store_boot_of_host {
    char boot_id[STORE_BOOT_ID_SIZE];
    char machine[STORE_BOOT_ID_SIZE]; /* its id; "" if that is not known */
};

/* Reads what is stored; "" if nothing ever was. 0 or a negative error. */
int store_host_load_boot(struct store *store, struct store_boot_of_host *boot);
/* Stores another in its place. With `restores` all guests' power restore policies are to be carried
 * out from now on (struct store_chassis), in the same transaction; but not those of the `count`
 * guests in `settled`, which is copied. As store_submit. */
int store_host_put_boot(struct store *store, const struct store_boot_of_host *boot, bool restores,
                        const struct uuid *settled, size_t count, store_done_fn done,
                        void *context);

#endif
