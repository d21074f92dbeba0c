/* The frames of a console connection, cut at every place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/control/console_parser.h"

static size_t put(uint8_t *bytes, size_t used, char kind, const void *payload, size_t size)
{
    console_frame_put_header(bytes + used, (enum console_frame_kind)kind, size);
    if (size)
        memcpy(bytes + used + CONSOLE_FRAME_HEADER, payload, size);
    return used + CONSOLE_FRAME_HEADER + size;
}

/* Feeds a part; writes down what comes: pieces of a stream run together. */
static void feed(struct console_parser *parser, const uint8_t *bytes, size_t size, char *story)
{
    struct console_frame frame;

    while (console_parser_next(parser, &bytes, &size, &frame) == 1) {
        size_t used = strlen(story);
        if (frame.kind != CONSOLE_OUTPUT) {
            story[used++] = '<';
            story[used++] = (char)frame.kind;
        }
        if (frame.size)
            memcpy(story + used, frame.payload, frame.size);
        used += frame.size;
        if (frame.kind != CONSOLE_OUTPUT)
            story[used++] = '>';
        story[used] = '\0';
    }
    assert_int_equal(size, 0);
}

static void test_every_cut(void **state)
{
    uint8_t bytes[256];
    size_t size = 0;

    (void)state;
    size = put(bytes, size, 'O', "hello", 5);
    size = put(bytes, size, 'N', "guest reset", 11);
    size = put(bytes, size, 'O', "", 0);
    size = put(bytes, size, 'x', "unknown", 7);
    size = put(bytes, size, '\0', "zero", 4);
    size = put(bytes, size, 'R', "", 0);
    size = put(bytes, size, 'O', " world", 6);
    size = put(bytes, size, 'E', "", 0);
    for (size_t first = 0; first <= size; first++) {
        for (size_t second = first; second <= size; second++) {
            struct console_parser parser;
            char story[256] = "";

            console_parser_init(&parser, "O", "NRE");
            feed(&parser, bytes, first, story);
            feed(&parser, bytes + first, second - first, story);
            feed(&parser, bytes + second, size - second, story);
            assert_string_equal(story, "hello<Nguest reset><R> world<E>");
        }
    }
}

static void test_bytewise(void **state)
{
    uint8_t bytes[64];
    struct console_parser parser;
    char story[64] = "";

    (void)state;
    size_t size = put(bytes, 0, 'I', "abc", 3);
    size = put(bytes, size, 'H', "1234", 4);
    console_parser_init(&parser, "O", "HI");
    for (size_t i = 0; i < size; i++)
        feed(&parser, bytes + i, 1, story);
    assert_string_equal(story, "<Iabc><H1234>");
}

static void test_largest_and_oversized(void **state)
{
    uint8_t *bytes = calloc(1, CONSOLE_FRAME_HEADER + CONSOLE_FRAME_MAX);
    struct console_parser parser;
    struct console_frame frame;
    const uint8_t *next = bytes;
    size_t size = CONSOLE_FRAME_HEADER + CONSOLE_FRAME_MAX;

    (void)state;
    console_frame_put_header(bytes, CONSOLE_OUTPUT, CONSOLE_FRAME_MAX);
    console_parser_init(&parser, "O", "E");
    assert_int_equal(console_parser_next(&parser, &next, &size, &frame), 1);
    assert_int_equal(frame.size, CONSOLE_FRAME_MAX);
    assert_int_equal(console_parser_next(&parser, &next, &size, &frame), 0);

    /* Also of a kind that would be skipped. */
    console_frame_put_header(bytes, (enum console_frame_kind)'x', CONSOLE_FRAME_MAX + 1);
    next = bytes;
    size = CONSOLE_FRAME_HEADER;
    assert_int_equal(console_parser_next(&parser, &next, &size, &frame), -EMSGSIZE);
    size = 0;
    assert_int_equal(console_parser_next(&parser, &next, &size, &frame), -EMSGSIZE);
    free(bytes);
}

static void test_long_text_is_cut(void **state)
{
    uint8_t bytes[CONSOLE_FRAME_HEADER + CONSOLE_PARSER_WHOLE_MAX + 100];
    struct console_parser parser;
    struct console_frame frame;
    const uint8_t *next = bytes;
    size_t size = sizeof bytes;

    (void)state;
    memset(bytes, 'n', sizeof bytes);
    console_frame_put_header(bytes, CONSOLE_NOTICE, CONSOLE_PARSER_WHOLE_MAX + 100);
    console_parser_init(&parser, "O", "N");
    assert_int_equal(console_parser_next(&parser, &next, &size, &frame), 1);
    assert_int_equal(frame.size, CONSOLE_PARSER_WHOLE_MAX);
    assert_int_equal(size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_bytewise),
        cmocka_unit_test(test_largest_and_oversized),
        cmocka_unit_test(test_long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
