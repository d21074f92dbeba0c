#include "tests/fake/parts_store.h"

#include <stddef.h>
#include <uv.h>

#include "tests/fake/fake_bmc.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/store.h"

static uv_loop_t loop;
static struct store *store;
static struct saves *saves;
static struct parts *parts;
static unsigned answers;
static int result;

static uint64_t clock_now(void *context)
{
    return ((const struct fake_bmc *)context)->now_ms;
}

static void clock_wake_at(void *context, uint64_t at_ms)
{
    (void)context; /* parts_store_try_again is called when the test wants it */
    (void)at_ms;
}

static const struct saves_clock saves_clock = {.now = clock_now, .wake_at = clock_wake_at};

static void no_driver(struct bmc *bmc, const char **live, const char **stored)
{
    (void)bmc;
    *live = *stored = NULL;
}

struct parts *parts_store_begin(void)
{
    uv_loop_init(&loop);
    store = refusing_store_open(&loop);
    saves = saves_new(store, "the test");
    if (saves)
        saves_set_clock(saves, &saves_clock, &fake_bmc);
    parts = saves ? parts_new(&fake_bmc.bmc, saves, no_driver) : NULL;
    answers = 0;
    return parts;
}

static void free_parts(void *context)
{
    parts_free(context);
}

int parts_store_end(void)
{
    saves_free(saves, free_parts, parts);
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    refusing_store_remove();
    log_set_target(LOG_TARGET_STDERR);
    return uv_loop_close(&loop);
}

static void on_done(const struct bmc_ticket *ticket, int outcome)
{
    (void)ticket;
    answers++;
    result = outcome;
}

bool parts_store_try_again(enum bmc_part part)
{
    if (saves_next_deadline(saves) > fake_bmc.now_ms)
        return false;
    saves_tick(saves);
    while (!parts_is_stored(parts, part))
        uv_run(&loop, UV_RUN_ONCE);
    return true;
}

int parts_store_save(enum bmc_part part)
{
    static const struct bmc_ticket ticket = {.done = on_done};
    unsigned before = answers;

    parts_changed(parts, part, &ticket);
    while (answers == before)
        uv_run(&loop, UV_RUN_ONCE);
    return result;
}
