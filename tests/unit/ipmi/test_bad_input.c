/* Bad input for every command of every table, walked from the dispatcher's own list, so that a new
 * row is tested without a line here: one byte short and one long, each privilege level that is too
 * low, no session, every wrong LUN, and in each byte of the data the values that channels and users
 * are wrong by. Whatever is refused has changed nothing, and what is to be read never has.
 *
 * The exact codes for wrong channels and users are in `fields`, by the specification. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/fake_server.h"
#include "tests/fake/fake_sol.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/state/record.h"
#include "vbmc/state/records.h"

#define WAITS     (-1)
#define SWEPT_MAX 24 /* bytes of data in which values are tried */

/* ---- a whole server ---- */

static unsigned closed;
static enum privilege raised;

static int set_privilege(void *context, uint32_t current, enum privilege level)
{
    (void)context;
    (void)current;
    raised = level;
    return 0;
}

static int close_session(void *context, uint32_t session)
{
    (void)context;
    closed += session == FAKE_BMC_SESSION;
    return session == FAKE_BMC_SESSION ? 0 : -ENOENT;
}

static uint32_t find_handle(void *context, uint8_t handle)
{
    (void)context;
    return handle == 1 ? FAKE_BMC_SESSION : 0;
}

static uint32_t find_nth(void *context, unsigned n)
{
    (void)context;
    return n == 1 ? FAKE_BMC_SESSION : 0;
}

static int session_info(void *context, uint32_t session, struct ipmi_session_info *info)
{
    (void)context;
    *info = (struct ipmi_session_info){.handle = 1, .user_id = USER_ID_FIRST};
    return session == FAKE_BMC_SESSION ? 0 : -ENOENT;
}

static void count_sessions(void *context, unsigned *slots, unsigned *active)
{
    (void)context;
    *slots = 40;
    *active = 1;
}

static const struct ipmi_session_ops session_ops = {
    .set_privilege = set_privilege,
    .close = close_session,
    .find_handle = find_handle,
    .find_nth = find_nth,
    .info = session_info,
    .count = count_sessions,
};

static int setup(void **state)
{
    fake_sel_setup(state);
    fake_server_setup(state); /* which begins with another BMC */
    fake_bmc.bmc.sel = fake_sel.sel;
    fake_bmc.bmc.fru = fru_new();
    fake_bmc.bmc.payload = &fake_sol_ops;
    users_add(&fake_bmc.bmc.users, "admin", "secret", PRIVILEGE_ADMINISTRATOR);
    fake_sol_reset();
    fake_sel_add(1);
    return 0;
}

static int teardown(void **state)
{
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    fake_server_teardown(state);
    return fake_sel_teardown(state);
}

static void start_again(void)
{
    teardown(NULL);
    setup(NULL);
}

/* ---- what there is to change ---- */

static struct {
    struct bmc bmc;
    unsigned changes[BMC_PART_COUNT];
    unsigned host_calls, restarts, sel_saves, sol_changes, closed;
    enum privilege raised;
    char *records;
} before;

/* What is kept outside of struct bmc, as text; the caller's to free. */
static char *copy_records(void)
{
    struct json_object *all = json_object_new_array();

    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        const struct record_kind *kind = record_kind_of((enum bmc_part)i);
        if (kind)
            json_object_array_add(all, kind->encode(&fake_bmc.bmc));
    }
    char *text = strdup(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
    json_object_put(all);
    assert_non_null(text);
    return text;
}

static void remember(void)
{
    chassis_poh_minutes(&fake_bmc.bmc.chassis); /* counted up to now, as reading does */
    free(before.records);
    memcpy(&before.bmc, &fake_bmc.bmc, sizeof before.bmc); /* with what is between the members */
    memcpy(before.changes, fake_bmc.changes, sizeof before.changes);
    before.host_calls = fake_bmc.host.count;
    before.restarts = fake_bmc.restarts;
    before.sel_saves = fake_sel.saves;
    before.sol_changes = fake_sol.changes;
    before.closed = closed;
    before.raised = raised;
    before.records = copy_records();
}

static bool is_as_before(void)
{
    return memcmp(&before.bmc, &fake_bmc.bmc, sizeof before.bmc) == 0 &&
           memcmp(before.changes, fake_bmc.changes, sizeof before.changes) == 0 &&
           before.host_calls == fake_bmc.host.count && before.restarts == fake_bmc.restarts &&
           before.sel_saves == fake_sel.saves && before.sol_changes == fake_sol.changes &&
           before.closed == closed && before.raised == raised;
}

static void expect_as_before(const struct command *row)
{
    char *records = copy_records();
    bool is_same = is_as_before() && strcmp(records, before.records) == 0;

    free(records);
    if (!is_same)
        fail_msg("%s has changed something", row ? row->name : "one of them");
}

/* ---- a client ---- */

static struct {
    enum ipmi_origin origin;
    int privilege;
    uint8_t channel, lun;
} client;

static int late_code;

static void on_reply(void *context, const struct ipmi_token *token,
                     const struct ipmi_response *response)
{
    (void)context;
    (void)token;
    late_code = response->completion_code;
}

static const struct ipmi_sink sink = {.reply = on_reply};

/* The completion code. */
static int ask(const struct command *row, const uint8_t *data, size_t length)
{
    /* From memory of that size, so that a read behind it is seen. */
    uint8_t *exact = malloc(length ? length : 1);
    struct ipmi_response response;

    if (length)
        memcpy(exact, data, length);
    const struct ipmi_msg msg = {
        .rs_address = IPMI_BMC_ADDRESS,
        .netfn = row->netfn,
        .rs_lun = client.lun,
        .rq_address = 0x81,
        .command = row->number,
        .data = exact,
        .data_length = length,
    };
    bool in_session = client.origin == IPMI_ORIGIN_LAN_SESSION;
    const struct ipmi_request request = {
        .bmc = &fake_bmc.bmc,
        .msg = &msg,
        .token = {FAKE_BMC_NUMBER, in_session ? FAKE_BMC_SESSION : 0, 1},
        .origin = client.origin,
        .channel = client.channel,
        .privilege = (enum privilege)client.privilege,
        .user_id = USER_ID_FIRST,
        .sessions = in_session ? &session_ops : NULL,
        .sink = &sink,
        .now_ms = fake_bmc.now_ms,
    };
    late_code = WAITS;
    int code =
        ipmi_dispatch(&request, &response) == IPMI_ANSWERED ? response.completion_code : late_code;
    free(exact);
    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    return code;
}

static void as_administrator(void)
{
    client.origin = IPMI_ORIGIN_LAN_SESSION;
    client.privilege = PRIVILEGE_ADMINISTRATOR;
    client.channel = CHANNEL_LAN;
    client.lun = 0;
}

static void as_guest(void)
{
    client.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    client.channel = CHANNEL_SYSTEM_INTERFACE;
}

/* Who may ask for it at all. */
static void as_allowed(const struct command *row)
{
    as_administrator();
    if (row->privilege == COMMAND_FOR_SYSTEM)
        as_guest();
}

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

static void expect(const struct command *row, const char *what, int code, int wanted)
{
    if (code != wanted)
        fail_msg("%s (%02x %02x), %s: %02x, not %02x", row->name, row->netfn, row->number, what,
                 (unsigned)code, (unsigned)wanted);
    if (!is_as_before())
        fail_msg("%s, %s has changed something", row->name, what);
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

    as_allowed(row);
    blank(row, data);
    if (row->data_min > least)
        expect(row, "one byte short", ask(row, data, row->data_min - 1u),
               CC_REQUEST_LENGTH_INVALID);
    if (row->data_max < IPMI_MSG_DATA_MAX)
        expect(row, "one byte long", ask(row, data, row->data_max + 1u), CC_REQUEST_LENGTH_INVALID);
}

static void test_lengths(void **state)
{
    (void)state;
    remember();
    for_each_row(try_lengths);
    expect_as_before(NULL);
}

static void try_luns(const struct command *row)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1];

    as_allowed(row);
    blank(row, data);
    for (client.lun = 1; client.lun <= 3; client.lun++)
        expect(row, "wrong LUN", ask(row, data, row->data_min), CC_INVALID_FOR_LUN);
}

static void test_luns(void **state)
{
    (void)state;
    remember();
    for_each_row(try_luns);
    expect_as_before(NULL);
}

/* The data is wrong too, and must not be looked at. */
static void try_levels(const struct command *row)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1];
    bool is_for_system = row->privilege == COMMAND_FOR_SYSTEM;

    as_administrator();
    blank(row, data);
    for (int level = 0; level <= PRIVILEGE_ADMINISTRATOR; level++) {
        client.privilege = level;
        if (!is_for_system && level >= row->privilege)
            continue;
        expect(row, "level too low", ask(row, data, row->data_min), CC_INSUFFICIENT_PRIVILEGE);
        if (row->data_max < IPMI_MSG_DATA_MAX)
            expect(row, "level too low, and too long", ask(row, data, row->data_max + 1u),
                   CC_INSUFFICIENT_PRIVILEGE);
    }
    client.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    client.privilege = PRIVILEGE_ADMINISTRATOR; /* which is nobody's */
    if (row->privilege != COMMAND_FOR_ANYONE)
        expect(row, "no session", ask(row, data, row->data_min), CC_INSUFFICIENT_PRIVILEGE);
}

static void test_levels(void **state)
{
    (void)state;
    remember();
    for_each_row(try_levels);
    expect_as_before(NULL);
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
    int code = ask(row, data, length);

    if (!is_specified(code))
        fail_msg("%s (%02x %02x): %02x", row->name, row->netfn, row->number, (unsigned)code);
    if ((code != CC_SUCCESS || only_reads(row)) && !is_as_before())
        fail_msg("%s: %02x, and something has changed", row->name, (unsigned)code);
    if (!is_as_before()) {
        start_again();
        remember();
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
    as_allowed(row);
    remember();
    sweep(row, row->data_min);
    if (row->data_max > row->data_min)
        sweep(row, row->data_max);
    as_guest();
    sweep(row, row->data_min);
    expect_as_before(row);
}

static void test_values(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    for_each_row(try_values);
    log_set_target(LOG_TARGET_STDERR);
}

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
    as_allowed(row);
    data[at] = (uint8_t)((data[at] & ~mask) | value);
    snprintf(what, sizeof what, "%02x in byte %d", value, at);
    remember();
    int code = ask(row, data, length);
    if (code != wanted)
        fail_msg("%s, %s: %02x, not %02x", row->name, what, (unsigned)code, (unsigned)wanted);
    if (code != OK && !is_as_before())
        fail_msg("%s, %s has changed something", row->name, what);
    if (!is_as_before())
        start_again();
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
        as_allowed(row);
        remember();
        for (unsigned bit = 0x01; bit < 0x100; bit <<= 1) {
            if (!(reserved[i].mask & bit))
                continue;
            data[reserved[i].at] |= (uint8_t)bit;
            expect(row, "reserved bit", ask(row, data, length), BAD);
            data[reserved[i].at] &= (uint8_t)~bit;
        }
        if (ask(row, data, length) != CC_SUCCESS)
            fail_msg("%s: is refused without reserved bits", row->name);
        if (!is_as_before())
            start_again();
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
    as_administrator();
    remember();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct command row = {
            .netfn = cases[i].netfn, .number = cases[i].number, .name = "unclaimed"};
        uint8_t data[IPMI_MSG_DATA_MAX + 1];
        size_t length = read_hex(cases[i].data, data);
        for (client.lun = 0; client.lun <= 3; client.lun++)
            expect(&row, cases[i].data, ask(&row, data, length), CC_INVALID_COMMAND);
        client.lun = 0;
    }
    expect_as_before(NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_rows),   TEST(test_lengths), TEST(test_luns),     TEST(test_levels),
        TEST(test_values), TEST(test_fields),  TEST(test_reserved), TEST(test_unclaimed),
    };

    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    free(before.records);
    return failures;
}
