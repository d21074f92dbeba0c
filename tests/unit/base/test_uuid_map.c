/* The map by UUID against a plain table: many that are put, replaced and removed in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vbmc/base/uuid.h"
#include "vbmc/base/uuid_map.h"

#define COUNT 700
#define STEPS 200000

static struct uuid_map map;
static void *expected[COUNT];
static uint64_t random_state = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static struct uuid uuid_of(uint32_t number)
{
    return (struct uuid){{[14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
}

static void check_all(void)
{
    size_t count = 0;

    for (uint32_t i = 0; i < COUNT; i++) {
        struct uuid uuid = uuid_of(i);
        assert_ptr_equal(uuid_map_get(&map, &uuid), expected[i]);
        count += expected[i] != NULL;
    }
    assert_int_equal(map.entries.count, count);
}

static void test_any_order(void **state)
{
    static char values[2];

    (void)state;
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t number = draw(i / 1000 % 2 ? 50 : COUNT);
        struct uuid uuid = uuid_of(number);
        if (draw(2)) {
            expected[number] = &values[draw(2)];
            assert_int_equal(uuid_map_put(&map, &uuid, expected[number]), 0);
        } else {
            expected[number] = NULL;
            uuid_map_remove(&map, &uuid);
        }
        assert_ptr_equal(uuid_map_get(&map, &uuid), expected[number]);
        if (i % 1000 == 0)
            check_all();
    }
    check_all();
    uuid_map_clear(&map);
}

static void test_empty(void **state)
{
    struct uuid uuid = uuid_of(1);

    (void)state;
    assert_null(uuid_map_get(&map, &uuid));
    uuid_map_remove(&map, &uuid);
    uuid_map_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
