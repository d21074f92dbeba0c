/* Power actions that were accepted and are not done yet: what a start of the daemon has to finish.
 */
#ifndef VBMC_STORE_OWED_H
#define VBMC_STORE_OWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/stored_time.h"
#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

struct store_owed {
    struct uuid uuid;
    uint8_t action;            /* IPMI 2.0, section 28.3 */
    uint8_t cause;             /* of a start that comes of it: IPMI 2.0, section 28.11 */
    bool begun;                /* its turn had come */
    int64_t run;               /* of the guest when it was begun, as the hypervisor numbers them */
    int64_t place;             /* which hypervisor numbers them: struct host_domain; 0: not known */
    int64_t at;                /* when it was accepted, or begun; seconds since 1970 */
    struct stored_clock clock; /* of that */
};

/* Writes copies in place of all that is stored for that UUID, in this order; count 0: nothing is
 * owed any more. As store_submit. */
int store_owed_put(struct store *store, const struct uuid *uuid, const struct store_owed *owed,
                   size_t count, store_done_fn done, void *context);
/* All of them, those of one UUID in order, in an array for free(). 0 or a negative error. */
int store_owed_load_all(struct store *store, struct store_owed **owed, size_t *count);

#endif
