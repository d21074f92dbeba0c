#include "vbmc/state/sel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sel_internal.h"
#include "vbmc/store/sel.h"

static void save(void *context, const struct sel_change *change,
                 void (*done)(void *done_context, int result), void *done_context)
{
    int result = store_sel_put(context, change, done, done_context);

    if (result < 0)
        done(done_context, result);
}

static int64_t machine_time(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

static const struct sel_ops ops = {.save = save, .machine_time = machine_time};

static int restore(struct sel *sel, struct store *store, const struct uuid *uuid)
{
    CLEANUP_FREE struct sel_entry *entries = NULL;
    struct sel_state state;
    size_t count;
    int result = store_sel_load(store, uuid, &state, &entries, &count);

    if (result == -ENOENT)
        return 0;
    return result < 0 ? result : sel_restore(sel, &state, entries, count);
}

int sel_rows_open(struct bmc *bmc, struct store *store)
{
    char uuid[UUID_TEXT_SIZE];

    if (!store)
        return 0;
    struct sel *sel = sel_new(&bmc->core, &ops, store);
    int result = sel ? restore(sel, store, &bmc->core.uuid) : -ENOMEM;

    if (result < 0) {
        uuid_format(&bmc->core.uuid, uuid);
        log_error("%s: event log cannot be read; leaving it as it is: %s", uuid, strerror(-result));
        sel_free(sel);
        return result;
    }
    bmc->sel = sel;
    return 0;
}

void sel_rows_close(struct bmc *bmc)
{
    sel_free(bmc->sel);
    bmc->sel = NULL;
}
