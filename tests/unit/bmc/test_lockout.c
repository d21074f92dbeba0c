/* Users locked out after bad passwords: counting, its end, what is told and what is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/fake/fake_server.h"
#include "vbmc/base/array.h"

#define USER USER_ID_FIRST

static struct lockout *lockout(void)
{
    return &fake_bmc.bmc.lockout;
}

/* Threshold, reset after 20 s, lock-out for `tens` of 10 s; an event. */
static void set_rule(const char *rule)
{
    char request[64];

    snprintf(request, sizeof request, "0c 01 01 1a %s", rule);
    assert_string_equal(fake_bmc_talk(&fake_bmc, request), "00");
    fake_bmc.changes[BMC_PART_LAN] = 0;
}

static int setup(void **state)
{
    int result = fake_server_setup(state);

    set_rule("01 03 02 00 03 00");
    fake_server_events();
    return result;
}

static void fail_times(unsigned times)
{
    while (times-- > 0)
        bmc_note_login(&fake_bmc.bmc, USER, false);
}

static void test_off(void **state)
{
    (void)state;
    set_rule("01 00 02 00 03 00");
    fail_times(100);
    assert_false(lockout_is_locked(lockout(), USER));
    assert_null(lockout()->users);
}

static void test_threshold(void **state)
{
    (void)state;
    fail_times(2);
    assert_false(lockout_is_locked(lockout(), USER));
    assert_int_equal(fake_server.event_count, 0);
    fail_times(1);
    assert_true(lockout_is_locked(lockout(), USER));
    assert_false(lockout_is_locked(lockout(), USER + 1));
    assert_int_equal(lockout_left_s(lockout(), USER), 30);
    assert_int_equal(fake_server.event_count, 1);
    assert_int_equal(fake_server.last.number, SENSOR_SESSION_AUDIT);
    assert_int_equal(fake_server.last.type, 0x2a);
    assert_int_equal(fake_server.last.data[0] & 0x0f, 0x03);
    assert_int_equal(fake_server.last.data[1], USER);
    assert_int_equal(fake_server.last.data[2], CHANNEL_LAN);
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 0);
    /* More of them do not make it longer. */
    fake_bmc.now_ms += 29000;
    fail_times(5);
    assert_int_equal(lockout_left_s(lockout(), USER), 1);
    fake_bmc.now_ms += 1000;
    assert_false(lockout_is_locked(lockout(), USER));
    assert_int_equal(fake_server.event_count, 1);
    fail_times(2); /* counts from the start */
    assert_false(lockout_is_locked(lockout(), USER));
    fail_times(1);
    assert_true(lockout_is_locked(lockout(), USER));
}

static void test_without_event(void **state)
{
    (void)state;
    set_rule("00 01 00 00 03 00");
    fail_times(1);
    assert_true(lockout_is_locked(lockout(), USER));
    assert_int_equal(fake_server.event_count, 0);
}

static void test_what_forgets(void **state)
{
    (void)state;
    fail_times(2);
    bmc_note_login(&fake_bmc.bmc, USER, true);
    fail_times(2);
    fake_bmc.now_ms += 20000;
    fail_times(2);
    assert_false(lockout_is_locked(lockout(), USER));
    fake_bmc.now_ms += 19999;
    fail_times(1);
    assert_true(lockout_is_locked(lockout(), USER));
    /* Without an interval nothing but a log-in forgets. */
    lockout_release(lockout(), 1u << USER, NULL);
    set_rule("00 03 00 00 03 00");
    fail_times(2);
    fake_bmc.now_ms += UINT64_C(1000000000);
    fail_times(1);
    assert_true(lockout_is_locked(lockout(), USER));
}

static void test_without_end(void **state)
{
    (void)state;
    set_rule("00 01 00 00 00 00");
    fail_times(1);
    assert_true(lockout_left_s(lockout(), USER) == LOCKOUT_NO_END);
    assert_int_equal(lockout_without_end(lockout()), 1u << USER);
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    fake_bmc.now_ms += UINT64_C(1000000000000);
    assert_true(lockout_is_locked(lockout(), USER));
    lockout_release(lockout(), 1u << USER, NULL);
    assert_false(lockout_is_locked(lockout(), USER));
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 2);
}

/* Those who let people in by another way are told when somebody is locked out and when not. */
static void test_told(void **state)
{
    (void)state;
    set_rule("00 02 00 00 03 00");
    fail_times(1);
    bmc_note_login(&fake_bmc.bmc, USER, true);
    lockout_release(lockout(), 1u << USER, NULL);
    assert_int_equal(fake_bmc.logins_changes, 0);
    assert_int_equal(lockout_until_ms(lockout(), USER), 0);
    fail_times(2);
    assert_int_equal(fake_bmc.logins_changes, 1);
    assert_int_equal(lockout_until_ms(lockout(), USER), fake_bmc.now_ms + 30000);
    lockout_release(lockout(), 1u << USER, NULL);
    assert_int_equal(fake_bmc.logins_changes, 2);
    assert_int_equal(lockout_until_ms(lockout(), USER), 0);
    assert_int_equal(lockout_restore(lockout(), 1u << USER), 0);
    assert_int_equal(fake_bmc.logins_changes, 3);
    assert_true(lockout_until_ms(lockout(), USER) == LOCKOUT_NO_END);
}

/* What the disk refuses holds in memory all the same. */
static void test_restored(void **state)
{
    (void)state;
    set_rule("00 01 00 00 00 00");
    fail_times(1);
    assert_int_equal(lockout_restore(lockout(), 0), 0);
    assert_true(lockout_is_locked(lockout(), USER));
    assert_int_equal(lockout_restore(lockout(), 1u << (USER + 1)), 0);
    assert_int_equal(lockout_without_end(lockout()), 3u << USER);
}

/* Names that nobody has, and numbers that no user has. */
static void test_nobody(void **state)
{
    static const uint8_t ids[] = {0, USER_ID_NULL, USER_ID_MAX + 1, 63, 255};

    (void)state;
    set_rule("01 01 00 00 00 00");
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        bmc_note_login(&fake_bmc.bmc, ids[i], false);
        bmc_note_login(&fake_bmc.bmc, ids[i], true);
        lockout_release(lockout(), LOCKOUT_ALL, NULL);
        assert_false(lockout_is_locked(lockout(), ids[i]));
    }
    assert_int_equal(fake_server.event_count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fake_server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_off),          TEST(test_threshold),   TEST(test_without_event),
        TEST(test_what_forgets), TEST(test_without_end), TEST(test_nobody),
        TEST(test_restored),     TEST(test_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
