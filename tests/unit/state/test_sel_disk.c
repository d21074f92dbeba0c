/* The event log and its disk: what is shown is stored, what cannot be stored is tried again or
 * told, and a crash takes nothing that anybody was told of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"

/* ---- only what is on disk is shown ---- */

static void test_shown_when_durable(void **state)
{
    struct fake_sel_answer first, second, third;
    unsigned n;

    (void)state;
    fake_sel.waits = true;
    fake_sel_start_add(&first, 1);
    fake_sel_start_add(&second, 2);
    fake_sel_log(3);
    fake_sel_start_add(&third, 4);
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
    fake_sel_expect_on_disk();
}

static void test_removed_when_durable(void **state)
{
    struct fake_sel_answer deletion, clearing, addition;
    struct bmc_ticket ticket;

    (void)state;
    fake_sel_fill(3);
    fake_sel.waits = true;
    ticket = fake_sel_ticket(&deletion);
    sel_delete(fake_sel.sel, 1, &ticket);
    ticket = fake_sel_ticket(&clearing);
    sel_clear(fake_sel.sel, &ticket);
    fake_sel_start_add(&addition, 1);
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
    fake_sel_expect_on_disk();
}

static void test_killed_while_storing(void **state)
{
    struct fake_sel_answer lost, waiting;

    (void)state;
    assert_int_equal(fake_sel_add(1), 1);
    fake_sel.waits = true;
    fake_sel_start_add(&lost, 2);
    fake_sel_start_add(&waiting, 3);
    fake_sel_restart();
    assert_int_equal(lost.result, -ECANCELED);
    assert_int_equal(waiting.result, -ECANCELED);
    assert_int_equal(waiting.calls, 1);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    fake_sel.waits = false;
    assert_int_equal(fake_sel_add(1), 2); /* nobody was told of the other 2 */
}

/* ---- a disk that takes nothing ---- */

static void test_client_is_told(void **state)
{
    (void)state;
    assert_int_equal(fake_sel_add(1), 1);
    fake_sel.result = -ENOSPC;
    assert_int_equal(fake_sel_add_result(), -ENOSPC);
    assert_int_equal(fake_sel_delete(1), -ENOSPC);
    assert_int_equal(fake_sel_clear(), -ENOSPC);
    assert_false(sel_is_clearing(fake_sel.sel));
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX); /* nothing waits */
    fake_sel.result = 0;
    assert_int_equal(fake_sel_add(1), 2);
    fake_sel_expect_on_disk();
}

static void test_own_events_wait(void **state)
{
    (void)state;
    fake_sel.result = -ENOSPC;
    fake_sel_log(1);
    fake_sel.machine_time++;
    fake_sel_log(2);
    assert_int_equal(fake_sel.saves, 1); /* not with every event */
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(fake_sel.saves, 2);
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS - 1);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    fake_sel.machine_time += 60;
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(fake_sel_record(0)[11], 1);
    assert_int_equal(fake_sel_time_of(fake_sel_record(0)), FAKE_SEL_TIME); /* when it happened */
    assert_int_equal(fake_sel_record(1)[11], 2);
    assert_int_equal(fake_sel_time_of(fake_sel_record(1)), FAKE_SEL_TIME + 1);
    fake_sel_log(3);
    assert_int_equal(sel_count(fake_sel.sel), 3); /* no pause any more */
    fake_sel_expect_on_disk();
}

/* A client's request is a reason to try, and what has waited goes before it. */
/* The disk refused a client's record; the event that comes then is not forgotten, though nobody
 * else has anything to do with the log. */
static void test_own_event_behind_a_refused_client(void **state)
{
    (void)state;
    fake_sel.result = -ENOSPC;
    assert_int_equal(fake_sel_add_result(), -ENOSPC);
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, 1000);
    fake_sel_log(1);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    fake_sel_expect_on_disk();
}

static void test_client_while_own_events_wait(void **state)
{
    (void)state;
    fake_sel.result = -EIO;
    fake_sel_log(1);
    assert_int_equal(fake_sel_add_result(), -EIO);
    assert_int_equal(fake_sel_delete(1), -EIO);
    fake_sel.result = 0;
    assert_int_equal(fake_sel_add(7), 2);
    assert_int_equal(fake_sel_record(0)[11], 1);
    assert_int_equal(fake_sel_record(1)[11], 7);
    assert_int_equal(sel_next_deadline(fake_sel.sel), UINT64_MAX);
    fake_sel_expect_on_disk();
}

/* Whoever waits behind what failed is not kept waiting. */
static void test_failure_ends_all_that_wait(void **state)
{
    struct fake_sel_answer first, clearing, last;
    struct bmc_ticket ticket;

    (void)state;
    fake_sel.waits = true;
    fake_sel_log(1);
    fake_sel_start_add(&first, 2);
    fake_sel_log(3);
    ticket = fake_sel_ticket(&clearing);
    sel_clear(fake_sel.sel, &ticket);
    fake_sel_log(4);
    fake_sel_start_add(&last, 5);
    fake_sel_finish(-EROFS);
    assert_null(fake_sel.done);
    assert_int_equal(first.result, -EROFS);
    assert_int_equal(clearing.result, -EROFS);
    assert_int_equal(last.result, -EROFS);
    assert_int_equal(first.calls + clearing.calls + last.calls, 3);
    fake_sel.waits = false;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 3);
    assert_int_equal(fake_sel_record(0)[11], 1);
    assert_int_equal(fake_sel_record(1)[11], 3);
    assert_int_equal(fake_sel_record(2)[11], 4);
}

static void test_refused_events_are_not_repeated(void **state)
{
    (void)state;
    fake_sel.result = -EINVAL;
    fake_sel_log(1);
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
        fake_sel_log(1);
    assert_int_equal(fake_sel_add_result(), -EBUSY);
    fake_sel.waits = false;
    fake_sel_finish(0);
    assert_int_equal(sel_count(fake_sel.sel), SEL_QUEUE_MAX);
    assert_int_equal(fake_sel_add_result(), 0);
    fake_sel_expect_on_disk();
}

/* Many events at once are few steps. */
static void test_grouping(void **state)
{
    (void)state;
    fake_sel.waits = true;
    for (unsigned i = 0; i < 1000; i++)
        fake_sel_log(1);
    fake_sel.waits = false;
    fake_sel_finish(0);
    assert_int_equal(sel_count(fake_sel.sel), 1000);
    assert_in_range(fake_sel.saves, 2, 10);
    fake_sel_expect_on_disk();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_sel_setup, fake_sel_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shown_when_durable),
        TEST(test_removed_when_durable),
        TEST(test_killed_while_storing),
        TEST(test_client_is_told),
        TEST(test_own_events_wait),
        TEST(test_own_event_behind_a_refused_client),
        TEST(test_client_while_own_events_wait),
        TEST(test_failure_ends_all_that_wait),
        TEST(test_refused_events_are_not_repeated),
        TEST(test_queue_has_an_end),
        TEST(test_grouping),
    };

    return cmocka_run_group_tests_name("sel_disk", tests, NULL, NULL);
}
