/* The event log: what is shown is on disk, ids are never used twice, the policies of a full log,
 * the clock, and a disk that takes nothing for a while. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/base/array.h"

#define ALMOST_FULL 3277 /* 80 % of 4096, rounded up */

/* ---- talking to the log ---- */

struct answer {
    unsigned calls;
    int result;
    uint16_t id;
};

static void on_done(const struct bmc_ticket *ticket, int result)
{
    struct answer *answer = (struct answer *)ticket->sink;

    answer->calls++;
    answer->result = result;
    answer->id = (uint16_t)(ticket->data[0] | ticket->data[1] << 8);
}

static struct bmc_ticket ticket_for(struct answer *answer)
{
    *answer = (struct answer){0};
    return (struct bmc_ticket){.done = on_done, .sink = answer};
}

static void start_add(struct answer *answer, uint8_t number)
{
    const uint8_t record[SEL_RECORD_SIZE] = {
        0xaa, 0xbb, 0x02, 1, 2, 3, 4, 0x41, 0, 0x04, 0x01, number, 0x01, 0x57, 0x60, 0x55,
    };
    struct bmc_ticket ticket = ticket_for(answer);

    sel_add(fake_sel.sel, record, &ticket);
}

/* The id. */
static uint16_t add(uint8_t number)
{
    struct answer answer;

    start_add(&answer, number);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.result, 0);
    return answer.id;
}

static int add_result(void)
{
    struct answer answer;

    start_add(&answer, 1);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static void log_event(uint8_t number)
{
    const struct sensor_event event = {
        .type = 0x01, .number = number, .event_type = 0x01, .data = {0x57, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

static int erase(uint16_t id)
{
    struct answer answer;
    struct bmc_ticket ticket = ticket_for(&answer);

    sel_delete(fake_sel.sel, id, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static int clear(void)
{
    struct answer answer;
    struct bmc_ticket ticket = ticket_for(&answer);

    sel_clear(fake_sel.sel, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static const uint8_t *record_at(unsigned n)
{
    static uint8_t record[SEL_RECORD_SIZE];

    assert_int_equal(sel_record(fake_sel.sel, n, record), 0);
    return record;
}

static uint16_t id_at(unsigned n)
{
    return sel_record_id(record_at(n));
}

static const uint8_t *newest(void)
{
    return record_at(sel_count(fake_sel.sel) - 1);
}

static uint32_t time_of(const uint8_t *record)
{
    return (uint32_t)(record[3] | record[4] << 8 | record[5] << 16) | (uint32_t)record[6] << 24;
}

static void fill(unsigned count)
{
    while (sel_count(fake_sel.sel) < count)
        add(1);
}

/* What is shown and what is on disk are the same. */
static void expect_on_disk(void)
{
    assert_int_equal(fake_sel.count, sel_count(fake_sel.sel));
    for (unsigned i = 0; i < fake_sel.count; i++)
        assert_memory_equal(fake_sel.entries[i].record, record_at(i), SEL_RECORD_SIZE);
}

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
    log_event(8);
    fake_sel.machine_time += 10;
    assert_int_equal(add(9), 2);
    assert_memory_equal(record_at(0), own, sizeof own);
    assert_memory_equal(record_at(1), client, sizeof client);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME + 10);

    const struct sensor_event gone = {
        .type = 1, .number = 8, .event_type = 1, .deassertion = true, .data = {0x57, 0x50, 0x55}};
    sel_log(fake_sel.sel, &gone);
    assert_int_equal(record_at(2)[12], 0x81);
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
        struct answer answer;
        struct bmc_ticket ticket = ticket_for(&answer);
        sel_add(fake_sel.sel, record, &ticket);
        assert_int_equal(answer.result, 0);
        assert_int_equal(sel_record_id(newest()), i + 1);
        assert_int_equal(time_of(newest()), cases[i].is_stamped ? FAKE_SEL_TIME : 0x04030201);
        assert_memory_equal(newest() + 7, record + 7, 9);
    }
}

static void test_delete_keeps_the_ids_of_others(void **state)
{
    unsigned n;

    (void)state;
    for (unsigned i = 1; i <= 4; i++)
        assert_int_equal(add(1), i);
    fake_sel.machine_time += 5;
    assert_int_equal(erase(2), 0);
    assert_int_equal(sel_count(fake_sel.sel), 3);
    assert_int_equal(id_at(0), 1);
    assert_int_equal(id_at(1), 3);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, FAKE_SEL_TIME + 5);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME);
    assert_int_equal(sel_find(fake_sel.sel, 2, &n), -ENOENT);
    assert_int_equal(sel_find(fake_sel.sel, 3, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(sel_find(fake_sel.sel, SEL_ID_LAST, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(erase(2), -ENOENT);
    assert_int_equal(erase(1), 0);
    assert_int_equal(erase(4), 0);
    assert_int_equal(id_at(0), 3);
    assert_int_equal(add(1), 5);
    expect_on_disk();
}

static void test_clear_leaves_a_record(void **state)
{
    static const uint8_t cleared[] = {0x20, 0, 4, 0x10, SENSOR_SEL, 0x6f, 0x02, 0xff, 0xff};

    (void)state;
    fill(3);
    fake_sel.machine_time += 7;
    assert_int_equal(clear(), 0);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(id_at(0), 4); /* never again */
    assert_memory_equal(record_at(0) + 7, cleared, sizeof cleared);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, FAKE_SEL_TIME + 7);
    assert_int_equal(sel_state(fake_sel.sel)->added_at, FAKE_SEL_TIME + 7);
    assert_false(sel_is_clearing(fake_sel.sel));
    expect_on_disk();
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
    assert_int_equal(add(1), 1);
    assert_int_equal(add(1), 2);
    assert_int_equal(add(1), 3);
    assert_int_equal(erase(2), 0);
    set_next_id(0xfffd);
    assert_int_equal(add(1), 0xfffd);
    assert_int_equal(add(1), 0xfffe);
    assert_int_equal(add(1), 2); /* 1 and 3 are still there */
    assert_int_equal(add(1), 4);
    assert_int_equal(id_at(0), 1); /* in the order of time */
    assert_int_equal(id_at(5), 4);
    expect_on_disk();
}

/* Skips also the ids of the same step. */
static void test_wrap_within_a_step(void **state)
{
    struct answer answers[4];

    (void)state;
    assert_int_equal(add(1), 1);
    set_next_id(0xfffe);
    fake_sel.waits = true;
    for (unsigned i = 0; i < 4; i++)
        start_add(&answers[i], 1);
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
    assert_int_equal(add(1), 1);
    assert_int_equal(add(1), 2);
    fake_sel_restart();
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(add(1), 3);
    assert_int_equal(clear(), 0);
    fake_sel_restart();
    assert_int_equal(id_at(0), 4);
    assert_int_equal(erase(4), 0);
    fake_sel_restart();
    assert_int_equal(sel_count(fake_sel.sel), 0);
    assert_int_equal(add(1), 5);
    expect_on_disk();
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

/* ---- only what is on disk is shown ---- */

static void test_shown_when_durable(void **state)
{
    struct answer first, second, third;
    unsigned n;

    (void)state;
    fake_sel.waits = true;
    start_add(&first, 1);
    start_add(&second, 2);
    log_event(3);
    start_add(&third, 4);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    assert_int_equal(first.calls + second.calls + third.calls, 0);
    fake_sel_finish(0);
    assert_int_equal(first.calls, 1);
    assert_int_equal(first.id, 1);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    /* All that came meanwhile is one step. */
    assert_int_equal(fake_sel.change.count, 3);
    assert_int_equal(sel_find(fake_sel.sel, 2, &n), -ENOENT);
    assert_int_equal(second.calls, 0);
    fake_sel_finish(0);
    assert_int_equal(second.id, 2);
    assert_int_equal(third.id, 4);
    assert_int_equal(sel_count(fake_sel.sel), 4);
    assert_null(fake_sel.done);
    expect_on_disk();
}

static void test_removed_when_durable(void **state)
{
    struct answer deletion, clearing, addition;
    struct bmc_ticket ticket;

    (void)state;
    fill(3);
    fake_sel.waits = true;
    ticket = ticket_for(&deletion);
    sel_delete(fake_sel.sel, 1, &ticket);
    ticket = ticket_for(&clearing);
    sel_clear(fake_sel.sel, &ticket);
    start_add(&addition, 1);
    assert_int_equal(sel_count(fake_sel.sel), 3);
    assert_true(sel_is_clearing(fake_sel.sel));
    fake_sel_finish(0);
    assert_int_equal(deletion.calls, 1);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_true(sel_is_clearing(fake_sel.sel));
    fake_sel_finish(0);
    assert_int_equal(clearing.calls, 1);
    assert_false(sel_is_clearing(fake_sel.sel));
    assert_int_equal(sel_count(fake_sel.sel), 1);
    fake_sel_finish(0);
    assert_int_equal(addition.id, 5);
    expect_on_disk();
}

static void test_killed_while_storing(void **state)
{
    struct answer lost, waiting;

    (void)state;
    assert_int_equal(add(1), 1);
    fake_sel.waits = true;
    start_add(&lost, 2);
    start_add(&waiting, 3);
    fake_sel_restart();
    assert_int_equal(lost.result, -ECANCELED);
    assert_int_equal(waiting.result, -ECANCELED);
    assert_int_equal(waiting.calls, 1);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    fake_sel.waits = false;
    assert_int_equal(add(1), 2); /* nobody was told of the other 2 */
}

/* ---- a disk that takes nothing ---- */

static void test_client_is_told(void **state)
{
    (void)state;
    assert_int_equal(add(1), 1);
    fake_sel.result = -ENOSPC;
    assert_int_equal(add_result(), -ENOSPC);
    assert_int_equal(erase(1), -ENOSPC);
    assert_int_equal(clear(), -ENOSPC);
    assert_false(sel_is_clearing(fake_sel.sel));
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX); /* nothing waits */
    fake_sel.result = 0;
    assert_int_equal(add(1), 2);
    expect_on_disk();
}

static void test_own_events_wait(void **state)
{
    (void)state;
    fake_sel.result = -ENOSPC;
    log_event(1);
    fake_sel.machine_time++;
    log_event(2);
    assert_int_equal(fake_sel.saves, 1); /* not with every event */
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(fake_sel.saves, 2);
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS - 1);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    fake_sel.machine_time += 60;
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(record_at(0)[11], 1);
    assert_int_equal(time_of(record_at(0)), FAKE_SEL_TIME); /* when it happened */
    assert_int_equal(record_at(1)[11], 2);
    assert_int_equal(time_of(record_at(1)), FAKE_SEL_TIME + 1);
    log_event(3);
    assert_int_equal(sel_count(fake_sel.sel), 3); /* no pause any more */
    expect_on_disk();
}

/* A client's request is a reason to try, and what has waited goes before it. */
static void test_client_while_own_events_wait(void **state)
{
    (void)state;
    fake_sel.result = -EIO;
    log_event(1);
    assert_int_equal(add_result(), -EIO);
    assert_int_equal(erase(1), -EIO);
    fake_sel.result = 0;
    assert_int_equal(add(7), 2);
    assert_int_equal(record_at(0)[11], 1);
    assert_int_equal(record_at(1)[11], 7);
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX);
    expect_on_disk();
}

/* Whoever waits behind what failed is not kept waiting. */
static void test_failure_ends_all_that_wait(void **state)
{
    struct answer first, clearing, last;
    struct bmc_ticket ticket;

    (void)state;
    fake_sel.waits = true;
    log_event(1);
    start_add(&first, 2);
    log_event(3);
    ticket = ticket_for(&clearing);
    sel_clear(fake_sel.sel, &ticket);
    log_event(4);
    start_add(&last, 5);
    fake_sel_finish(-EROFS);
    assert_null(fake_sel.done);
    assert_int_equal(first.result, -EROFS);
    assert_int_equal(clearing.result, -EROFS);
    assert_int_equal(last.result, -EROFS);
    assert_int_equal(first.calls + clearing.calls + last.calls, 3);
    fake_sel.waits = false;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 3);
    assert_int_equal(record_at(0)[11], 1);
    assert_int_equal(record_at(1)[11], 3);
    assert_int_equal(record_at(2)[11], 4);
}

static void test_refused_events_are_not_repeated(void **state)
{
    (void)state;
    fake_sel.result = -EINVAL;
    log_event(1);
    fake_sel.result = 0;
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX);
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(fake_sel.saves, 1);
}

static void test_queue_has_an_end(void **state)
{
    (void)state;
    fake_sel.waits = true;
    for (unsigned i = 0; i < SEL_QUEUE_MAX + 5; i++)
        log_event(1);
    assert_int_equal(add_result(), -EBUSY);
    fake_sel.waits = false;
    fake_sel_finish(0);
    assert_int_equal(sel_count(fake_sel.sel), SEL_QUEUE_MAX);
    assert_int_equal(add_result(), 0);
    expect_on_disk();
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
        count += record_at(i)[10] == 0x10;
    return count;
}

static void test_drop_oldest(void **state)
{
    (void)state;
    fill(ALMOST_FULL - 1);
    assert_int_equal(count_fullness(), 0);
    add(1);
    expect_fullness(newest(), 0x35, 80);
    assert_int_equal(sel_percent(fake_sel.sel), 80);
    fill(SEL_RECORDS_MAX - 2);
    assert_int_equal(count_fullness(), 1);
    add(1);
    assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
    assert_int_equal(sel_percent(fake_sel.sel), 100);
    expect_fullness(newest(), 0x34, 100);
    assert_int_equal(id_at(0), 1);
    for (unsigned i = 0; i < 300; i++) {
        add(1);
        assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
        assert_int_equal(id_at(0), i + 2);
    }
    assert_int_equal(count_fullness(), 2); /* said once */
    assert_false(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(sel_state(fake_sel.sel)->erased_at, SEL_TIME_UNSPECIFIED);
    expect_on_disk();
    fake_sel_restart();
    add(1);
    assert_int_equal(count_fullness(), 2);
    expect_on_disk();
}

/* Many at a time: what does not fit goes in the same step. */
static void test_drop_oldest_in_one_step(void **state)
{
    struct answer answers[100];

    (void)state;
    fill(SEL_RECORDS_MAX - 50);
    fake_sel.waits = true;
    for (unsigned i = 0; i < ARRAY_SIZE(answers); i++)
        start_add(&answers[i], 1);
    fake_sel_finish(0);
    fake_sel_finish(0);
    assert_null(fake_sel.done);
    assert_int_equal(sel_count(fake_sel.sel), SEL_RECORDS_MAX);
    assert_int_equal(answers[99].calls, 1);
    assert_int_equal(sel_record_id(newest()), answers[99].id);
    assert_int_equal(id_at(0), 52); /* 4046 + 100 + 1 that says full */
    expect_on_disk();
}

static void test_stop(void **state)
{
    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    fill(SEL_RECORDS_MAX);
    expect_fullness(newest(), 0x34, 100);
    assert_false(sel_state(fake_sel.sel)->overflow);
    uint16_t last = sel_record_id(newest());
    assert_int_equal(add_result(), -ENOSPC);
    assert_true(sel_state(fake_sel.sel)->overflow);
    unsigned saves = fake_sel.saves;
    log_event(1); /* lost, as the policy says */
    assert_int_equal(fake_sel.saves, saves);
    assert_int_equal(sel_record_id(newest()), last);
    assert_int_equal(id_at(0), 1);
    fake_sel_restart();
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    assert_true(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(erase(5), 0);
    assert_true(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(add(1), last + 1);
    assert_int_equal(add_result(), -ENOSPC);
    assert_int_equal(clear(), 0);
    assert_false(sel_state(fake_sel.sel)->overflow);
    assert_int_equal(id_at(0), last + 2);
    expect_on_disk();
}

static void test_fullness_is_told_again(void **state)
{
    (void)state;
    fill(ALMOST_FULL);
    assert_int_equal(count_fullness(), 1);
    /* A little less and a little more is no news. */
    for (uint16_t id = 1; id <= 20; id++)
        assert_int_equal(erase(id), 0);
    fill(ALMOST_FULL + 10);
    assert_int_equal(count_fullness(), 1);
    assert_int_equal(clear(), 0);
    fill(ALMOST_FULL);
    expect_fullness(newest(), 0x35, 80);
}

/* ---- the clock ---- */

static int set_time(uint32_t seconds)
{
    struct answer answer;
    struct bmc_ticket ticket = ticket_for(&answer);

    sel_set_time(fake_sel.sel, seconds, &ticket);
    assert_int_equal(answer.calls, 1);
    return answer.result;
}

static void expect_sync(const uint8_t *record, uint8_t data2, uint32_t time)
{
    const uint8_t wanted[] = {0x20, 0, 4, 0x12, SENSOR_CLOCK, 0x6f, 0xc5, data2, 0xff};

    assert_memory_equal(record + 7, wanted, sizeof wanted);
    assert_int_equal(time_of(record), time);
}

static void test_clock(void **state)
{
    (void)state;
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME);
    assert_int_equal(set_time(FAKE_SEL_TIME + 3600), 0);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    expect_sync(record_at(0), 0x00, FAKE_SEL_TIME);
    expect_sync(record_at(1), 0x80, FAKE_SEL_TIME + 3600);
    assert_int_equal(sel_time(fake_sel.sel, 5), 3605);
    fake_sel.machine_time += 100;
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME + 3700);
    fake_sel_restart();
    assert_int_equal(sel_now(fake_sel.sel), FAKE_SEL_TIME + 3700);
    add(1);
    assert_int_equal(time_of(newest()), FAKE_SEL_TIME + 3700);
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
    struct answer answer;
    struct bmc_ticket ticket = ticket_for(&answer);

    (void)state;
    fake_sel.waits = true;
    sel_set_time(fake_sel.sel, 1600000000, &ticket);
    fake_sel.machine_time += 3;
    log_event(1);
    fake_sel_finish(0);
    fake_sel_finish(0);
    assert_int_equal(time_of(record_at(1)), 1600000000);
    assert_int_equal(time_of(record_at(2)), 1600000003);
}

static void test_settings(void **state)
{
    struct answer answers[3];
    struct bmc_ticket ticket = ticket_for(&answers[0]);

    (void)state;
    assert_int_equal(sel_state(fake_sel.sel)->utc_offset_min, 0);
    sel_set_utc_offset(fake_sel.sel, -300, &ticket);
    ticket = ticket_for(&answers[1]);
    sel_set_last_processed(fake_sel.sel, false, 7, &ticket);
    ticket = ticket_for(&answers[2]);
    sel_set_last_processed(fake_sel.sel, true, 9, &ticket);
    assert_int_equal(answers[0].calls + answers[1].calls + answers[2].calls, 3);
    fake_sel_restart();
    assert_int_equal(sel_state(fake_sel.sel)->utc_offset_min, -300);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_software, 7);
    assert_int_equal(sel_state(fake_sel.sel)->last_by_bmc, 9);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    /* What is so already is answered without a save. */
    ticket = ticket_for(&answers[0]);
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
    add(1);
    add(1);
    assert_int_equal(erase(1), 0);
    assert_true(sel_is_reserved(fake_sel.sel, second));
    assert_int_equal(clear(), 0);
    assert_false(sel_is_reserved(fake_sel.sel, second));
    for (unsigned i = 0; i < 0x20000; i++)
        assert_int_not_equal(sel_reserve(fake_sel.sel), 0);
}

/* Many events at once are few steps. */
static void test_grouping(void **state)
{
    (void)state;
    fake_sel.waits = true;
    for (unsigned i = 0; i < 1000; i++)
        log_event(1);
    fake_sel.waits = false;
    fake_sel_finish(0);
    assert_int_equal(sel_count(fake_sel.sel), 1000);
    assert_in_range(fake_sel.saves, 2, 10);
    expect_on_disk();
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
        TEST(test_shown_when_durable),
        TEST(test_removed_when_durable),
        TEST(test_killed_while_storing),
        TEST(test_client_is_told),
        TEST(test_own_events_wait),
        TEST(test_client_while_own_events_wait),
        TEST(test_failure_ends_all_that_wait),
        TEST(test_refused_events_are_not_repeated),
        TEST(test_queue_has_an_end),
        TEST(test_drop_oldest),
        TEST(test_drop_oldest_in_one_step),
        TEST(test_stop),
        TEST(test_fullness_is_told_again),
        TEST(test_clock),
        TEST(test_events_behind_a_new_time),
        TEST(test_settings),
        TEST(test_reservations),
        TEST(test_grouping),
    };

    return cmocka_run_group_tests_name("sel", tests, NULL, NULL);
}
