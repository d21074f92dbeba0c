#include "vbmc/state/bmcs.h"

#include <time.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/bmcs.h"

int bmcs_store_addition(struct store *store, struct store_bmc *bmc, bool anew, store_done_fn done,
                        void *context)
{
    bmc->changed_at = (int64_t)time(NULL);
    return anew ? store_bmcs_put_alone(store, bmc, done, context)
                : store_bmcs_put(store, bmc, done, context);
}

int bmcs_store_deleted(struct store *store, const struct uuid *uuid, const char *name,
                       store_done_fn done, void *context)
{
    const struct store_bmc mark = {
        .uuid = *uuid,
        .name = (char *)name, /* not changed there */
        .deleted = true,
        .changed_at = (int64_t)time(NULL),
    };

    return store_bmcs_put_alone(store, &mark, done, context);
}

static int put(struct store *store, void *owner, const void *copy, store_done_fn done,
               void *context)
{
    (void)copy;
    return bmcs_store_addition(store, owner, false, done, context);
}

const struct save_kind bmcs_save_kind = {.name = "BMC", .put = put};
