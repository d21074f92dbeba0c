/* The SOL configuration parameters: every parameter, every bound, every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sol/solparams.h"
#include "vbmc/base/array.h"

#define CHANNEL 1
#define PORT    6230

static void test_defaults(void **state)
{
    static const struct {
        size_t size;
        uint8_t data[SOLPARAMS_DATA_MAX];
    } expected[SOLPARAMS_COUNT] = {
        {1, {0}},          {1, {1}},          {1, {0xc2}},
        {2, {0x0c, 0x60}}, {2, {0x07, 0x32}}, {1, {0x0a}},
        {1, {0x0a}},       {1, {CHANNEL}},    {2, {PORT & 0xff, PORT >> 8}},
    };
    struct solparams params;
    uint8_t data[SOLPARAMS_DATA_MAX];
    size_t size;

    (void)state;
    solparams_init(&params, CHANNEL, PORT);
    assert_true(solparams_is_valid(&params));
    for (uint8_t i = 0; i < SOLPARAMS_COUNT; i++) {
        assert_int_equal(solparams_get(&params, i, 0, 0, data, &size), SOLPARAMS_OK);
        assert_int_equal(size, expected[i].size);
        assert_memory_equal(data, expected[i].data, size);
    }
    assert_true(solparams_is_enabled(&params));
    assert_true(solparams_force_encryption(&params));
    assert_true(solparams_force_authentication(&params));
    assert_int_equal(solparams_privilege(&params), 2);
    struct solproto_timing timing = solparams_timing(&params);
    assert_int_equal(timing.accumulate_ms, 60);
    assert_int_equal(timing.send_threshold, 96);
    assert_int_equal(timing.retry_count, 7);
    assert_int_equal(timing.retry_ms, 500);
}

static void test_set(void **state)
{
    static const struct {
        uint8_t parameter;
        uint8_t size;
        uint8_t data[3];
        uint8_t code;
    } cases[] = {
        {SOLPARAMS_SET_IN_PROGRESS, 1, {0x03}, 0xc9},
        {SOLPARAMS_SET_IN_PROGRESS, 1, {0x04}, 0xcc},
        {SOLPARAMS_SET_IN_PROGRESS, 0, {0}, 0xc7},
        {SOLPARAMS_ENABLE, 1, {0}, 0},
        {SOLPARAMS_ENABLE, 1, {1}, 0},
        {SOLPARAMS_ENABLE, 1, {2}, 0xcc},
        {SOLPARAMS_ENABLE, 0, {0}, 0xc7},
        {SOLPARAMS_ENABLE, 2, {0}, 0xc7},
        {SOLPARAMS_AUTHENTICATION, 1, {0x01}, 0xc9},
        {SOLPARAMS_AUTHENTICATION, 1, {0x02}, 0},
        {SOLPARAMS_AUTHENTICATION, 1, {0x45}, 0},
        {SOLPARAMS_AUTHENTICATION, 1, {0x84}, 0},
        {SOLPARAMS_AUTHENTICATION, 1, {0x06}, 0xc9},
        {SOLPARAMS_AUTHENTICATION, 1, {0x12}, 0xcc},
        {SOLPARAMS_AUTHENTICATION, 1, {0x22}, 0xcc},
        {SOLPARAMS_ACCUMULATE, 2, {0x01, 0x00}, 0},
        {SOLPARAMS_ACCUMULATE, 2, {0xff, 0xff}, 0},
        {SOLPARAMS_ACCUMULATE, 2, {0x00, 0x60}, 0xc9},
        {SOLPARAMS_ACCUMULATE, 1, {0x01}, 0xc7},
        {SOLPARAMS_ACCUMULATE, 3, {0x01, 0x01, 0x01}, 0xc7},
        {SOLPARAMS_RETRY, 2, {0x00, 0x00}, 0},
        {SOLPARAMS_RETRY, 2, {0x07, 0xff}, 0},
        {SOLPARAMS_RETRY, 2, {0x08, 0x01}, 0xcc},
        {SOLPARAMS_RETRY, 1, {0x07}, 0xc7},
        {SOLPARAMS_BIT_RATE, 1, {0x10}, 0xcc},
        {SOLPARAMS_BIT_RATE, 0, {0}, 0xc7},
        {SOLPARAMS_VOLATILE_BIT_RATE, 1, {0x10}, 0xcc},
        {SOLPARAMS_VOLATILE_BIT_RATE, 2, {0}, 0xc7},
        {SOLPARAMS_PAYLOAD_CHANNEL, 1, {CHANNEL}, 0x82},
        {SOLPARAMS_PAYLOAD_CHANNEL, 0, {0}, 0x82},
        {SOLPARAMS_PAYLOAD_PORT, 2, {PORT & 0xff, PORT >> 8}, 0},
        {SOLPARAMS_PAYLOAD_PORT, 2, {0x6f, 0x02}, 0x82},
        {SOLPARAMS_PAYLOAD_PORT, 1, {0x6f}, 0xc7},
        {SOLPARAMS_COUNT, 1, {0}, 0x80},
        {0xc0, 1, {0}, 0x80},
        {0xff, 0, {0}, 0x80},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct solparams params;
        struct solparams before;
        uint8_t data[SOLPARAMS_DATA_MAX];
        size_t size;
        solparams_init(&params, CHANNEL, PORT);
        before = params;
        int code = solparams_set(&params, cases[i].parameter, cases[i].data, cases[i].size);
        if (code != cases[i].code)
            fail_msg("case %zu: code %02x", i, (unsigned)code);
        assert_true(solparams_is_valid(&params));
        if (code == SOLPARAMS_OK) {
            solparams_get(&params, cases[i].parameter, 0, 0, data, &size);
            assert_int_equal(size, cases[i].size);
            assert_memory_equal(data, cases[i].data, size);
        } else {
            assert_memory_equal(&params, &before, sizeof params);
        }
    }
}

static void test_bit_rates(void **state)
{
    struct solparams params;

    (void)state;
    solparams_init(&params, CHANNEL, PORT);
    for (uint8_t rate = 0; rate < 16; rate++) {
        int code = rate == 0 || (rate >= 6 && rate <= 10) ? SOLPARAMS_OK : SOLPARAMS_OUT_OF_RANGE;
        assert_int_equal(solparams_set(&params, SOLPARAMS_BIT_RATE, &rate, 1), code);
        assert_int_equal(solparams_set(&params, SOLPARAMS_VOLATILE_BIT_RATE, &rate, 1), code);
    }
    assert_int_equal(params.bit_rate, 10);
    assert_int_equal(params.volatile_bit_rate, 10);
}

static void test_set_in_progress(void **state)
{
    static const struct {
        uint8_t data;
        uint8_t code;
        uint8_t after;
    } steps[] = {
        {0, 0, 0}, {2, 0, 0}, {1, 0, 1}, {1, 0x81, 1}, {2, 0, 1}, {0, 0, 0}, {1, 0, 1},
    };
    const uint8_t off = 0;
    struct solparams params;

    (void)state;
    solparams_init(&params, CHANNEL, PORT);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int code = solparams_set(&params, SOLPARAMS_SET_IN_PROGRESS, &steps[i].data, 1);
        assert_int_equal(code, steps[i].code);
        assert_int_equal(params.set_in_progress, steps[i].after);
    }
    assert_int_equal(solparams_set(&params, SOLPARAMS_ENABLE, &off, 1), SOLPARAMS_OK);
    assert_false(solparams_is_enabled(&params));
}

static void test_get_refused(void **state)
{
    struct solparams params;
    uint8_t data[SOLPARAMS_DATA_MAX];
    size_t size = 9;

    (void)state;
    solparams_init(&params, CHANNEL, PORT);
    assert_int_equal(solparams_get(&params, SOLPARAMS_COUNT, 0, 0, data, &size), 0x80);
    assert_int_equal(size, 0);
    assert_int_equal(solparams_get(&params, SOLPARAMS_ENABLE, 1, 0, data, &size), 0xc9);
    assert_int_equal(solparams_get(&params, SOLPARAMS_ENABLE, 0, 1, data, &size), 0xc9);
}

/* What storage may bring that no client could have set. */
static void test_invalid(void **state)
{
    struct solparams good;

    (void)state;
    solparams_init(&good, CHANNEL, PORT);
    struct solparams bad[] = {good, good, good, good, good, good, good};
    bad[0].set_in_progress = 2;
    bad[1].enable = 2;
    bad[2].authentication = 0xc0;
    bad[3].accumulate[0] = 0;
    bad[4].retry[0] = 8;
    bad[5].bit_rate = 1;
    bad[6].payload_channel = 0x10;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(solparams_is_valid(&bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_set),
        cmocka_unit_test(test_bit_rates),   cmocka_unit_test(test_set_in_progress),
        cmocka_unit_test(test_get_refused), cmocka_unit_test(test_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
