/* Platform Event Traps byte by byte. The wanted datagrams were made from RFC 1157 and the trap
 * format by other means than those of the program. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/alert/pet.h"
#include "vbmc/bmc/alerts.h"

#define GUID                                                                                       \
    {                                                                                              \
        0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x81, 0xef, 0x4d, 0xbc, 0x9a, 0x78, 0x56, 0x34,  \
            0x12                                                                                   \
    }

/* An upper critical temperature at 2023-11-14 22:13:20, of processor 1. */
static const char plain[] =
    "306c02010004067075626c6963a45f06092b06010401986f01014004c00002010201060203010109"
    "430301e240303f303d060a2b06010401986f010101042fefcdab8967452381ef4dbc9a7856341200"
    "0730a91480ffff2020102008030159605500000000001900007ed90001c1";
/* The end of a power supply's lost input, by software, with all that takes room. */
static const char long_one[] =
    "3081b50201000412636363636363636363636363636363636363a4819b06092b06010401986f0101"
    "4004000000000201060203086f83430100307d307b060a2b06010401986f010101046defcdab8967"
    "452381ef4dbc9a78563412fffe00000000ffc42020004100000003ffff000000000019000fffffff"
    "fffd7878787878787878787878787878787878787878787878787878787878787878787878787878"
    "7878787878787878787878787878787878787878787878c1";
static void expect(const struct pet *pet, const struct alert *alert, const char *wanted)
{
    uint8_t bytes[TRAP_SIZE_MAX];
    char text[2 * TRAP_SIZE_MAX + 1] = "";
    int length = pet_encode(pet, alert, bytes);

    assert_in_range(length, 1, TRAP_SIZE_MAX);
    for (int i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, wanted);
}

static void test_plain(void **state)
{
    const struct pet pet = {
        .community = "public",
        .agent = {192, 0, 2, 1},
        .time_cs = 123456,
        .guid = GUID,
        .utc_offset_min = SEL_UTC_OFFSET_UNKNOWN,
        .manufacturer = 32473,
        .product = 1,
        .entity = 3,
        .entity_instance = 1,
    };
    const struct alert alert = {
        .sequence = 7,
        .severity = 0x10,
        .record = {9, 0, 2, 0x00, 0xf1, 0x53, 0x65, 0x20, 0, 4, 1, 8, 0x01, 0x59, 0x60, 0x55},
    };

    (void)state;
    expect(&pet, &alert, plain);
    expect(&pet, &alert, plain); /* and nothing is left from before */
}

static void test_long(void **state)
{
    const struct pet pet = {
        .community = "cccccccccccccccccc",
        .guid = GUID,
        .utc_offset_min = -60,
        .manufacturer = 0xfffff,
        .product = 0xffff,
    };
    struct alert alert = {
        .sequence = 0xfffe,
        .record = {9, 0, 2, 5, 0, 0, 0, 0x41, 0, 4, 8, 0, 0xef, 0x03, 0xff, 0xff},
    };

    (void)state;
    memset(alert.text, 'x', PEF_STRING_SIZE); /* longer than a trap's field */
    expect(&pet, &alert, long_one);
}

/* A field of one byte is the mark of the end. */
static void test_short_text(void **state)
{
    const struct pet pet = {.community = "", .guid = GUID};
    const struct alert alert = {.text = "!"};
    static const uint8_t wanted[] = {0xc2, '!', ' ', 0xc1};
    uint8_t bytes[TRAP_SIZE_MAX];
    int length = pet_encode(&pet, &alert, bytes);

    (void)state;
    assert_true(length > 4);
    assert_memory_equal(bytes + length - 4, wanted, sizeof wanted);
}

static void test_too_long(void **state)
{
    static const unsigned long name[] = {1, 3, 6, 1};
    static char community[TRAP_SIZE_MAX + 1];
    uint8_t bytes[TRAP_SIZE_MAX];
    struct trap trap = {
        .community = community,
        .enterprise = name,
        .enterprise_length = 4,
        .variable = name,
        .variable_length = 4,
        .value = bytes,
        .value_size = 1,
    };

    (void)state;
    memset(community, 'c', sizeof community - 1);
    assert_true(trap_encode(&trap, bytes) < 0);
    community[255] = '\0';
    assert_true(trap_encode(&trap, bytes) > 255);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_short_text),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
