/* BMC global enables, message flags and buffers, byte by byte (IPMI 2.0, sections 22.1 to 22.8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"

#define EXPECT(request, answer) assert_string_equal(fake_bmc_talk(&fake_bmc, request), answer)

#define PLATFORM_EVENT "04 02 04 01 01 01 57 60 55"
#define RECORD         "00 00 02 00 00 00 00 20 00 04 01 01 01 57 60 55"

static void as_guest(void)
{
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake_bmc.channel = CHANNEL_SYSTEM_INTERFACE;
}

static void test_global_enables(void **state)
{
    (void)state;
    EXPECT("06 2f", "00 08"); /* event logging, as every BMC that starts */
    EXPECT("06 2e ef", "00");
    EXPECT("06 2f", "00 ef");
    EXPECT("06 2e 10", "cc"); /* reserved */
    EXPECT("06 2f", "00 ef");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    EXPECT("06 2e 08", "d4");
    EXPECT("06 2f", "00 ef");
    as_guest();
    EXPECT("06 2e 08", "00");
    EXPECT("06 2f", "00 08");
}

/* Without event logging what comes by the LAN is taken and not logged; the guest's events and
 * records that are added are. */
static void test_event_logging(void **state)
{
    (void)state;
    EXPECT(PLATFORM_EVENT, "00");
    assert_int_equal(sel_count(fake_sel.sel), 1);
    EXPECT("06 2e 00", "00");
    EXPECT(PLATFORM_EVENT, "00");
    assert_int_equal(sel_count(fake_sel.sel), 1);
    EXPECT("0a 44 " RECORD, "00 02 00");
    as_guest();
    EXPECT("04 02 41 04 01 01 01 57 60 55", "00");
    assert_int_equal(sel_count(fake_sel.sel), 3);
}

static void test_event_buffer(void **state)
{
    const uint8_t first[MESSAGING_EVENT_SIZE] = {1}, second[MESSAGING_EVENT_SIZE] = {2};
    struct messaging *messaging = &fake_bmc.bmc.messaging;

    (void)state;
    EXPECT("06 35", "d4");
    as_guest();
    messaging_put_event(messaging, first); /* not enabled */
    EXPECT("06 31", "00 00");
    EXPECT("06 35", "80");
    EXPECT("06 2e 0c", "00");
    messaging_put_event(messaging, first);
    messaging_put_event(messaging, second); /* it is full */
    EXPECT("06 31", "00 02");
    EXPECT("06 35", "00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    EXPECT("06 35", "80");
    EXPECT("06 31", "00 00");
    messaging_put_event(messaging, second);
    EXPECT("06 30 01", "00");
    EXPECT("06 31", "00 02");
    EXPECT("06 30 02", "00");
    EXPECT("06 31", "00 00");
    EXPECT("06 35", "80");
}

/* Without an event receiver the BMC's own events go nowhere; what clients log is logged. */
static void test_no_event_receiver(void **state)
{
    const uint8_t event[MESSAGING_EVENT_SIZE] = {1};
    struct messaging *messaging = &fake_bmc.bmc.messaging;

    (void)state;
    assert_true(messaging_logs_own_events(messaging));
    messaging->enables |= GLOBAL_ENABLE_EVENT_BUFFER;
    messaging->no_receiver = true;
    assert_false(messaging_logs_own_events(messaging));
    messaging_put_event(messaging, event);
    assert_int_equal(messaging_flags(messaging), 0);
    EXPECT(PLATFORM_EVENT, "00");
    assert_int_equal(sel_count(fake_sel.sel), 1);
    bmc_restart(&fake_bmc.bmc);
    assert_true(messaging_logs_own_events(messaging));
}

static void test_flags(void **state)
{
    (void)state;
    EXPECT("06 30 00", "d4");
    EXPECT("06 31", "d4");
    as_guest();
    fake_bmc.bmc.messaging.watchdog = true;
    EXPECT("06 31", "00 08");
    EXPECT("06 30 1c", "cc"); /* reserved */
    EXPECT("06 30 04", "cc");
    EXPECT("06 31", "00 08");
    EXPECT("06 30 e3", "00");
    EXPECT("06 31", "00 08");
    EXPECT("06 30 08", "00");
    EXPECT("06 31", "00 00");
}

static void test_receive(void **state)
{
    (void)state;
    EXPECT("06 32 01 02", "d4");
    EXPECT("06 33", "d4");
    as_guest();
    EXPECT("06 33", "80");
    EXPECT("06 32 01 02", "00 01 00");
    EXPECT("06 32 01 01", "00 01 01");
    EXPECT("06 32 01 02", "00 01 01");
    EXPECT("06 32 01 03", "cc");
    EXPECT("06 32 00 00", "cc");
    EXPECT("06 32 0f 00", "cc");
    EXPECT("06 32 11 00", "cc");
    EXPECT("06 32 01 02", "00 01 01");
    EXPECT("06 32 01 00", "00 01 00");
}

/* A message to the BMC's own address is answered as if it had come alone; nobody else is there. */
static void test_send_message(void **state)
{
    (void)state;
    /* Get Self Test Results of 81h, sequence 2, tracked: the response has the outer's number, 0. */
    EXPECT("06 34 40 20 18 c8 81 08 04 73", "00 00 1c e4 20 00 04 00 55 00 87");
    EXPECT("06 34 00 20 18 c8 81 08 04 73", "00 00 1c e4 20 00 04 00 55 00 87");
    EXPECT("06 34 40 20 18 c8 81 08 ee 89", "00 00 1c e4 20 00 ee c1 31"); /* no such command */
    fake_bmc.privilege = PRIVILEGE_USER;
    EXPECT("06 34 40 20 18 c8 81 08 02 75", "00 00 1c e4 20 00 02 d4 0a"); /* Cold Reset */
    fake_bmc.privilege = PRIVILEGE_CALLBACK;
    EXPECT("06 34 40 20 18 c8 81 08 04 73", "d4");
    assert_int_equal(fake_bmc.restarts, 0);
    fake_bmc.privilege = PRIVILEGE_ADMINISTRATOR;
    EXPECT("06 34 40 24 18 c4 20 08 04 d4", "83"); /* nobody is there */
    EXPECT("06 34 42 20 18 c8 81 08 04 73", "cc"); /* nor such channels */
    EXPECT("06 34 47 20 18 c8 81 08 04 73", "cc");
    EXPECT("06 34 4f 20 18 c8 81 08 04 73", "d3");
    EXPECT("06 34 41 20 18 c8 81 08 04 73", "d3");
    EXPECT("06 34 80 20 18 c8 81 08 04 73", "cc"); /* raw */
    EXPECT("06 34 c0 20 18 c8 81 08 04 73", "cc");
    EXPECT("06 34 40 20 18 c8 81 08 04 74", "cc"); /* checksum */
    EXPECT("06 34 40 20 18 c8 81 08 04", "c7");
    /* One in another. */
    EXPECT("06 34 40 20 18 c8 81 08 34 40 20 18 c8 81 08 04 73 03", "cc");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_global_enables, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_event_logging, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_event_buffer, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_no_event_receiver, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_flags, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_send_message, fake_sel_setup, fake_sel_teardown),
        cmocka_unit_test_setup_teardown(test_receive, fake_sel_setup, fake_sel_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
