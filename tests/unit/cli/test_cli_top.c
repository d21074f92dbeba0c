/* The rows of `vbmc top`: their order, their sums, and lines that fit into any terminal whatever
 * the daemon has said. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/readings.h"
#include "vbmc/cli/top_rows.h"
#include "vbmc/term/text.h"

static const char four_rows[] =
    "[{\"domain_name\":\"db\",\"power\":\"on\",\"cpu\":12.5,\"memory\":40,\"io\":0,\"inlet\":22.1,"
    "\"cpu_temp\":55,\"watts\":140.4,\"health\":\"warning\",\"uptime\":93784,\"note\":null},"
    "{\"domain_name\":\"app\",\"power\":\"on (paused)\",\"cpu\":3,\"cpu_temp\":71.25,"
    "\"watts\":200,\"health\":\"ok\",\"uptime\":59,\"note\":\"\"},"
    "{\"domain_name\":\"old\",\"power\":\"off\",\"cpu\":null,\"watts\":9,\"health\":\"critical\","
    "\"uptime\":null,\"note\":\"its domain is not there\"},"
    "{\"domain_name\":\"new\",\"power\":\"unknown\",\"health\":null}]";

static struct cli_top_rows rows;

static int take(const char *json)
{
    return cli_top_rows_take(&rows, json_tokener_parse(json));
}

static int teardown(void **state)
{
    (void)state;
    cli_top_rows_clear(&rows);
    return 0;
}

/* The names in the order of the rows. */
static const char *names(void)
{
    static char text[256];

    text[0] = '\0';
    for (size_t i = 0; i < rows.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                 rows.rows[i].name);
    return text;
}

static const char *sorted(enum cli_top_sort sort, bool reversed)
{
    cli_top_rows_sort(&rows, sort, reversed);
    return names();
}

static void test_sort(void **state)
{
    (void)state;
    assert_int_equal(take(four_rows), 0);
    assert_string_equal(sorted(CLI_TOP_BY_NAME, false), "app db new old");
    assert_string_equal(sorted(CLI_TOP_BY_NAME, true), "old new db app");
    assert_string_equal(sorted(CLI_TOP_BY_CPU, false), "db app new old");
    assert_string_equal(sorted(CLI_TOP_BY_CPU, true), "app db new old");
    assert_string_equal(sorted(CLI_TOP_BY_TEMPERATURE, false), "app db new old");
    assert_string_equal(sorted(CLI_TOP_BY_WATTS, false), "app db old new");
    assert_string_equal(sorted(CLI_TOP_BY_WATTS, true), "old db app new");
    assert_string_equal(sorted(CLI_TOP_BY_HEALTH, false), "old db app new");
}

static void test_total(void **state)
{
    char text[CLI_TOP_TEXT_MAX];

    (void)state;
    assert_int_equal(take(four_rows), 0);
    cli_top_rows_total(&rows, text);
    assert_string_equal(text, "4 BMCs: 2 on, 1 off   349 W   1 critical, 1 warning");
    assert_int_equal(take("[{\"domain_name\":\"x\",\"power\":\"off\"}]"), 0);
    cli_top_rows_total(&rows, text);
    assert_string_equal(text, "1 BMC: 0 on, 1 off   0 W");
    assert_int_equal(take("[]"), 0);
    cli_top_rows_total(&rows, text);
    assert_string_equal(text, "0 BMCs: 0 on, 0 off   0 W");
}

/* ---- lines ---- */

static void make_line(const struct cli_top_row *row, unsigned width, char line[2048])
{
    char cell[CLI_TOP_TEXT_MAX];
    struct cli_top_layout layout;
    size_t used = 0;

    cli_top_layout_make(&layout, &rows, width);
    line[0] = '\0';
    for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++) {
        if (!layout.widths[i])
            continue;
        if (row)
            cli_top_cell(&layout, row, i, cell);
        else
            cli_top_title_cell(&layout, i, cell);
        used += (size_t)snprintf(line + used, 2048 - used, "%s%s", used ? " " : "", cell);
    }
}

/* Without the blanks that fill it up. */
static void expect_line(const struct cli_top_row *row, unsigned width, const char *wanted)
{
    char line[2048];

    make_line(row, width, line);
    size_t length = strlen(line);
    assert_true(length <= width);
    while (length && line[length - 1] == ' ')
        line[--length] = '\0';
    assert_string_equal(line, wanted);
}

static void test_line(void **state)
{
    (void)state;
    assert_int_equal(take(four_rows), 0);
    expect_line(
        NULL, 112,
        "NAME     POWER        CPU%  MEM%  I/O% INLET CPU C  WATTS HEALTH       UPTIME NOTE");
    expect_line(&rows.rows[0], 112,
                "db       on           12.5  40.0   0.0  22.1  55.0    140 warning     1d 2:03");
    expect_line(&rows.rows[1], 112,
                "app      on (paused)   3.0                    71.2    200 ok          0:00:59");
    expect_line(&rows.rows[2], 112,
                "old      off                                            9 critical            "
                "its domain is not there");
    expect_line(NULL, 40, "NAME     POWER        CPU% HEALTH");
    expect_line(NULL, 24, "NAME      CPU% HEALTH");
    expect_line(NULL, 5, "NAME");
}

/* A terminal of any width is never written beyond; load and health are worth more than the end of a
 * name. */
static void test_any_width(void **state)
{
    char line[2048];

    (void)state;
    assert_int_equal(
        take("[{\"domain_name\":\"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"
             "abcdefghij\",\"power\":\"on (suspended)\",\"note\":\"a rather long note\"}]"),
        0);
    for (unsigned width = 0; width < 300; width++) {
        make_line(&rows.rows[0], width, line);
        size_t used = cli_text_width(line, line + strlen(line));
        if (used > width)
            fail_msg("%zu columns of %u: '%s'", used, width, line);
    }
    make_line(&rows.rows[0], 30, line);
    assert_string_equal(line, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"
                              "abcde               ");
}

static void test_hostile(void **state)
{
    char text[CLI_TOP_TEXT_MAX], line[2048], longest[3000];

    (void)state;
    cli_top_fit("a\033[2J\r\n\tb\302\233c\377", 20, false, text);
    assert_string_equal(text, "a?[2J???b?c?        ");
    cli_top_fit("\xe6\xbc\xa2\xe5\xad\x97", 3, false, text); /* half a character is none */
    assert_string_equal(text, "\xe6\xbc\xa2 ");
    cli_top_fit("12345", 3, true, text);
    assert_string_equal(text, "123");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cli_top_fit(longest, 100000, false, text);
    assert_true(strlen(text) < sizeof text);
    assert_int_equal(take("[1, \"x\", null, [], {}, {\"domain_name\":7,\"power\":{},\"cpu\":\"x\","
                          "\"watts\":1e300,\"uptime\":1e300,\"cpu_temp\":-1e300}]"),
                     0);
    assert_int_equal(rows.count, 6);
    cli_top_rows_sort(&rows, CLI_TOP_BY_WATTS, false);
    make_line(&rows.rows[0], 80, line);
    assert_int_equal(strspn(line, " "), strlen(line));
    assert_int_equal(take("{}"), -EINVAL);
    assert_int_equal(take("null"), -EINVAL);
    assert_int_equal(rows.count, 6); /* as they were */
}

static void test_duration(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-1, ""},
        {0, "0:00:00"},
        {59, "0:00:59"},
        {3600, "1:00:00"},
        {86399, "23:59:59"},
        {86400, "1d 0:00"},
        {93784, "1d 2:03"},
        {INT64_MAX, "106751991167300d 15:30"},
    };
    char text[CLI_DURATION_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(cli_duration(cases[i].seconds, text), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort),    cmocka_unit_test(test_total),
        cmocka_unit_test(test_line),    cmocka_unit_test(test_any_width),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_duration),
    };

    cli_text_init();
    return cmocka_run_group_tests(tests, NULL, teardown);
}
