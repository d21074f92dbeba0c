/* The checked cursors: every field at every bound, and the error that sticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"

static const uint8_t bytes[] = {0x11, 0x82, 0x93, 0xa4, 0xb5};

static uint32_t read_u8(struct wire_in *in)
{
    return wire_u8(in);
}

static uint32_t read_u16(struct wire_in *in)
{
    return wire_u16(in);
}

static uint32_t read_copy(struct wire_in *in)
{
    uint8_t to[3] = {0xee, 0xee, 0xee};

    wire_copy(in, to, sizeof to);
    return (uint32_t)to[0] << 16 | (uint32_t)to[1] << 8 | to[2];
}

static uint32_t read_skip(struct wire_in *in)
{
    wire_skip(in, 2);
    return 0;
}

/* Every reader with as many bytes as it needs, one more, and every number too few. */
static void test_read_at_every_length(void **state)
{
    static const struct {
        uint32_t (*read)(struct wire_in *in);
        size_t size;
        uint32_t value;
    } cases[] = {
        {read_u8, 1, 0x11},           {read_u16, 2, 0x8211},    {wire_u32, 4, 0xa4938211},
        {wire_u32_be, 4, 0x118293a4}, {read_copy, 3, 0x118293}, {read_skip, 2, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t length = 0; length <= sizeof bytes; length++) {
            struct wire_in in = wire_in_init(bytes, length);
            bool enough = length >= cases[i].size;
            assert_int_equal(cases[i].read(&in), enough ? cases[i].value : 0);
            assert_int_equal(in.failed, !enough);
            assert_int_equal(in.pos, enough ? cases[i].size : 0);
            assert_int_equal(wire_left(&in), enough ? length - cases[i].size : 0);
        }
    }
}

static void test_read_error_sticks(void **state)
{
    struct wire_in in = wire_in_init(bytes, 3);

    (void)state;
    assert_int_equal(wire_u32(&in), 0);
    assert_int_equal(wire_u8(&in), 0); /* there are bytes, but no trust */
    assert_null(wire_bytes(&in, 0));
    assert_int_equal(wire_left(&in), 0);
    assert_true(in.failed);
}

static void test_read_huge_length(void **state)
{
    struct wire_in in = wire_in_init(bytes, sizeof bytes);

    (void)state;
    wire_u8(&in);
    assert_null(wire_bytes(&in, SIZE_MAX)); /* 1 + SIZE_MAX would be 0 */
    assert_true(in.failed);
}

static void test_slice(void **state)
{
    struct wire_in in = wire_in_init(bytes, sizeof bytes);
    struct wire_in slice = wire_slice(&in, 2);

    (void)state;
    assert_int_equal(wire_u16(&slice), 0x8211);
    assert_int_equal(wire_u8(&slice), 0); /* the slice ends, though its parent goes on */
    assert_true(slice.failed);
    assert_false(in.failed);
    assert_int_equal(wire_u8(&in), 0x93);
    slice = wire_slice(&in, 3);
    assert_true(slice.failed && in.failed);
    assert_int_equal(wire_u8(&slice), 0);
}

static void test_empty(void **state)
{
    struct wire_in in = wire_in_init(NULL, 0);
    struct wire_out out = wire_out_init(NULL, 0);
    uint8_t to = 0x5a;

    (void)state;
    wire_copy(&in, &to, 0);
    wire_put_bytes(&out, NULL, 0);
    wire_put_zeros(&out, 0);
    assert_false(in.failed);
    assert_false(out.failed);
    assert_int_equal(to, 0x5a);
    wire_put_u8(&out, 1);
    assert_true(out.failed);
}

static void put_u8(struct wire_out *out)
{
    wire_put_u8(out, 0x11);
}

static void put_u16(struct wire_out *out)
{
    wire_put_u16(out, 0x8211);
}

static void put_u32(struct wire_out *out)
{
    wire_put_u32(out, 0xa4938211);
}

static void put_u32_be(struct wire_out *out)
{
    wire_put_u32_be(out, 0x118293a4);
}

static void put_bytes(struct wire_out *out)
{
    wire_put_bytes(out, bytes, 3);
}

static void put_zeros(struct wire_out *out)
{
    wire_put_zeros(out, 3);
}

static void test_write_at_every_length(void **state)
{
    static const uint8_t zeros[3];
    static const struct {
        void (*put)(struct wire_out *out);
        size_t size;
        const uint8_t *expected;
    } cases[] = {
        {put_u8, 1, bytes},     {put_u16, 2, bytes},   {put_u32, 4, bytes},
        {put_u32_be, 4, bytes}, {put_bytes, 3, bytes}, {put_zeros, 3, zeros},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t room = 0; room <= 6; room++) {
            uint8_t to[6], untouched[6];
            memset(to, 0xee, sizeof to);
            memset(untouched, 0xee, sizeof untouched);
            struct wire_out out = wire_out_init(to, room);
            cases[i].put(&out);
            size_t written = room >= cases[i].size ? cases[i].size : 0;
            assert_int_equal(out.failed, room < cases[i].size);
            assert_int_equal(out.pos, written);
            if (written)
                assert_memory_equal(to, cases[i].expected, written);
            assert_memory_equal(to + written, untouched, sizeof to - written);
        }
    }
}

static void test_write_error_sticks(void **state)
{
    uint8_t to[3] = {0};
    struct wire_out out = wire_out_init(to, sizeof to);

    (void)state;
    wire_put_u8(&out, 1);
    assert_null(wire_reserve(&out, SIZE_MAX));
    wire_put_u8(&out, 2);
    assert_true(out.failed);
    assert_int_equal(out.pos, 1);
    assert_int_equal(to[1], 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_at_every_length),
        cmocka_unit_test(test_read_error_sticks),
        cmocka_unit_test(test_read_huge_length),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_write_at_every_length),
        cmocka_unit_test(test_write_error_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
