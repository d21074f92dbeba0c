/* The limiter before authentication: bursts, rates, what counts as one source, and that no flood
 * takes from others what they need for a log-in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/net/limiter.h"

static struct limiter *limiter;

static int setup(void **state)
{
    (void)state;
    limiter = limiter_new();
    return limiter ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    limiter_free(limiter);
    return 0;
}

static union endpoint_address address(const char *text, uint16_t port)
{
    union endpoint_address parsed;

    assert_int_equal(endpoint_address_parse(text, port, &parsed), 0);
    return parsed;
}

/* How many of `count` datagrams at one moment are admitted. */
static unsigned admitted_by(uint32_t bmc, const char *text, uint16_t port, unsigned count,
                            uint64_t now_ms)
{
    union endpoint_address from = address(text, port);
    unsigned passed = 0;

    for (unsigned i = 0; i < count; i++)
        passed += limiter_admit(limiter, bmc, &from, now_ms);
    return passed;
}

static unsigned admitted(const char *text, uint16_t port, unsigned count, uint64_t now_ms)
{
    return admitted_by(1, text, port, count, now_ms);
}

/* What one address and port can send at once. */
#define ALL (LIMITER_BURST + LIMITER_FIRST_BURST)

static void test_burst_and_rate(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, ALL + 100, 0), ALL);
    assert_int_equal(admitted("192.0.2.1", 1, 10, 0), 0);
    assert_int_equal(admitted("192.0.2.1", 1, 1000, 100), LIMITER_RATE / 10);
    /* Asking all the time must not keep the bucket from filling. */
    unsigned passed = 0;
    for (uint64_t now = 101; now <= 1100; now++)
        passed += admitted("192.0.2.1", 1, 3, now);
    assert_in_range(passed, LIMITER_RATE, LIMITER_RATE + LIMITER_FIRST_RATE + 1);
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST * 2, 1000000), ALL);
}

static void test_far_future(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, ALL, 5), ALL);
    assert_int_equal(admitted("192.0.2.1", 1, ALL + 1, UINT64_C(1) << 60), ALL);
}

static void test_what_is_one_source(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, ALL, 0), ALL);
    assert_int_equal(admitted("::ffff:192.0.2.1", 1, 1, 0), 0);
    assert_int_equal(admitted("2001:db8:1:2::1", 1, ALL, 0), ALL);
    assert_int_equal(admitted("2001:db8:1:2:ffff::9", 1, 1, 0), 0); /* the /64 counts */
}

/* A flood of whatever rate under a station's address takes none of the station's log-ins, each of
 * which comes from a port of its own; nor from a port that is used all the time. */
static void test_spoofed_station(void **state)
{
    unsigned logins = 0, polls = 0;

    (void)state;
    for (uint64_t now = 1; now <= 10000; now++) {
        admitted("192.0.2.1", (uint16_t)(now % 7), 50, now);
        if (now % 100 == 0)
            logins += admitted("192.0.2.1", (uint16_t)(40000 + now / 100), 4, now);
        if (now % 1000 == 0)
            polls += admitted("192.0.2.1", 39999, 4, now);
    }
    assert_int_equal(logins, 400);
    assert_int_equal(polls, 40);
}

/* Nor what it sends to other BMCs: a thousand of them, three datagrams to each. */
static void test_many_bmcs(void **state)
{
    unsigned passed = 0;

    (void)state;
    admitted("192.0.2.1", 9, 100000, 1);
    for (uint32_t bmc = 2; bmc < 1002; bmc++)
        passed += admitted_by(bmc, "192.0.2.1", 40000, 3, 1);
    assert_int_equal(passed, 3000);
}

/* With an own address for each BMC's flood a source gets no more than its own budget, and what is
 * in common. */
static void test_source_budget(void **state)
{
    unsigned passed = 0;

    (void)state;
    for (uint32_t bmc = 1; bmc <= 1000; bmc++)
        passed += admitted_by(bmc, "192.0.2.1", 40000, 1000, 1);
    assert_in_range(passed, LIMITER_SOURCE_BURST, LIMITER_SOURCE_BURST + LIMITER_COMMON_BURST);
}

static void test_others_pass(void **state)
{
    static const char *const others[] = {"192.0.2.2", "198.51.100.7", "2001:db8:1:3::1",
                                         "2001:db8:2:2::1"};
    unsigned passed = 0;

    (void)state;
    admitted("192.0.2.1", 1, ALL, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        passed += admitted(others[i], 1, 1, 0);
    assert_int_equal(passed, 4);
}

/* What is admitted of any flood at one moment is bounded by the tables. */
static void test_spoofed_flood(void **state)
{
    union endpoint_address from = address("10.0.0.0", 1);

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        from.in.sin_addr.s_addr = i * 2654435761u;
        limiter_admit(limiter, 1, &from, 0);
    }
    assert_int_equal(admitted("192.0.2.1", 1, 10, 0), 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_burst_and_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_far_future, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_one_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoofed_station, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_bmcs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoofed_flood, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
