#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/bmc/sensors.h"

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
    assert(memcmp(&change->uuid, &fake_bmc.bmc.core.uuid, sizeof change->uuid) == 0);
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

    fake_sel.sel = sel_new(&fake_bmc.bmc.core, &ops, &fake_sel);
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

/* ---- a client ---- */

static void on_done(const struct bmc_ticket *ticket, int result)
{
    struct fake_sel_answer *answer = (struct fake_sel_answer *)ticket->sink;

    answer->calls++;
    answer->result = result;
    answer->id = (uint16_t)(ticket->data[0] | ticket->data[1] << 8);
}

struct bmc_ticket fake_sel_ticket(struct fake_sel_answer *answer)
{
    *answer = (struct fake_sel_answer){0};
    return (struct bmc_ticket){.done = on_done, .sink = answer};
}

void fake_sel_start_add(struct fake_sel_answer *answer, uint8_t number)
{
    const uint8_t record[SEL_RECORD_SIZE] = {
        0xaa, 0xbb, 0x02, 1, 2, 3, 4, 0x41, 0, 0x04, 0x01, number, 0x01, 0x57, 0x60, 0x55,
    };
    struct bmc_ticket ticket = fake_sel_ticket(answer);

    sel_add(fake_sel.sel, record, &ticket);
}

/* The id. */
uint16_t fake_sel_add(uint8_t number)
{
    struct fake_sel_answer answer;

    fake_sel_start_add(&answer, number);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.result, 0);
    return answer.id;
}

int fake_sel_add_result(void)
{
    struct fake_sel_answer answer;

    fake_sel_start_add(&answer, 1);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

void fake_sel_log(uint8_t number)
{
    const struct sensor_event event = {
        .type = 0x01, .number = number, .event_type = 0x01, .data = {0x57, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

int fake_sel_delete(uint16_t id)
{
    struct fake_sel_answer answer;
    struct bmc_ticket ticket = fake_sel_ticket(&answer);

    sel_delete(fake_sel.sel, id, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

int fake_sel_clear(void)
{
    struct fake_sel_answer answer;
    struct bmc_ticket ticket = fake_sel_ticket(&answer);

    sel_clear(fake_sel.sel, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

const uint8_t *fake_sel_record(unsigned n)
{
    static uint8_t record[SEL_RECORD_SIZE];

    assert_int_equal(sel_record(fake_sel.sel, n, record), 0);
    return record;
}

uint16_t fake_sel_id(unsigned n)
{
    return sel_record_id(fake_sel_record(n));
}

const uint8_t *fake_sel_newest(void)
{
    return fake_sel_record(sel_count(fake_sel.sel) - 1);
}

uint32_t fake_sel_time_of(const uint8_t *record)
{
    return (uint32_t)(record[3] | record[4] << 8 | record[5] << 16) | (uint32_t)record[6] << 24;
}

void fake_sel_fill(unsigned count)
{
    while (sel_count(fake_sel.sel) < count)
        fake_sel_add(1);
}

/* What is shown and what is on disk are the same. */
void fake_sel_expect_on_disk(void)
{
    assert_int_equal(fake_sel.count, sel_count(fake_sel.sel));
    for (unsigned i = 0; i < fake_sel.count; i++)
        assert_memory_equal(fake_sel.entries[i].record, fake_sel_record(i), SEL_RECORD_SIZE);
}
