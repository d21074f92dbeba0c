/* The IPMI message over LAN: checksums, what is dropped, and the mirrored response. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"

#define MESSAGE_MAX (IPMI_MSG_OVERHEAD + 300)

/* A request with right checksums. */
static size_t build(uint8_t rs_address, uint8_t netfn_lun, const uint8_t *data, size_t length,
                    uint8_t *bytes)
{
    const uint8_t head[] = {rs_address, netfn_lun, 0, 0x81, 0x13 << 2 | 1, 0x3d};

    memcpy(bytes, head, sizeof head);
    if (length)
        memcpy(bytes + sizeof head, data, length);
    bytes[2] = ipmi_msg_checksum(bytes, 2);
    bytes[sizeof head + length] = ipmi_msg_checksum(bytes + 3, sizeof head - 3 + length);
    return sizeof head + length + 1;
}

static void test_checksum(void **state)
{
    static const struct {
        uint8_t bytes[3];
        size_t length;
        uint8_t sum;
    } cases[] = {
        {{0x20, 0x18}, 2, 0xc8}, {{0x81, 0x1c}, 2, 0x63}, {{0}, 0, 0x00},
        {{0x00}, 1, 0x00},       {{0xff, 0xff}, 2, 0x02}, {{0x80, 0x80}, 2, 0x00},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(ipmi_msg_checksum(cases[i].bytes, cases[i].length), cases[i].sum);
}

static void test_parse(void **state)
{
    static const uint8_t data[] = {0xaa, 0xbb};
    uint8_t bytes[MESSAGE_MAX];
    struct ipmi_msg msg;

    (void)state;
    size_t length = build(IPMI_BMC_ADDRESS, NETFN_APP << 2 | 2, data, sizeof data, bytes);
    assert_int_equal(ipmi_msg_parse(bytes, length, &msg), 0);
    assert_int_equal(msg.rs_address, 0x20);
    assert_int_equal(msg.netfn, NETFN_APP);
    assert_int_equal(msg.rs_lun, 2);
    assert_int_equal(msg.rq_address, 0x81);
    assert_int_equal(msg.rq_seq, 0x13);
    assert_int_equal(msg.rq_lun, 1);
    assert_int_equal(msg.command, 0x3d);
    assert_int_equal(msg.data_length, 2);
    assert_memory_equal(msg.data, data, 2);
}

/* Cut at every length; the copies are exact, so that ASan sees every byte read too far. */
static void test_parse_at_every_length(void **state)
{
    static const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t bytes[MESSAGE_MAX];
    struct ipmi_msg msg;

    (void)state;
    size_t whole = build(IPMI_BMC_ADDRESS, NETFN_APP << 2, data, sizeof data, bytes);
    for (size_t length = 0; length < whole; length++) {
        uint8_t *cut = malloc(length + 1); /* one more: never a size of 0 */
        memcpy(cut + 1, bytes, length);
        assert_int_equal(ipmi_msg_parse(cut + 1, length, &msg), -EBADMSG);
        free(cut);
    }
    assert_int_equal(ipmi_msg_parse(bytes, whole, &msg), 0);
    whole = build(IPMI_BMC_ADDRESS, NETFN_APP << 2, NULL, 0, bytes);
    assert_int_equal(whole, IPMI_MSG_OVERHEAD);
    assert_int_equal(ipmi_msg_parse(bytes, whole, &msg), 0);
    assert_int_equal(msg.data_length, 0);
}

static void test_every_flipped_bit(void **state)
{
    static const uint8_t data[] = {0xaa};
    uint8_t bytes[MESSAGE_MAX];
    struct ipmi_msg msg;

    (void)state;
    size_t length = build(IPMI_BMC_ADDRESS, NETFN_APP << 2, data, sizeof data, bytes);
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ipmi_msg_parse(bytes, length, &msg), -EBADMSG);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_who_and_what(void **state)
{
    uint8_t bytes[MESSAGE_MAX];
    struct ipmi_msg msg;

    (void)state;
    for (unsigned address = 0; address < 256; address++) {
        size_t length = build((uint8_t)address, NETFN_APP << 2, NULL, 0, bytes);
        assert_int_equal(ipmi_msg_parse(bytes, length, &msg),
                         address == IPMI_BMC_ADDRESS ? 0 : -EBADMSG);
    }
    for (unsigned netfn = 0; netfn < 64; netfn++) { /* an odd one is a response */
        size_t length = build(IPMI_BMC_ADDRESS, (uint8_t)(netfn << 2), NULL, 0, bytes);
        assert_int_equal(ipmi_msg_parse(bytes, length, &msg), netfn & 1 ? -EBADMSG : 0);
    }
}

static void test_longest_data(void **state)
{
    static const uint8_t data[257] = {0x5a};
    uint8_t bytes[MESSAGE_MAX];
    struct ipmi_msg msg;

    (void)state;
    for (size_t size = 254; size <= sizeof data; size++) {
        size_t length = build(IPMI_BMC_ADDRESS, NETFN_APP << 2, data, size, bytes);
        assert_int_equal(ipmi_msg_parse(bytes, length, &msg),
                         size <= IPMI_MSG_DATA_MAX ? 0 : -EMSGSIZE);
    }
    /* Without right checksums nothing is answered, however long it is. */
    size_t length = build(IPMI_BMC_ADDRESS, NETFN_APP << 2, data, 256, bytes);
    bytes[length - 1] ^= 1;
    assert_int_equal(ipmi_msg_parse(bytes, length, &msg), -EBADMSG);
}

static const struct ipmi_msg request = {
    .rs_address = 0x20,
    .netfn = NETFN_APP,
    .rs_lun = 2,
    .rq_address = 0x81,
    .rq_seq = 0x13,
    .rq_lun = 1,
    .command = 0x3d,
};

static void test_response_mirrors(void **state)
{
    const struct ipmi_response response = {.data = {0xaa, 0xbb}, .data_length = 2};
    const uint8_t expected[] = {
        0x81, (NETFN_APP | 1) << 2 | 1, 0, 0x20, 0x13 << 2 | 2, 0x3d, 0x00, 0xaa, 0xbb};
    uint8_t bytes[16];

    (void)state;
    assert_int_equal(ipmi_msg_build_response(&request, &response, bytes, sizeof bytes), 10);
    assert_memory_equal(bytes, expected, 2);
    assert_memory_equal(bytes + 3, expected + 3, 6);
    assert_int_equal(ipmi_msg_checksum(bytes, 3), 0);
    assert_int_equal(ipmi_msg_checksum(bytes + 3, 7), 0);
}

static void test_response_at_every_size(void **state)
{
    struct ipmi_response response = {.data_length = IPMI_RESPONSE_MAX};
    uint8_t bytes[IPMI_RESPONSE_MAX + 16];
    const int whole = IPMI_RESPONSE_MAX + 8;

    (void)state;
    memset(bytes, 0xee, sizeof bytes);
    for (int size = 0; size <= whole; size++) {
        assert_int_equal(ipmi_msg_build_response(&request, &response, bytes, (size_t)size),
                         size == whole ? whole : -EMSGSIZE);
        assert_int_equal(bytes[size], 0xee);
    }
}

static void test_data_of_errors(void **state)
{
    static const struct {
        uint8_t netfn, code;
        int data; /* bytes of two that are sent */
    } cases[] = {
        {NETFN_APP, CC_SUCCESS, 2},
        {NETFN_APP, 0x80, 2}, /* codes of the command's own may carry data */
        {NETFN_APP, 0xbe, 2},
        {NETFN_APP, 0xc0, 0},
        {NETFN_APP, CC_INVALID_COMMAND, 0},
        {NETFN_APP, CC_UNSPECIFIED, 0},
        {NETFN_GROUP_EXTENSION, CC_SUCCESS, 2},
        {NETFN_GROUP_EXTENSION, CC_INVALID_COMMAND, 1}, /* the group */
    };
    uint8_t bytes[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ipmi_msg to = request;
        const struct ipmi_response response = {
            .completion_code = cases[i].code, .data = {0xdc, 0x01}, .data_length = 2};
        to.netfn = cases[i].netfn;
        assert_int_equal(ipmi_msg_build_response(&to, &response, bytes, sizeof bytes),
                         8 + cases[i].data);
        assert_int_equal(bytes[6], cases[i].code);
        if (cases[i].data)
            assert_int_equal(bytes[7], 0xdc);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_at_every_length),
        cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_who_and_what),
        cmocka_unit_test(test_longest_data),
        cmocka_unit_test(test_response_mirrors),
        cmocka_unit_test(test_response_at_every_size),
        cmocka_unit_test(test_data_of_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
