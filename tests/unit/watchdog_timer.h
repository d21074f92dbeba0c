/* The watchdog timer of the one fake_bmc on a fake_server, for the tests of it; asserts by cmocka,
 * which its includer includes. */
#ifndef TESTS_UNIT_WATCHDOG_TIMER_H
#define TESTS_UNIT_WATCHDOG_TIMER_H

#include <stdio.h>

#include "tests/fake/fake_server.h"

static inline const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

static inline void advance(uint64_t ms)
{
    fake_bmc_advance(&fake_bmc, ms);
}

static inline struct watchdog *timer(void)
{
    return &fake_bmc.bmc.watchdog;
}

/* Set Watchdog Timer with these data, and Reset Watchdog Timer. */
static inline void set_and_start(const char *data)
{
    char request[32];

    snprintf(request, sizeof request, "06 24 %s", data);
    assert_string_equal(talk(request), "00");
    assert_string_equal(talk("06 22"), "00");
}

/* Power actions that the guest was asked for. */
static inline unsigned calls(void)
{
    return fake_server_calls(FAKE_HOST_POWER);
}

static inline void expect_running(uint16_t counts)
{
    assert_true(timer()->running);
    assert_int_equal(watchdog_present(timer()), counts);
}

static inline void expect_stopped(uint16_t counts)
{
    assert_false(timer()->running);
    assert_int_equal(watchdog_present(timer()), counts);
}

#endif
