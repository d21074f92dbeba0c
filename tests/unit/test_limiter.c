/* The limiter before authentication: burst, rate, what counts as one source, and that a flood of
 * sources takes nothing from the others for long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
static unsigned admitted(const char *text, uint16_t port, unsigned count, uint64_t now_ms)
{
    union endpoint_address from = address(text, port);
    unsigned passed = 0;

    for (unsigned i = 0; i < count; i++)
        passed += limiter_admit(limiter, &from, now_ms);
    return passed;
}

static void test_burst_and_rate(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST + 100, 0), LIMITER_BURST);
    assert_int_equal(admitted("192.0.2.1", 1, 10, 0), 0);
    assert_int_equal(admitted("192.0.2.1", 1, 1000, 100), LIMITER_RATE / 10);
    /* Asking all the time must not keep the bucket from filling. */
    unsigned passed = 0;
    for (uint64_t now = 101; now <= 1100; now++)
        passed += admitted("192.0.2.1", 1, 3, now);
    assert_int_equal(passed, LIMITER_RATE);
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST * 2, 1000000), LIMITER_BURST);
}

static void test_far_future(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST, 5), LIMITER_BURST);
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST + 1, UINT64_C(1) << 50), LIMITER_BURST);
}

static void test_what_is_one_source(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_BURST, 0), LIMITER_BURST);
    assert_int_equal(admitted("192.0.2.1", 2, 1, 0), 0); /* the port does not count */
    assert_int_equal(admitted("::ffff:192.0.2.1", 1, 1, 0), 0);
    assert_int_equal(admitted("2001:db8:1:2::1", 1, LIMITER_BURST, 0), LIMITER_BURST);
    assert_int_equal(admitted("2001:db8:1:2:ffff::9", 1, 1, 0), 0); /* the /64 counts */
}

/* One address out of a few may share the bucket of the exhausted one, not all. */
static void test_others_pass(void **state)
{
    static const char *const others[] = {"192.0.2.2", "198.51.100.7", "2001:db8:1:3::1",
                                         "2001:db8:2:2::1"};
    unsigned passed = 0;

    (void)state;
    admitted("192.0.2.1", 1, LIMITER_BURST, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        passed += admitted(others[i], 1, 1, 0);
    assert_true(passed >= 2);
}

static void test_spoofed_flood(void **state)
{
    union endpoint_address from = address("10.0.0.0", 1);

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        from.in.sin_addr.s_addr = i * 2654435761u;
        limiter_admit(limiter, &from, 0);
    }
    assert_true(admitted("192.0.2.1", 1, 10, 0) > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_burst_and_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_far_future, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_one_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoofed_flood, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
