/* The audit trail: each operation of the service's table makes one record, which is kept before who
 * asked is answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/fake_server.h"
#include "tests/fake/fake_sol.h"
#include "tests/unit/service_call.h"
#include "vbmc/base/array.h"
#include "vbmc/base/audit.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/addition.h"
#include "vbmc/service/audit.h"

#define RECORDS_MAX 32

static struct {
    struct audit_record record;
    audit_done *done;
    void *context;
} kept[RECORDS_MAX];
static unsigned count;
static bool waits; /* the disk takes its time */
static int disk;   /* what it says then */

static void keep(void *context, const struct audit_record *record, audit_done *done,
                 void *done_context)
{
    (void)context;
    assert_true(count < RECORDS_MAX);
    kept[count].record = *record;
    kept[count].done = done;
    kept[count++].context = done_context;
    if (!waits && done)
        done(done_context, disk);
}

static void finish_disk(unsigned n)
{
    audit_done *done = kept[n].done;

    kept[n].done = NULL;
    assert_non_null(done);
    done(kept[n].context, disk);
}

static int succeed(void *context, const struct service_call *made,
                   const union service_arguments *arguments)
{
    (void)context, (void)made, (void)arguments;
    return 0;
}

static int setup_server(void **state)
{
    setup(state);
    fake_bmc_teardown(state);
    fake_sel_setup(state);
    fake_server_setup(state); /* which begins with another BMC */
    fake_bmc.bmc.sel = fake_sel.sel;
    fake_sol_reset();
    fake_bmc.bmc.payload = &fake_sol_ops;
    fake_bmc.bmc.fru = fru_new();
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (service_row((enum service_operation)i)->flags & SERVICE_REGISTERED)
            service_register((enum service_operation)i, succeed, NULL);
    }
    count = 0;
    waits = true;
    disk = 0;
    audit_keep_by(keep, NULL);
    return 0;
}

static int teardown_server(void **state)
{
    audit_keep_by(NULL, NULL);
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (service_row((enum service_operation)i)->flags & SERVICE_REGISTERED)
            service_register((enum service_operation)i, NULL, NULL);
    }
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    log_set_level(LOG_LEVEL_ERROR);
    unlink(path);
    fake_server_teardown(state);
    return fake_sel_teardown(state);
}

/* ---- the table ---- */

static int close_session(void *context, uint32_t session)
{
    (void)context, (void)session;
    return 0;
}

static void take_no_picture(void *context, struct host_picture *picture)
{
    (void)context, (void)picture;
}

static const uint8_t byte[8] = {1}, event[SEL_RECORD_SIZE] = {0, 0, 2, 0, 0, 0,    0, 0x20,
                                                              0, 4, 1, 1, 1, 0x57, 0, 0};
static uint8_t taken[16];
static struct messaging_message message_taken;
static struct user user;
static struct bmc_sol_activation activation;
static const struct service_addition addition = {.name = "web01", .password = "swordfish"};
static const struct fault fault = {0};
static struct host_tag tags[] = {{(char *)"rack", (char *)"7"}, {(char *)"role", NULL}};

/* What is asked for of each that has arguments; `detail`: what the record says of it. */
static const struct {
    enum service_operation operation;
    union service_arguments arguments;
    const char *detail;
} asked[] = {
    {SERVICE_SCREENSHOT, {.screenshot = {take_no_picture, NULL}}, ""},
    {SERVICE_DUMP, {.dump = {.path = "/tmp/a.dump"}}, "to /tmp/a.dump"},
    {SERVICE_POWER, {.power = HOST_POWER_ACTION_DOWN}, "off"},
    {SERVICE_IDENTIFY, {.identify = {.seconds = 3}}, "3 s"},
    {SERVICE_CYCLE_INTERVAL, {.cycle_interval_s = 7}, "7 s"},
    {SERVICE_BOOT_FLAGS, {.boot_flags = {.flags = {BOOT_FLAGS_VALID, 0x04}}}, "pxe"},
    {SERVICE_BOOT_PARAMETER, {.boot_parameter = {.number = 1, .data = byte, .size = 1}}, "1"},
    {SERVICE_SYSTEM_INFO, {.system_info = {2, byte, 8}}, "parameter 2"},
    {SERVICE_INBAND, {.inband_front_end = "bt"}, "bt"},
    {SERVICE_MESSAGE_PUT, {.message = {byte, 1}}, ""},
    {SERVICE_MESSAGE_TAKE, {.message_taken = &message_taken}, ""},
    {SERVICE_EVENT_BUFFER, {.event_taken = taken}, ""},
    {SERVICE_WATCHDOG_SET,
     {.watchdog = {.settings = {.use = 4, .initial = 600}}},
     "SMS/OS, no action after 60.0 s"},
    {SERVICE_SENSOR_SETTINGS, {.sensor_settings = {.number = 1}}, NULL},
    {SERVICE_SEL_ADD, {.sel_record = event}, NULL},
    {SERVICE_PLATFORM_EVENT, {.sel_record = event}, NULL},
    {SERVICE_SEL_DELETE, {.sel_id = 0}, "0000h"},
    {SERVICE_SEL_TIME, {.sel_time = 1700000000}, "1700000000"},
    {SERVICE_PEF_PARAMETER, {.pef_parameter = {1, byte, 1}}, "1"},
    {SERVICE_ALERT, {.alert = {.channel = 1, .destination = 1}}, "destination 1"},
    {SERVICE_FRU_WRITE, {.fru_write = {0, 0, byte, 1}}, "0"},
    {SERVICE_ASSET_TAG, {.asset_tag = {(const uint8_t *)"rack 7", 0, true}}, "'rack 7'"},
    {SERVICE_POWER_LIMIT, {.power_limit = {.watts = 300, .correction_ms = 1000}}, "300 W"},
    {SERVICE_IDENTIFIER, {.identifier = {"bmc-7", 5}}, "'bmc-7'"},
    {SERVICE_SESSION_CLOSE,
     {.session_close = {.session = 0x99, .close = close_session}},
     "00000099h"},
    {SERVICE_SOL_ACTIVATE, {.sol_activation = &activation}, ""},
    {SERVICE_SOL_ACCESS, {.sol_access = {2, false}}, "account 2: no"},
    {SERVICE_SOL_PARAMETER, {.sol_parameter = {1, byte, 1}}, "1"},
    {SERVICE_CHANNEL_KEY, {.channel_key = (const uint8_t *)"swordfish-swordfish-"}, ""},
    {SERVICE_LAN_PARAMETER, {.lan_parameter = {16, (const uint8_t *)"swordfish", 9}}, "16"},
    {SERVICE_USER_CHANGE, {.user_change = {5, USER_PARTS_ALL, &user}}, NULL},
    {SERVICE_INJECT, {.fault = &fault}, NULL},
    {SERVICE_UNDEFINE, {.undefine = {.name = "web01"}}, "web01"},
    {SERVICE_TAG, {.tags = {tags, 2}}, "rack=7 -role"},
    {SERVICE_ADD, {.addition = &addition}, "web01"},
    {SERVICE_DECLARE_DEAD, {.hypervisor = "east"}, "east"},
};

static const union service_arguments *arguments_of(enum service_operation operation,
                                                   const char **detail)
{
    static const union service_arguments none;

    *detail = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        if (asked[i].operation == operation) {
            *detail = asked[i].detail;
            return &asked[i].arguments;
        }
    }
    return &none;
}

static void check_record(enum service_operation operation, int result, const char *detail)
{
    const struct audit_record *record = &kept[0].record;
    const struct service_row *row = service_row(operation);

    if (count != 1)
        fail_msg("%s: %u records", row->name, count);
    assert_string_equal(record->operation, row->name);
    assert_string_equal(record->user, "joe");
    assert_string_equal(record->way, "SSH");
    assert_string_equal(record->address, "192.0.2.1");
    assert_string_equal(record->privilege, "administrator");
    assert_true(record->has_bmc && uuid_equal(&record->uuid, &fake_bmc.bmc.core.uuid));
    assert_true(record->outcome[0] && record->time_ms > 0);
    assert_null(strstr(record->detail, "swordfish"));
    assert_int_equal(record->result, result);
    if (detail)
        assert_string_equal(record->detail, detail);
}

/* What fails at once has changed nothing and is answered at once; all else when its record is kept,
 * but for looks. */
static void check_operation(enum service_operation operation)
{
    const struct service_row *row = service_row(operation);
    const char *detail;
    const union service_arguments *arguments = arguments_of(operation, &detail);

    count = 0;
    int result = call(operation, arguments);
    if (result == -EINPROGRESS && finished == 1 && count == 0)
        fake_bmc_advance(&fake_bmc, BMC_ANSWER_WITHIN_MS);
    if (result != -EINPROGRESS) {
        check_record(operation, result, detail);
        assert_true(result < 0 || row->flags & SERVICE_LOOKS);
        assert_int_equal(kept[0].record.kind, AUDIT_ACCESS);
        return;
    }
    if (row->flags & SERVICE_LOOKS) {
        check_record(operation, finished, detail);
        return;
    }
    assert_int_equal(finished, 1);
    assert_int_equal(kept[0].record.kind, AUDIT_CHANGE);
    finish_disk(0);
    check_record(operation, finished, detail);
}

static void test_every_operation(void **state)
{
    unsigned changes = 0;

    (void)state;
    assert_int_equal(user_make(&user, "bob", "swordfish", PRIVILEGE_OPERATOR), 0);
    for (int i = 0; i < SERVICE_COUNT; i++) {
        enum service_operation operation = (enum service_operation)i;
        const struct service_row *row = service_row(operation);
        if (!(row->flags & SERVICE_AUDITED)) {
            assert_null(row->run); /* a right alone */
            assert_false(row->flags & SERVICE_REGISTERED);
            continue;
        }
        check_operation(operation);
        changes += kept[0].record.kind == AUDIT_CHANGE && kept[0].record.result == 0;
    }
    assert_in_range(changes, 40, SERVICE_COUNT); /* those that the fake server can do */
}

/* ---- the disk ---- */

static void test_disk_refuses(void **state)
{
    const union service_arguments identify = {.identify = {.seconds = 3}};
    const union service_arguments policy = {.restore_policy = POWER_RESTORE_ALWAYS_ON};

    (void)state;
    disk = -ENOSPC; /* and nor does the log take it */
    assert_int_equal(call(SERVICE_IDENTIFY, &identify), -EINPROGRESS);
    assert_int_equal(finished, 1);
    finish_disk(0);
    assert_int_equal(finished, -ENOSPC);
    fake_bmc.save_result = -EROFS; /* the operation's own error is what counts */
    assert_int_equal(call(SERVICE_RESTORE_POLICY, &policy), -EINPROGRESS);
    assert_int_equal(finished, 1);
    assert_int_equal(kept[1].record.result, -EROFS);
    finish_disk(1);
    assert_int_equal(finished, -EROFS);
}

/* ---- repeats ---- */

static unsigned answers;

static void note_answer(const struct bmc_ticket *ticket, int result)
{
    (void)ticket;
    assert_int_equal(result, 0);
    answers++;
}

static void power_off(void)
{
    const union service_arguments off = {.power = HOST_POWER_ACTION_DOWN};
    const struct bmc_ticket ticket = {.done = note_answer};
    const struct service_call made = {&caller, &fake_bmc.bmc, &ticket};

    assert_int_equal(service_call(SERVICE_POWER, &made, &off), -EINPROGRESS);
}

/* FreeIPMI repeats a chassis control that is not answered in 400 ms: one change, one record. */
static void test_repeat(void **state)
{
    (void)state;
    answers = 0;
    caller.front_end = CALLER_LAN;
    caller.session = 5;
    fake_bmc.host.waits = true;
    power_off();
    power_off();
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(count, 1);
    assert_int_equal(answers, 0);
    finish_disk(0);
    assert_int_equal(answers, 2);
    caller.session = 6; /* that of another is one of its own */
    fake_bmc.host.waits = false;
    power_off();
    assert_int_equal(count, 2);
    finish_disk(1);
    assert_int_equal(answers, 3);
}

/* What goes before and behind changes is none, nor is a log-out. */
static void test_idle(void **state)
{
    static const uint8_t begin = 1;
    const union service_arguments progress = {.boot_parameter = {.data = &begin, .size = 1}};
    const union service_arguments logout = {
        .session_close = {.session = 7, .close = close_session},
    };

    (void)state;
    caller.session = 7;
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &progress), 0);
    assert_int_equal(call(SERVICE_SESSION_CLOSE, &logout), 0);
    assert_int_equal(count, 0);
}

static void test_refusal(void **state)
{
    (void)state;
    caller.privilege = PRIVILEGE_USER;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(call(SERVICE_SEL_CLEAR, NULL), -EPERM);
    assert_int_equal(count, 2); /* to be summed up by what keeps them */
    assert_true(kept[0].record.is_summed);
    assert_int_equal(kept[0].record.kind, AUDIT_ACCESS);
    assert_string_equal(kept[0].record.outcome, "refused: this needs the privilege level operator");
}

/* Commands that are done at once are answered when their record is kept, with all their data. */
static void test_ipmi_waits(void **state)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"00 04 05", "00"},          /* Chassis Identify */
        {"06 32 01 01", "00 01 01"}, /* Enable Message Channel Receive */
        {"04 11 05", "00 05"},       /* Arm PEF Postpone Timer */
    };

    (void)state;
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        count = 0;
        assert_string_equal(fake_bmc_talk(&fake_bmc, rows[i].request), FAKE_BMC_WAITS);
        uint32_t request = fake_bmc_request(&fake_bmc);
        assert_int_equal(count, 1);
        assert_string_equal(kept[0].record.way, "in-band");
        finish_disk(0);
        assert_string_equal(fake_bmc_answer(&fake_bmc, request), rows[i].answer);
    }
}

/* A guest has no part in the room that the records of others have for long. */
static void test_guest_changes(void **state)
{
    const union service_arguments identify = {.identify = {.seconds = 3}};
    const struct caller guest = {.front_end = CALLER_SYSTEM_INTERFACE};
    const struct service_call by_guest = {.caller = &guest, .bmc = &fake_bmc.bmc};
    unsigned done = 0;

    (void)state;
    for (count = 0; service_call(SERVICE_IDENTIFY, &by_guest, &identify) == 0; count = 0)
        assert_true(++done < 1000);
    assert_int_equal(done, 300);
    assert_string_equal(kept[0].record.way, "in-band");
    assert_int_equal(service_call(SERVICE_IDENTIFY, &by_guest, &identify), -EBUSY);
    fake_bmc.now_ms += 1000;
    assert_int_equal(service_call(SERVICE_IDENTIFY, &by_guest, &identify), 0);
    assert_int_equal(service_call(SERVICE_IDENTIFY, &by_guest, &identify), -EBUSY);
}

/* By the level of the command, before it is decoded. */
static void test_refused_command(void **state)
{
    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 02 00"), "d4");
    assert_int_equal(count, 1);
    assert_string_equal(kept[0].record.operation, "Chassis Control");
    assert_string_equal(kept[0].record.way, "IPMI");
    assert_string_equal(kept[0].record.outcome, "refused: this needs the privilege level operator");
    fake_bmc.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION; /* a stranger */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 02 00"), "d4");
    assert_int_equal(count, 1);
}

/* The daemon stops while a guest is asked to do something. */
static void test_stop(void **state)
{
    (void)state;
    answers = 0;
    fake_bmc.host.waits = true;
    power_off();
    assert_int_equal(count, 0);
    service_audit_stop();
    assert_int_equal(count, 1);
    assert_int_equal(kept[0].record.result, -ECANCELED);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(count, 1);
    assert_int_equal(answers, 1);
}

/* ---- texts of strangers ---- */

static void test_clean(void **state)
{
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"plain", "plain"},
        {"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x92\xa9", "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x92\xa9"},
        {"a\nvbmcd: power off by root", "a?vbmcd: power off by root"},
        {"\x1b[2J\x7f\r", "?[2J??"},
        {"\xc2\x9b"
         "31m",
         "??31m"},
        {"\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6", "?????????"},
        {"\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xc3", "???????????"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct audit_record record = {.kind = AUDIT_CHANGE};
        snprintf(record.user, sizeof record.user, "%s", rows[i].text);
        count = 0;
        audit_put(&record, NULL, NULL);
        assert_string_equal(kept[0].record.user, rows[i].clean);
    }
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup_server, teardown_server)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SERVER_TEST(test_every_operation), SERVER_TEST(test_disk_refuses),
        SERVER_TEST(test_repeat),          SERVER_TEST(test_idle),
        SERVER_TEST(test_refusal),         SERVER_TEST(test_stop),
        SERVER_TEST(test_clean),           SERVER_TEST(test_refused_command),
        SERVER_TEST(test_guest_changes),   SERVER_TEST(test_ipmi_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
