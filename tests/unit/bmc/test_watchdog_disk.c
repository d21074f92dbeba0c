/* The watchdog timer and the disk: what has come is on disk before it is done to the guest, and is
 * done once whatever the disk says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/watchdog_timer.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/watchdog_due.h"

static void expect_action(enum host_power_action action)
{
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, action);
}

/* What has come is on disk before it is done. */
static void test_acts_when_it_is_stored(void **state)
{
    (void)state;
    set_and_start("04 21 01 00 14 00");
    fake_bmc.saves_wait = true;
    advance(1000 + WATCHDOG_STORE_MS - 1);
    assert_int_equal(calls(), 0);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(calls(), 1);
    expect_action(HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    advance(1000);
    while (fake_bmc.saves_finished + 1 < fake_bmc.save_count) /* the interrupt is done */
        fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(calls(), 1);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(calls(), 2);
    expect_action(HOST_POWER_ACTION_HARD_RESET);
    advance(60000);
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(calls(), 2);
    assert_int_equal(timer()->due_action, WATCHDOG_ACTION_NONE);
}

/* A disk that takes nothing: it is done once all the same. When it is stored is for the store. */
static void test_acts_if_the_disk_refuses(void **state)
{
    (void)state;
    set_and_start("04 23 01 00 14 00");
    fake_bmc.save_result = fake_bmc.owed_result = -ENOSPC;
    advance(1000);
    assert_int_equal(calls(), 1);
    advance(1000);
    assert_int_equal(calls(), 2);
    expect_action(HOST_POWER_ACTION_CYCLE);
    unsigned saves = fake_bmc.changes[BMC_PART_WATCHDOG];
    advance(3600000);
    assert_int_equal(fake_bmc.changes[BMC_PART_WATCHDOG], saves);
    assert_int_equal(calls(), 2);
}

/* A disk that does not answer keeps no guest from its reset. */
static void test_acts_if_the_disk_is_slow(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 0a 00");
    fake_bmc.saves_wait = fake_bmc.owed_waits = true;
    advance(1000 + WATCHDOG_STORE_MS + CHASSIS_OWN_STORE_MS - 1);
    assert_int_equal(calls(), 0);
    advance(1);
    assert_int_equal(calls(), 1);
    fake_bmc_finish_save(&fake_bmc, 0);
    bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
    advance(60000);
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(calls(), 1);
    fake_bmc.owed_waits = false;
}

/* The hypervisor goes in between: the guest is reset when it is back, unless it is off by then. */
static void test_guest_is_lost_before_it_acts(void **state)
{
    static const enum host_power_state found[] = {HOST_POWER_RUNNING, HOST_POWER_OFF};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(found); i++) {
        set_and_start("04 01 00 00 0a 00");
        fake_bmc.saves_wait = true;
        advance(1000);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        fake_bmc.saves_wait = false;
        while (fake_bmc.saves_finished < fake_bmc.save_count)
            fake_bmc_finish_save(&fake_bmc, 0);
        advance(1000);
        assert_int_equal(calls(), i);
        fake_bmc_set_state(&fake_bmc, found[i]);
        if (found[i] == HOST_POWER_OFF)
            bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
        assert_int_equal(calls(), 1);
        assert_int_equal(timer()->due_action, WATCHDOG_ACTION_NONE);
    }
    assert_false(fake_bmc.bmc.chassis.control_fault);
}

/* Ended and started again before the disk has answered. */
static void test_guest_is_started_again_before_it_acts(void **state)
{
    (void)state;
    fake_bmc.host.domain.run = 7;
    set_and_start("04 03 00 00 0a 00");
    fake_bmc.saves_wait = true;
    advance(1000);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc.host.domain.run = 8;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    advance(WATCHDOG_STORE_MS);
    assert_int_equal(timer()->due_action, WATCHDOG_ACTION_NONE);
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, 0);
    advance(10000);
    assert_int_equal(calls(), 0);
    assert_false(fake_bmc.bmc.chassis.control_fault);
}

/* An older save says nothing of what has come since. */
static void test_older_save_ends(void **state)
{
    static const int results[] = {0, -ENOSPC};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(results); i++) {
        fake_server_setup(state);
        set_and_start("04 21 01 00 14 00");
        fake_bmc.saves_wait = true;
        advance(1000 + WATCHDOG_STORE_MS);
        assert_int_equal(calls(), 1);
        advance(1000 - WATCHDOG_STORE_MS);
        assert_int_equal(timer()->due_action, WATCHDOG_ACTION_HARD_RESET);
        while (fake_bmc.saves_finished + 1 < fake_bmc.save_count)
            fake_bmc_finish_save(&fake_bmc, results[i]);
        assert_int_equal(calls(), 1);
        fake_bmc_finish_save(&fake_bmc, 0);
        assert_int_equal(calls(), 2);
        expect_action(HOST_POWER_ACTION_HARD_RESET);
        while (fake_bmc.saves_finished < fake_bmc.save_count)
            fake_bmc_finish_save(&fake_bmc, 0);
        fake_server_teardown(state);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_acts_when_it_is_stored),
        TEST(test_acts_if_the_disk_refuses),
        TEST(test_acts_if_the_disk_is_slow),
        TEST(test_guest_is_lost_before_it_acts),
        TEST(test_guest_is_started_again_before_it_acts),
        cmocka_unit_test(test_older_save_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
