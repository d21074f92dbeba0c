/* The BMCs that exist by somebody's word, and the address that each domain once got. */
#ifndef VBMC_STORE_BMCS_H
#define VBMC_STORE_BMCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

/* Every string may be NULL. */
struct store_bmc {
    struct uuid uuid;
    char *name;
    bool is_explicit;   /* made by `vbmc add` or taken over, not discovered */
    bool active;        /* started */
    bool deleted;       /* keeps discovery from bringing it back */
    int64_t changed_at; /* unix seconds */
    char *address;      /* what it was told, or what was assigned to a discovered one */
    uint16_t port;      /* the same; 0: none */
    char *username;
    char *password;
    char *uri;
    char *sasl_username;
    char *sasl_password;
    char *metadata; /* of its domain, as it was seen last; NULL: none of ours */
};

/* Copies with strings of its own, for store_bmc_clear. 0, or -ENOMEM with *to zeroed. */
int store_bmc_copy(struct store_bmc *to, const struct store_bmc *from);
/* Frees the strings and wipes the passwords. */
void store_bmc_clear(struct store_bmc *bmc);

/* Writes a copy of `bmc` in place of what is stored for its UUID. As store_submit. */
int store_bmcs_put(struct store *store, const struct store_bmc *bmc, store_done_fn done,
                   void *context);
/* The same, and forgets everything else that is known about the domain, in one transaction. */
int store_bmcs_put_alone(struct store *store, const struct store_bmc *bmc, store_done_fn done,
                         void *context);

/* Forgets what is known about the domains whose BMC is deleted, except that and when it was. As
 * store_submit. */
int store_bmcs_clear_deleted(struct store *store, store_done_fn done, void *context);

/* All of them, in an array for store_bmcs_free. 0 or a negative error. */
int store_bmcs_load_all(struct store *store, struct store_bmc **bmcs, size_t *count);
/* Wipes the passwords. */
void store_bmcs_free(struct store_bmc *bmcs, size_t count);

#endif
