/* What clients changed of the accounts of each BMC. Holds passwords in clear, as IPMI needs them;
 * the database is readable by its owner alone. */
#ifndef VBMC_STORE_USERS_H
#define VBMC_STORE_USERS_H

#include <stddef.h>

#include "vbmc/base/uuid.h"
#include "vbmc/bmc/users.h"
#include "vbmc/store/store.h"

struct store_user {
    struct uuid uuid; /* of the BMC */
    struct user_change change;
};

/* Writes copies in place of all that is stored for that UUID. As store_submit. */
int store_users_put(struct store *store, const struct uuid *uuid, const struct user_change *changes,
                    size_t count, store_done_fn done, void *context);
/* All of them by UUID, id and part, in an array for store_users_free. 0 or a negative error. */
int store_users_load_all(struct store *store, struct store_user **users, size_t *count);
/* Wipes the passwords. */
void store_users_free(struct store_user *users, size_t count);

#endif
