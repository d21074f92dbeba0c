/* The ring: positions, what is dropped, and the wrap-around at every size against a plain copy of
 * everything ever appended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/seeds.h"
#include "vbmc/base/ring.h"

#define TOTAL 4096

static uint8_t all[TOTAL];

/* What the ring holds is the end of all[0..end). */
static void check_content(const struct ring *ring, uint64_t end)
{
    uint64_t position = ring_start(ring);
    const uint8_t *bytes;
    size_t size, pieces = 0;

    assert_int_equal(ring_end(ring), end);
    assert_int_equal(position, end > ring_capacity(ring) ? end - ring_capacity(ring) : 0);
    while ((size = ring_peek(ring, position, &bytes)) > 0) {
        assert_memory_equal(bytes, all + position, size);
        position += size;
        pieces++;
    }
    assert_int_equal(position, end);
    assert_true(pieces <= 2);
}

static void test_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOTAL; i++)
        all[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t capacity = 1; capacity <= 33; capacity++) {
        for (size_t step = 1; step <= 2 * capacity + 1; step++) {
            struct ring *ring = ring_new(capacity);
            size_t end = 0;

            assert_non_null(ring);
            while (end + step < 8 * capacity) {
                ring_append(ring, all + end, step);
                end += step;
                check_content(ring, end);
            }
            ring_free(ring);
        }
    }
}

static void test_random_sizes(void **state)
{
    (void)state;
    seeds_begin(200, 20000);
    for (uint64_t seed; seeds_next(&seed);) {
        uint64_t random = seed;
        struct ring *ring = ring_new(1 + seeds_random(&random, 300));
        size_t end = 0, step;

        assert_non_null(ring);
        while (end + (step = seeds_random(&random, 400)) < TOTAL) {
            ring_append(ring, all + end, step);
            end += step;
            check_content(ring, end);
        }
        ring_free(ring);
    }
}

static void test_restart(void **state)
{
    const uint64_t far = UINT64_C(1) << 40;
    struct ring *ring = ring_new(8);
    const uint8_t *bytes;

    (void)state;
    assert_non_null(ring);
    ring_append(ring, "abcdefghij", 10);
    ring_restart(ring, far + 3);
    assert_int_equal(ring_peek(ring, far + 3, &bytes), 0);
    ring_append(ring, "xyz", 3);
    assert_int_equal(ring_start(ring), far + 3);
    assert_int_equal(ring_end(ring), far + 6);
    assert_int_equal(ring_peek(ring, far + 3, &bytes), 3);
    assert_memory_equal(bytes, "xyz", 3);
    ring_free(ring);
    ring_free(NULL);
}

static void test_find_lines(void **state)
{
    static const struct {
        const char *text;
        size_t lines;
        uint64_t expected; /* in a ring of 16 bytes */
    } cases[] = {
        {"", 0, 0},
        {"", 3, 0},
        {"abc", 0, 3},
        {"abc", 1, 0},
        {"abc\n", 1, 0},
        {"a\nb\nc\n", 1, 4},
        {"a\nb\nc\n", 2, 2},
        {"a\nb\nc\n", 3, 0},
        {"a\nb\nc\n", 9, 0},
        {"a\nb\nlogin: ", 1, 4},
        {"a\nb\nlogin: ", 2, 2},
        {"\n\n\n", 1, 2},
        {"\n\n\n", 2, 1},
        {"1234567890\n1234567\n12\n", 1, 19},
        {"1234567890\n1234567\n12\n", 2, 11},
        {"1234567890\n1234567\n12\n", 3, 6}, /* the rest of that line is gone */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ring *ring = ring_new(16);

        assert_non_null(ring);
        ring_append(ring, cases[i].text, strlen(cases[i].text));
        assert_int_equal(ring_find_lines(ring, cases[i].lines), cases[i].expected);
        ring_free(ring);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_random_sizes),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_find_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
