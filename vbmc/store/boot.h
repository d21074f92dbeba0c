/* The system boot options of a BMC (IPMI 2.0, table 28-14) and what became of them. */
#ifndef VBMC_STORE_BOOT_H
#define VBMC_STORE_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

struct store_boot {
    struct uuid uuid;
    uint8_t service_partition;      /* parameter 1 */
    uint8_t service_partition_scan; /* parameter 2 */
    uint8_t locked;                 /* bit n: parameter n is marked invalid */
    uint8_t valid_bit_clearing;     /* parameter 3 */
    uint8_t info_acknowledge;       /* parameter 4 */
    uint8_t flags[5];               /* parameter 5 */
    uint8_t initiator[9];           /* parameter 6 */
    uint8_t mailbox[80];            /* parameter 7, all blocks */
    char *live;    /* JSON text: the override as applied to the running guest; may be NULL */
    char *stored;  /* JSON text: boot orders before a persistent override; may be NULL */
    uint32_t uses; /* of vbmc/bmc/boot.h, when the copy was taken; not stored */
};

/* Writes a copy in place of what is stored for its UUID. As store_submit. */
int store_boot_put(struct store *store, const struct store_boot *boot, store_done_fn done,
                   void *context);
/* All of them, in an array for store_boot_free. 0 or a negative error. */
int store_boot_load_all(struct store *store, struct store_boot **boots, size_t *count);
void store_boot_free(struct store_boot *boots, size_t count);

#endif
