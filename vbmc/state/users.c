#include "vbmc/state/users.h"

#include <string.h>

#include "vbmc/base/locked.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/store/users.h"

struct copy {
    size_t count;
    struct user_change changes[];
};

void *users_copy(const struct user_change *changes, size_t count)
{
    struct copy *copy = locked_calloc(1, sizeof *copy + count * sizeof *changes);

    if (!copy)
        return NULL;
    copy->count = count;
    if (count > 0)
        memcpy(copy->changes, changes, count * sizeof *changes);
    return copy;
}

static void *copy_users(void *owner)
{
    const struct bmc *bmc = owner;

    return users_copy(bmc->users.changes, bmc->users.change_count);
}

static void release(void *data)
{
    struct copy *copy = data;

    if (copy)
        locked_free(copy, sizeof *copy + copy->count * sizeof copy->changes[0]);
}

static int put(struct store *store, void *owner, const void *data, store_done_fn done,
               void *context)
{
    const struct bmc *bmc = owner;
    const struct copy *copy = data;

    return store_users_put(store, &bmc->core.uuid, copy->changes, copy->count, done, context);
}

static bool take_back(void *owner, const void *stored, bool asked)
{
    struct bmc *bmc = owner;
    const struct copy *copy = stored;

    (void)asked;
    if (users_restore(&bmc->users, copy ? copy->changes : NULL, copy ? copy->count : 0) >= 0)
        return true;
    log_error("no memory to undo a change of accounts that was not stored");
    return false;
}

const struct save_kind users_save_kind = {"accounts", copy_users, release, put, take_back};
