/* Bad input for every command of every table, walked from the dispatcher's own list, so that a new
 * row is tested without a line here: one byte short and one long, each privilege level that is too
 * low, no session, every wrong LUN, and in each byte of the data the values that channels and users
 * are wrong by. Whatever is refused has changed nothing, and what is to be read never has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/bad_client.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define SWEPT_MAX 24 /* bytes of data in which values are tried */

/* Zeros, behind the body of a group extension. */
static void blank(const struct command *row, uint8_t data[IPMI_MSG_DATA_MAX + 1])
{
    memset(data, 0, IPMI_MSG_DATA_MAX + 1);
    if (row->netfn == NETFN_GROUP_EXTENSION)
        data[0] = GROUP_DCMI;
}

static bool only_reads(const struct command *row)
{
    const uint8_t group = GROUP_DCMI;
    const struct ipmi_msg msg = {
        .netfn = row->netfn, .command = row->number, .data = &group, .data_length = 1};

    return ipmi_only_reads(&msg);
}

static void for_each_row(void (*test)(const struct command *row))
{
    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < ipmi_commands.tables[t]->count; i++)
            test(&ipmi_commands.tables[t]->rows[i]);
    }
}

/* ---- before the body ---- */

static void try_rows(const struct command *row)
{
    size_t same = 0;

    assert_true(row->name && row->name[0] && row->handler);
    assert_int_equal(row->netfn % 2, 0);
    assert_true(row->data_min <= row->data_max);
    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < ipmi_commands.tables[t]->count; i++) {
            const struct command *other = &ipmi_commands.tables[t]->rows[i];
            same += other->netfn == row->netfn && other->number == row->number;
        }
    }
    if (same != 1)
        fail_msg("%s: there are %zu rows for %02x %02x", row->name, same, row->netfn, row->number);
}

static void test_rows(void **state)
{
    (void)state;
    for_each_row(try_rows);
}

static void try_lengths(const struct command *row)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1];
    size_t least = row->netfn == NETFN_GROUP_EXTENSION ? 1 : 0;

    bad_client_as_allowed(row);
    blank(row, data);
    if (row->data_min > least)
        bad_client_expect(row, "one byte short", bad_client_ask(row, data, row->data_min - 1u),
                          CC_REQUEST_LENGTH_INVALID);
    if (row->data_max < IPMI_MSG_DATA_MAX)
        bad_client_expect(row, "one byte long", bad_client_ask(row, data, row->data_max + 1u),
                          CC_REQUEST_LENGTH_INVALID);
}

static void test_lengths(void **state)
{
    (void)state;
    bad_client_remember();
    for_each_row(try_lengths);
    bad_client_expect_as_before(NULL);
}

static void try_luns(const struct command *row)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1];

    bad_client_as_allowed(row);
    blank(row, data);
    for (bad_client.lun = 1; bad_client.lun <= 3; bad_client.lun++)
        bad_client_expect(row, "wrong LUN", bad_client_ask(row, data, row->data_min),
                          CC_INVALID_FOR_LUN);
}

static void test_luns(void **state)
{
    (void)state;
    bad_client_remember();
    for_each_row(try_luns);
    bad_client_expect_as_before(NULL);
}

/* The data is wrong too, and must not be looked at. */
static void try_levels(const struct command *row)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1];
    bool is_for_system = row->privilege == COMMAND_FOR_SYSTEM;

    bad_client_as_administrator();
    blank(row, data);
    for (int level = 0; level <= PRIVILEGE_ADMINISTRATOR; level++) {
        bad_client.privilege = level;
        if (!is_for_system && level >= row->privilege)
            continue;
        bad_client_expect(row, "level too low", bad_client_ask(row, data, row->data_min),
                          CC_INSUFFICIENT_PRIVILEGE);
        if (row->data_max < IPMI_MSG_DATA_MAX)
            bad_client_expect(row, "level too low, and too long",
                              bad_client_ask(row, data, row->data_max + 1u),
                              CC_INSUFFICIENT_PRIVILEGE);
    }
    bad_client.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    bad_client.privilege = PRIVILEGE_ADMINISTRATOR; /* which is nobody's */
    if (row->privilege != COMMAND_FOR_ANYONE)
        bad_client_expect(row, "no session", bad_client_ask(row, data, row->data_min),
                          CC_INSUFFICIENT_PRIVILEGE);
}

static void test_levels(void **state)
{
    (void)state;
    bad_client_remember();
    for_each_row(try_levels);
    bad_client_expect_as_before(NULL);
}

/* ---- the body ---- */

static bool is_specified(int code)
{
    switch (code) {
    case CC_SUCCESS:
    case CC_INVALID_COMMAND:
    case CC_OUT_OF_SPACE:
    case CC_RESERVATION_CANCELLED:
    case CC_REQUEST_LENGTH_INVALID:
    case CC_REQUEST_LENGTH_EXCEEDED:
    case CC_PARAMETER_OUT_OF_RANGE:
    case CC_CANNOT_RETURN_BYTES:
    case CC_NOT_PRESENT:
    case CC_INVALID_DATA_FIELD:
    case CC_ILLEGAL_FOR_SENSOR:
    case CC_DESTINATION_UNAVAILABLE:
    case CC_INSUFFICIENT_PRIVILEGE: /* for what the data asks for */
    case CC_NOT_IN_PRESENT_STATE:
        return true;
    default:
        return code >= 0x80 && code <= 0xbe; /* the command's own */
    }
}

static void try_data(const struct command *row, const uint8_t *data, size_t length)
{
    int code = bad_client_ask(row, data, length);

    if (!is_specified(code))
        fail_msg("%s (%02x %02x): %02x", row->name, row->netfn, row->number, (unsigned)code);
    if ((code != CC_SUCCESS || only_reads(row)) && !bad_client_is_as_before())
        fail_msg("%s: %02x, and something has changed", row->name, (unsigned)code);
    if (!bad_client_is_as_before()) {
        bad_client_start_again();
        bad_client_remember();
    }
}

static void sweep(const struct command *row, size_t length)
{
    static const uint8_t values[] = {0x00, 0x01, 0x02, 0x09, 0x0e, 0x0f, 0x10,
                                     0x1f, 0x3f, 0x40, 0x7f, 0x80, 0xf1, 0xff};
    uint8_t data[IPMI_MSG_DATA_MAX + 1];
    size_t first = row->netfn == NETFN_GROUP_EXTENSION ? 1 : 0;

    blank(row, data);
    try_data(row, data, length);
    for (size_t at = first; at < length && at < SWEPT_MAX; at++) {
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            blank(row, data);
            data[at] = values[i];
            try_data(row, data, length);
        }
    }
    memset(data + first, 0xff, length - first);
    try_data(row, data, length);
}

static void try_values(const struct command *row)
{
    bad_client_as_allowed(row);
    bad_client_remember();
    sweep(row, row->data_min);
    if (row->data_max > row->data_min)
        sweep(row, row->data_max);
    bad_client_as_guest();
    sweep(row, row->data_min);
    bad_client_expect_as_before(row);
}

static void test_values(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    for_each_row(try_values);
    log_set_target(LOG_TARGET_STDERR);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, bad_client_setup, bad_client_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_rows), TEST(test_lengths), TEST(test_luns), TEST(test_levels), TEST(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, bad_client_teardown_group);
}
