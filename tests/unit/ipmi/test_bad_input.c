/* What the data of commands is wrong by, in tables: the exact codes for wrong channels and users,
 * by the specification, reserved bits, and families that are not claimed. What is refused has
 * changed nothing. test_every_command.c tries the rest, of every command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/bad_client.h"
#include "vbmc/base/array.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

/* ---- channels and users ---- */

#define ANY 0x100 /* right: whatever the rest of the data gives */

struct field {
    uint8_t netfn, number;
    const char *data; /* with a right channel and user in their places */
    int channel_at;   /* -1: none; its low four bits */
    int channel_f;    /* code for channel 0Fh; 0 and 9 are CCh everywhere */
    int user_at;      /* -1: none; its low six bits */
    int user_0, user_1, user_15;
    int over; /* for users 16 and 63 */
};

#define OK       CC_SUCCESS
#define BAD      CC_INVALID_DATA_FIELD
#define OVER     CC_PARAMETER_OUT_OF_RANGE
#define NO_LAN   0x82 /* the channel has no sessions */
#define NO_USER  -1, ANY, ANY, ANY, ANY
#define DISCOVER OK, NO_USER
#define ZEROS_15 " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"

static const struct field fields[] = {
    {NETFN_APP, 0x09, "0e", 0, DISCOVER},
    {NETFN_APP, 0x0a, "0e 06 00", 0, DISCOVER},
    {NETFN_APP, 0x0b, "0e 06 00 01", 0, DISCOVER},
    {NETFN_APP, 0x0c, "0e 06 00", 0, DISCOVER},
    {NETFN_APP, 0x0d, "0e 06 00 01", 0, DISCOVER},
    {NETFN_APP, 0x61, "0e 06 00", 0, DISCOVER},
    {NETFN_APP, 0x62, "0e 06 00 01 ff ff ff ff", 0, DISCOVER},
    {NETFN_APP, 0x63, "0e 06 00 01", 0, DISCOVER},
    {NETFN_APP, 0x32, "01 02", 0, BAD, NO_USER},
    {NETFN_APP, 0x38, "8e 04", 0, BAD, NO_USER},
    {NETFN_APP, 0x40, "01 00 00", 0, NO_LAN, NO_USER},
    {NETFN_APP, 0x41, "01 40", 0, NO_LAN, NO_USER},
    {NETFN_APP, 0x42, "0e", 0, OK, NO_USER},
    {NETFN_APP, 0x43, "01 02 04", 0, BAD, 1, BAD, ANY, ANY, OVER},
    {NETFN_APP, 0x44, "01 02", 0, BAD, 1, BAD, OK, OK, OVER},
    {NETFN_APP, 0x45, "02 62" ZEROS_15, -1, ANY, 0, BAD, ANY, OK, OVER},
    {NETFN_APP, 0x46, "02", -1, ANY, 0, BAD, OK, OK, OVER},
    {NETFN_APP, 0x47, "02 01", -1, ANY, 0, BAD, ANY, ANY, OVER},
    {NETFN_APP, 0x4c, "0e 02 02 00 00 00", 0, BAD, 1, BAD, BAD, BAD, BAD},
    {NETFN_APP, 0x4d, "0e 02", 0, BAD, 1, BAD, OK, OK, BAD},
    {NETFN_APP, 0x4e, "0e", 0, BAD, NO_USER},
    {NETFN_APP, 0x4f, "0e 01", 0, BAD, NO_USER},
    {NETFN_APP, 0x56, "01 00 01", 0, BAD, NO_USER},
    {NETFN_SENSOR_EVENT, 0x16, "01 40 00", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x01, "01 00 00", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x02, "01 00 00 00", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x03, "01 03", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x04, "01 00", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x21, "01 00 00", 0, BAD, NO_USER},
    {NETFN_TRANSPORT, 0x22, "01 00 00 00", 0, BAD, NO_USER},
};

/* Reserved bits: each of them alone is CCh. */
static const struct {
    uint8_t netfn, number;
    const char *data; /* that is right without them */
    uint8_t at, mask;
} reserved[] = {
    {NETFN_CHASSIS, 0x02, "03", 0, 0xf0},
    {NETFN_CHASSIS, 0x04, "0f 00", 1, 0xfe},
    {NETFN_CHASSIS, 0x06, "03", 0, 0xf8},
    {NETFN_CHASSIS, 0x09, "05 00 00", 0, 0x80},
    {NETFN_CHASSIS, 0x0a, "00", 0, 0xf0},
    {NETFN_SENSOR_EVENT, 0x00, "20 00", 1, 0xfc},
    {NETFN_SENSOR_EVENT, 0x26, "01 00 00 00 00 00 00 00", 1, 0xc0},
    {NETFN_SENSOR_EVENT, 0x28, "01 c0", 1, 0x0f},
    {NETFN_SENSOR_EVENT, 0x2a, "01 00", 1, 0x7f},
    {NETFN_SENSOR_EVENT, 0x16, "01 40 00", 0, 0xf0},
    {NETFN_SENSOR_EVENT, 0x16, "01 40 00", 1, 0x30},
    {NETFN_APP, 0x09, "0e", 0, 0xf0},
    {NETFN_APP, 0x0a, "0e 06 00", 0, 0xf0},
    {NETFN_APP, 0x0a, "0e 06 00", 1, 0x80},
    {NETFN_APP, 0x0a, "0e 06 00", 2, 0xfc},
    {NETFN_APP, 0x0b, "0e 06 00 01", 0, 0xf0},
    {NETFN_APP, 0x0b, "0e 06 00 01", 1, 0xc0},
    {NETFN_APP, 0x0b, "0e 06 00 01", 2, 0xfc},
    {NETFN_APP, 0x0c, "0e 06 00", 2, 0xfc},
    {NETFN_APP, 0x0d, "0e 06 00 01", 1, 0xc0},
    {NETFN_APP, 0x24, "04 00 00 00 10 27", 0, 0x38},
    {NETFN_APP, 0x24, "04 00 00 00 10 27", 1, 0x88},
    {NETFN_APP, 0x24, "04 00 00 00 10 27", 3, 0xc1},
    {NETFN_APP, 0x2e, "08", 0, 0x10},
    {NETFN_APP, 0x30, "00", 0, 0x14},
    {NETFN_APP, 0x32, "01 02", 0, 0xf0},
    {NETFN_APP, 0x38, "8e 04", 0, 0x70},
    {NETFN_APP, 0x38, "8e 04", 1, 0xf8},
    {NETFN_APP, 0x3b, "00", 0, 0xf8},
    {NETFN_APP, 0x38, "8e 04", 0, 0x70},
    {NETFN_APP, 0x38, "8e 04", 1, 0xf0},
    {NETFN_APP, 0x3b, "00", 0, 0xf0},
    {NETFN_APP, 0x40, "01 00 00", 0, 0xf0},
    {NETFN_APP, 0x40, "01 00 00", 2, 0x30},
    {NETFN_APP, 0x41, "01 40", 0, 0xf0},
    {NETFN_APP, 0x41, "01 40", 1, 0x3f},
    {NETFN_APP, 0x42, "0e", 0, 0xf0},
    {NETFN_APP, 0x43, "01 02 04 00", 1, 0xc0},
    {NETFN_APP, 0x43, "01 02 04 00", 2, 0xf0},
    {NETFN_APP, 0x43, "01 02 04 00", 3, 0xf0},
    {NETFN_APP, 0x44, "01 02", 0, 0xf0},
    {NETFN_APP, 0x44, "01 02", 1, 0xc0},
    {NETFN_APP, 0x46, "02", 0, 0xc0},
    {NETFN_APP, 0x47, "02 01", 0, 0x40},
    {NETFN_APP, 0x4a, "01", 0, 0xc0},
    {NETFN_APP, 0x4b, "01 01", 0, 0xc0},
    {NETFN_APP, 0x4b, "01 01", 1, 0xf0},
    {NETFN_APP, 0x4d, "0e 02", 0, 0xf0},
    {NETFN_APP, 0x4d, "0e 02", 1, 0xc0},
    {NETFN_APP, 0x4e, "0e", 0, 0xf0},
    {NETFN_APP, 0x4f, "0e 01", 0, 0xf0},
    {NETFN_APP, 0x4f, "0e 01", 1, 0xc0},
    {NETFN_APP, 0x54, "0e 00 80", 0, 0xf0},
    {NETFN_APP, 0x54, "0e 00 80", 1, 0xc0},
    {NETFN_APP, 0x54, "0e 00 80", 2, 0x40},
    {NETFN_APP, 0x57, "01", 0, 0xf0},
    {NETFN_APP, 0x58, "00 00", 1, 0xfc},
    {NETFN_APP, 0x58, "02 00 00 01 61", 2, 0xfc},
    {NETFN_APP, 0x59, "00 02 00 00", 0, 0x7f},
    {NETFN_APP, 0x59, "00 02 00 00", 3, 0xff},
    {NETFN_APP, 0x60, "0e 2e 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 1, 0x80},
    {NETFN_APP, 0x61, "0e 06 00", 1, 0x80},
    {NETFN_APP, 0x63, "0e 06 00 01", 1, 0xc0},
    {NETFN_TRANSPORT, 0x01, "01 00 00", 0, 0xf0},
    {NETFN_TRANSPORT, 0x02, "01 00 00 00", 0, 0x70},
    {NETFN_TRANSPORT, 0x03, "01 03", 0, 0xf0},
    {NETFN_TRANSPORT, 0x03, "01 03", 1, 0xfc},
    {NETFN_TRANSPORT, 0x04, "01 00", 0, 0xf0},
    {NETFN_TRANSPORT, 0x04, "01 00", 1, 0xfe},
};

static size_t read_hex(const char *text, uint8_t *data)
{
    size_t length = 0;

    for (char *end; *text; text = end + strspn(end, " "))
        data[length++] = (uint8_t)strtoul(text, &end, 16);
    return length;
}

static const struct command *find_row(uint8_t netfn, uint8_t number)
{
    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < ipmi_commands.tables[t]->count; i++) {
            const struct command *row = &ipmi_commands.tables[t]->rows[i];
            if (row->netfn == netfn && row->number == number)
                return row;
        }
    }
    fail_msg("there is no row for %02x %02x", netfn, number);
    return NULL;
}

static void try_field(const struct field *field, int at, uint8_t mask, uint8_t value, int wanted)
{
    const struct command *row = find_row(field->netfn, field->number);
    uint8_t data[IPMI_MSG_DATA_MAX + 1];
    size_t length = read_hex(field->data, data);
    char what[32];

    if (at < 0 || wanted == ANY)
        return;
    bad_client_as_allowed(row);
    data[at] = (uint8_t)((data[at] & ~mask) | value);
    snprintf(what, sizeof what, "%02x in byte %d", value, at);
    bad_client_remember();
    int code = bad_client_ask(row, data, length);
    if (code != wanted)
        fail_msg("%s, %s: %02x, not %02x", row->name, what, (unsigned)code, (unsigned)wanted);
    if (code != OK && !bad_client_is_as_before())
        fail_msg("%s, %s has changed something", row->name, what);
    if (!bad_client_is_as_before())
        bad_client_start_again();
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const struct field *field = &fields[i];
        try_field(field, field->channel_at, 0x0f, 0x00, BAD);
        try_field(field, field->channel_at, 0x0f, 0x09, BAD);
        try_field(field, field->channel_at, 0x0f, CHANNEL_LAN, OK);
        try_field(field, field->channel_at, 0x0f, CHANNEL_THIS,
                  find_row(field->netfn, field->number)->privilege == COMMAND_FOR_SYSTEM ? BAD
                                                                                         : OK);
        try_field(field, field->channel_at, 0x0f, CHANNEL_SYSTEM_INTERFACE, field->channel_f);
        try_field(field, field->user_at, 0x3f, 0, field->user_0);
        try_field(field, field->user_at, 0x3f, 1, field->user_1);
        try_field(field, field->user_at, 0x3f, 15, field->user_15);
        try_field(field, field->user_at, 0x3f, 16, field->over);
        try_field(field, field->user_at, 0x3f, 63, field->over);
    }
}

static void test_reserved(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        const struct command *row = find_row(reserved[i].netfn, reserved[i].number);
        uint8_t data[IPMI_MSG_DATA_MAX + 1];
        size_t length = read_hex(reserved[i].data, data);
        bad_client_as_allowed(row);
        bad_client_remember();
        for (unsigned bit = 0x01; bit < 0x100; bit <<= 1) {
            if (!(reserved[i].mask & bit))
                continue;
            data[reserved[i].at] |= (uint8_t)bit;
            bad_client_expect(row, "reserved bit", bad_client_ask(row, data, length), BAD);
            data[reserved[i].at] &= (uint8_t)~bit;
        }
        if (bad_client_ask(row, data, length) != CC_SUCCESS)
            fail_msg("%s: is refused without reserved bits", row->name);
        if (!bad_client_is_as_before())
            bad_client_start_again();
    }
}

/* ---- families that are not claimed ---- */

static void test_unclaimed(void **state)
{
    static const struct {
        uint8_t netfn, number;
        const char *data;
    } cases[] = {
        {0x2c, 0x00, "00"},       /* PICMG: Get PICMG Properties */
        {0x2c, 0x2e, "00"},       /* HPM.1: Get Target Upgrade Capabilities */
        {0x2c, 0x3e, "00 02"},    /* HPM.2: Get LAN Attach Capabilities */
        {0x2c, 0x01, "01"},       /* DMTF */
        {0x2c, 0x02, "02"},       /* SSI */
        {0x2c, 0x00, "03"},       /* VITA */
        {0x2c, 0x01, "52"},       /* Redfish host interface */
        {0x2c, 0xff, "dc"},       /* DCMI, which is claimed, has no such command */
        {0x02, 0x00, ""},         /* bridge: Get Bridge State */
        {0x02, 0x30, ""},         /* bridge: Get Discovered Chassis List */
        {0x08, 0x00, ""},         /* firmware */
        {0x2e, 0x01, "57 01 00"}, /* OEM group: Intel */
        {0x2e, 0xe0, "f4 02 00"}, /* OEM group: VITA, Wind River */
        {0x30, 0x00, ""},
        {0x32, 0x00, ""},
        {0x34, 0x00, ""},
        {0x36, 0x00, ""},
        {0x38, 0x00, ""},
        {0x3a, 0x00, ""},
        {0x3c, 0x00, ""},
        {0x3e, 0x00, ""},
        {0x06, 0x05, ""},            /* Manufacturing Test On */
        {0x06, 0x52, "01 a0 01 00"}, /* Master Write-Read: there is no bus */
        {0x0c, 0x10, "01 00 00"},    /* serial and modem */
        {0x04, 0x20, ""},
        {0x04, 0x21, "00 00 00 00 00 ff"},
        {0x04, 0x22, ""}, /* satellites */
    };

    (void)state;
    bad_client_as_administrator();
    bad_client_remember();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct command row = {
            .netfn = cases[i].netfn, .number = cases[i].number, .name = "unclaimed"};
        uint8_t data[IPMI_MSG_DATA_MAX + 1];
        size_t length = read_hex(cases[i].data, data);
        for (bad_client.lun = 0; bad_client.lun <= 3; bad_client.lun++)
            bad_client_expect(&row, cases[i].data, bad_client_ask(&row, data, length),
                              CC_INVALID_COMMAND);
        bad_client.lun = 0;
    }
    bad_client_expect_as_before(NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, bad_client_setup, bad_client_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_fields),
        TEST(test_reserved),
        TEST(test_unclaimed),
    };

    return cmocka_run_group_tests(tests, NULL, bad_client_teardown_group);
}
