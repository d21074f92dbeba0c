/* The event log: its records and ids, what happens when it is full, its clock, its reservations. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/sensors.h"

#define ALMOST_FULL 3277 /* 80 % of 4096, rounded up */

/* ---- records ---- */

static void test_empty(void **state)
{
    uint8_t record[SEL_RECORD_SIZE];
    unsigned n;

    (void)state;
    assert_int_equal(sel_count(fake_sel.sel), 0);
    assert_int_equal(sel_record(fake_sel.sel, 0, record), -ENOENT);
    assert_int_equal(sel_find(fake_sel.sel, SEL_ID_FIRST, &n), -ENOENT);
    assert_int_equal(sel_find(fake_sel.sel, SEL_ID_LAST, &n), -ENOENT);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, SEL_TIME_UNSPECIFIED);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, SEL_TIME_UNSPECIFIED);
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX);
    assert_int_equal(sel_next_deadline(NULL), UINT64_MAX);
    sel_tick(NULL);
}

static void test_bytes_of_records(void **state)
{
    static const uint8_t own[SEL_RECORD_SIZE] = {1,    0,    2, 0x00, 0xf1, 0x53, 0x65, 0x20,
                                                 0x00, 0x04, 1, 8,    0x01, 0x57, 0x60, 0x55};
    static const uint8_t client[SEL_RECORD_SIZE] = {2,    0,    2, 0x0a, 0xf1, 0x53, 0x65, 0x41,
                                                    0x00, 0x04, 1, 9,    0x01, 0x57, 0x60, 0x55};

    (void)state;
    fake_sel_log(8);
    fake_sel.machine_time += 10;
    assert_int_equal(fake_sel_add(9), 2);
    assert_memory_equal(fake_sel_record(0), own, sizeof own);
    assert_memory_equal(fake_sel_record(1), client, sizeof client);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME + 10);

    const struct sensor_event gone = {
        .type = 1, .number = 8, .event_type = 1, .deassertion = true, .data = {0x57, 0x50, 0x55}};
    sel_log(fake_sel.sel, &gone);
    assert_int_equal(fake_sel_record(2)[12], 0x81);
}

/* IPMI 2.0, section 32.1: C0h to DFh have a time of the BMC's, E0h to FFh have none. */
static void test_oem_records(void **state)
{
    static const struct {
        uint8_t type;
        bool is_stamped;
    } cases[] = {{0xc0, true}, {0xdf, true}, {0xe0, false}, {0xff, false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t record[SEL_RECORD_SIZE] = {0xaa, 0xbb, cases[i].type, 1, 2, 3, 4, 5, 6, 7};
        struct fake_sel_answer answer;
        struct bmc_ticket ticket = fake_sel_ticket(&answer);
        sel_add(fake_sel.sel, record, &ticket);
        assert_int_equal(answer.result, 0);
        assert_int_equal(sel_record_id(fake_sel_newest()), i + 1);
        assert_int_equal(fake_sel_time_of(fake_sel_newest()),
                         cases[i].is_stamped ? FAKE_SEL_TIME : 0x04030201);
        assert_memory_equal(fake_sel_newest() + 7, record + 7, 9);
    }
}

static void test_delete_keeps_the_ids_of_others(void **state)
{
    unsigned n;

    (void)state;
    for (unsigned i = 1; i <= 4; i++)
        assert_int_equal(fake_sel_add(1), i);
    fake_sel.machine_time += 5;
    assert_int_equal(fake_sel_delete(2), 0);
    assert_int_equal(sel_count(fake_sel.sel), 3);
    assert_int_equal(fake_sel_id(0), 1);
    assert_int_equal(fake_sel_id(1), 3);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, FAKE_SEL_TIME + 5);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME);
    assert_int_equal(sel_find(fake_sel.sel, 2, &n), -ENOENT);
    assert_int_equal(sel_find(fake_sel.sel, 3, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(sel_find(fake_sel.sel, SEL_ID_LAST, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(fake_sel_delete(2), -ENOENT);
    assert_int_equal(fake_sel_delete(1), 0);
    assert_int_equal(fake_sel_delete(4), 0);
    assert_int_equal(fake_sel_id(0), 3);
    assert_int_equal(fake_sel_add(1), 5);
    fake_sel_expect_on_disk();
}

static void test_clear_leaves_a_record(void **state)
{
    static const uint8_t cleared[] = {0x20, 0, 4, 0x10, SENSOR_SEL, 0x6f, 0x02, 0xff, 0xff};

    (void)state;
    fake_sel_fill(3);
    fake_sel.machine_time += 7;
    assert_int_equal(fake_sel_clear(), 0);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(fake_sel_id(0), 4); /* never again */
    assert_memory_equal(fake_sel_record(0) + 7, cleared, sizeof cleared);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, FAKE_SEL_TIME + 7);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME + 7);
    assert_false(sel_is_clearing(fake_sel.sel));
    fake_sel_expect_on_disk();
}

/* ---- ids ---- */

static void set_next_id(uint16_t id)
{
    fake_sel.state.next_id = id;
    fake_sel_restart();
}

static void test_ids_wrap_and_skip(void **state)
{
    (void)state;
    assert_int_equal(fake_sel_add(1), 1);
    assert_int_equal(fake_sel_add(1), 2);
    assert_int_equal(fake_sel_add(1), 3);
    assert_int_equal(fake_sel_delete(2), 0);
    set_next_id(0xfffd);
    assert_int_equal(fake_sel_add(1), 0xfffd);
    assert_int_equal(fake_sel_add(1), 0xfffe);
    assert_int_equal(fake_sel_add(1), 2); /* 1 and 3 are still there */
    assert_int_equal(fake_sel_add(1), 4);
    assert_int_equal(fake_sel_id(0), 1); /* in the order of time */
    assert_int_equal(fake_sel_id(5), 4);
    fake_sel_expect_on_disk();
}

/* Skips also the ids of the same step. */
static void test_wrap_within_a_step(void **state)
{
    struct fake_sel_answer answers[4];

    (void)state;
    assert_int_equal(fake_sel_add(1), 1);
    set_next_id(0xfffe);
    fake_sel.waits = true;
    for (unsigned i = 0; i < 4; i++)
        fake_sel_start_add(&answers[i], 1);
    fake_sel_finish(0);
    fake_sel_finish(0);
    assert_null(fake_sel.done);
    assert_int_equal(answers[0].id, 0xfffe);
    assert_int_equal(answers[1].id, 2);
    assert_int_equal(answers[3].id, 4);
}

static void test_ids_survive(void **state)
{
    (void)state;
    assert_int_equal(fake_sel_add(1), 1);
    assert_int_equal(fake_sel_add(1), 2);
    fake_sel_restart();
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(fake_sel_add(1), 3);
    assert_int_equal(fake_sel_clear(), 0);
    fake_sel_restart();
    assert_int_equal(fake_sel_id(0), 4);
    assert_int_equal(fake_sel_delete(4), 0);
    fake_sel_restart();
    assert_int_equal(sel_count(fake_sel.sel), 0);
    assert_int_equal(fake_sel_add(1), 5);
    fake_sel_expect_on_disk();
}

static void test_damaged_rows_are_refused(void **state)
{
    struct sel_state good = *sel_state(fake_sel.sel), bad = good;
    struct sel_entry entries[2] = {{.sequence = 4, .record = {1}}, {.sequence = 5, .record = {2}}};

    (void)state;
    bad.next_id = 0;
    assert_int_equal(sel_restore(fake_sel.sel, &bad, entries, 2), -EINVAL);
    bad.next_id = 0xffff;
    assert_int_equal(sel_restore(fake_sel.sel, &bad, entries, 2), -EINVAL);
    bad = good;
    bad.utc_offset_min = 1441;
    assert_int_equal(sel_restore(fake_sel.sel, &bad, entries, 2), -EINVAL);
    entries[1].sequence = 4;
    assert_int_equal(sel_restore(fake_sel.sel, &good, entries, 2), -EINVAL);
    entries[1].sequence = 5;
    entries[1].record[0] = 0;
    assert_int_equal(sel_restore(fake_sel.sel, &good, entries, 2), -EINVAL);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    entries[1].record[0] = 2;
    assert_int_equal(sel_restore(fake_sel.sel, &good, entries, 2), 0);
    assert_int_equal(sel_count(fake_sel.sel), 2);
}

/* ---- a full log ---- */

static void expect_fullness(const uint8_t *record, uint8_t data1, uint8_t percent)
{
    const uint8_t wanted[] = {0x20, 0, 4, 0x10, SENSOR_SEL, 0x6f, data1, 0xff, percent};

    assert_memory_equal(record + 7, wanted, sizeof wanted);
}

static unsigned count_fullness(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sel_count(fake_sel.sel); i++)
        count += fake_sel_record(i)[10] == 0x10;
    return count;
}

static void test_drop_oldest(void **state)
{
    (void)state;
    fake_sel_fill(ALMOST_FULL - 1);
    assert_int_equal(count_fullness(), 0);
    assert_int_equal(sel_states(fake_sel.sel), 0);
    fake_sel_add(1);
    expect_fullness(fake_sel_newest(), 0x35, 80);
    assert_int_equal(sel_percent(fake_sel.sel), 80);
    assert_int_equal(sel_states(fake_sel.sel), 1 << 5);
    fake_sel_fill(SEL_RECORDS_MAX - 2);
    assert_int_equal(count_fullness(), 1);
    fake_sel_add(1);
    assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
    assert_int_equal(sel_percent(fake_sel.sel), 100);
    assert_int_equal(sel_states(fake_sel.sel), 1 << 5 | 1 << 4);
    expect_fullness(fake_sel_newest(), 0x34, 100);
    assert_int_equal(fake_sel_id(0), 1);
    for (unsigned i = 0; i < 300; i++) {
        fake_sel_add(1);
        assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
        assert_int_equal(fake_sel_id(0), i + 2);
    }
    assert_int_equal(count_fullness(), 2); /* said once */
    assert_false(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, SEL_TIME_UNSPECIFIED);
    fake_sel_expect_on_disk();
    fake_sel_restart();
    fake_sel_add(1);
    assert_int_equal(count_fullness(), 2);
    fake_sel_expect_on_disk();
}

/* Many at a time: what does not fit goes in the same step. */
static void test_drop_oldest_in_one_step(void **state)
{
    struct fake_sel_answer answers[100];

    (void)state;
    fake_sel_fill(SEL_RECORDS_MAX - 50);
    fake_sel.waits = true;
    for (unsigned i = 0; i < ARRAY_SIZE(answers); i++)
        fake_sel_start_add(&answers[i], 1);
    fake_sel_finish(0);
    fake_sel_finish(0);
    assert_null(fake_sel.done);
    assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
    assert_int_equal(answers[99].calls, 1);
    assert_int_equal(sel_record_id(fake_sel_newest()), answers[99].id);
    assert_int_equal(fake_sel_id(0), 52); /* 4046 + 100 + 1 that says full */
    fake_sel_expect_on_disk();
}

static void test_stop(void **state)
{
    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    fake_sel_fill(SEL_RECORDS_MAX);
    expect_fullness(fake_sel_newest(), 0x34, 100);
    assert_false(sel_state(fake_sel.sel)->overflow);
    uint16_t last = sel_record_id(fake_sel_newest());
    assert_int_equal(fake_sel_add_result(), -ENOSPC);
    assert_true(sel_state(fake_sel.sel)->overflow);
    unsigned saves = fake_sel.saves;
    fake_sel_log(1); /* lost, as the policy says */
    assert_int_equal(fake_sel.saves, saves);
    assert_int_equal(sel_record_id(fake_sel_newest()), last);
    assert_int_equal(fake_sel_id(0), 1);
    fake_sel_restart();
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    assert_true(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(fake_sel_delete(5), 0);
    assert_true(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(fake_sel_add(1), last + 1);
    assert_int_equal(fake_sel_add_result(), -ENOSPC);
    assert_int_equal(fake_sel_clear(), 0);
    assert_false(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(fake_sel_id(0), last + 2);
    fake_sel_expect_on_disk();
}

static void test_fullness_is_told_again(void **state)
{
    (void)state;
    fake_sel_fill(ALMOST_FULL);
    assert_int_equal(count_fullness(), 1);
    /* A little less and a little more is no news. */
    for (uint16_t id = 1; id <= 20; id++)
        assert_int_equal(fake_sel_delete(id), 0);
    fake_sel_fill(ALMOST_FULL + 10);
    assert_int_equal(count_fullness(), 1);
    assert_int_equal(fake_sel_clear(), 0);
    fake_sel_fill(ALMOST_FULL);
    expect_fullness(fake_sel_newest(), 0x35, 80);
}

/* ---- the clock ---- */

static int set_time(uint32_t seconds)
{
    struct fake_sel_answer answer;
    struct bmc_ticket ticket = fake_sel_ticket(&answer);

    sel_set_time(fake_sel.sel, seconds, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static void expect_sync(const uint8_t *record, uint8_t data2, uint32_t time)
{
    const uint8_t wanted[] = {0x20, 0, 4, 0x12, SENSOR_CLOCK, 0x6f, 0xc5, data2, 0xff};

    assert_memory_equal(record + 7, wanted, sizeof wanted);
    assert_int_equal(fake_sel_time_of(record), time);
}

static void test_clock(void **state)
{
    (void)state;
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME);
    assert_int_equal(set_time(FAKE_SEL_TIME + 3600), 0);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    expect_sync(fake_sel_record(0), 0x00, FAKE_SEL_TIME);
    expect_sync(fake_sel_record(1), 0x80, FAKE_SEL_TIME + 3600);
    assert_int_equal(sel_time(fake_sel.sel, 5), 3605);
    fake_sel.machine_time += 100;
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME + 3700);
    fake_sel_restart();
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME + 3700);
    fake_sel_add(1);
    assert_int_equal(fake_sel_time_of(fake_sel_newest()), FAKE_SEL_TIME + 3700);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME + 3700);
    assert_int_equal(set_time(0), 0); /* a clock that begins at power-up */
    fake_sel.machine_time += 2;
    assert_int_equal(sel_now(fake_sel.sel), 2);
    fake_sel.machine_time -= 10; /* the machine's clock was put back */
    assert_int_equal(sel_now(fake_sel.sel), 0);
    assert_int_equal(set_time(0xfffffffe), 0);
    fake_sel.machine_time += 10;
    assert_int_equal(sel_now(fake_sel.sel), 0xfffffffe); /* and no further */
    fake_sel.result = -EIO;
    assert_int_equal(set_time(1000), -EIO);
    assert_int_equal(sel_now(fake_sel.sel), 0xfffffffe);
}

/* An event behind a Set SEL Time that is not yet on disk is stamped by the new clock. */
static void test_events_behind_a_new_time(void **state)
{
    struct fake_sel_answer answer;
    struct bmc_ticket ticket = fake_sel_ticket(&answer);

    (void)state;
    fake_sel.waits = true;
    sel_set_time(fake_sel.sel, 1600000000, &ticket);
    fake_sel.machine_time += 3;
    fake_sel_log(1);
    fake_sel_finish(0);
    fake_sel_finish(0);
    assert_int_equal(fake_sel_time_of(fake_sel_record(1)), 1600000000);
    assert_int_equal(fake_sel_time_of(fake_sel_record(2)), 1600000003);
}

static void test_settings(void **state)
{
    struct fake_sel_answer answers[3];
    struct bmc_ticket ticket = fake_sel_ticket(&answers[0]);

    (void)state;
    assert_int_equal(sel_state(fake_sel.sel)->utc_offset_min, 0);
    sel_set_utc_offset(fake_sel.sel, -300, &ticket);
    ticket = fake_sel_ticket(&answers[1]);
    sel_set_last_processed(fake_sel.sel, false, 7, &ticket);
    ticket = fake_sel_ticket(&answers[2]);
    sel_set_last_processed(fake_sel.sel, true, 9, &ticket);
    assert_int_equal(answers[0].calls + answers[1].calls + answers[2].calls, 3);
    fake_sel_restart();
    assert_int_equal(sel_state(fake_sel.sel)->utc_offset_min, -300);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_software, 7);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_bmc, 9);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    /* What is so already is answered without a save. */
    ticket = fake_sel_ticket(&answers[0]);
    unsigned saves = fake_sel.saves;
    sel_set_utc_offset(fake_sel.sel, -300, &ticket);
    assert_int_equal(answers[0].calls, 1);
    assert_int_equal(answers[0].result, 0);
    assert_int_equal(fake_sel.saves, saves);
}

/* ---- reservations ---- */

static void test_reservations(void **state)
{
    uint16_t first, second;

    (void)state;
    assert_false(sel_is_reserved(fake_sel.sel, 0));
    assert_false(sel_is_reserved(fake_sel.sel, 1));
    first = sel_reserve(fake_sel.sel);
    second = sel_reserve(fake_sel.sel);
    assert_false(sel_is_reserved(fake_sel.sel, first));
    assert_true(sel_is_reserved(fake_sel.sel, second));
    fake_sel_add(1);
    fake_sel_add(1);
    assert_int_equal(fake_sel_delete(1), 0);
    assert_true(sel_is_reserved(fake_sel.sel, second));
    assert_int_equal(fake_sel_clear(), 0);
    assert_false(sel_is_reserved(fake_sel.sel, second));
    for (unsigned i = 0; i < 0x20000; i++)
        assert_int_not_equal(sel_reserve(fake_sel.sel), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_sel_setup, fake_sel_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_bytes_of_records),
        TEST(test_oem_records),
        TEST(test_delete_keeps_the_ids_of_others),
        TEST(test_clear_leaves_a_record),
        TEST(test_ids_wrap_and_skip),
        TEST(test_wrap_within_a_step),
        TEST(test_ids_survive),
        TEST(test_damaged_rows_are_refused),
        TEST(test_drop_oldest),
        TEST(test_drop_oldest_in_one_step),
        TEST(test_stop),
        TEST(test_fullness_is_told_again),
        TEST(test_clock),
        TEST(test_events_behind_a_new_time),
        TEST(test_settings),
        TEST(test_reservations),
    };

    return cmocka_run_group_tests_name("sel", tests, NULL, NULL);
}
