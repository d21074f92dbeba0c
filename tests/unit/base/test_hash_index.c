/* The index against a plain table: many values, several of one hash, added, removed and moved to
 * other hashes in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vbmc/base/hash_index.h"

#define COUNT  500
#define HASHES 90 /* most of them have several values; others share their buckets */
#define STEPS  20000

static struct hash_index hash_index;
static struct {
    bool is_there;
    uint64_t hash;
} expected[COUNT]; /* its addresses are the values */
static uint64_t random_state = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

/* Every value once, and nothing else, comes under its hash. */
static void check_all(void)
{
    size_t count = 0, found = 0;

    for (unsigned i = 0; i < COUNT; i++)
        count += expected[i].is_there;
    assert_int_equal(hash_index.count, count);
    for (uint64_t hash = 0; hash < HASHES; hash++) {
        bool seen[COUNT] = {false};
        const struct hash_index_node *cursor = NULL;
        void *value;
        while ((value = hash_index_next(&hash_index, hash, &cursor))) {
            size_t i = (size_t)((char *)value - (char *)expected) / sizeof expected[0];
            assert_true(expected[i].is_there && expected[i].hash == hash && !seen[i]);
            seen[i] = true;
            found++;
        }
    }
    assert_int_equal(found, count);
}

static void test_any_order(void **state)
{
    (void)state;
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t i = draw(step / 1000 % 2 ? 60 : COUNT);
        bool was_there = expected[i].is_there;
        uint64_t hash = draw(HASHES);
        if (was_there && draw(2)) {
            hash_index_move(&hash_index, expected[i].hash, hash, &expected[i]);
            expected[i].hash = hash;
        }
        hash_index_remove(&hash_index, expected[i].hash, &expected[i]); /* nothing, or this one */
        expected[i].is_there = was_there ? draw(2) : true;
        expected[i].hash = draw(HASHES);
        if (expected[i].is_there)
            assert_int_equal(hash_index_add(&hash_index, expected[i].hash, &expected[i]), 0);
        if (step % 500 == 0)
            check_all();
    }
    check_all();
    hash_index_clear(&hash_index, NULL);
    assert_int_equal(hash_index.count, 0);
}

static void test_empty(void **state)
{
    const struct hash_index_node *cursor = NULL;

    (void)state;
    assert_null(hash_index_next(&hash_index, 1, &cursor));
    hash_index_remove(&hash_index, 1, &cursor);
    hash_index_clear(&hash_index, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
