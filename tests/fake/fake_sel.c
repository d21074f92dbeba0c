#include "tests/fake/fake_sel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct fake_sel fake_sel;

static void write_to_disk(void)
{
    const struct sel_change *change = &fake_sel.change;
    size_t kept = 0;

    for (size_t i = 0; i < fake_sel.count; i++) {
        const struct sel_entry *entry = &fake_sel.entries[i];
        if (entry->sequence < change->remove_first || entry->sequence > change->remove_last)
            fake_sel.entries[kept++] = *entry;
    }
    fake_sel.count = kept;
    for (size_t i = 0; i < change->count; i++) {
        /* What the store's key refuses. */
        assert(kept == 0 || fake_sel.entries[kept - 1].sequence < fake_sel.added[i].sequence);
        fake_sel.entries[kept++] = fake_sel.added[i];
    }
    fake_sel.count = kept;
    fake_sel.state = change->state;
    fake_sel.has_state = true;
}

void fake_sel_finish(int result)
{
    void (*done)(void *context, int result) = fake_sel.done;

    assert(done);
    fake_sel.done = NULL;
    if (result == 0)
        write_to_disk();
    done(fake_sel.done_context, result);
}

static void save(void *context, const struct sel_change *change,
                 void (*done)(void *done_context, int result), void *done_context)
{
    assert(context == &fake_sel && !fake_sel.done); /* one at a time */
    assert(change->count <= sizeof fake_sel.added / sizeof fake_sel.added[0]);
    assert(memcmp(&change->uuid, &fake_bmc.bmc.uuid, sizeof change->uuid) == 0);
    fake_sel.saves++;
    fake_sel.change = *change;
    if (change->count > 0)
        memcpy(fake_sel.added, change->entries, change->count * sizeof *change->entries);
    fake_sel.done = done;
    fake_sel.done_context = done_context;
    if (!fake_sel.waits)
        fake_sel_finish(fake_sel.result);
}

static int64_t machine_time(void *context)
{
    assert(context == &fake_sel);
    return fake_sel.machine_time;
}

static void start(void)
{
    static const struct sel_ops ops = {.save = save, .machine_time = machine_time};

    fake_sel.sel = sel_new(&fake_bmc.bmc, &ops, &fake_sel);
    assert(fake_sel.sel);
    if (fake_sel.has_state &&
        sel_restore(fake_sel.sel, &fake_sel.state, fake_sel.entries, fake_sel.count) < 0)
        assert(!"what was stored is refused");
    fake_bmc.bmc.sel = fake_sel.sel;
}

static void stop(void)
{
    fake_bmc.bmc.sel = NULL;
    sel_free(fake_sel.sel);
    fake_sel.sel = NULL;
    if (fake_sel.done) { /* what was under way never ended; the memory has to */
        fake_sel.done(fake_sel.done_context, -ECANCELED);
        fake_sel.done = NULL;
    }
}

void fake_sel_restart(void)
{
    stop();
    start();
}

int fake_sel_setup(void **state)
{
    fake_bmc_setup(state);
    memset(&fake_sel, 0, sizeof fake_sel);
    fake_sel.machine_time = FAKE_SEL_TIME;
    start();
    return 0;
}

int fake_sel_teardown(void **state)
{
    stop();
    return fake_bmc_teardown(state);
}
