/* Which BMCs a command line means: patterns, options, and the operands that are left. A row is what
 * the daemon's verb list answers with "select". */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/main.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/select.h"

#define WORDS_MAX 8
#define TEXT_SIZE 128

static const char rows_text[] =
    "[{\"domain_name\":\"web1\",\"power\":\"on\",\"hypervisor\":\"east\","
    "\"tags\":{\"rack\":\"7\",\"role\":\"web\"}},"
    "{\"domain_name\":\"web2\",\"power\":\"on (paused)\",\"hypervisor\":\"west\"},"
    "{\"domain_name\":\"db1\",\"power\":\"off\",\"hypervisor\":\"east\",\"tags\":{\"rack\":\"17\"}}"
    ","
    "{\"domain_name\":\"db[1]\",\"power\":\"unknown\",\"hypervisor\":null}]";

/* Parses a command line as the verb `words[0]` has it; the words stay in `line`. */
static void parse(const char *text, char line[TEXT_SIZE], char *words[WORDS_MAX + 1],
                  struct cli_options *options, int result)
{
    char error[CLI_OPTIONS_ERROR_SIZE] = "", *next = NULL;
    int count = 0;

    snprintf(line, TEXT_SIZE, "%s", text);
    for (char *word = strtok_r(line, " ", &next); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &next))
        words[count++] = word;
    words[count] = NULL;
    *options = CLI_OPTIONS_NONE;
    assert_int_equal(
        cli_options_parse(count, words, cli_find_verb(words[0])->groups, options, error), result);
}

/* Which are meant, behind one another. */
static void check(const char *text, const char *expected)
{
    char line[TEXT_SIZE], *words[WORDS_MAX + 1], names[TEXT_SIZE] = "";
    struct cli_options options;
    struct json_object *rows = json_tokener_parse(rows_text);

    parse(text, line, words, &options, 0);
    struct json_object *meant =
        cli_select_filter(&options, options.names, options.name_count, rows);
    for (size_t i = 0; i < json_object_array_length(meant); i++) {
        const char *name = cli_member_text(json_object_array_get_idx(meant, i), "domain_name");
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? " " : "", name);
    }
    assert_string_equal(names, expected);
    json_object_put(meant);
    json_object_put(rows);
    cli_options_clear(&options);
}

static void test_meant(void **state)
{
    (void)state;
    check("list", "web1 web2 db1 db[1]");
    check("list --all", "web1 web2 db1 db[1]");
    check("list web*", "web1 web2");
    check("list web? db1", "web1 web2 db1");
    check("list w", "");
    check("list db[1]", "db1 db[1]"); /* what is called so is meant, too */
    check("list --state on", "web1 web2");
    check("list --state off", "db1");
    check("list --state unknown", "db[1]");
    check("list --hypervisor east", "web1 db1");
    check("list --hypervisor *st", "web1 web2 db1");
    check("list --hypervisor east --state on", "web1");
    check("list db* --hypervisor east", "db1");
    check("list --hypervisor north", "");
    check("list --tag rack", "web1 db1");
    check("list --tag rack=7", "web1");
    check("list --tag rack=*7", "web1 db1");
    check("list --tag rack=", "");
    check("list --tag rac", "");
    check("list --tag racks", "");
    check("list --tag rack --tag role=web", "web1");
    check("list --tag rack --state off", "db1");
}

static void test_pattern(void **state)
{
    (void)state;
    assert_true(cli_select_is_pattern("web*"));
    assert_true(cli_select_is_pattern("web?"));
    assert_true(cli_select_is_pattern("web[12]"));
    assert_false(cli_select_is_pattern("web1"));
    assert_false(cli_select_is_pattern("note=what?"));
    assert_false(cli_select_is_pattern(NULL));
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        double seconds; /* less than 0: refused */
    } times[] = {
        {"2s", 2},   {"500ms", 0.5},
        {"1m", 60},  {"1.5", 1.5},
        {"0", 0},    {"2h", -1},
        {"-1", -1},  {"s", -1},
        {"61m", -1}, {"1..2s", -1},
        {"", -1},    {"2 s", -1},
        {"2sm", -1}, {"00000000000000000s", -1},
    };
    char line[TEXT_SIZE], text[TEXT_SIZE], *words[WORDS_MAX + 1];
    struct cli_options options;

    (void)state;
    parse("power --all on", line, words, &options, 0);
    assert_int_equal(options.jobs, CLI_JOBS_DEFAULT);
    assert_true(options.stagger_s == 0);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char *arguments[] = {(char *)"power", text, NULL};
        char error[CLI_OPTIONS_ERROR_SIZE];
        snprintf(text, sizeof text, "--stagger=%s", times[i].text);
        options = CLI_OPTIONS_NONE;
        int result =
            cli_options_parse(2, arguments, cli_find_verb("power")->groups, &options, error);
        assert_int_equal(result, times[i].seconds < 0 ? -EINVAL : 0);
        if (result == 0)
            assert_float_equal(options.stagger_s, times[i].seconds, 1e-9);
    }
    parse("power --jobs 32", line, words, &options, 0);
    assert_int_equal(options.jobs, 32);
    parse("power --jobs 33", line, words, &options, -EINVAL);
    parse("power --jobs 0", line, words, &options, -EINVAL);
    parse("power --state dark", line, words, &options, -EINVAL);
}

/* Nothing is asked of a daemon, which there is none of, where the command line means one. */
static void test_one(void **state)
{
    static const char *const lines[] = {"power web1 on", "power",         "sensors web1",
                                        "stop a b",      "bootdev g pxe", "tag g note=what?"};
    char line[TEXT_SIZE], *words[WORDS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct cli cli = {0};
        parse(lines[i], line, words, &cli.options, 0);
        cli.options.socket = "/nowhere";
        cli.verb = cli_find_verb(words[0]);
        assert_int_equal(cli_select(&cli), CLI_EXIT_DONE);
        assert_null(cli.targets);
        assert_null(cli.replaced_names);
    }
}

/* What destroys takes no selection: its options are not there. */
static void test_verbs(void **state)
{
    static const char *const not_bulk[] = {"add", "delete", "define",     "undefine", "user",
                                           "lan", "dump",   "screenshot", "console"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(not_bulk); i++)
        assert_false(cli_find_verb(not_bulk[i])->groups & (CLI_GROUP_SELECT | CLI_GROUP_BULK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meant),   cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_one),
        cmocka_unit_test(test_verbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
