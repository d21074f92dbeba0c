/* Platform Event Filtering: events that are held back, for how long, and what becomes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/pef_events.h"
#include "vbmc/base/array.h"

#define ARM(seconds) fake_bmc_talk(&fake_bmc, "04 11 " seconds)

static void test_postponed(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_string_equal(ARM("ff"), "00 00");
    assert_string_equal(ARM("0a"), "00 0a");
    fake_bmc_advance(&fake_bmc, 5000);
    assert_string_equal(ARM("ff"), "00 0a"); /* there is no event yet */
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 4001);
    assert_string_equal(ARM("ff"), "00 06");
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 0);
    fake_bmc_advance(&fake_bmc, 5998);
    assert_int_equal(fake_bmc.host.count, 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 2);
    assert_string_equal(ARM("ff"), "00 00");
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 3);
}

/* What software has dealt with is left to it, and the timer starts again. */
static void test_software_is_faster(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("0a");
    log_event(SENSOR);
    log_event(SENSOR);
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 9000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 02 00"), "00");
    assert_string_equal(ARM("ff"), "00 0a"); /* for the third */
    fake_bmc_advance(&fake_bmc, 9000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 03 00"), "00");
    fake_bmc_advance(&fake_bmc, 60000);
    assert_string_equal(ARM("ff"), "00 0a"); /* armed, and does not count */
    assert_int_equal(fake_bmc.host.count, 0);
    log_event(SENSOR);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 01 04 00"), "00"); /* is not software's */
    fake_bmc_advance(&fake_bmc, 10000);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* Nothing is left to software that is not on disk as processed by it. */
static void test_software_is_not_believed(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("0a");
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 9000);
    fake_sel.result = -EIO;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 01 00"), "ff");
    fake_sel.result = 0;
    assert_string_equal(ARM("ff"), "00 01"); /* it does not start again */
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* A held event is acted on when it is on disk that it is held no more. */
static void test_released_when_stored(void **state)
{
    static const int results[] = {0, -EIO};

    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    for (unsigned i = 0; i < ARRAY_SIZE(results); i++) {
        unsigned calls = fake_bmc.host.count, saves = fake_bmc.changes[BMC_PART_PEF_PENDING];
        ARM("05");
        log_event(SENSOR);
        assert_true(fake_bmc.changes[BMC_PART_PEF_PENDING] >= saves + 2);
        fake_bmc.saves_wait = true;
        fake_bmc_advance(&fake_bmc, 5000);
        assert_int_equal(pef()->held_count, 0);
        assert_int_equal(fake_bmc.host.count, calls);
        log_event(SENSOR); /* comes behind it */
        assert_int_equal(fake_bmc.host.count, calls);
        while (fake_bmc.saves_finished < fake_bmc.save_count)
            fake_bmc_finish_save(&fake_bmc, results[i]); /* once, whatever the disk says */
        fake_bmc.saves_wait = false;
        assert_int_equal(fake_bmc.host.count, calls + 2);
    }
}

/* What is armed is answered when it is on disk. */
static void test_armed_when_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(ARM("0a"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00 0a");
    assert_string_equal(ARM("fe"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "ff");
}

/* Armed while there are events that software has not processed: it counts at once. */
static void test_counts_at_once(void **state)
{
    (void)state;
    log_event(SENSOR);
    ARM("05");
    fake_bmc_advance(&fake_bmc, 1000);
    assert_string_equal(ARM("ff"), "00 04");
    fake_bmc_advance(&fake_bmc, 4000);
    assert_string_equal(ARM("ff"), "00 00");
}

static void test_disabled_for_now(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_string_equal(ARM("fe"), "00 fe");
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 3600000);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(ARM("00"), "00 00");
    assert_int_equal(fake_bmc.host.count, 1);
    /* The end of the run ends it too. */
    ARM("fe");
    log_event(SENSOR);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_string_equal(ARM("ff"), "00 00");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(ARM("ff"), "d4");
}

static void test_startup_delay(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED | PEF_STARTUP_DELAY);
    SET(3, 20);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 19999);
    assert_int_equal(fake_bmc.host.count, 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(fake_bmc.host.count, 1);
    SET(1, PEF_ENABLED);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 2);
}

static void test_turned_off_meanwhile(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    log_event(SENSOR);
    SET(1, 0);
    ARM("00");
    SET(1, PEF_ENABLED);
    ARM("00");
    assert_int_equal(fake_bmc.host.count, 0);
}

static void test_too_many_held(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    for (unsigned i = 0; i < PEF_HELD_MAX + 5; i++)
        log_event(SENSOR + 1);
    assert_int_equal(pef()->held_count, PEF_HELD_MAX);
    ARM("00");
    assert_int_equal(pef()->held_count, 0);
    assert_int_equal(last_by_bmc(), PEF_HELD_MAX);
}

static void test_bmc_restarts(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    log_event(SENSOR);
    pef_restart(pef());
    assert_string_equal(ARM("ff"), "00 00");
    assert_int_equal(fake_bmc.host.count, 0);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_postponed),
        TEST(test_software_is_faster),
        TEST(test_counts_at_once),
        TEST(test_software_is_not_believed),
        TEST(test_released_when_stored),
        TEST(test_armed_when_stored),
        TEST(test_disabled_for_now),
        TEST(test_startup_delay),
        TEST(test_turned_off_meanwhile),
        TEST(test_too_many_held),
        TEST(test_bmc_restarts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
