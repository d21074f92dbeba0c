/* Who listens to the event log is told of each event once, in order, by the id under which it can
 * be read; and of what could not be logged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/bmc/sensors.h"

#define TOLD_MAX 2048

static struct {
    uint16_t ids[TOLD_MAX];
    uint8_t numbers[TOLD_MAX];
    unsigned count;
    uint16_t processed[8];
    unsigned processed_count;
    unsigned events_of_its_own; /* that it logs when it is told of a sensor below 80h */
    bool notes;                 /* it says that it has processed the event */
} told;

static void on_event(void *context, const uint8_t record[SEL_RECORD_SIZE])
{
    uint8_t found[SEL_RECORD_SIZE];
    uint16_t id = sel_record_id(record);
    unsigned n;

    assert_ptr_equal(context, &told);
    assert_true(told.count < TOLD_MAX);
    told.ids[told.count] = id;
    told.numbers[told.count++] = record[11];
    if (id != 0) {
        assert_int_equal(sel_find(fake_sel.sel, id, &n), 0);
        assert_int_equal(sel_record(fake_sel.sel, n, found), 0);
        assert_memory_equal(found, record, SEL_RECORD_SIZE);
    }
    if (told.notes)
        sel_note_processed(fake_sel.sel, id);
    for (unsigned i = 0; record[11] < 0x80 && i < told.events_of_its_own; i++)
        fake_sel_log(0x80);
}

static void on_processed(void *context, uint16_t id)
{
    assert_ptr_equal(context, &told);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_software, id); /* it is on disk */
    told.processed[told.processed_count++] = id;
}

static const struct sel_listener listener = {.event = on_event, .processed = on_processed};

static int setup(void **state)
{
    int result = fake_sel_setup(state);

    memset(&told, 0, sizeof told);
    sel_set_listener(fake_sel.sel, &listener, &told);
    return result;
}

static void expect(unsigned n, uint16_t id, uint8_t number)
{
    assert_true(n < told.count);
    assert_int_equal(told.ids[n], id);
    assert_int_equal(told.numbers[n], number);
}

static void add_event(uint8_t number, struct fake_sel_answer *answer)
{
    const uint8_t record[SEL_RECORD_SIZE] = {0, 0, 2, 0,      0, 0,    0,    0x41,
                                             0, 4, 1, number, 1, 0x59, 0x60, 0x55};
    const struct bmc_ticket ticket = fake_sel_ticket(answer);

    sel_add_event(fake_sel.sel, record, &ticket);
}

static void test_who_is_told_of(void **state)
{
    struct fake_sel_answer answer;

    (void)state;
    fake_sel_log(1);
    fake_sel_add(2); /* not an event */
    add_event(3, &answer);
    assert_int_equal(answer.id, 3);
    assert_int_equal(told.count, 2);
    expect(0, 1, 1);
    expect(1, 3, 3);
    assert_int_equal(fake_sel_clear(), 0);
    assert_int_equal(told.count, 3);
    expect(2, 4, SENSOR_SEL);
    sel_set_listener(fake_sel.sel, NULL, NULL);
    fake_sel_log(1);
    assert_int_equal(told.count, 3);
}

/* Not before it is on disk; of several in one step in their order. */
static void test_when(void **state)
{
    struct fake_sel_answer first, second;

    (void)state;
    fake_sel.waits = true;
    fake_sel_log(1);
    fake_sel_log(2);
    fake_sel_start_add(&first, 3);
    add_event(4, &second);
    fake_sel_log(5);
    assert_int_equal(told.count, 0);
    fake_sel_finish(0);
    assert_int_equal(told.count, 1);
    assert_int_equal(first.calls, 0);
    fake_sel_finish(0);
    assert_int_equal(told.count, 4);
    expect(0, 1, 1);
    expect(1, 2, 2);
    expect(2, 4, 4);
    expect(3, 5, 5);
    assert_int_equal(first.calls + second.calls, 2);
}

static void test_listener_logs(void **state)
{
    (void)state;
    told.events_of_its_own = 2;
    fake_sel_log(1);
    assert_int_equal(told.count, 3);
    expect(0, 1, 1);
    expect(1, 2, 0x80);
    expect(2, 3, 0x80);
    fake_sel.waits = true;
    fake_sel_log(2);
    fake_sel_log(3);
    fake_sel_finish(0);
    fake_sel_finish(0); /* 3 and what was logged about 2 */
    fake_sel_finish(0);
    assert_int_equal(told.count, 9);
    expect(3, 4, 2);
    expect(4, 5, 3);
    expect(5, 6, 0x80);
    expect(8, 9, 0x80);
}

static void test_disk_refuses(void **state)
{
    struct fake_sel_answer answer;

    (void)state;
    fake_sel.result = -EIO;
    fake_sel_log(1);
    expect(0, 0, 1);
    add_event(2, &answer);
    assert_int_equal(answer.result, -EIO);
    assert_int_equal(told.count, 2);
    expect(1, 0, 2);
    fake_sel_log(3);
    assert_int_equal(told.count, 2); /* it waits, and has not been tried yet */
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(told.count, 3);
    expect(2, 2, 3);
}

static void test_log_is_full(void **state)
{
    struct fake_sel_answer answer;

    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    fake_sel_fill(SEL_RECORDS_MAX);
    assert_int_equal(told.count, 2); /* that it was almost full, and full */
    fake_sel_log(1);
    add_event(2, &answer);
    assert_int_equal(answer.result, -ENOSPC);
    assert_int_equal(told.count, 4);
    expect(2, 0, 1);
    expect(3, 0, 2);
}

static void test_queue_is_full(void **state)
{
    (void)state;
    fake_sel.waits = true;
    for (unsigned i = 0; i < SEL_QUEUE_MAX; i++)
        fake_sel_log(1);
    assert_int_equal(told.count, 0);
    fake_sel_log(2);
    assert_int_equal(told.count, 1);
    expect(0, 0, 2);
}

/* The log is switched off: the listener is told all the same. */
static void test_passed(void **state)
{
    const uint8_t record[SEL_RECORD_SIZE] = {9, 9, 2, 9, 9, 9, 9, 0x41, 0, 4, 1, 7, 1, 0x59, 0, 0};

    (void)state;
    sel_pass_event(fake_sel.sel, record);
    assert_int_equal(told.count, 1);
    expect(0, 0, 7);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    sel_set_listener(fake_sel.sel, NULL, NULL);
    sel_pass_event(fake_sel.sel, record);
    assert_int_equal(told.count, 1);
}

static void test_processed(void **state)
{
    (void)state;
    told.notes = true;
    fake_sel_log(1);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_bmc, 1);
    fake_sel.waits = true;
    unsigned saves = fake_sel.saves;
    for (unsigned i = 0; i < 5; i++)
        fake_sel_log(1);
    while (fake_sel.done)
        fake_sel_finish(0);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_bmc, 6);
    assert_true(fake_sel.saves - saves <= 4); /* not one for each */
    fake_sel_restart();
    assert_int_equal(sel_state(fake_sel.sel)->last_by_bmc, 6);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_software, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_sel_teardown)

/* What software has processed, when that is on disk, and not if the disk refuses. */
static void test_software_has_processed(void **state)
{
    struct fake_sel_answer answer;
    const struct bmc_ticket ticket = fake_sel_ticket(&answer);

    (void)state;
    fake_sel_log(1);
    fake_sel.waits = true;
    sel_set_last_processed(fake_sel.sel, false, 1, &ticket);
    assert_int_equal(told.processed_count, 0);
    fake_sel_finish(-EIO);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.result, -EIO);
    assert_int_equal(told.processed_count, 0);
    sel_set_last_processed(fake_sel.sel, true, 1, &ticket); /* of the BMC */
    fake_sel_finish(0);
    assert_int_equal(told.processed_count, 0);
    sel_set_last_processed(fake_sel.sel, false, 1, &ticket);
    fake_sel_finish(0);
    assert_int_equal(told.processed_count, 1);
    assert_int_equal(told.processed[0], 1);
    fake_sel.waits = false;
    sel_set_last_processed(fake_sel.sel, false, 1, &ticket); /* nothing new */
    assert_int_equal(told.processed_count, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_who_is_told_of), TEST(test_when),        TEST(test_listener_logs),
        TEST(test_disk_refuses),   TEST(test_log_is_full), TEST(test_queue_is_full),
        TEST(test_processed),      TEST(test_passed),      TEST(test_software_has_processed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
