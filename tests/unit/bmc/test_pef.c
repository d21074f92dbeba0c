/* Platform Event Filtering: what is done about events, and about which. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/pef_events.h"
#include "vbmc/base/array.h"

static enum host_power_action last_action(void)
{
    return fake_host_last(&fake_bmc.host)->action;
}

/* ---- actions ---- */

static void test_off_until_enabled(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_RESET);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 0);
    SET(1, PEF_ENABLED);
    assert_int_equal(fake_bmc.host.count, 0); /* what came before is not looked at */
    log_event(SENSOR + 1);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 2);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 3);
}

static void test_priorities(void **state)
{
    static const struct {
        uint8_t wanted, enabled;
        int action; /* -1: none */
        uint8_t told;
    } cases[] = {
        {0x2e, 0x2f, HOST_POWER_ACTION_DOWN, 0x02},
        {0x2c, 0x2f, HOST_POWER_ACTION_CYCLE, 0x08},
        {0x24, 0x2f, HOST_POWER_ACTION_HARD_RESET, 0x04},
        {0x20, 0x2f, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, 0x20},
        {0x21, 0x2f, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, 0x21},
        {0x2e, 0x24, HOST_POWER_ACTION_HARD_RESET, 0x04},
        {0x2e, 0x00, -1, 0},
        {0x01, 0x2f, -1, 0x01},
        {0x00, 0x2f, -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
        SET(2, cases[i].enabled);
        set_filter(cases[i].wanted);
        unsigned calls = fake_bmc.host.count, records = sel_count(fake_sel.sel);
        log_event(SENSOR);
        assert_int_equal(fake_bmc.host.count, calls + (cases[i].action >= 0));
        if (cases[i].action >= 0)
            assert_int_equal(last_action(), cases[i].action);
        assert_int_equal(sel_count(fake_sel.sel), records + 1 + (cases[i].told != 0));
        if (cases[i].told) {
            const uint8_t wanted[] = {0x20,          0,   4, 0x12, SENSOR_PEF, 0x6f, 0xc4,
                                      cases[i].told, 0xff};
            assert_memory_equal(fake_sel_newest() + 7, wanted, sizeof wanted);
        }
    }
}

static void test_silent(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    log_event(SENSOR);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_int_equal(sel_count(fake_sel.sel), 1);
}

/* It is one of the BMC's own events, which clients can turn off. */
static void test_own_events_are_off(void **state)
{
    static const char *const requests[] = {"06 2e 00", "04 00 ff 00"}; /* logging, receiver */

    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
        messaging_set_defaults(&fake_bmc.bmc.messaging);
        assert_string_equal(fake_bmc_talk(&fake_bmc, requests[i]), "00");
        log_event(SENSOR);
        assert_int_equal(fake_bmc.host.count, i + 1);
        assert_int_equal(sensor_events, i + 1);
        assert_int_equal(sel_count(fake_sel.sel), i + 1);
    }
}

/* The action's own event is matched by no filter, not even one that takes all. */
static void test_no_loop(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(6, 32, 0x80, 0x20, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0,
        0, 0);
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(last_by_bmc(), 1);
}

static void test_restart_causes(void **state)
{
    (void)state;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_RESET);
    log_event(SENSOR);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_PEF_RESET);
    set_filter(PEF_ACTION_POWER_CYCLE);
    fake_bmc.host.waits = true;
    log_event(SENSOR);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_PEF_CYCLE);
}

/* A guest that is off is neither reset nor started. */
static void test_guest_is_off(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    unsigned calls = fake_bmc.host.count;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_POWER_CYCLE);
    log_event(SENSOR);
    set_filter(PEF_ACTION_POWER_DOWN);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls);
    assert_false(fake_bmc.bmc.chassis.control_fault);
    assert_int_equal(last_by_bmc(), 2);
}

/* Where it is not known what the guest does, nothing is done, and nothing is said to have been. */
static void test_guest_is_out_of_reach(void **state)
{
    (void)state;
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    set_filter(PEF_ACTION_RESET);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    unsigned calls = fake_bmc.host.count;
    log_event(SENSOR);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_bmc.bmc.core.host->migrating = true;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_false(fake_bmc.bmc.chassis.control_fault);
    fake_bmc.bmc.core.host->migrating = false;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls + 1);
}

/* Nor because an action has failed, or for the boot that one has made. */
static void test_own_consequences(void **state)
{
    const struct sensor_event failure = {
        .type = 0x09, .number = SENSOR_POWER_UNIT, .event_type = 0x6f, .data = {5, 0xff, 0xff}};
    const struct sensor_event boot = {
        .type = 0x1d, .number = SENSOR_SYSTEM_BOOT, .event_type = 0x6f, .data = {1, 0xff, 0xff}};

    (void)state;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_RESET);
    SET(6, 32, 0x80, PEF_ACTION_RESET, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0,
        0, 0, 0, 0, 0, 0);
    sel_log(fake_sel.sel, &failure);
    assert_int_equal(fake_bmc.host.count, 0);
    sel_log(fake_sel.sel, &boot); /* somebody else's */
    assert_int_equal(fake_bmc.host.count, 1);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    sel_log(fake_sel.sel, &boot);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* ---- where events come from ---- */

static void test_sources(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_int_equal(fake_sel_add(SENSOR), 1); /* Add SEL Entry is no event */
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 02 04 01 30 01 59 60 55"), "00");
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 2);
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 02 41 04 01 30 01 59 60 55"), "00");
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 3);
}

/* An event that the disk refuses is dealt with all the same, and once. */
static void test_disk_refuses(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    fake_sel.result = -EIO;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 0);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 2);
}

/* A log that takes nothing more: the event has the id 0 (section 30.6). */
static void test_log_is_full(void **state)
{
    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    fake_sel_fill(SEL_RECORDS_MAX);
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_off_until_enabled),
        TEST(test_priorities),
        TEST(test_silent),
        TEST(test_no_loop),
        TEST(test_restart_causes),
        TEST(test_guest_is_off),
        TEST(test_guest_is_out_of_reach),
        TEST(test_own_consequences),
        TEST(test_own_events_are_off),
        TEST(test_sources),
        TEST(test_disk_refuses),
        TEST(test_log_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
