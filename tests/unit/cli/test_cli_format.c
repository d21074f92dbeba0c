/* The output formats of `vbmc`, against the exact texts that OpenStack's client tools print. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/format.h"
#include "vbmc/term/text.h"

/* The titles are those of the rows, except one. */
static const struct cli_column columns[] = {
    {"Domain name", "Domain name"}, {"Status", "Status"}, {"Address", "where"}, {"Port", "Port"}};

static const char two_rows[] =
    "[{\"Domain name\":\"g2\",\"Status\":\"down\",\"where\":\"::\",\"Port\":623},"
    "{\"Domain name\":\"g1\",\"Status\":\"running\",\"where\":\"127.0.0.1\",\"Port\":6230}]";
static const char awkward_rows[] =
    "[{\"Domain name\":\"a "
    "b\",\"Status\":\"q\\\"uo,te\",\"where\":\"\\u6f22\\u00e9\",\"Port\":1},"
    "{\"Domain "
    "name\":\"it's\",\"Status\":\"x\\ny\",\"where\":\"\\u001b[2J\\u009b\",\"Port\":null},"
    "{\"Domain name\":\"b\\\\s\",\"Status\":true,\"where\":\"yes\",\"Port\":-2}]";

static char *format_rows(const struct cli_format *format, const char *json)
{
    struct json_object *rows = json_tokener_parse(json);
    char *text = NULL, error[200] = "";
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(rows);
    assert_int_equal(
        cli_format_write(format, columns, ARRAY_SIZE(columns), rows, out, error, sizeof error), 0);
    fclose(out);
    json_object_put(rows);
    return text;
}

static void expect(const struct cli_format *format, const char *json, const char *wanted)
{
    char *text = format_rows(format, json);

    assert_string_equal(text, wanted);
    free(text);
}

static void test_table(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE}, two_rows,
           "+-------------+---------+-----------+------+\n"
           "| Domain name | Status  | Address   | Port |\n"
           "+-------------+---------+-----------+------+\n"
           "| g2          | down    | ::        |  623 |\n"
           "| g1          | running | 127.0.0.1 | 6230 |\n"
           "+-------------+---------+-----------+------+\n");
}

static void test_table_without_rows(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE}, "[]", "\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE, .print_empty = true}, "[]",
           "+-------------+--------+---------+------+\n"
           "| Domain name | Status | Address | Port |\n"
           "+-------------+--------+---------+------+\n"
           "+-------------+--------+---------+------+\n");
}

static void test_table_of_awkward_text(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE}, awkward_rows,
           "+-------------+---------+---------+------+\n"
           "| Domain name | Status  | Address | Port |\n"
           "+-------------+---------+---------+------+\n"
           "| a b         | q\"uo,te | 漢é     |    1 |\n"
           "| it's        | x       | ?[2J?   | None |\n"
           "|             | y       |         |      |\n"
           "| b\\s         | True    | yes     |   -2 |\n"
           "+-------------+---------+---------+------+\n");
}

static void test_table_wraps(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE,
                                .max_width = 30,
                                .columns = {.names = {"Domain name", "Status"}, .count = 2}},
           "[{\"Domain name\":\"some words to wrap\",\"Status\":\"averyveryverylongone\"}]",
           "+-------------+--------------+\n"
           "| Domain name | Status       |\n"
           "+-------------+--------------+\n"
           "| some words  | averyveryver |\n"
           "| to wrap     | ylongone     |\n"
           "+-------------+--------------+\n");
}

/* To a terminal: words stay whole as long as there is room, the widest column gives way first, and
 * nothing is lost. */
static void test_table_fits(void **state)
{
    static const char row[] = "[{\"Domain name\":\"2026-11-28 18:00:00\",\"Status\":\"Upper "
                              "Non-critical going high\",\"where\":\"CPU1 Temp\"}]";
    struct cli_format format = {
        .kind = CLI_FORMAT_TABLE,
        .fit_width = true,
        .terminal_width = 50,
        .columns = {.names = {"Domain name", "Status", "Address"}, .count = 3}};

    (void)state;
    expect(&format, row,
           "+-------------+----------------+-----------+\n"
           "| Domain name | Status         | Address   |\n"
           "+-------------+----------------+-----------+\n"
           "| 2026-11-28  | Upper Non-     | CPU1 Temp |\n"
           "| 18:00:00    | critical going |           |\n"
           "|             | high           |           |\n"
           "+-------------+----------------+-----------+\n");
    format.terminal_width = 37;
    expect(&format, row,
           "+------------+----------+-----------+\n"
           "| Domain     | Status   | Address   |\n"
           "| name       |          |           |\n"
           "+------------+----------+-----------+\n"
           "| 2026-11-28 | Upper    | CPU1 Temp |\n"
           "| 18:00:00   | Non-     |           |\n"
           "|            | critical |           |\n"
           "|            | going    |           |\n"
           "|            | high     |           |\n"
           "+------------+----------+-----------+\n");
    format.terminal_width = 20;
    expect(&format, row,
           "+----------+----------+---------+\n"
           "| Domain   | Status   | Address |\n"
           "| name     |          |         |\n"
           "+----------+----------+---------+\n"
           "| 2026-11- | Upper    | CPU1    |\n"
           "| 28       | Non-     | Temp    |\n"
           "| 18:00:00 | critical |         |\n"
           "|          | going    |         |\n"
           "|          | high     |         |\n"
           "+----------+----------+---------+\n");
    format.fit_width = false;
    expect(&format, row,
           "+---------------------+-------------------------------+-----------+\n"
           "| Domain name         | Status                        | Address   |\n"
           "+---------------------+-------------------------------+-----------+\n"
           "| 2026-11-28 18:00:00 | Upper Non-critical going high | CPU1 Temp |\n"
           "+---------------------+-------------------------------+-----------+\n");
}

/* Numbers stand to the right, also where some are not known. */
static void test_table_aligns(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE,
                                .columns = {.names = {"Domain name", "Status", "Port"}, .count = 3},
                                .sort = {.names = {"Port"}, .count = 1}},
           "[{\"Domain name\":\"\",\"Status\":\"\",\"Port\":\"\"},"
           "{\"Domain name\":7,\"Status\":\"\",\"Port\":101},"
           "{\"Domain name\":8,\"Status\":\"\",\"Port\":22.5}]",
           "+-------------+--------+------+\n"
           "| Domain name | Status | Port |\n"
           "+-------------+--------+------+\n"
           "|             |        |      |\n"
           "|           8 |        | 22.5 |\n"
           "|           7 |        |  101 |\n"
           "+-------------+--------+------+\n");
}

static void test_table_colours(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_TABLE,
                                .colour = true,
                                .columns = {.names = {"Status"}, .count = 1}},
           "[{\"Status\":\"running\"},{\"Status\":\"\\u001b[31m\"}]",
           "+---------+\n"
           "| Status  |\n"
           "+---------+\n"
           "| \033[32mrunning\033[0m |\n"
           "| ?[31m   |\n"
           "+---------+\n");
}

static void test_value(void **state)
{
    const struct cli_format format = {
        .kind = CLI_FORMAT_VALUE,
        .columns = {.names = {"Status", "Domain name"}, .count = 2},
    };

    (void)state;
    expect(&format, two_rows, "g2 down\ng1 running\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_VALUE}, awkward_rows,
           "a b q\"uo,te 漢é 1\nit's x?y ?[2J? None\nb\\s True yes -2\n");
    expect(&format, "[]", "");
}

static void test_json(void **state)
{
    const struct cli_format_names two = {.names = {"Domain name", "Port"}, .count = 2};

    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_JSON, .columns = two}, two_rows,
           "[\n"
           "  {\n    \"Domain name\": \"g2\",\n    \"Port\": 623\n  },\n"
           "  {\n    \"Domain name\": \"g1\",\n    \"Port\": 6230\n  }\n"
           "]\n");
    expect(
        &(struct cli_format){.kind = CLI_FORMAT_JSON, .columns = two, .noindent = true}, two_rows,
        "[ { \"Domain name\": \"g2\", \"Port\": 623 }, { \"Domain name\": \"g1\", \"Port\": 6230 } "
        "]\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_JSON}, "[]", "[]\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_JSON,
                                .columns = {.names = {"Address", "Port"}, .count = 2},
                                .noindent = true},
           "[{\"where\":\"\\u001b\\u007f\\u009b/\"}]",
           "[ { \"Address\": \"\\u001b\\u007f\\u009b/\", \"Port\": null } ]\n");
}

static void test_csv(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_CSV}, two_rows,
           "\"Domain name\",\"Status\",\"Address\",\"Port\"\n"
           "\"g2\",\"down\",\"::\",623\n"
           "\"g1\",\"running\",\"127.0.0.1\",6230\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_CSV, .quote = CLI_FORMAT_QUOTE_ALL},
           awkward_rows,
           "\"Domain name\",\"Status\",\"Address\",\"Port\"\n"
           "\"a b\",\"q\"\"uo,te\",\"漢é\",\"1\"\n"
           "\"it's\",\"x\ny\",\"\033[2J\302\233\",\"\"\n"
           "\"b\\\\s\",\"True\",\"yes\",\"-2\"\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_CSV, .quote = CLI_FORMAT_QUOTE_MINIMAL},
           awkward_rows,
           "Domain name,Status,Address,Port\n"
           "a b,\"q\"\"uo,te\",漢é,1\n"
           "it's,\"x\ny\",\033[2J\302\233,\n"
           "b\\\\s,True,yes,-2\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_CSV, .quote = CLI_FORMAT_QUOTE_NONE},
           awkward_rows,
           "Domain name,Status,Address,Port\n"
           "a b,q\\\"uo\\,te,漢é,1\n"
           "it's,x\\\ny,\033[2J\302\233,\n"
           "b\\\\s,True,yes,-2\n");
}

static void test_yaml(void **state)
{
    (void)state;
    expect(&(struct cli_format){.kind = CLI_FORMAT_YAML}, two_rows,
           "- Address: '::'\n  Domain name: g2\n  Port: 623\n  Status: down\n"
           "- Address: 127.0.0.1\n  Domain name: g1\n  Port: 6230\n  Status: running\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_YAML}, awkward_rows,
           "- Address: '漢é'\n  Domain name: a b\n  Port: 1\n  Status: 'q\"uo,te'\n"
           "- Address: \"\\U0000001B[2J\\U0000009B\"\n  Domain name: 'it''s'\n  Port: null\n"
           "  Status: \"x\\ny\"\n"
           "- Address: 'yes'\n  Domain name: 'b\\s'\n  Port: -2\n  Status: true\n");
    expect(&(struct cli_format){.kind = CLI_FORMAT_YAML}, "[]", "[]\n");
}

/* What a guest, a client or libvirt may have put into a name reaches a terminal in no format, nor
 * does it begin a line of a format that has a line for each row. */
static void test_hostile_names(void **state)
{
    static const char *const names[] = {
        "\\u001b]0;title\\u0007",
        "\\u001b[2J\\u001b[31m",
        "\\u009b2J",
        "a\\rb",
        "a\\u202eb",
        "a\\u2028b",
        ("\x9b"
         "2J"),
        "\xff\xfe",
    };
    static const enum cli_format_kind kinds[] = {CLI_FORMAT_TABLE, CLI_FORMAT_VALUE, CLI_FORMAT_CSV,
                                                 CLI_FORMAT_JSON, CLI_FORMAT_YAML};
    static const char *const harmful[] = {"\x1b",     "\x07",         "\r",
                                          "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(kinds); i++) {
        struct cli_format format = {.kind = kinds[i % ARRAY_SIZE(kinds)], .terminal = true};
        char json[200];
        snprintf(json, sizeof json, "[{\"Domain name\":\"%s\",\"Status\":\"on\"}]",
                 names[i / ARRAY_SIZE(kinds)]);
        char *text = format_rows(&format, json);
        for (size_t j = 0; j < ARRAY_SIZE(harmful); j++)
            assert_null(strstr(text, harmful[j]));
        for (const char *p = text; *p; p++) /* a byte of C1 is part of a character, if at all */
            assert_true(((unsigned char)*p & 0xe0) != 0x80 || ((unsigned char)p[-1] & 0x80));
        free(text);
    }
    expect(&(struct cli_format){.kind = CLI_FORMAT_VALUE},
           "[{\"Domain name\":\"a\\nroot on\",\"Status\":\"off\"}]", "a?root on off None None\n");
}

static void test_sort(void **state)
{
    struct cli_format format = {
        .kind = CLI_FORMAT_VALUE,
        .columns = {.names = {"Domain name"}, .count = 1},
        .sort = {.names = {"Nonsense", "Port"}, .count = 2},
    };

    (void)state;
    expect(&format, two_rows, "g2\ng1\n"); /* 623 before 6230: numbers, not texts */
    format.sort_descending = true;
    expect(&format, two_rows, "g1\ng2\n");
    format.sort_descending = false;
    format.sort.names[1] = "Domain name";
    expect(&format, two_rows, "g1\ng2\n");
    format.sort.names[1] = "Port";
    expect(&format, awkward_rows, "b\\s\na b\nit's\n"); /* null last */
}

static void test_unknown_column(void **state)
{
    const struct cli_format format = {.columns = {.names = {"Colour"}, .count = 1}};
    struct json_object *rows = json_object_new_array();
    char error[200];

    (void)state;
    assert_int_equal(
        cli_format_write(&format, columns, ARRAY_SIZE(columns), rows, stdout, error, sizeof error),
        -EINVAL);
    assert_string_equal(error,
                        "no such column; there are 'Domain name', 'Status', 'Address', 'Port'");
    json_object_put(rows);
}

static void test_names(void **state)
{
    enum cli_format_kind kind = CLI_FORMAT_TABLE;
    enum cli_format_quote quote = CLI_FORMAT_QUOTE_ALL;

    (void)state;
    assert_int_equal(cli_format_parse_kind("yaml", &kind), 0);
    assert_int_equal(kind, CLI_FORMAT_YAML);
    assert_int_equal(cli_format_parse_kind("xml", &kind), -EINVAL);
    assert_int_equal(cli_format_parse_quote("minimal", &quote), 0);
    assert_int_equal(quote, CLI_FORMAT_QUOTE_MINIMAL);
    assert_int_equal(cli_format_parse_quote("", &quote), -EINVAL);
}

static void test_text_is_not_utf8(void **state)
{
    static const char text[] = "a\xff\xc3";

    (void)state;
    assert_int_equal(cli_text_width(text, text + 3), 3);
    assert_false(cli_text_next(text + 1, text + 3).printable);
    assert_int_equal(cli_text_next(text + 2, text + 3).bytes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_without_rows),
        cmocka_unit_test(test_table_of_awkward_text),
        cmocka_unit_test(test_table_wraps),
        cmocka_unit_test(test_table_fits),
        cmocka_unit_test(test_table_aligns),
        cmocka_unit_test(test_table_colours),
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_unknown_column),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text_is_not_utf8),
    };

    cli_text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
