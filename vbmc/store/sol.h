/* The SOL configuration of a BMC (IPMI 2.0, table 26-5) and who may not use it. */
#ifndef VBMC_STORE_SOL_H
#define VBMC_STORE_SOL_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/bmc/users.h"
#include "vbmc/store/store.h"

struct store_sol {
    struct uuid uuid;
    uint8_t enable;         /* parameter 1 */
    uint8_t authentication; /* parameter 2 */
    uint8_t accumulate[2];  /* parameter 3 */
    uint8_t retry[2];       /* parameter 4 */
    uint8_t bit_rate;       /* parameter 5 */
    /* Users to whom Set User Payload Access denied SOL, by name, as the ids of users follow the
     * order of the configuration. Zero padded, all zeros: none. */
    char denied[USER_ID_MAX][USER_NAME_MAX];
};

/* Writes a copy in place of what is stored for its UUID. As store_submit. */
int store_sol_put(struct store *store, const struct store_sol *sol, store_done_fn done,
                  void *context);
/* All of them, in an array for free(). 0 or a negative error. */
int store_sol_load_all(struct store *store, struct store_sol **sols, size_t *count);

#endif
