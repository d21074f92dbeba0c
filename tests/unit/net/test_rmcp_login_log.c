/* Log lines about failed log-ins: what a name may do to them, and how many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/net/login_log.h"

static struct login_log *login_log;
static char written[65536];
static FILE *capture;
static int saved_stderr;

static void begin_capture(void)
{
    capture = tmpfile();
    assert_non_null(capture);
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);
}

/* The number of lines; they are in `written`. */
static unsigned end_capture(void)
{
    unsigned lines = 0;

    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(capture);
    written[fread(written, 1, sizeof written - 1, capture)] = '\0';
    fclose(capture);
    for (const char *p = written; *p; p++)
        lines += *p == '\n';
    return lines;
}

static int setup(void **state)
{
    (void)state;
    login_log = login_log_new();
    assert_non_null(login_log);
    log_set_level(LOG_LEVEL_INFO);
    log_set_target(LOG_TARGET_JOURNAL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    begin_capture();
    login_log_free(login_log);
    end_capture();
    return 0;
}

static unsigned refuse(const char *address, const char *name, size_t length, uint64_t now_ms)
{
    union endpoint_address remote;

    assert_int_equal(endpoint_address_parse(address, 4000, &remote), 0);
    begin_capture();
    login_log_write(login_log, "refused", &remote, (const uint8_t *)name, length, "wrong", now_ms);
    return end_capture();
}

/* The address comes first, and a name ends nothing and is nothing but printable. */
static void test_names(void **state)
{
    static const struct {
        const char *name;
        size_t length;
        const char *shown;
    } cases[] = {
        {"admin", 5, "admin"},
        {"", 0, ""},
        {"a' from 10.0.0.1", 16, "a' from 10.0.0.1"},
        {"a\" 10.0.0.1: b", 14, "a\" 10.0.0.1: b"},
        {"a\0b", 3, "a?b"},
        {"a\nIPMI: refused", 15, "a?IPMI: refused"},
        {"\x1b[2J\x7f\xc2\x85\xff", 8, "?[2J????"},
    };
    char expected[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(
            refuse("192.0.2.1", cases[i].name, cases[i].length, 1 + i * LOGIN_LOG_SOURCE_EACH_MS),
            1);
        snprintf(expected, sizeof expected, "<6>IPMI: refused 192.0.2.1:4000: wrong: %s\n",
                 cases[i].shown);
        assert_string_equal(written, expected);
    }
}

static unsigned tell_rest(uint64_t now_ms)
{
    begin_capture();
    login_log_tell_rest(login_log, now_ms);
    return end_capture();
}

/* Who guesses does not fill the log, and does not keep others out of it. */
static void test_rate(void **state)
{
    unsigned lines = 0;
    uint64_t now = 1000;

    (void)state;
    for (unsigned i = 0; i < 1000; i++, now += 10)
        lines += refuse("192.0.2.66", "admin", 5, now);
    assert_in_range(lines, LOGIN_LOG_SOURCE_BURST, LOGIN_LOG_SOURCE_BURST + 1);
    assert_int_equal(refuse("192.0.2.1", "other", 5, now), 1);
    assert_string_equal(written, "<6>IPMI: refused 192.0.2.1:4000: wrong: other\n");
    now += LOGIN_LOG_SOURCE_EACH_MS;
    assert_int_equal(refuse("192.0.2.66", "admin", 5, now), 1);
    assert_non_null(strstr(written, "192.0.2.66:4000: wrong (99"));
    assert_non_null(strstr(written, " more before): admin\n"));
    now += 60 * LOGIN_LOG_SOURCE_EACH_MS;
    assert_int_equal(refuse("192.0.2.66", "admin", 5, now), 1);
    assert_null(strstr(written, "more before"));
}

/* What was left out is told when it is over, once, with its address. */
static void test_rest(void **state)
{
    uint64_t now = 1000;

    (void)state;
    for (unsigned i = 0; i < 105; i++)
        refuse("192.0.2.66", i < 104 ? "admin" : "root", i < 104 ? 5 : 4, now);
    assert_int_equal(tell_rest(now + LOGIN_LOG_QUIET_MS - 1), 0);
    assert_int_equal(tell_rest(now + LOGIN_LOG_QUIET_MS), 1);
    assert_string_equal(written,
                        "<6>IPMI: refused 192.0.2.66:4000: wrong (99 more before): root\n");
    assert_int_equal(tell_rest(now + 2 * LOGIN_LOG_QUIET_MS), 0);
}

/* Many that guess in turn use up what all have together, and still none is without a line. */
static void test_many_sources(void **state)
{
    char address[32], wanted[64];
    uint64_t now = 1000;
    unsigned lines = 0;

    (void)state;
    for (unsigned i = 0; i < 5000; i++, now += 10) {
        snprintf(address, sizeof address, "10.0.0.%u", i % 50);
        snprintf(wanted, sizeof wanted, " %s:4000: ", address);
        unsigned written_now = refuse(address, "admin", 5, now);
        lines += written_now;
        if (i < 50)
            assert_true(written_now == 1 && strstr(written, wanted));
    }
    assert_in_range(lines, 50 + LOGIN_LOG_BURST, 50 + LOGIN_LOG_BURST + 50000 / LOGIN_LOG_EACH_MS);
    assert_int_equal(refuse("192.0.2.1", "other", 5, now), 1);
    assert_string_equal(written, "<6>IPMI: refused 192.0.2.1:4000: wrong: other\n");
    /* Each of them is told. */
    lines = 0;
    for (unsigned i = 0; i < 60; i++, now += LOGIN_LOG_EACH_MS)
        lines += tell_rest(now + LOGIN_LOG_QUIET_MS);
    assert_int_equal(lines, 50);
}

/* The table does not grow, and the log no faster than it may. */
static void test_too_many_sources(void **state)
{
    char address[32];
    uint64_t now = 1000;
    unsigned lines = 0;

    (void)state;
    for (unsigned i = 0; i < 5000; i++, now += 10) {
        snprintf(address, sizeof address, "10.0.%u.%u", i / 250, i % 250);
        lines += refuse(address, "admin", 5, now);
    }
    assert_in_range(lines, LOGIN_LOG_FIRST_BURST + LOGIN_LOG_BURST,
                    LOGIN_LOG_FIRST_BURST + LOGIN_LOG_BURST + 2 * 50000 / LOGIN_LOG_EACH_MS + 2);
    now += LOGIN_LOG_QUIET_MS;
    for (unsigned i = 0; i < 2 * LOGIN_LOG_SOURCES && !strstr(written, "more log-ins"); i++) {
        now += LOGIN_LOG_EACH_MS;
        tell_rest(now);
    }
    assert_non_null(strstr(written, "more log-ins, from too many addresses to list\n"));
}

/* What a server writes. */
static void test_server(void **state)
{
    struct remote_console console;

    (void)state;
    rmcp_stub_reset();
    remote_console_init(&console);
    console.config.login_log = login_log;
    remote_console_restart(&console);
    assert_int_equal(endpoint_address_parse("192.0.2.1", 4000, &console.from.remote), 0);
    begin_capture();
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(end_capture(), 1);
    assert_string_equal(written, "<6>IPMI: logged in from 192.0.2.1:4000: admin\n");
    begin_capture();
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, "x' from 10.0.0.1", CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_int_equal(end_capture(), 1);
    assert_string_equal(written, "<6>IPMI: refused 192.0.2.1:4000: wrong name or password: "
                                 "x' from 10.0.0.1\n");
    remote_console_free(&console);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server, setup, teardown),
    };

    return cmocka_run_group_tests_name("rmcp login log", tests, NULL, NULL);
}
