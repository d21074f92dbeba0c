/* The watchdog timer by its commands, on a guest with sensors and a clock of the test's own: what
 * it does, exact to its counts of 100 ms, and when it does nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lines.h"
#include "tests/unit/watchdog_timer.h"
#include "vbmc/base/array.h"

#define NEVER_SET "00 00 00 00 00 00 00 00 00"

static bool has_message_flag(void)
{
    return messaging_flags(&fake_bmc.bmc.messaging) & MESSAGE_FLAG_WATCHDOG;
}

/* ---- commands ---- */

static void test_never_set(void **state)
{
    static const struct line lines[] = {
        {"06 25", NEVER_SET},
        {"06 22", "80"},
        {"06 25", NEVER_SET},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(bmc_next_deadline(&fake_bmc.bmc), UINT64_MAX);
}

static void test_reads_back(void **state)
{
    static const struct line lines[] = {
        {"06 24 84 23 05 00 2c 01", "00"},
        {"06 25", "00 84 23 05 00 2c 01 2c 01"}, /* present as initial, before it was started */
        {"06 22", "00"},
        {"06 25", "00 c4 23 05 00 2c 01 2c 01"},
        {"06 24 05 30 01 3e ff ff", "00"}, /* stops it */
        {"06 25", "00 05 30 01 00 ff ff ff ff"},
        {"06 24 01 00 ff 00 00 00", "00"},
        {"06 25", "00 01 00 ff 00 00 00 00 00"},
        {"06 24 04 00 00 10 b8 0b", "00"}, /* ipmitool mc watchdog off */
        {"06 25", "00 04 00 00 00 b8 0b b8 0b"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

static void test_bad_input_changes_nothing(void **state)
{
    static const struct line lines[] = {
        {"06 24 04 01 00 00 64 00", "00"},
        {"06 22", "00"},
        {"06 24 04 01 00 00 64", "c7"},
        {"06 24 04 01 00 00 64 00 00", "c7"},
        {"06 24", "c7"},
        {"06 22 00", "c7"},
        {"06 25 00", "c7"},
        {"06 24 00 01 00 00 01 00", "cc"}, /* use 0 */
        {"06 24 06 01 00 00 01 00", "cc"},
        {"06 24 07 01 00 00 01 00", "cc"},
        {"06 24 0c 01 00 00 01 00", "cc"},
        {"06 24 14 01 00 00 01 00", "cc"},
        {"06 24 24 01 00 00 01 00", "cc"},
        {"06 24 04 04 00 00 01 00", "cc"}, /* action 4 */
        {"06 24 04 05 00 00 01 00", "cc"},
        {"06 24 04 06 00 00 01 00", "cc"},
        {"06 24 04 07 00 00 01 00", "cc"},
        {"06 24 04 11 00 00 01 00", "cc"}, /* SMI */
        {"06 24 04 41 00 00 01 00", "cc"},
        {"06 24 04 51 00 00 01 00", "cc"},
        {"06 24 04 61 00 00 01 00", "cc"},
        {"06 24 04 71 00 00 01 00", "cc"},
        {"06 24 04 81 00 00 01 00", "cc"},
        {"06 24 04 09 00 00 01 00", "cc"},
        {"06 24 04 01 00 01 01 00", "cc"},
        {"06 24 04 01 00 40 01 00", "cc"},
        {"06 24 04 01 00 80 01 00", "cc"},
        {"06 25", "00 44 01 00 00 64 00 64 00"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

static void test_privileges(void **state)
{
    static const struct line user[] = {
        {"06 25", NEVER_SET}, {"06 24 04 01 00 00 01 00", "d4"}, {"06 24", "d4"}, {"06 22", "d4"}};
    static const struct line operator[] = {{"06 24 04 01 00 00 01 00", "00"},
                                           {"06 22", "00"},
                                           {"06 25", "00 44 01 00 00 01 00 01 00"}};

    (void)state;
    fake_bmc.privilege = PRIVILEGE_CALLBACK;
    assert_string_equal(talk("06 25"), "d4");
    fake_bmc.privilege = PRIVILEGE_USER;
    expect_lines(user, ARRAY_SIZE(user));
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    expect_lines(operator, ARRAY_SIZE(operator));
    fake_bmc.lun = 1;
    assert_string_equal(talk("06 25"), "c2");
}

static void test_answered_when_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(talk("06 24 04 01 00 00 64 00"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
    assert_string_equal(talk("06 22"), FAKE_BMC_WAITS);
    advance(1000);
    fake_bmc_finish_save(&fake_bmc, -ENOSPC);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "c4");
    expect_running(90); /* a full disk is no reason to end a guest */
}

/* ---- the countdown ---- */

static void test_counts(void **state)
{
    (void)state;
    set_and_start("04 00 00 00 0a 00");
    expect_running(10);
    advance(99);
    expect_running(10);
    for (uint16_t left = 9; left > 0; left--) {
        advance(1);
        expect_running(left);
        advance(99);
        expect_running(left);
    }
    advance(1);
    expect_stopped(0);
    assert_string_equal(talk("06 25"), "00 04 00 00 10 0a 00 00 00");
    assert_string_equal(talk("06 22"), "00"); /* again, with the same settings */
    expect_running(10);
    advance(500);
    assert_string_equal(talk("06 22"), "00");
    expect_running(10);
    advance(999);
    expect_running(1);
    advance(1);
    expect_stopped(0);
    assert_int_equal(calls(), 0); /* no action */
}

static void test_longest(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 ff ff");
    advance(6553499);
    expect_running(1);
    assert_int_equal(calls(), 0);
    advance(1);
    expect_stopped(0);
    assert_int_equal(calls(), 1);
}

static void test_no_countdown_ends_at_once(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 00 00");
    advance(0);
    expect_stopped(0);
    assert_int_equal(calls(), 1);
}

static void test_dont_stop(void **state)
{
    (void)state;
    set_and_start("04 00 00 00 64 00");
    advance(3000);
    assert_string_equal(talk("06 24 44 00 00 00 32 00"), "00"); /* goes on from the new value */
    expect_running(50);
    advance(4999);
    expect_running(1);
    assert_string_equal(talk("06 24 04 00 00 00 32 00"), "00");
    expect_stopped(50);
    assert_string_equal(talk("06 24 44 00 00 00 32 00"), "00"); /* does not start it */
    expect_stopped(50);
    advance(100000);
    assert_int_equal(timer()->expired, 0);
}

/* ---- every use, action and interrupt ---- */

struct end {
    unsigned use, action, interrupt, before_s;
};

static void expect_event(unsigned offset, const struct end *end)
{
    assert_int_equal(fake_server.last.number, SENSOR_WATCHDOG2);
    assert_int_equal(fake_server.last.type, 0x23);
    assert_int_equal(fake_server.last.event_type, 0x6f);
    assert_false(fake_server.last.deassertion);
    assert_int_equal(fake_server.last.data[0], 0xc0 | offset);
    assert_int_equal(fake_server.last.data[1], end->interrupt << 4 | end->use);
    assert_int_equal(fake_server.last.data[2], 0xff);
}

static void expect_interrupted(const struct end *end)
{
    bool comes = end->interrupt != 0;

    assert_int_equal(calls(), end->interrupt == 2);
    if (end->interrupt == 2)
        assert_int_equal(fake_host_last(&fake_bmc.host)->action,
                         HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_int_equal(has_message_flag(), end->interrupt == 3);
    assert_int_equal(fake_server.event_count, comes);
    if (comes)
        expect_event(8, end);
}

static void expect_ended(const struct end *end)
{
    static const enum host_power_action actions[] = {
        0, HOST_POWER_ACTION_HARD_RESET, HOST_POWER_ACTION_DOWN, HOST_POWER_ACTION_CYCLE};
    unsigned interrupts = end->interrupt == 2;

    expect_stopped(0);
    assert_int_equal(timer()->expired, 1u << end->use);
    assert_int_equal(calls(), interrupts + (end->action != 0));
    if (end->action != 0)
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, actions[end->action]);
    assert_int_equal(fake_server.event_count, 1 + (end->interrupt != 0));
    expect_event(end->action, end);
}

static void run_end(const struct end *end)
{
    char data[24];

    snprintf(data, sizeof data, "%02x %02x %02x 00 19 00", end->use,
             end->interrupt << 4 | end->action, end->before_s);
    set_and_start(data);
    if (end->before_s > 0) {
        advance(1499);
        assert_int_equal(calls(), 0);
        assert_int_equal(fake_server.event_count, 0);
        advance(1);
        expect_interrupted(end);
        expect_running(10);
        advance(999);
        expect_interrupted(end);
    } else {
        advance(2499);
        assert_int_equal(calls(), 0);
        assert_int_equal(fake_server.event_count, 0);
    }
    expect_running(1);
    assert_int_equal(timer()->expired, 0);
    advance(1);
    expect_ended(end);
}

static void test_every_end(void **state)
{
    static const unsigned interrupts[] = {0, 2, 3};

    fake_server_teardown(state);
    for (unsigned i = 0; i < 5 * 4 * ARRAY_SIZE(interrupts) * 2; i++) {
        const struct end end = {
            .use = 1 + i % 5,
            .action = i / 5 % 4,
            .interrupt = interrupts[i / 20 % ARRAY_SIZE(interrupts)],
            .before_s = i / 20 / (unsigned)ARRAY_SIZE(interrupts),
        };
        fake_server_setup(state);
        fake_server_events();
        run_end(&end);
        fake_server_teardown(state);
    }
    fake_server_setup(state);
}

/* ---- what else follows ---- */

static void test_hard_reset_tells_why(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 0a 00");
    advance(1000);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(talk("00 07"), "00 04 00");
    assert_string_equal(fake_server_events(),
                        "Watchdog2: Hard reset; System Boot: Initiated by hard reset");
    assert_int_equal(fake_server.last.data[1], RESTART_CAUSE_WATCHDOG);
    assert_string_equal(talk("00 01"), "00 01 00 40 00"); /* no command, no fault */
    advance(10000);
    assert_string_equal(talk("00 02 03"), "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(talk("00 07"), "00 01 01"); /* a client's */
}

static void test_power_cycle_tells_why(void **state)
{
    (void)state;
    assert_string_equal(talk("00 02 00"), "00");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc.host.waits = true;
    assert_string_equal(talk("00 02 01"), FAKE_BMC_WAITS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(talk("00 01"), "00 01 10 40 00"); /* on by command */
    set_and_start("04 03 00 00 0a 00");
    advance(1000);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(talk("00 07"), "00 04 00");
    assert_string_equal(talk("00 01"), "00 01 00 40 00");             /* not by command any more */
    assert_string_equal(talk("06 25"), "00 04 03 00 10 0a 00 00 00"); /* flags outlive it */
}

static void test_dont_log(void **state)
{
    (void)state;
    set_and_start("84 20 01 00 14 00");
    fake_server_events();
    advance(2000);
    assert_string_equal(fake_server_events(), "");
    assert_int_equal(calls(), 1); /* the interrupt is made all the same */
    assert_string_equal(talk("06 25"), "00 04 20 01 10 14 00 00 00"); /* for this time only */
    assert_string_equal(talk("06 22"), "00");
    advance(2000);
    assert_string_equal(fake_server_events(),
                        "Watchdog2: Timer interrupt; Watchdog2: Timer expired");
}

static void test_flags(void **state)
{
    static const struct line lines[] = {
        {"06 25", "00 05 00 00 3e 01 00 00 00"}, {"06 24 05 00 00 04 01 00", "00"},
        {"06 25", "00 05 00 00 3a 01 00 01 00"}, {"06 24 05 00 00 00 01 00", "00"},
        {"06 25", "00 05 00 00 3a 01 00 01 00"}, {"06 24 05 00 00 3e 01 00", "00"},
        {"06 25", "00 05 00 00 00 01 00 01 00"},
    };
    char data[24];

    (void)state;
    for (unsigned use = 1; use <= 5; use++) {
        snprintf(data, sizeof data, "%02x 00 00 00 01 00", use);
        set_and_start(data);
        advance(100);
    }
    expect_lines(lines, ARRAY_SIZE(lines));
}

/* Behind the interrupt only a Set helps (section 27.5). */
static void test_no_reset_behind_the_interrupt(void **state)
{
    (void)state;
    set_and_start("04 31 02 00 1e 00");
    advance(999);
    assert_string_equal(talk("06 22"), "00");
    advance(1000);
    assert_true(has_message_flag());
    assert_string_equal(talk("06 22"), "d5");
    expect_running(20);
    assert_string_equal(talk("06 24 44 31 02 00 1e 00"), "00");
    assert_false(has_message_flag());
    expect_running(30);
    assert_string_equal(talk("06 22"), "00");
    advance(1000);
    assert_true(has_message_flag());
    messaging_clear(&fake_bmc.bmc.messaging, MESSAGE_FLAG_WATCHDOG);
    advance(2000);
    assert_false(has_message_flag());
    expect_stopped(0);
    assert_string_equal(talk("06 22"), "00"); /* that countdown is over */
}

static void test_interrupt_longer_than_the_countdown(void **state)
{
    (void)state;
    set_and_start("04 21 0a 00 14 00");
    advance(0);
    assert_int_equal(calls(), 1);
    advance(1999);
    assert_int_equal(calls(), 1);
    advance(1);
    assert_int_equal(calls(), 2);
}

static void test_failed_action(void **state)
{
    (void)state;
    fake_bmc.host.result = -EIO;
    set_and_start("04 01 00 00 0a 00");
    fake_server_events();
    advance(1000);
    assert_string_equal(talk("00 01"), "00 11 00 40 00"); /* power control fault */
    assert_string_equal(fake_server_events(),
                        "Watchdog2: Hard reset; Power Unit: Soft-power control failure");
    assert_int_equal(timer()->expired, 0x10);
}

static void test_no_room_for_the_action(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    for (unsigned i = 0; i < CHASSIS_QUEUE_MAX; i++) {
        fake_bmc.session = 100 + i;
        talk("00 02 03");
    }
    fake_bmc.session = FAKE_BMC_SESSION;
    set_and_start("04 02 00 00 0a 00");
    fake_server_events();
    advance(1000);
    assert_string_equal(fake_server_events(),
                        "Watchdog2: Power down; Power Unit: Soft-power control failure");
    while (fake_bmc.host.finished < fake_bmc.host.count)
        fake_host_finish(&fake_bmc.host, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_never_set),
        TEST(test_reads_back),
        TEST(test_bad_input_changes_nothing),
        TEST(test_privileges),
        TEST(test_answered_when_stored),
        TEST(test_counts),
        TEST(test_longest),
        TEST(test_no_countdown_ends_at_once),
        TEST(test_dont_stop),
        TEST(test_every_end),
        TEST(test_hard_reset_tells_why),
        TEST(test_power_cycle_tells_why),
        TEST(test_dont_log),
        TEST(test_flags),
        TEST(test_no_reset_behind_the_interrupt),
        TEST(test_interrupt_longer_than_the_countdown),
        TEST(test_failed_action),
        TEST(test_no_room_for_the_action),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
