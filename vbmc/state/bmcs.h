/* That a BMC exists, by whose word and where it listens, as the store has it. */
#ifndef VBMC_STATE_BMCS_H
#define VBMC_STATE_BMCS_H

#include <stdbool.h>

#include "vbmc/state/saves.h"
#include "vbmc/store/store.h"

struct store;
struct store_bmc;
struct uuid;

/* How it is stored: the owner is the struct store_bmc itself, which is stamped with the time.
 * Nothing is taken back: who changes it knows what a refusal means, and what there is then is tried
 * again. */
extern const struct save_kind bmcs_save_kind;

/* A BMC is added and deleted on disk first, and then in the daemon. */

/* Stores the record, which is stamped with the time, of a BMC that is to be made when it is on
 * disk; `anew`: all else that is stored of that UUID is forgotten with it. As store_submit. */
int bmcs_store_addition(struct store *store, struct store_bmc *bmc, bool anew, store_done_fn done,
                        void *context);
/* Forgets what is stored of a BMC, except that there was one (`name` may be NULL), so that it is
 * not discovered again. As store_submit. */
int bmcs_store_deleted(struct store *store, const struct uuid *uuid, const char *name,
                       store_done_fn done, void *context);

#endif
