/* The watchdog timer and its guest: it is held while the guest stands still, stops with the power,
 * and goes on while nothing is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/watchdog_timer.h"
#include "vbmc/base/array.h"

static void set_guest(enum host_power_state guest)
{
    fake_bmc_set_state(&fake_bmc, guest);
}

static void test_held_while_the_guest_stands_still(void **state)
{
    static const enum host_power_state still[] = {HOST_POWER_PAUSED, HOST_POWER_SUSPENDED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(still); i++) {
        unsigned before = calls();
        set_and_start("04 21 01 00 14 00");
        advance(950);
        set_guest(still[i]);
        advance(100000);
        expect_running(11);
        assert_int_equal(calls(), before);
        set_guest(HOST_POWER_RUNNING);
        advance(49);
        assert_int_equal(calls(), before);
        advance(1);
        assert_int_equal(calls(), before + 1); /* the interrupt */
        set_guest(still[i]);
        advance(5000);
        set_guest(HOST_POWER_RUNNING);
        advance(999);
        assert_int_equal(calls(), before + 1);
        advance(1);
        assert_int_equal(calls(), before + 2);
    }
}

static void test_started_while_the_guest_stands_still(void **state)
{
    (void)state;
    set_guest(HOST_POWER_PAUSED);
    set_and_start("04 01 00 00 14 00");
    advance(5000);
    expect_running(20);
    assert_string_equal(talk("06 24 44 01 00 00 0a 00"), "00");
    advance(5000);
    expect_running(10);
    set_guest(HOST_POWER_RUNNING);
    advance(1000);
    expect_stopped(0);
    assert_int_equal(calls(), 1);
}

static void test_crashed_guest_is_what_it_is_for(void **state)
{
    (void)state;
    set_and_start("04 03 00 00 14 00");
    set_guest(HOST_POWER_CRASHED);
    advance(2000);
    assert_int_equal(calls(), 1);
}

static void test_stops_with_the_power(void **state)
{
    static const enum host_stop_reason reasons[] = {HOST_STOP_UNKNOWN, HOST_STOP_SHUTDOWN,
                                                    HOST_STOP_DESTROYED, HOST_STOP_CRASHED,
                                                    HOST_STOP_FAILED};
    char data[24];

    (void)state;
    for (unsigned use = 1; use <= 5; use++) {
        snprintf(data, sizeof data, "%02x 01 00 00 14 00", use);
        set_and_start(data);
        advance(1000);
        if (use % 2)
            set_guest(HOST_POWER_PAUSED);
        fake_bmc.host.domain.stop_reason = reasons[use - 1];
        set_guest(HOST_POWER_OFF);
        advance(5000);
        expect_stopped(10);
        assert_string_equal(talk("06 22"), "d5"); /* there is nothing to watch */
        set_guest(HOST_POWER_RUNNING);
        advance(5000);
        expect_stopped(10);
    }
    assert_int_equal(calls(), 0);
    assert_int_equal(timer()->expired, 0);
}

static void test_held_while_saved(void **state)
{
    static const enum host_stop_reason reasons[] = {HOST_STOP_SAVED, HOST_STOP_MOVED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        set_and_start("04 01 00 00 14 00");
        advance(1000);
        fake_bmc.host.domain.stop_reason = reasons[i];
        set_guest(HOST_POWER_OFF);
        advance(5000);
        expect_running(10);
        set_guest(HOST_POWER_RUNNING); /* restored */
        advance(999);
        expect_running(1);
        advance(1);
        assert_int_equal(calls(), i + 1);
    }
    set_and_start("04 01 00 00 14 00");
    set_guest(HOST_POWER_OFF);
    fake_bmc.host.domain.booted = true; /* the image was thrown away */
    set_guest(HOST_POWER_RUNNING);
    expect_stopped(20);
}

static void test_goes_along_to_another_host(void **state)
{
    struct fake_host other;

    (void)state;
    fake_host_init(&other, HOST_POWER_PAUSED);
    other.domain.hardware = fake_bmc.host.domain.hardware;
    set_and_start("04 01 00 00 14 00");
    advance(1000);
    fake_bmc.host.domain.stop_reason = HOST_STOP_MOVED;
    set_guest(HOST_POWER_OFF);
    advance(1000);
    bmc_set_host(&fake_bmc.bmc, &other.domain);
    advance(1000);
    expect_running(10);
    other.domain.state = HOST_POWER_RUNNING;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    advance(1000);
    expect_stopped(0);
    assert_int_equal(fake_host_last(&other)->action, HOST_POWER_ACTION_HARD_RESET);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
}

static void test_reset_of_the_guest(void **state)
{
    static const bool goes_on[] = {[1] = true, [2] = true, [3] = true, [4] = false, [5] = false};
    char data[24];

    (void)state;
    for (unsigned use = 1; use <= 5; use++) {
        snprintf(data, sizeof data, "%02x 00 00 00 64 00", use);
        set_and_start(data);
        advance(9000);
        bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
        assert_int_equal(timer()->running, goes_on[use]);
        advance(100);
        assert_int_equal(watchdog_present(timer()), goes_on[use] ? 9 : 10);
        assert_string_equal(talk("06 22"), "00"); /* its firmware resets once more */
        bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
        assert_true(timer()->running);
    }
}

/* A hypervisor that cannot be asked: the guest most likely runs on, and so does the time. */
static void test_unknown_guest(void **state)
{
    (void)state;
    set_and_start("04 21 01 00 14 00");
    set_guest(HOST_POWER_UNKNOWN);
    advance(900);
    expect_running(11);
    assert_string_equal(talk("06 22"), "00");
    advance(5000);
    expect_running(0); /* nothing can be done to it */
    assert_int_equal(calls(), 0);
    set_guest(HOST_POWER_RUNNING);
    advance(0);
    assert_int_equal(calls(), 2);
    expect_stopped(0);
    set_and_start("04 21 01 00 14 00");
    set_guest(HOST_POWER_UNKNOWN);
    advance(5000);
    set_guest(HOST_POWER_OFF);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
    expect_stopped(0);
    assert_int_equal(calls(), 2);
}

/* It was off before, so that no end of it comes: a timer that was started meanwhile watches
 * nothing.
 */
static void test_unknown_guest_was_off(void **state)
{
    struct host_domain *host = &fake_bmc.host.domain;

    (void)state;
    assert_string_equal(talk("06 24 04 01 00 00 14 00"), "00");
    host->run = -1;
    host->stop_reason = HOST_STOP_SHUTDOWN;
    set_guest(HOST_POWER_OFF);
    assert_string_equal(talk("06 22"), "d5");
    set_guest(HOST_POWER_UNKNOWN);
    assert_string_equal(talk("06 22"), "00");
    advance(1000);
    set_guest(HOST_POWER_OFF);
    expect_stopped(10);
    /* Or it was restored while nobody looked, and is saved again: why it is off comes later. */
    set_guest(HOST_POWER_UNKNOWN);
    assert_string_equal(talk("06 22"), "00");
    host->run = 8;
    set_guest(HOST_POWER_RUNNING);
    advance(500);
    host->state = HOST_POWER_OFF;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    host->stop_reason = HOST_STOP_SAVED;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
    advance(5000);
    expect_running(15);
}

static void test_guest_found_off(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 14 00");
    bmc_set_host(&fake_bmc.bmc, NULL);
    advance(1000);
    fake_bmc.host.domain.state = HOST_POWER_OFF;
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    expect_stopped(10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_held_while_the_guest_stands_still),
        TEST(test_started_while_the_guest_stands_still),
        TEST(test_crashed_guest_is_what_it_is_for),
        TEST(test_stops_with_the_power),
        TEST(test_held_while_saved),
        TEST(test_goes_along_to_another_host),
        TEST(test_reset_of_the_guest),
        TEST(test_unknown_guest),
        TEST(test_unknown_guest_was_off),
        TEST(test_guest_found_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
