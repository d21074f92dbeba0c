/* The limiter before authentication: bursts, rates, what counts as one source, that no flood takes
 * from others what they need for a log-in, and what those have who have logged in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/net/limiter.h"
#include "vbmc/rmcp/server.h"

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

/* How many of `count` such datagrams at one moment are admitted. */
static unsigned admitted_as(struct limiter_load load, uint32_t bmc, const char *text, uint16_t port,
                            unsigned count, uint64_t now_ms)
{
    union endpoint_address from = address(text, port);
    unsigned passed = 0;

    for (unsigned i = 0; i < count; i++)
        passed += limiter_admit(limiter, bmc, &from, load, now_ms);
    return passed;
}

static const struct limiter_load ping = {.work = 1};

static unsigned admitted(const char *text, uint16_t port, unsigned count, uint64_t now_ms)
{
    return admitted_as(ping, 1, text, port, count, now_ms);
}

/* What a log-in sends, with Get Channel Authentication Capabilities in front as ipmitool has it.
 * Whether all of it is admitted. */
static bool admits_login(uint32_t bmc, const char *text, uint16_t port, uint64_t now_ms)
{
    static const struct limiter_load messages[] = {
        {RMCP_WORK_LEAST, false},
        {RMCP_WORK_OPEN, false},
        {RMCP_WORK_RAKP1, true},
        {RMCP_WORK_RAKP3, true},
    };
    unsigned passed = 0;

    for (size_t i = 0; i < 4; i++)
        passed += admitted_as(messages[i], bmc, text, port, 1, now_ms);
    return passed == 4;
}

/* What one address and port can send at once. */
#define ALL (LIMITER_PAIR_BURST + LIMITER_FIRST_BURST)

static void test_burst_and_rate(void **state)
{
    (void)state;
    assert_int_equal(admitted("192.0.2.1", 1, ALL + 100, 0), ALL);
    assert_int_equal(admitted("192.0.2.1", 1, 10, 0), 0);
    assert_int_equal(admitted("192.0.2.1", 1, 1000, 100),
                     LIMITER_PAIR_RATE / 10 + LIMITER_FIRST_RATE / 10);
    /* Asking all the time must not keep the bucket from filling. */
    unsigned passed = 0;
    for (uint64_t now = 101; now <= 1100; now++)
        passed += admitted("192.0.2.1", 1, 5, now);
    assert_in_range(passed, LIMITER_PAIR_RATE, LIMITER_PAIR_RATE + LIMITER_FIRST_RATE + 1);
    assert_int_equal(admitted("192.0.2.1", 1, LIMITER_PAIR_BURST * 2, 1000000), ALL);
}

/* A budget is of work, not of datagrams. */
static void test_work(void **state)
{
    struct limiter_load load = {.work = RMCP_WORK_RAKP1};

    (void)state;
    assert_int_equal(admitted_as(load, 1, "192.0.2.1", 1, ALL, 0), ALL / RMCP_WORK_RAKP1);
    load = (struct limiter_load){.work = RMCP_WORK_RAKP3, .is_proven = true};
    assert_int_equal(admitted_as(load, 1, "192.0.2.2", 1, LIMITER_PROVEN_BURST, 0),
                     LIMITER_PROVEN_BURST / RMCP_WORK_RAKP3 +
                         LIMITER_FIRST_BURST / RMCP_WORK_RAKP3);
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
            logins += admits_login(1, "192.0.2.1", (uint16_t)(40000 + now / 100), now);
        if (now % 1000 == 0)
            polls += admits_login(1, "192.0.2.1", 39999, now);
    }
    assert_int_equal(logins, 100);
    assert_int_equal(polls, 10);
}

/* Who guesses passwords at an address keeps nobody out who logs in from there too. */
static void test_guesser_next_door(void **state)
{
    static const struct limiter_load guess = {RMCP_WORK_RAKP3, true};
    unsigned guesses = 0, logins = 0;

    (void)state;
    for (uint64_t now = 1; now <= 10000; now++) {
        guesses += admitted_as(guess, 1, "192.0.2.1", (uint16_t)(now % 7), 5, now);
        if (now % 500 == 0)
            logins += admits_login(1, "192.0.2.1", (uint16_t)(40000 + now / 100), now);
    }
    assert_int_equal(logins, 20);
    assert_true(guesses < 10 * LIMITER_PROVEN_RATE / RMCP_WORK_RAKP3 +
                              LIMITER_PROVEN_BURST / RMCP_WORK_RAKP3 + 1000);
}

/* Nor what it sends to other BMCs: a thousand of them, a log-in each. */
static void test_many_bmcs(void **state)
{
    unsigned passed = 0;

    (void)state;
    admitted("192.0.2.1", 9, 100000, 1);
    for (uint32_t bmc = 2; bmc < 1002; bmc++)
        passed += admits_login(bmc, "192.0.2.1", 40000, 1);
    assert_int_equal(passed, 1000);
}

/* With an own address for each BMC's flood a source gets no more than its own budget, and what is
 * in common. */
static void test_source_budget(void **state)
{
    unsigned passed = 0;

    (void)state;
    for (uint32_t bmc = 1; bmc <= 1000; bmc++)
        passed += admitted_as(ping, bmc, "192.0.2.1", 40000, 1000, 1);
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
        limiter_admit(limiter, 1, &from, ping, 0);
    }
    assert_int_equal(admitted("192.0.2.1", 1, 10, 0), 10);
}

/* ---- who has logged in within the hour ---- */

static void log_in(const char *text, uint64_t now_ms)
{
    union endpoint_address from = address(text, 1);

    limiter_note_login(limiter, &from, now_ms);
}

/* A station that polls ten thousand BMCs from one address and port: all at once, then each second a
 * tenth. */
static void test_polling_station(void **state)
{
    unsigned logins = 0;

    (void)state;
    log_in("192.0.2.1", 1);
    for (uint32_t bmc = 1; bmc <= 10000; bmc++)
        logins += admits_login(bmc, "192.0.2.1", 40000, 1);
    assert_int_equal(logins, 10000);
    for (uint32_t second = 1; second <= 100; second++) {
        for (uint32_t bmc = 1; bmc <= 1000; bmc++)
            logins += admits_login(bmc + second % 10 * 1000, "192.0.2.1", 40000, second * 1000);
    }
    assert_int_equal(logins, 110000);
}

/* Eight clients of one BMC that log in and out all the time, faster than a processor can do. */
static void test_busy_clients(void **state)
{
    unsigned logins = 0;

    (void)state;
    log_in("192.0.2.1", 1);
    for (uint64_t now = 1; now <= 2000; now++) {
        for (unsigned i = 0; i < 160; i++)
            logins += admits_login(1, "192.0.2.1", (uint16_t)(40000 + i % 8), now);
    }
    assert_int_equal(logins, 320000);
}

/* A flood under its address, of its BMC and port, takes what it has for what others can send; what
 * brings ids back goes through. */
static void test_known_is_spoofed(void **state)
{
    static const struct limiter_load rakp1 = {RMCP_WORK_RAKP1, true};

    (void)state;
    log_in("192.0.2.1", 1);
    unsigned passed = admitted("192.0.2.1", 40000, 2 * LIMITER_KNOWN_BURST, 1);
    assert_int_equal(passed, LIMITER_KNOWN_BURST + LIMITER_FIRST_BURST);
    assert_int_equal(admitted_as(rakp1, 1, "192.0.2.1", 40000, 1000, 1), 1000);
    assert_true(admits_login(1, "192.0.2.1", 40001, 1));
}

static void test_hour(void **state)
{
    (void)state;
    log_in("192.0.2.1", 1);
    assert_int_equal(admitted("192.0.2.1", 1, 10000, LIMITER_KNOWN_MS), 10000);
    assert_int_equal(admitted("192.0.2.1", 1, 10000, LIMITER_KNOWN_MS + 1), ALL);
    log_in("192.0.2.1", LIMITER_KNOWN_MS + 2);
    assert_int_equal(admitted("192.0.2.1", 1, 10000, LIMITER_KNOWN_MS + 2), 10000);
    /* A log-in again begins the hour anew. */
    log_in("192.0.2.1", 2 * LIMITER_KNOWN_MS);
    assert_int_equal(admitted("192.0.2.1", 1, 10000, 3 * LIMITER_KNOWN_MS - 1), 10000);
}

/* However many log in: the latest are known, and nothing grows. */
static void test_many_known(void **state)
{
    char text[32];
    unsigned known = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        log_in(text, 1 + i);
    }
    for (unsigned i = 99000; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        known += admitted(text, 1, ALL + 1, 100000) == ALL + 1;
    }
    assert_true(known > 900);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_burst_and_rate),   TEST(test_work),
        TEST(test_far_future),       TEST(test_what_is_one_source),
        TEST(test_spoofed_station),  TEST(test_guesser_next_door),
        TEST(test_many_bmcs),        TEST(test_source_budget),
        TEST(test_others_pass),      TEST(test_spoofed_flood),
        TEST(test_polling_station),  TEST(test_busy_clients),
        TEST(test_known_is_spoofed), TEST(test_hour),
        TEST(test_many_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
