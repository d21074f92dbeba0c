/* How a client finds out how to log in, and the commands on sessions, with two sessions of the
 * test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define OTHER_SESSION 0x2002
#define SLOTS         37

struct session {
    uint32_t id;
    enum privilege maximum;
    struct ipmi_session_info info;
};

static struct session sessions[] = {{.id = FAKE_BMC_SESSION}, {.id = OTHER_SESSION}};
static struct fake_bmc fake;

static struct session *find(uint32_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
        if (id != 0 && sessions[i].id == id)
            return &sessions[i];
    }
    return NULL;
}

static int set_privilege(void *context, uint32_t current, enum privilege level)
{
    struct session *session = find(current);

    (void)context;
    if (level > session->maximum)
        return -EPERM;
    session->info.privilege = level;
    return 0;
}

static int close_session(void *context, uint32_t id)
{
    struct session *session = find(id);

    (void)context;
    if (!session)
        return -ENOENT;
    session->id = 0;
    return 0;
}

static uint32_t find_handle(void *context, uint8_t handle)
{
    (void)context;
    for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
        if (sessions[i].info.handle == handle)
            return sessions[i].id;
    }
    return 0;
}

static uint32_t find_nth(void *context, unsigned n)
{
    (void)context;
    return n >= 1 && n <= ARRAY_SIZE(sessions) ? sessions[n - 1].id : 0;
}

static int info(void *context, uint32_t id, struct ipmi_session_info *found)
{
    const struct session *session = find(id);

    (void)context;
    if (!session)
        return -ENOENT;
    *found = session->info;
    return 0;
}

static void count(void *context, unsigned *slots, unsigned *active)
{
    (void)context;
    *slots = SLOTS;
    *active = (sessions[0].id != 0) + (sessions[1].id != 0);
}

static const struct ipmi_session_ops ops = {
    .set_privilege = set_privilege,
    .close = close_session,
    .find_handle = find_handle,
    .find_nth = find_nth,
    .info = info,
    .count = count,
};

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&fake, HOST_POWER_RUNNING);
    fake.sessions = &ops;
    sessions[0] = (struct session){
        .id = FAKE_BMC_SESSION,
        .maximum = PRIVILEGE_OPERATOR,
        .info = {.handle = 1,
                 .user_id = 2,
                 .privilege = PRIVILEGE_USER,
                 .channel = 1,
                 .rmcp_plus = true},
    };
    sessions[1] = (struct session){
        .id = OTHER_SESSION,
        .maximum = PRIVILEGE_ADMINISTRATOR,
        .info = {.handle = 9,
                 .user_id = 3,
                 .privilege = PRIVILEGE_ADMINISTRATOR,
                 .channel = 1,
                 .rmcp_plus = true},
    };
    endpoint_address_parse("192.0.2.7", 0x1234, &sessions[0].info.remote);
    endpoint_address_parse("2001:db8::7", 0x1234, &sessions[1].info.remote);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_bmc_clear(&fake);
    return 0;
}

/* ---- Get Channel Authentication Capabilities ---- */

static void test_capabilities(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"06 38 8e 04", "00 01 80 04 02 00 00 00 00"},
        {"06 38 81 01", "00 01 80 04 02 00 00 00 00"},
        {"06 38 8e 05", "00 01 80 04 02 00 00 00 00"},
        {"06 38 0e 04", "00 01 00 04 00 00 00 00 00"}, /* who asks for 1.5 is offered nothing */
        {"06 38 8e f4", "cc"},                         /* reserved bits */
        {"06 38 9e 04", "cc"},
        {"06 38 8e 00", "cc"},
        {"06 38 8e 06", "cc"},
        {"06 38 80 04", "cc"},
        {"06 38 82 04", "cc"},
        {"06 38 8f 04", "cc"},
    };

    (void)state;
    fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    assert_int_equal(users_add(&fake.bmc.users, "admin", "secret", PRIVILEGE_ADMINISTRATOR), 2);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(fake_bmc_talk(&fake, cases[i].request), cases[i].answer);
    fake.bmc.channel.has_kg = true;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "00 01 80 24 02 00 00 00 00");
    fake.bmc.channel.per_message_off = true;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "00 01 80 34 02 00 00 00 00");
    fake.bmc.channel.user_level_off = true;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "00 01 80 3c 02 00 00 00 00");
    users_clear(&fake.bmc.users);
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "00 01 80 38 02 00 00 00 00");
    fake.bmc.channel.authentication_types = CHANNEL_AUTH_MD5;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "00 01 84 38 03 00 00 00 00");
    fake.bmc.channel.authentication_types |= CHANNEL_AUTH_PASSWORD;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 0e 01"), "00 01 14 38 00 00 00 00 00");
}

/* From the guest's side "this channel" is no LAN channel. */
static void test_capabilities_from_the_guest(void **state)
{
    (void)state;
    fake.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake.channel = CHANNEL_SYSTEM_INTERFACE;
    assert_string_equal(fake_bmc_talk(&fake, "06 38 8e 04"), "cc");
    assert_memory_equal(fake_bmc_talk(&fake, "06 38 81 04"), "00 01", 5);
}

/* ---- Log-in by IPMI 1.5: without the packets that it needs ---- */

#define SIXTEEN " 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70"

static void test_logins(void **state)
{
    static const char *const requests[] = {"06 39 02" SIXTEEN,
                                           "06 3a 02 04" SIXTEEN " 01 00 00 00"};
    static const enum ipmi_origin origins[] = {
        IPMI_ORIGIN_LAN_OUTSIDE_SESSION, IPMI_ORIGIN_LAN_SESSION, IPMI_ORIGIN_SYSTEM_INTERFACE};

    (void)state;
    fake.bmc.channel.authentication_types = CHANNEL_AUTH_MD5;
    for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
        fake.origin = origins[i];
        for (size_t r = 0; r < ARRAY_SIZE(requests); r++)
            assert_string_equal(fake_bmc_talk(&fake, requests[r]), "d5");
        assert_string_equal(fake_bmc_talk(&fake, "06 39 12" SIXTEEN), "cc"); /* reserved bits */
        assert_string_equal(fake_bmc_talk(&fake, "06 3a 12 04" SIXTEEN " 01 00 00 00"), "cc");
        assert_string_equal(fake_bmc_talk(&fake, "06 3a 02 14" SIXTEEN " 01 00 00 00"), "cc");
        assert_string_equal(fake_bmc_talk(&fake, "06 39 02"), "c7");
        assert_string_equal(fake_bmc_talk(&fake, "06 39 02" SIXTEEN " 00"), "c7");
        assert_string_equal(fake_bmc_talk(&fake, "06 3a 02 04" SIXTEEN " 01 00 00"), "c7");
        assert_string_equal(fake_bmc_talk(&fake, "06 3a 02 04" SIXTEEN " 01 00 00 00 00"), "c7");
    }
}

/* ---- Get Channel Cipher Suites ---- */

/* Our two suites out of the record stream that ipmitool was checked with. */
static void test_cipher_suite_records(void **state)
{
    struct json_object *vectors = vectors_load();
    struct json_object *known =
        vectors_at(vectors, "/pre_session/get_channel_cipher_suites_for_3_8_12_17");
    uint8_t stream[64];
    char request[32], expected[64] = "00 01";

    (void)state;
    assert_int_equal(vectors_bytes(known, "/record_stream", stream, sizeof stream), 20);
    for (size_t i = 0; i < 20; i++) {
        if (i < 5 || i >= 15) /* the first and the last record */
            snprintf(expected + strlen(expected), 4, " %02x", stream[i]);
    }
    size_t length = vectors_bytes(vectors, "/pre_session/get_channel_cipher_suites_rq_index0/data",
                                  stream, sizeof stream);
    assert_int_equal(length, 3);
    snprintf(request, sizeof request, "06 54 %02x %02x %02x", stream[0], stream[1], stream[2]);
    fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    assert_string_equal(fake_bmc_talk(&fake, request), expected);
    length =
        vectors_bytes(vectors, "/pre_session/get_channel_auth_cap_rq/data", stream, sizeof stream);
    snprintf(request, sizeof request, "06 38 %02x %02x", stream[0], stream[1]);
    assert_memory_equal(fake_bmc_talk(&fake, request), "00 01", 5);
    assert_int_equal(length, 2);
    json_object_put(vectors);
}

static void test_cipher_suites(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"06 54 0e 00 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"},
        {"06 54 01 00 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"},
        {"06 54 0e 01 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"}, /* payload SOL */
        {"06 54 0e 00 81", "00 01"},
        {"06 54 0e 00 bf", "00 01"},
        {"06 54 0e 00 00", "00 01 01 41 81 03 44"}, /* by algorithm, each once */
        {"06 54 0e 00 01", "00 01"},
        {"06 54 0e 02 80", "cc"},
        {"06 54 00 00 80", "cc"},
        {"06 54 0f 00 80", "cc"},
    };

    (void)state;
    fake.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(fake_bmc_talk(&fake, cases[i].request), cases[i].answer);
    fake.bmc.channel.suites[0] = 17;
    fake.bmc.channel.suite_count = 1;
    assert_string_equal(fake_bmc_talk(&fake, "06 54 0e 00 80"), "00 01 c0 11 03 44 81");
}

/* ---- Set Session Privilege Level ---- */

static void test_set_privilege(void **state)
{
    static const struct {
        const char *request, *answer;
        enum privilege after;
    } cases[] = {
        {"06 3b 00", "00 02", PRIVILEGE_USER},  {"06 3b 03", "00 03", PRIVILEGE_OPERATOR},
        {"06 3b 04", "81", PRIVILEGE_OPERATOR}, {"06 3b 05", "81", PRIVILEGE_OPERATOR},
        {"06 3b 01", "cc", PRIVILEGE_OPERATOR}, {"06 3b 06", "cc", PRIVILEGE_OPERATOR},
        {"06 3b 0f", "cc", PRIVILEGE_OPERATOR}, {"06 3b 02", "00 02", PRIVILEGE_USER},
        {"06 3b f3", "cc", PRIVILEGE_USER}, /* reserved bits */
    };

    (void)state;
    fake.privilege = PRIVILEGE_USER;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(fake_bmc_talk(&fake, cases[i].request), cases[i].answer);
        assert_int_equal(sessions[0].info.privilege, cases[i].after);
        assert_int_equal(sessions[1].info.privilege, PRIVILEGE_ADMINISTRATOR);
    }
}

/* ---- Close Session ---- */

static void test_close(void **state)
{
    static const struct {
        const char *request, *answer;
        enum privilege level;
        bool own_gone, other_gone;
    } cases[] = {
        {"06 3c 01 10 00 00", "00", PRIVILEGE_CALLBACK, true, false},
        {"06 3c 00 00 00 00 01", "00", PRIVILEGE_CALLBACK, true, false},
        {"06 3c 02 20 00 00", "d4", PRIVILEGE_OPERATOR, false, false},
        {"06 3c 00 00 00 00 09", "d4", PRIVILEGE_OPERATOR, false, false},
        {"06 3c 02 20 00 00", "00", PRIVILEGE_ADMINISTRATOR, false, true},
        {"06 3c 00 00 00 00 09", "00", PRIVILEGE_ADMINISTRATOR, false, true},
        {"06 3c 03 30 00 00", "87", PRIVILEGE_ADMINISTRATOR, false, false},
        {"06 3c 00 00 00 00 05", "88", PRIVILEGE_ADMINISTRATOR, false, false},
        {"06 3c 00 00 00 00", "87", PRIVILEGE_ADMINISTRATOR, false, false},
        {"06 3c 00 00 00 00 00", "88", PRIVILEGE_ADMINISTRATOR, false, false},
        {"06 3c 02 20 00 00 09", "c7", PRIVILEGE_ADMINISTRATOR, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setup(state);
        fake.privilege = cases[i].level;
        assert_string_equal(fake_bmc_talk(&fake, cases[i].request), cases[i].answer);
        assert_int_equal(sessions[0].id == 0, cases[i].own_gone);
        assert_int_equal(sessions[1].id == 0, cases[i].other_gone);
    }
}

/* ---- Get Session Info ---- */

#define OWN   "00 01 25 02 02 02 11 c0 00 02 07 00 00 00 00 00 00 34 12"
#define OTHER "00 09 25 02 03 04 11 00 00 00 00 00 00 00 00 00 00 34 12"
#define NONE  "00 00 25 02"

static void test_info(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"06 3d 00", OWN},
        {"06 3d 01", OWN},
        {"06 3d 02", OTHER}, /* an IPv6 address does not fit and is not cut */
        {"06 3d 03", NONE},
        {"06 3d fd", NONE},
        {"06 3d fe 01", OWN},
        {"06 3d fe 09", OTHER},
        {"06 3d fe 02", NONE},
        {"06 3d fe 00", NONE},
        {"06 3d ff 02 20 00 00", OTHER},
        {"06 3d ff 00 00 00 00", NONE},
        {"06 3d fe", "c7"},
        {"06 3d ff 01 10 00", "c7"},
        {"06 3d 00 01", "c7"},
        {"06 3d fe 01 00", "c7"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(fake_bmc_talk(&fake, cases[i].request), cases[i].answer);
    sessions[1].info.rmcp_plus = false;
    assert_string_equal(fake_bmc_talk(&fake, "06 3d 02"),
                        "00 09 25 02 03 04 01 00 00 00 00 00 00 00 00 00 00 34 12");
    sessions[0].info.remote.any.sa_family = AF_UNSPEC;
    assert_string_equal(fake_bmc_talk(&fake, "06 3d 00"),
                        "00 01 25 02 02 02 11 00 00 00 00 00 00 00 00 00 00 00 00");
    endpoint_address_parse("::ffff:192.0.2.7", 0x1234, &sessions[0].info.remote);
    assert_string_equal(fake_bmc_talk(&fake, "06 3d 00"), OWN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_capabilities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_capabilities_from_the_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cipher_suite_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cipher_suites, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_privilege, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_info, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
