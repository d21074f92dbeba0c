/* What of a text from outside may be shown to people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/utf8.h"

static void test_next(void **state)
{
    static const struct {
        const char *text;
        size_t length, size;
        uint32_t character;
    } cases[] = {
        {"a", 1, 1, 'a'},
        {"\xc3\xbc", 2, 2, 0xfc},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
        {"\0", 1, 1, 0},
        {"\xc3\xbc", 1, 1, UTF8_NO_CHARACTER},             /* cut */
        {"\xe2\x82", 2, 1, UTF8_NO_CHARACTER},             /* cut */
        {"\xc3z", 2, 1, UTF8_NO_CHARACTER},                /* does not go on */
        {"\x9b", 1, 1, UTF8_NO_CHARACTER},                 /* begins none */
        {"\xff", 1, 1, UTF8_NO_CHARACTER},                 /* begins none */
        {"\xc0\x9b", 2, 2, UTF8_NO_CHARACTER},             /* ESC would be one byte */
        {"\xe0\x80\x9b", 3, 3, UTF8_NO_CHARACTER},         /* the same in three */
        {"\xed\xa0\x80", 3, 3, UTF8_NO_CHARACTER},         /* half a pair of UTF-16 */
        {"\xf4\x90\x80\x80", 4, 4, UTF8_NO_CHARACTER},     /* behind U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 5, 1, UTF8_NO_CHARACTER}, /* five bytes: no longer UTF-8 */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t character = 1;
        assert_int_equal(utf8_next(cases[i].text, cases[i].length, &character), cases[i].size);
        assert_int_equal(character, cases[i].character);
    }
}

static void test_make_harmless(void **state)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"", ""},
        {"web01 gr\xc3\xbc\xc3\x9f\xe6\xbc\xa2", "web01 gr\xc3\xbc\xc3\x9f\xe6\xbc\xa2"},
        {"a\r\nb\tc\x7f", "a??b?c?"},
        {"\x1b]0;title\x07", "?]0;title?"},
        {"\xc2\x9b"
         "2J",
         "??2J"},
        {"\x9b"
         "2J",
         "?2J"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c\xe2\x80\xa8",
         "a???b???c???"},
        {"cut\xe2\x82", "cut??"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];
        strcpy(text, cases[i].from);
        utf8_make_harmless(text);
        assert_string_equal(text, cases[i].to);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_make_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
