/* What is decided before a command runs: NetFn and command, LUN, privilege, channel, length. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

/* Every command there is, by the specification and not by the tables of the program. */
static const struct {
    const char *name;               /* NetFn and command */
    int privilege;                  /* 0: needs no session */
    const char *shortest, *longest; /* data that is right */
} commands[] = {
    {"00 00", PRIVILEGE_USER, "", ""},
    {"00 01", PRIVILEGE_USER, "", ""},
    {"00 02", PRIVILEGE_OPERATOR, "01", "01"},
    {"00 04", PRIVILEGE_OPERATOR, "", "0f 00"},
    {"00 06", PRIVILEGE_OPERATOR, "03", "03"},
    {"00 07", PRIVILEGE_USER, "", ""},
    {"00 08", PRIVILEGE_OPERATOR, "05", "07 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"},
    {"00 09", PRIVILEGE_OPERATOR, "05 00 00", "05 00 00"},
    {"00 0a", PRIVILEGE_ADMINISTRATOR, "00", "00"},
    {"00 0b", PRIVILEGE_ADMINISTRATOR, "00", "00"},
    {"00 0f", PRIVILEGE_USER, "", ""},
    {"04 00", PRIVILEGE_ADMINISTRATOR, "20 00", "20 00"},
    {"04 01", PRIVILEGE_USER, "", ""},
    {"04 10", PRIVILEGE_USER, "", ""},
    {"04 11", PRIVILEGE_ADMINISTRATOR, "ff", "ff"},
    {"04 12", PRIVILEGE_ADMINISTRATOR, "01 00",
     "06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
    {"04 13", PRIVILEGE_OPERATOR, "01 00 00", "01 00 00"},
    {"04 14", PRIVILEGE_ADMINISTRATOR, "00 01 00", "00 01 00"},
    {"04 15", PRIVILEGE_ADMINISTRATOR, "", ""},
    {"04 16", PRIVILEGE_ADMINISTRATOR, "01 01 00", "01 01 00 20 04 01 30 01 59 60 55"},
    {"04 17", 0, "01 00 00 00 00 00 20 20 08 59 60 55", "01 00 00 00 00 00 20 20 08 59 60 55"},
    {"04 23", PRIVILEGE_USER, "01 00", "01 00"},
    {"04 24", PRIVILEGE_OPERATOR, "01 ff 01 01", "01 ff 01 01"},
    {"04 25", PRIVILEGE_USER, "01 ff", "01 ff"},
    {"04 26", PRIVILEGE_OPERATOR, "01 00 00 00 00 00 00 00", "01 00 00 00 00 00 00 00"},
    {"04 27", PRIVILEGE_USER, "01", "01"},
    {"04 28", PRIVILEGE_OPERATOR, "01 c0", "01 c0 00 00 00 00"},
    {"04 29", PRIVILEGE_USER, "01", "01"},
    {"04 2a", PRIVILEGE_OPERATOR, "01 00", "01 00 00 00 00 00"},
    {"04 2b", PRIVILEGE_USER, "01", "01"},
    {"04 2d", PRIVILEGE_USER, "01", "01"},
    {"04 2e", PRIVILEGE_OPERATOR, "01 01 01", "01 01 01"},
    {"04 2f", PRIVILEGE_USER, "01", "01"},
    {"04 30", PRIVILEGE_ADMINISTRATOR, "01 00", "01 00 00 00 00 00 00 00 00 00"},
    {"06 01", PRIVILEGE_USER, "", ""},
    {"06 02", PRIVILEGE_ADMINISTRATOR, "", ""},
    {"06 03", PRIVILEGE_ADMINISTRATOR, "", ""},
    {"06 04", PRIVILEGE_USER, "", ""},
    {"06 06", PRIVILEGE_ADMINISTRATOR, "7f 7f", "7f 7f"},
    {"06 07", PRIVILEGE_USER, "", ""},
    {"06 08", PRIVILEGE_USER, "", ""},
    {"06 36", PRIVILEGE_USER, "", ""},
    {"06 37", 0, "", ""},
    {"06 38", 0, "8e 04", "8e 04"},
    {"06 39", 0, "02 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70",
     "02 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70"},
    {"06 3a", 0, "02 04 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 01 00 00 00",
     "02 04 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 01 00 00 00"},
    {"06 3b", PRIVILEGE_USER, "00", "00"},
    {"06 3c", PRIVILEGE_CALLBACK, "01 00 00 00", "00 00 00 00 01"},
    {"06 3d", PRIVILEGE_USER, "00", "ff 01 00 00 00"},
    {"06 40", PRIVILEGE_ADMINISTRATOR, "01 00 00", "01 00 00"},
    {"06 41", PRIVILEGE_USER, "01 80", "01 80"},
    {"06 42", PRIVILEGE_USER, "01", "01"},
    {"06 54", 0, "0e 00 80", "0e 00 80"},
    {"06 56", PRIVILEGE_ADMINISTRATOR, "01 00 01",
     "01 01 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00 01 02 03 04 05 06 07 08 09 0a 0b "
     "0c 0d 0e 0f 00 01 02 03 04 05 06 07"},
    {"06 57", PRIVILEGE_USER, "01", "01"},
    {"0a 20", PRIVILEGE_USER, "", ""},
    {"0a 21", PRIVILEGE_USER, "", ""},
    {"0a 22", PRIVILEGE_USER, "", ""},
    {"0a 23", PRIVILEGE_USER, "00 00 00 00 00 ff", "00 00 00 00 00 ff"},
    {"0a 28", PRIVILEGE_USER, "", ""},
    {"0a 29", PRIVILEGE_OPERATOR, "00 00 00 65", "00 00 00 65"},
    {"0a 2c", PRIVILEGE_OPERATOR, "00", "00"},
};

/* Session operations that find nothing. */
static int no_privilege(void *context, uint32_t current, enum privilege level)
{
    (void)context;
    (void)current;
    (void)level;
    return -EPERM;
}

static int no_close(void *context, uint32_t session)
{
    (void)context;
    (void)session;
    return -ENOENT;
}

static uint32_t no_handle(void *context, uint8_t handle)
{
    (void)context;
    (void)handle;
    return 0;
}

static uint32_t no_nth(void *context, unsigned n)
{
    (void)context;
    (void)n;
    return 0;
}

static int no_info(void *context, uint32_t session, struct ipmi_session_info *info)
{
    (void)context;
    (void)session;
    (void)info;
    return -ENOENT;
}

static void no_count(void *context, unsigned *slots, unsigned *active)
{
    (void)context;
    *slots = *active = 0;
}

static const struct ipmi_session_ops no_sessions = {
    .set_privilege = no_privilege,
    .close = no_close,
    .find_handle = no_handle,
    .find_nth = no_nth,
    .info = no_info,
    .count = no_count,
};

static struct fake_bmc fake;

static void restart(void)
{
    fake_bmc_clear(&fake);
    fake_bmc_init(&fake, HOST_POWER_RUNNING);
    fake.sessions = &no_sessions;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&fake, HOST_POWER_RUNNING);
    restart();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_bmc_clear(&fake);
    return 0;
}

/* Asks with a fresh BMC. `cut` bytes of data are left out, or one is added where it is negative. */
static const char *ask(size_t i, const char *data, int cut)
{
    char request[256];
    size_t length = (size_t)snprintf(request, sizeof request, "%s %s", commands[i].name, data);

    if (cut < 0)
        snprintf(request + length, sizeof request - length, "%s00", *data ? " " : "");
    else
        request[length - 3 * (size_t)cut] = '\0';
    return fake_bmc_talk(&fake, request);
}

static void test_list_is_the_tables(void **state)
{
    static const struct command_table *const tables[] = {
        &cmd_app_table, &cmd_session_table, &cmd_chassis_table, &cmd_sensor_table,
        &cmd_sdr_table, &cmd_pef_table,     &cmd_channel_table};
    size_t count = 0;
    char name[8];

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (size_t r = 0; r < tables[t]->count; r++, count++) {
            const struct command *row = &tables[t]->rows[r];
            size_t i = 0;
            snprintf(name, sizeof name, "%02x %02x", row->netfn, row->number);
            while (i < ARRAY_SIZE(commands) && strcmp(commands[i].name, name) != 0)
                i++;
            if (i == ARRAY_SIZE(commands))
                fail_msg("%s (%s) has no test", name, row->name);
            assert_true(row->name && row->name[0]);
        }
    }
    assert_int_equal(count, ARRAY_SIZE(commands));
}

static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        restart();
        assert_string_not_equal(ask(i, commands[i].shortest, 0), "c7");
        restart();
        assert_string_not_equal(ask(i, commands[i].longest, 0), "c7");
        restart();
        assert_string_equal(ask(i, commands[i].longest, -1), "c7");
        if (commands[i].shortest[0])
            assert_string_equal(ask(i, commands[i].shortest, 1), "c7");
        assert_int_equal(fake.host.count, 0);
        assert_int_equal(fake.save_count, 0);
    }
}

/* Each level below the one that is needed, and the body is wrong too: it must not be looked at. */
static void test_privileges(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        for (int level = PRIVILEGE_CALLBACK; level <= PRIVILEGE_ADMINISTRATOR; level++) {
            bool may = level >= commands[i].privilege;
            restart();
            fake.privilege = (enum privilege)level;
            assert_string_equal(ask(i, commands[i].longest, -1), may ? "c7" : "d4");
            if (may)
                assert_string_not_equal(ask(i, commands[i].longest, 0), "d4");
            else
                assert_string_equal(ask(i, commands[i].longest, 0), "d4");
            assert_true(may || (fake.host.count == 0 && fake.save_count == 0));
        }
    }
}

static void test_outside_of_a_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        restart();
        fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
        fake.session = 0;
        fake.sessions = NULL;
        fake.privilege = PRIVILEGE_ADMINISTRATOR; /* counts for nothing without a session */
        const char *answer = ask(i, commands[i].shortest, 0);
        if (strcmp(commands[i].name, "06 39") == 0)
            assert_string_equal(answer, "cc"); /* no authentication type is offered */
        else if (strcmp(commands[i].name, "06 3a") == 0)
            assert_string_equal(answer, "d5"); /* only by packets of IPMI 1.5 */
        else if (commands[i].privilege == 0)
            assert_memory_equal(answer, "00", 2);
        else
            assert_string_equal(answer, "d4");
        assert_int_equal(fake.host.count, 0);
    }
}

/* The guest itself is asked for no privilege. */
static void test_system_interface(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        restart();
        fake.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
        fake.channel = CHANNEL_SYSTEM_INTERFACE;
        fake.session = 0;
        fake.sessions = NULL;
        fake.privilege = PRIVILEGE_HIGHEST;
        assert_string_not_equal(ask(i, commands[i].shortest, 0), "d4");
    }
    /* There is no session to raise, close or tell of. */
    restart();
    fake.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake.sessions = NULL;
    assert_string_equal(fake_bmc_talk(&fake, "06 3b 04"), "c1");
    assert_string_equal(fake_bmc_talk(&fake, "06 3c 01 00 00 00"), "c1");
    assert_string_equal(fake_bmc_talk(&fake, "06 3d 00"), "c1");
}

static void test_wrong_lun(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        for (uint8_t lun = 1; lun <= 3; lun++) {
            restart();
            fake.lun = lun;
            assert_string_equal(ask(i, commands[i].shortest, 0), "c2");
            assert_int_equal(fake.host.count, 0);
        }
    }
}

static void test_unknown(void **state)
{
    static const char *const unknown[] = {
        "00 03",
        "00 ff",
        "02 01",
        "04 20 00",
        "04 22",
        "0a 24",
        "0a 27 00 00 43 4c 52 aa",
        "06 00",
        "06 05",
        "06 52 00 00 00 00",
        "08 01",
        "0a 1f 00",
        "0c 05 01 00 00 00",
        "2e 01 00 00 00",
        "30 00",
        "3e 00",
        "2c 01",
        "01 01",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        restart();
        assert_string_equal(fake_bmc_talk(&fake, unknown[i]), "c1");
        fake.lun = 2; /* there is no such command on any LUN */
        assert_string_equal(fake_bmc_talk(&fake, unknown[i]), "c1");
        fake.privilege = PRIVILEGE_CALLBACK;
        fake.lun = 0;
        assert_string_equal(fake_bmc_talk(&fake, unknown[i]), "c1");
        fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION; /* strangers are not told what there is */
        assert_string_equal(fake_bmc_talk(&fake, unknown[i]), "d4");
    }
}

/* A group extension repeats its group, also in an error. */
static void test_group_extension(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake, "2c 01 dc 01"), "c1 dc");
    assert_string_equal(fake_bmc_talk(&fake, "2c 01 00"), "c1 00");
    assert_string_equal(fake_bmc_talk(&fake, "2c 01"), "c1");
    fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    assert_string_equal(fake_bmc_talk(&fake, "2c 01 dc 01"), "d4 dc");
}

static void test_only_reads(void **state)
{
    static const struct {
        uint8_t netfn, command;
        bool only_reads;
    } cases[] = {
        {NETFN_CHASSIS, 0x01, true},  {NETFN_CHASSIS, 0x02, false}, {NETFN_CHASSIS, 0x09, true},
        {NETFN_STORAGE, 0x11, true},  {NETFN_STORAGE, 0x42, false}, {NETFN_STORAGE, 0x43, true},
        {NETFN_STORAGE, 0x44, false}, {NETFN_APP, 0x01, true},      {NETFN_APP, 0x33, false},
        {NETFN_APP, 0x35, false},     {NETFN_APP, 0x3c, false},     {NETFN_APP, 0xee, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ipmi_msg msg = {.netfn = cases[i].netfn, .command = cases[i].command};
        assert_int_equal(ipmi_only_reads(&msg), cases[i].only_reads);
        assert_false(ipmi_carries_secret(&msg));
    }
}

static void test_codes_of_results(void **state)
{
    static const struct {
        int result;
        uint8_t code;
    } cases[] = {
        {0, CC_SUCCESS},
        {-EHOSTUNREACH, CC_NODE_BUSY},
        {-ENODEV, CC_NODE_BUSY},
        {-EBUSY, CC_NODE_BUSY},
        {-EINVAL, CC_NOT_IN_PRESENT_STATE},
        {-ENOTSUP, CC_NOT_IN_PRESENT_STATE},
        {-ENOSPC, CC_OUT_OF_SPACE},
        {-EIO, CC_UNSPECIFIED},
        {-ENOMEM, CC_UNSPECIFIED},
        {-EROFS, CC_UNSPECIFIED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(command_code_of_result(cases[i].result), cases[i].code);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list_is_the_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_privileges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outside_of_a_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_system_interface, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_lun, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_extension, setup, teardown),
        cmocka_unit_test(test_only_reads),
        cmocka_unit_test_setup_teardown(test_codes_of_results, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
