/* UUIDs: one form on the way out, the same form in either case on the way in, nothing else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/uuid.h"

#define TEXT "12345678-9abc-4def-8123-456789abcdef"

static void test_round_trip(void **state)
{
    static const uint8_t expected[] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef,
                                       0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    struct uuid uuid, upper;
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_int_equal(uuid_parse(TEXT, &uuid), 0);
    assert_memory_equal(uuid.bytes, expected, sizeof expected);
    uuid_format(&uuid, text);
    assert_string_equal(text, TEXT);
    assert_int_equal(uuid_parse("12345678-9ABC-4DEF-8123-456789ABCDEF", &upper), 0);
    assert_true(uuid_equal(&uuid, &upper));
    upper.bytes[15] ^= 1;
    assert_false(uuid_equal(&uuid, &upper));
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        TEXT "0",
        " " TEXT,
        TEXT " ",
        "123456789abc4def8123456789abcdef",
        "{2345678-9abc-4def-8123-456789abcde}",
        "12345678+9abc-4def-8123-456789abcdef",
        "123456789-abc-4def-8123-456789abcdef",
        "1234567g-9abc-4def-8123-456789abcdef",
        "12345678-9abc-4def-8123-456789abcde-",
        "12345678-9abc-4def-8123-456789abcd\xc3\xa9",
        "0x345678-9abc-4def-8123-456789abcdef",
    };
    struct uuid uuid;
    char cut[UUID_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(uuid_parse(texts[i], &uuid), -EINVAL);
    for (size_t length = 0; length < sizeof TEXT - 1; length++) {
        memcpy(cut, TEXT, length);
        cut[length] = '\0';
        assert_int_equal(uuid_parse(cut, &uuid), -EINVAL);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
