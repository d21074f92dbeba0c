/* What passes of old output, and what does not, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sol/replay.h"
#include "tests/unit/seeds.h"
#include "vbmc/base/array.h"

static const struct {
    const char *in;
    const char *out;
} cases[] = {
    {"plain text\r\n", "plain text\r\n"},
    {"~ # \033[6nls", "~ # ls"},
    {"\033[c\033[>c\033[0c\033[=c", ""},
    {"\033[5n\033[?6n", ""},
    {"\033Z\005x", "x"},
    {"\033[1;31mred\033[0m\033[2J\033[H", "\033[1;31mred\033[0m\033[2J\033[H"},
    {"\033[?25l\033[?2004h\033(B\0337\0338\033M", "\033[?25l\033[?2004h\033(B\0337\0338\033M"},
    {"\033]0;title\007text", "\033]0;title\007text"},
    {"\033]11;?\007\033]4;1;?\033\\text", "text"},
    {"\033P$q\"p\033\\\033P+q544e\033\\text", "text"},
    {"\033[?2026$p\033[>0q\033[?u\033[18t", ""},
    {"\033[1 q\033[!p\033[u", "\033[1 q\033[!p\033[u"}, /* cursor style, reset, restore cursor */
    {"\033[6\033[6nx", "\033[6x"},
    {"\033[6\030n", "\033[6\030n"}, /* cancelled */
    {"\033\033[6n", "\033"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = strlen(cases[i].in);
        for (size_t cut = 0; cut <= size; cut++) {
            struct replay replay = {0};
            uint8_t out[512];
            const uint8_t *in = (const uint8_t *)cases[i].in;
            size_t used = replay_filter(&replay, in, cut, out);
            used += replay_filter(&replay, in + cut, size - cut, out + used);
            used += replay_flush(&replay, out + used);
            assert_int_equal(used, strlen(cases[i].out));
            assert_memory_equal(out, cases[i].out, used);
        }
    }
}

/* What looks like a sequence and never ends is passed on, all of it. */
static void test_endless(void **state)
{
    static const char *const begins[] = {"\033[", "\033]", "\033P"};
    uint8_t in[1000], out[1000 + REPLAY_HELD_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        struct replay replay = {0};
        memset(in, '1', sizeof in);
        memcpy(in, begins[i], 2);
        size_t used = replay_filter(&replay, in, sizeof in, out);
        used += replay_flush(&replay, out + used);
        assert_int_equal(used, sizeof in);
        assert_memory_equal(out, in, sizeof in);
    }
}

/* Mostly those that sequences are made of. */
static uint8_t next_byte(uint64_t *random)
{
    static const char special[] = "\033[]P\\?n;1\007m";

    if (seeds_random(random, 4) == 0)
        return (uint8_t)seeds_random(random, 256);
    return (uint8_t)special[seeds_random(random, sizeof special - 1)];
}

/* Any bytes: never more out than in and held, and every byte that is not part of an escape sequence
 * comes out in order. */
static void test_any_bytes(void **state)
{
    uint8_t in[4096], out[4096 + REPLAY_HELD_MAX];

    (void)state;
    seeds_begin(200, 20000);
    for (uint64_t seed; seeds_next(&seed);) {
        uint64_t random = seed;
        struct replay replay = {0};
        size_t fed = 0, used = 0;
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = next_byte(&random);
        while (fed < sizeof in) {
            size_t piece = seeds_random(&random, 64) + 1;
            piece = piece < sizeof in - fed ? piece : sizeof in - fed;
            used += replay_filter(&replay, in + fed, piece, out + used);
            fed += piece;
            assert_true(used + replay.used <= fed);
        }
        used += replay_flush(&replay, out + used);
        assert_true(used <= sizeof in);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
