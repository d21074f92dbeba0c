/* Alerts: which destinations get one, in which order, how often, and until when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/unit/sent_alerts.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/sensors.h"

/* The entries of policy 1 in their order: rules and destinations. */
static void set_policy(const char *rules, const char *destinations)
{
    char request[64];

    for (unsigned i = 0; rules[i]; i++) {
        snprintf(request, sizeof request, "04 12 09 %02x %02x 1%c 00", i + 1,
                 0x18 | (rules[i] - '0'), destinations[i]);
        EXPECT(request, "00");
    }
}

/* Filter 1: upper critical temperatures. */
static void log_event(void)
{
    const struct sensor_event event = {
        .type = 1, .number = 8, .event_type = 1, .data = {0x59, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

static int setup(void **state)
{
    int result = fake_sel_setup(state);

    memset(&sent, 0, sizeof sent);
    pef_set_log(&fake_bmc.bmc.pef, fake_sel.sel);
    keep_alerts();
    EXPECT("04 12 01 01", "00");
    for (unsigned n = 1; n <= 3; n++)
        set_destination(n, 0x00, 2, 0);
    return result;
}

static int teardown(void **state)
{
    pef_set_log(&fake_bmc.bmc.pef, NULL);
    return fake_sel_teardown(state);
}

/* ---- destinations ---- */

static void test_once(void **state)
{
    (void)state;
    set_policy("0", "1");
    log_event();
    expect_sent("1");
    assert_int_equal(sent.last.sequence, 1);
    assert_int_equal(sent.last.severity, 0x10);
    assert_int_equal(sent.last.record[11], 8);
    assert_string_equal(sent.last.text, "");
    assert_int_equal(alert_time(&sent.last), FAKE_SEL_TIME - 883612800);
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1");
    assert_null(fake_bmc.bmc.alerts.runs);
    log_event();
    assert_int_equal(sent.last.sequence, 2);
}

/* Not acknowledged: so often, whoever hears it, and always the same. */
static void test_repeated(void **state)
{
    (void)state;
    set_destination(1, 0x00, 2, 3);
    set_policy("0", "1");
    log_event();
    expect_sent("1");
    fake_bmc_advance(&fake_bmc, 2999);
    expect_sent("1");
    fake_bmc_advance(&fake_bmc, 1);
    expect_sent("11");
    acknowledge(); /* is not asked for */
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1111");
    assert_int_equal(sent.last.sequence, 1);
}

static void test_acknowledged(void **state)
{
    (void)state;
    set_destination(1, 0x80, 0, 7);
    set_policy("0", "1");
    log_event();
    fake_bmc_advance(&fake_bmc, 1000);
    expect_sent("11");
    /* Of another alert, time, sensor or event: passed over, with success. */
    EXPECT("04 17 02 00 c0 7c b5 2f 20 20 08 59 60 55", "00");
    EXPECT("04 17 01 00 00 00 00 00 20 20 08 59 60 55", "00");
    fake_bmc_advance(&fake_bmc, 1000);
    expect_sent("111");
    acknowledge();
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("111");
    assert_null(fake_bmc.bmc.alerts.runs);
    acknowledge(); /* its answer was lost */
}

static void test_never_acknowledged(void **state)
{
    (void)state;
    set_destination(1, 0x80, 4, 2);
    set_policy("0", "1");
    log_event();
    fake_bmc_advance(&fake_bmc, 10000);
    expect_sent("111");
    assert_non_null(fake_bmc.bmc.alerts.runs); /* waits for the third */
    fake_bmc_advance(&fake_bmc, 5000);
    assert_null(fake_bmc.bmc.alerts.runs);
    expect_sent("111");
}

static void test_nobody_there(void **state)
{
    (void)state;
    set_policy("000", "456"); /* no address */
    log_event();
    expect_sent("");
    EXPECT("04 12 09 01 18 21 00", "00"); /* no such channel */
    log_event();
    expect_sent("");
    set_destination(1, 0x06, 2, 0); /* of a maker's own type */
    set_policy("0", "1");
    log_event();
    expect_sent("");
    alerts_set_ops(&fake_bmc.bmc.alerts, NULL, NULL);
    set_destination(1, 0x00, 2, 0);
    log_event();
    expect_sent("");
    assert_null(fake_bmc.bmc.alerts.runs);
}

static void test_alerting_is_off(void **state)
{
    const struct lan_access_change change = {
        .access_of = LAN_VOLATILE,
        .access = {.mode = LAN_ACCESS_ALWAYS, .alerting_off = true},
    };
    const struct bmc_ticket nobody = {0};

    (void)state;
    set_policy("0", "1");
    lan_set_access(&fake_bmc.bmc.lan, &change, &nobody);
    log_event();
    expect_sent("");
}

/* ---- policies ---- */

static void test_rules(void **state)
{
    static const struct {
        const char *rules, *destinations, *sent;
    } cases[] = {
        {"000", "123", "123"}, {"0100", "1232", "132"}, {"010", "412", "12"}, /* 4 is not there */
        {"020", "123", "1"},   {"0200", "4123", "123"}, {"030", "123", "1"},  {"030", "412", "12"},
        {"040", "123", "1"},   {"111", "123", "1"},     {"111", "412", "1"},  {"111", "451", "1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned n = 1; n <= PEF_POLICIES; n++) {
            char request[64];
            snprintf(request, sizeof request, "04 12 09 %02x 10 11 00", n);
            EXPECT(request, "00");
        }
        set_policy(cases[i].rules, cases[i].destinations);
        sent.count = 0;
        sent.hosts[0] = '\0';
        log_event();
        if (strcmp(sent.hosts, cases[i].sent) != 0)
            fail_msg("%s %s: %s", cases[i].rules, cases[i].destinations, sent.hosts);
    }
}

/* The next one waits if it asks whether the one before was reached. */
static void test_rule_waits(void **state)
{
    (void)state;
    set_destination(1, 0x80, 0, 1);
    set_policy("0120", "1231");
    log_event();
    expect_sent("1");
    fake_bmc_advance(&fake_bmc, 1000);
    expect_sent("11");
    fake_bmc_advance(&fake_bmc, 1000);
    expect_sent("112"); /* not reached: the next, which ends the set for its follower */
    sent.count = 0;
    sent.hosts[0] = '\0';
    log_event();
    acknowledge();
    expect_sent("1");
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1");
    /* Who is always sent one does not wait. */
    set_policy("00", "12");
    log_event();
    expect_sent("112");
}

static void test_several_policies(void **state)
{
    (void)state;
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 12 09 02 28 12 00", "00");
    EXPECT("04 12 09 03 38 13 00", "00");
    /* Beside filter 1: two more, one of them graver. */
    EXPECT("04 12 06 20 80 01 03 08 ff ff 01 ff ff ff ff 00 00 00 00 00 00 00 00 00", "00");
    EXPECT("04 12 06 1f 80 01 01 20 ff ff 01 ff ff ff ff 00 00 00 00 00 00 00 00 00", "00");
    log_event();
    expect_sent("13");
    assert_int_equal(sent.last.severity, 0x20);
}

static void test_no_alerts(void **state)
{
    (void)state;
    set_policy("0", "1");
    EXPECT("04 12 02 2e", "00");
    log_event();
    expect_sent("");
    EXPECT("04 12 02 2f", "00");
    EXPECT("04 12 01 00", "00");
    log_event();
    expect_sent("");
}

/* "up" in string 2; "hot" in string 3, for filter 1 and set 5. */
static void test_strings(void **state)
{
    static const struct {
        const char *policy, *text;
    } cases[] = {
        {"04 12 09 01 18 11 00", ""}, {"04 12 09 01 18 11 02", "up"},
        {"04 12 09 01 18 11 11", ""}, {"04 12 09 01 18 11 85", "hot"},
        {"04 12 09 01 18 11 86", ""},
    };

    (void)state;
    EXPECT("04 12 0d 02 01 75 70", "00");
    EXPECT("04 12 0d 03 01 68 6f 74", "00");
    EXPECT("04 12 0c 02 02 05", "00");
    EXPECT("04 12 0c 03 01 05", "00");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        EXPECT(cases[i].policy, "00");
        log_event();
        assert_string_equal(sent.last.text, cases[i].text);
    }
}

static void test_startup_delay(void **state)
{
    (void)state;
    set_policy("0", "1");
    EXPECT("04 12 01 09", "00");
    EXPECT("04 12 04 05", "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event();
    fake_bmc_advance(&fake_bmc, 4999);
    expect_sent("");
    fake_bmc_advance(&fake_bmc, 1);
    expect_sent("1");
}

static void test_too_many(void **state)
{
    (void)state;
    set_destination(1, 0x80, 99, 1);
    set_policy("0", "1");
    for (unsigned i = 0; i < ALERTS_MAX + 3; i++)
        log_event();
    assert_int_equal(sent.count, ALERTS_MAX);
    fake_bmc_advance(&fake_bmc, 200000);
    assert_int_equal(sent.count, 2 * ALERTS_MAX);
    assert_null(fake_bmc.bmc.alerts.runs);
}

/* ---- Alert Immediate ---- */

static void test_immediate(void **state)
{
    (void)state;
    EXPECT("04 12 01 00", "00"); /* whether PEF is on or not */
    EXPECT("04 16 01 42 00", "00 00");
    EXPECT("04 16 01 02 00", "00");
    expect_sent("2");
    assert_int_equal(sent.last.severity, 0x02);
    const uint8_t test[] = {0x20, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff};
    assert_memory_equal(sent.last.record + 7, test, sizeof test);
    EXPECT("04 16 01 42 00", "00 01");
    EXPECT("04 16 01 82 00", "00");
    EXPECT("04 16 01 42 00", "00 00");
    EXPECT("04 16 0e 02 00", "00"); /* the channel it came by */
    expect_sent("22");
    EXPECT("04 16 01 04 00", "00"); /* nobody there */
    EXPECT("04 16 01 42 00", "00 03");
}

static void test_immediate_with_event(void **state)
{
    (void)state;
    EXPECT("04 12 0d 00 01 68 65 79", "00");
    EXPECT("04 16 01 01 80 41 04 01 30 01 59 60 55", "00");
    const uint8_t event[] = {0x41, 0, 4, 1, 0x30, 1, 0x59, 0x60, 0x55};
    assert_memory_equal(sent.last.record + 7, event, sizeof event);
    assert_string_equal(sent.last.text, "hey");
    assert_int_equal(alert_time(&sent.last), FAKE_BMC_WALL_TIME - 883612800);
}

static void test_immediate_pending(void **state)
{
    (void)state;
    set_destination(1, 0x80, 0, 1);
    EXPECT("04 16 01 01 00", "00");
    EXPECT("04 16 01 41 00", "00 ff");
    EXPECT("04 16 01 02 00", "81");
    EXPECT("04 16 01 81 00", "00"); /* is not forgotten */
    EXPECT("04 16 01 41 00", "00 ff");
    fake_bmc_advance(&fake_bmc, 2000);
    EXPECT("04 16 01 41 00", "00 03");
    EXPECT("04 16 01 01 00", "00");
    acknowledge();
    EXPECT("04 16 01 41 00", "00 01");
}

static void test_refused(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"04 16 01 01", "c7"},
        {"04 16 01 01 00 00", "c7"},
        {"04 16 01 01 80 41 04 01 30 01 59 60 55 00", "c7"},
        {"04 16 00 01 00", "cc"},
        {"04 16 0f 01 00", "cc"},
        {"04 16 02 41 00", "cc"},
        {"04 16 11 01 00", "cc"},
        {"04 16 01 11 00", "cc"},
        {"04 16 01 c1 00", "cc"},
        {"04 16 01 01 91", "c9"},
        {"04 17 01 00 c0 7c b5 2f 20 20 08 59 60", "c7"},
        {"04 17 01 00 c0 7c b5 2f 20 20 08 59 60 55 00", "c7"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *answer = talk(cases[i].request);
        if (strcmp(answer, cases[i].answer) != 0)
            fail_msg("%s: %s", cases[i].request, answer);
    }
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    EXPECT("04 16 01 01 00", "d4");
    expect_sent("");
}

static void test_cannot_be_sent(void **state)
{
    (void)state;
    sent.result = -EHOSTUNREACH;
    set_destination(1, 0x00, 0, 1);
    EXPECT("04 16 01 01 00", "00");
    EXPECT("04 16 01 41 00", "00 ff");
    sent.result = 0;
    fake_bmc_advance(&fake_bmc, 1000); /* again, as it may be */
    EXPECT("04 16 01 41 00", "00 01");
    expect_sent("11");
}

/* The BMC's address cannot be bound yet: what could not be tried does not count. */
static void test_no_socket(void **state)
{
    (void)state;
    sent.result = -ENOTCONN;
    set_policy("0", "1");
    log_event();
    fake_bmc_advance(&fake_bmc, 3 * ALERTS_SOCKET_MS);
    expect_sent("1111");
    assert_non_null(fake_bmc.bmc.alerts.runs);
    sent.result = 0;
    fake_bmc_advance(&fake_bmc, ALERTS_SOCKET_MS);
    expect_sent("11111");
    assert_null(fake_bmc.bmc.alerts.runs);
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("11111");
}

/* It never can be: it ends, and makes room for other alerts. */
static void test_never_a_socket(void **state)
{
    static const struct {
        uint8_t type, retries;
        uint64_t then_ms; /* the time-outs of those tries that count */
    } cases[] = {{0x00, 0, 0}, {0x00, 1, 3000}, {0x80, 1, 6000}};

    (void)state;
    sent.result = -ENOTCONN;
    set_policy("0", "1");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        sent.count = 0;
        sent.hosts[0] = '\0';
        set_destination(1, cases[i].type, 2, cases[i].retries);
        log_event();
        fake_bmc_advance(&fake_bmc, ALERTS_SOCKET_WAIT_MS + cases[i].then_ms - 1);
        assert_non_null(fake_bmc.bmc.alerts.runs);
        fake_bmc_advance(&fake_bmc, 1);
        assert_null(fake_bmc.bmc.alerts.runs);
        assert_int_equal(sent.count,
                         ALERTS_SOCKET_WAIT_MS / ALERTS_SOCKET_MS + 1u + cases[i].retries);
    }
}

/* The BMC goes while alerts are under way. */
static void test_goes(void **state)
{
    (void)state;
    set_destination(1, 0x80, 0, 7);
    set_policy("0", "1");
    log_event();
    assert_non_null(fake_bmc.bmc.alerts.runs);
}

/* Nothing can be sent any more: what is under way fails when its time is over. */
static void test_ops_go(void **state)
{
    (void)state;
    set_destination(1, 0x80, 0, 1);
    set_policy("0", "1");
    log_event();
    expect_sent("1");
    alerts_set_ops(&fake_bmc.bmc.alerts, NULL, NULL);
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1");
    assert_null(fake_bmc.bmc.alerts.runs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_once),
        TEST(test_repeated),
        TEST(test_acknowledged),
        TEST(test_never_acknowledged),
        TEST(test_nobody_there),
        TEST(test_alerting_is_off),
        TEST(test_rules),
        TEST(test_rule_waits),
        TEST(test_several_policies),
        TEST(test_no_alerts),
        TEST(test_strings),
        TEST(test_startup_delay),
        TEST(test_too_many),
        TEST(test_immediate),
        TEST(test_immediate_with_event),
        TEST(test_immediate_pending),
        TEST(test_refused),
        TEST(test_cannot_be_sent),
        TEST(test_no_socket),
        TEST(test_never_a_socket),
        TEST(test_goes),
        TEST(test_ops_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
