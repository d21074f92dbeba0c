/* What is typed and what is shown, without a terminal: the escape key, the modes to be undone, the
 * words of the shell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/words.h"
#include "vbmc/term/escape.h"
#include "vbmc/term/screen.h"

/* ---- the escape key ---- */

static const char letters[] = {
    [CLI_ESCAPE_OPENED] = 'O', [CLI_ESCAPE_CLOSED] = 'C', [CLI_ESCAPE_LEAVE] = 'L',
    [CLI_ESCAPE_BREAK] = 'B',  [CLI_ESCAPE_NMI] = 'N',    [CLI_ESCAPE_HISTORY] = 'H',
};

/* What becomes of a text: what is sent, and events as letters in brackets. */
static const char *story_of(struct cli_escape *escape, const char *typed)
{
    static char story[256];
    const uint8_t *bytes = (const uint8_t *)typed, *send;
    size_t size = strlen(typed), send_size, used = 0;
    enum cli_escape_event event;

    while ((event = cli_escape_next(escape, &bytes, &size, &send, &send_size)) !=
           CLI_ESCAPE_NOTHING) {
        if (event == CLI_ESCAPE_SEND) {
            memcpy(story + used, send, send_size);
            used += send_size;
        } else {
            used += (size_t)snprintf(story + used, sizeof story - used, "<%c>", letters[event]);
        }
    }
    story[used] = '\0';
    return story;
}

static void test_escape(void **state)
{
    static const struct {
        const char *typed;
        const char *story;
    } cases[] = {
        {"", ""},
        {"root\r", "root\r"},
        {"a\035qb", "a<O><L>b"},
        {"\035b", "<O><B>"},
        {"\035n", "<O><N>"},
        {"\035h", "<O><H>"},
        {"\035]x", "<O>\035x"},
        {"\035\035x", "<O>\035x"},
        {"\035xy", "<O><C>y"},
        {"\035\033[Ay", "<O><C>y"},     /* arrow */
        {"\035\033[15;2~y", "<O><C>y"}, /* function key */
        {"\035\033OPy", "<O><C>y"},
        {"\035\033xy", "<O><C>y"}, /* Alt */
        {"\035\033", "<O><C>"},
        {"\035\303\244y", "<O><C>y"}, /* UTF-8 */
        {"\035b\035n", "<O><B><O><N>"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cli_escape escape = {0};
        assert_string_equal(story_of(&escape, cases[i].typed), cases[i].story);
        assert_false(escape.is_open);
    }
}

static void test_escape_across_reads(void **state)
{
    struct cli_escape escape = {0};

    (void)state;
    assert_string_equal(story_of(&escape, "a\035"), "a<O>");
    assert_true(escape.is_open);
    assert_string_equal(story_of(&escape, ""), "");
    assert_string_equal(story_of(&escape, "b"), "<B>");
    assert_false(escape.is_open);
}

/* ---- the screen ---- */

/* The reset must be the same however the output was cut. */
static void check_reset(const char *output, const char *wanted)
{
    char bytes[CLI_SCREEN_RESET_MAX];
    size_t size = strlen(output);

    for (size_t cut = 0; cut <= size; cut++) {
        struct cli_screen screen = {0};
        cli_screen_feed(&screen, (const uint8_t *)output, cut);
        cli_screen_feed(&screen, (const uint8_t *)output + cut, size - cut);
        size_t used = cli_screen_reset(&screen, bytes);
        assert_int_equal(used, strlen(wanted));
        assert_memory_equal(bytes, wanted, used);
    }
}

static void test_screen_reset(void **state)
{
    (void)state;
    check_reset("plain text\r\nlogin: ", "");
    check_reset("\033[1;31mred", "\033[0m");
    check_reset("\033[?1049h\033[?25lvi", "\033[?1049l\033[?25h\033[0m");
    check_reset("\033[?1049h\033[?1049l", "\033[0m");
    check_reset("\033[?2004;1000;1006h", "\033[?1000l\033[?1006l\033[?2004l\033[0m");
    check_reset("\033[?7l", "\033[?7h\033[0m");
    check_reset("\033[4h", "\033[4l\033[0m");
    check_reset("\033[2;20r", "\033[r\033[999H\033[0m");
    check_reset("\033[2;20r\033[r", "\033[0m");
    check_reset("\033=", "\033>\033[0m");
    check_reset("\033(0lqk", "\033(B\033)B\033[0m");
    check_reset("\016lqk", "\017");
    check_reset("\016lqk\017", "");
    check_reset("\033[5 q", "\033[0 q\033[0m");
    check_reset("\033[>4;2m", "\033[>4;0m\033[0m");
    check_reset("\033[?1049h\033c", "\033[0m"); /* the guest did it */
    check_reset("\033]0;title [?25l\007x", "\033[0m");
    check_reset("\033]0;title [?25l\033\\x", "\033[0m");
    check_reset("\033[?104", "\030\033[0m"); /* cut off */
    check_reset("\033[?99999999999999999999h", "\033[0m");
    check_reset("\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20m", "\033[0m");
}

static void test_screen_all_at_once(void **state)
{
    static const char all[] = "\033[?1049;1047;47;6;1;5;9;1000;1001;1002;1003;1004;1005;1006;1015h"
                              "\033[?2004h\033[?7;25l\033[4;20h\033[3;9r\033=\033(0\016\033[>4;1m"
                              "\033[3 q";
    char bytes[CLI_SCREEN_RESET_MAX];
    struct cli_screen screen = {0}, after;

    (void)state;
    cli_screen_feed(&screen, (const uint8_t *)all, sizeof all - 1);
    size_t size = cli_screen_reset(&screen, bytes);
    assert_true(size < CLI_SCREEN_RESET_MAX / 2 + 100);
    after = screen;
    cli_screen_feed(&after, (const uint8_t *)bytes, size);
    assert_int_equal(after.changed, 0);
}

static void test_screen_line(void **state)
{
    static const struct {
        const char *output;
        bool in_line;
    } cases[] = {
        {"", false},           {"x", true},  {"x\r\n", false},        {"x\r\n\033[0m", false},
        {"\r\n\033[5C", true}, {"\t", true}, {"\033]0;x\007", false}, {"x\r", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cli_screen screen = {0};
        cli_screen_feed(&screen, (const uint8_t *)cases[i].output, strlen(cases[i].output));
        assert_int_equal(screen.in_line, cases[i].in_line);
    }
}

/* ---- the words of the shell ---- */

static void check_words(const char *line, int count, const char *joined)
{
    char copy[256], found[256] = "";
    char *words[CLI_WORDS_MAX + 1];

    snprintf(copy, sizeof copy, "%s", line);
    assert_int_equal(cli_words_split(copy, words), count);
    for (int i = 0; i < count; i++) {
        strncat(found, words[i], sizeof found - strlen(found) - 2);
        strcat(found, "|");
    }
    assert_string_equal(found, joined);
    if (count >= 0)
        assert_null(words[count]);
}

static void test_words(void **state)
{
    (void)state;
    check_words("", 0, "");
    check_words("  \t\n", 0, "");
    check_words("list", 1, "list|");
    check_words(" power  web01\ton\n", 3, "power|web01|on|");
    check_words("show 'my guest'", 2, "show|my guest|");
    check_words("show \"a 'b' \\\"c\"", 2, "show|a 'b' \"c|");
    check_words("show a\\ b\\\\", 2, "show|a b\\|");
    check_words("show 'a\\'b", 2, "show|a\\b|");
    check_words("x '' y", 3, "x||y|");
    check_words("a'b'\"c\"d", 1, "abcd|");
    check_words("$HOME `id` *", 3, "$HOME|`id`|*|");
    check_words("end\\", 1, "end\\|");
    check_words("show 'open", -EINVAL, "");
    check_words("show \"open", -EINVAL, "");
}

static void test_too_many_words(void **state)
{
    char line[2 * (CLI_WORDS_MAX + 1) + 1] = "";
    char *words[CLI_WORDS_MAX + 1];

    (void)state;
    for (int i = 0; i < CLI_WORDS_MAX; i++)
        strcat(line, "x ");
    assert_int_equal(cli_words_split(line, words), CLI_WORDS_MAX);
    memset(line, 0, sizeof line);
    for (int i = 0; i < CLI_WORDS_MAX + 1; i++)
        strcat(line, "x ");
    assert_int_equal(cli_words_split(line, words), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),         cmocka_unit_test(test_escape_across_reads),
        cmocka_unit_test(test_screen_reset),   cmocka_unit_test(test_screen_all_at_once),
        cmocka_unit_test(test_screen_line),    cmocka_unit_test(test_words),
        cmocka_unit_test(test_too_many_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
