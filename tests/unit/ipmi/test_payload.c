/* Payload and SOL commands: every completion code, every length, every privilege level, over
 * payload operations of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/ipmi/dispatch.h"

#define OTHER_SESSION 0x2002
#define OTHER_USER    3

#define ACTIVATE   "06 48 01 01 c6 00 00 00"
#define DEACTIVATE "06 49 01 01 00 00 00 00"
#define ACTIVATED  "00 00 00 00 00 03 01 04 01 6f 02 ff ff"

static struct fake_bmc fake;
static struct ipmi_session_info session;
static struct bmc_sol_policy policy;
static struct bmc_sol_owner owner;
static uint16_t denied; /* bit n: user n may not */
static int activate_result, access_result, set_result;
static unsigned activations, deactivations;
static uint32_t deactivated_by;
static char address[64];
static uint8_t set_number, set_data[20];
static size_t set_size;
static uint32_t set_session;

static struct bmc_sol_policy get_policy(void *context)
{
    assert_ptr_equal(context, &fake);
    return policy;
}

static struct bmc_sol_owner get_owner(void *context)
{
    assert_ptr_equal(context, &fake);
    return owner;
}

static int activate(void *context, const struct bmc_sol_owner *new_owner, const char *from,
                    struct bmc_sol_activation *activation)
{
    assert_ptr_equal(context, &fake);
    assert_int_equal(owner.session, 0);
    activations++;
    snprintf(address, sizeof address, "%s", from);
    if (activate_result < 0)
        return activate_result;
    owner = *new_owner;
    *activation = (struct bmc_sol_activation){0x0103, 0x0104, 623};
    return 0;
}

static void deactivate(void *context, uint32_t by)
{
    assert_ptr_equal(context, &fake);
    assert_int_not_equal(owner.session, 0);
    deactivations++;
    deactivated_by = by;
    owner.session = 0;
}

static bool user_may(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &fake);
    assert_true(user_id >= 1 && user_id <= USER_ID_MAX);
    return !(denied >> user_id & 1);
}

static int set_user_access(void *context, uint8_t user_id, bool may,
                           const struct bmc_ticket *ticket)
{
    assert_true(user_id >= 1 && user_id <= USER_ID_MAX);
    if (access_result < 0)
        return access_result;
    denied = (uint16_t)((denied & ~(1 << user_id)) | (may ? 0 : 1 << user_id));
    fake.bmc.core.hooks->changed(context ? &fake.bmc.core : NULL, BMC_PART_CHASSIS, ticket);
    return -EINPROGRESS;
}

static int set_parameter(void *context, uint32_t by, uint8_t parameter, const uint8_t *data,
                         size_t size, const struct bmc_ticket *ticket)
{
    assert_ptr_equal(context, &fake);
    assert_true(size <= sizeof set_data);
    set_session = by;
    set_number = parameter;
    set_size = size;
    memcpy(set_data, data, size);
    if (set_result == -EINPROGRESS)
        fake.bmc.core.hooks->changed(&fake.bmc.core, BMC_PART_CHASSIS, ticket);
    return set_result;
}

static int get_parameter(void *context, uint8_t parameter, uint8_t set, uint8_t block,
                         uint8_t *data, size_t *size)
{
    assert_ptr_equal(context, &fake);
    if (parameter == 9)
        return -ENOPROTOOPT;
    data[0] = parameter;
    data[1] = (uint8_t)(set << 4 | block);
    *size = 2;
    return 0;
}

static const struct bmc_payload_ops ops = {
    .policy = get_policy,
    .owner = get_owner,
    .activate = activate,
    .deactivate = deactivate,
    .user_may = user_may,
    .set_user_access = set_user_access,
    .set_parameter = set_parameter,
    .get_parameter = get_parameter,
};

static int info(void *context, uint32_t id, struct ipmi_session_info *found)
{
    (void)context;
    if (id != FAKE_BMC_SESSION)
        return -ENOENT;
    *found = session;
    return 0;
}

static const struct ipmi_session_ops session_ops = {.info = info};

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&fake, HOST_POWER_RUNNING);
    fake.sessions = &session_ops;
    fake.bmc.payload = &ops;
    fake.bmc.payload_context = &fake;
    session = (struct ipmi_session_info){
        .handle = 1, .rmcp_plus = true, .authenticated = true, .encrypted = true};
    endpoint_address_parse("192.0.2.7", 0x1234, &session.remote);
    policy = (struct bmc_sol_policy){true, true, true, PRIVILEGE_USER};
    owner = (struct bmc_sol_owner){0};
    denied = 0;
    activate_result = access_result = 0;
    set_result = -EINPROGRESS;
    activations = deactivations = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_bmc_clear(&fake);
    return 0;
}

struct exchange {
    const char *request, *answer;
};

static void talk(const struct exchange *exchanges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = fake_bmc_talk(&fake, exchanges[i].request);
        if (strcmp(answer, exchanges[i].answer) != 0)
            fail_msg("%s: %s, not %s", exchanges[i].request, answer, exchanges[i].answer);
    }
}

/* ---- the table ---- */

static const struct {
    const char *request; /* whole */
    enum privilege privilege;
    uint8_t shortest, longest; /* bytes of data */
} commands[] = {
    {ACTIVATE, PRIVILEGE_CALLBACK, 6, 6},
    {DEACTIVATE, PRIVILEGE_CALLBACK, 6, 6},
    {"06 4a 01", PRIVILEGE_USER, 1, 1},
    {"06 4b 01 01", PRIVILEGE_USER, 2, 2},
    {"06 4c 01 02 02 00 00 00", PRIVILEGE_ADMINISTRATOR, 6, 6},
    {"06 4d 01 02", PRIVILEGE_OPERATOR, 2, 2},
    {"06 4e 01", PRIVILEGE_USER, 1, 1},
    {"06 4f 01 01", PRIVILEGE_USER, 2, 2},
    {"0c 21 01 01 01", PRIVILEGE_ADMINISTRATOR, 2, 20},
    {"0c 22 01 01 00 00", PRIVILEGE_USER, 4, 4},
};

/* The request with its data cut or lengthened to that many bytes. */
static const char *of_length(const char *request, unsigned length)
{
    static char text[128];

    snprintf(text, sizeof text, "%s", request);
    text[5] = '\0';
    for (unsigned i = 0; i < length; i++) {
        size_t at = 6 + 3 * (size_t)i;
        snprintf(text + strlen(text), 4, " %.2s", at < strlen(request) ? request + at : "00");
    }
    return text;
}

static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        for (unsigned length = 0; length <= commands[i].longest + 1U; length++) {
            const char *answer = fake_bmc_talk(&fake, of_length(commands[i].request, length));
            bool fits = length >= commands[i].shortest && length <= commands[i].longest;
            assert_int_equal(strcmp(answer, "c7") != 0, fits);
            if (fake_bmc_request(&fake) > FAKE_BMC_REPLIES_MAX / 2) {
                teardown(state);
                setup(state);
            }
        }
    }
}

static void test_privileges(void **state)
{
    (void)state;
    policy.privilege = PRIVILEGE_CALLBACK;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        fake.privilege = commands[i].privilege;
        assert_string_not_equal(fake_bmc_talk(&fake, commands[i].request), "d4");
        fake.privilege = (enum privilege)(commands[i].privilege - 1);
        assert_string_equal(fake_bmc_talk(&fake, commands[i].request), "d4");
    }
}

static void test_without_payloads(void **state)
{
    (void)state;
    fake.bmc.payload = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        assert_string_equal(fake_bmc_talk(&fake, commands[i].request), "c1");
}

/* ---- Activate Payload ---- */

static void test_activate(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), ACTIVATED);
    assert_int_equal(owner.session, FAKE_BMC_SESSION);
    assert_int_equal(owner.user_id, USER_ID_FIRST);
    assert_string_equal(address, "192.0.2.7");
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "80"); /* by itself */
    owner.session = OTHER_SESSION;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "80");
    assert_int_equal(activations, 1);
    owner.session = 0;
    endpoint_address_parse("2001:db8::7", 1, &session.remote);
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), ACTIVATED);
    assert_string_equal(address, "2001:db8::7");
    owner.session = 0;
    endpoint_address_parse("::ffff:192.0.2.8", 1, &session.remote);
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), ACTIVATED);
    assert_string_equal(address, "192.0.2.8");
}

static void test_activate_refused(void **state)
{
    static const struct exchange exchanges[] = {
        {"06 48 00 01 c6 00 00 00", "cc"}, /* IPMI cannot be activated */
        {"06 48 02 01 c6 00 00 00", "cc"}, {"06 48 10 01 c6 00 00 00", "cc"},
        {"06 48 01 00 c6 00 00 00", "cc"}, {"06 48 01 02 c6 00 00 00", "82"},
        {"06 48 01 0f c6 00 00 00", "82"},
    };

    (void)state;
    talk(exchanges, ARRAY_SIZE(exchanges));
    policy.enabled = false;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "81");
    policy.enabled = true;
    denied = 1 << USER_ID_FIRST;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "81");
    fake.user_id = OTHER_USER;
    activate_result = -ENODEV;
    assert_int_equal(activations, 0);
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "c0");
    activate_result = -ENOMEM;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "ff");
    assert_int_equal(activations, 2);
    fake.session = OTHER_SESSION; /* gone meanwhile */
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "c1");
    fake.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake.sessions = NULL;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "c1");
}

/* Parameter 2 decides who is high enough, whatever the table says. */
static void test_activate_privilege(void **state)
{
    (void)state;
    for (int needed = PRIVILEGE_USER; needed <= PRIVILEGE_OEM; needed++) {
        for (int level = PRIVILEGE_CALLBACK; level <= PRIVILEGE_OEM; level++) {
            policy.privilege = (enum privilege)needed;
            fake.privilege = (enum privilege)level;
            owner.session = 0;
            assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), level >= needed ? ACTIVATED : "d4");
        }
    }
}

static void test_protection(void **state)
{
    static const struct {
        bool force_authentication, force_encryption, authenticated, encrypted;
        const char *wanted, *code;
    } cases[] = {
        {false, false, true, true, "c0", "00"},   {false, false, true, true, "00", "00"},
        {true, true, true, true, "00", "00"},     {false, false, true, false, "40", "00"},
        {false, false, true, false, "c0", "83"},  {false, false, true, false, "80", "83"},
        {false, true, true, false, "40", "84"},   {false, true, true, false, "c0", "84"},
        {true, false, true, false, "00", "00"},   {false, false, false, false, "00", "00"},
        {true, false, false, false, "00", "84"},  {false, false, false, false, "40", "83"},
        {false, false, false, false, "3f", "00"}, /* test mode, alerts and modem lines */
    };
    char request[] = "06 48 01 01 00 00 00 00";

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setup(state);
        policy.force_authentication = cases[i].force_authentication;
        policy.force_encryption = cases[i].force_encryption;
        session.authenticated = cases[i].authenticated;
        session.encrypted = cases[i].encrypted;
        memcpy(request + 12, cases[i].wanted, 2);
        assert_memory_equal(fake_bmc_talk(&fake, request), cases[i].code, 2);
    }
}

static void test_ipmi_1_5(void **state)
{
    (void)state;
    session.rmcp_plus = false;
    assert_string_equal(fake_bmc_talk(&fake, ACTIVATE), "d5");
    assert_int_equal(owner.session, 0);
}

/* ---- Deactivate Payload ---- */

static void test_deactivate(void **state)
{
    static const struct exchange exchanges[] = {
        {DEACTIVATE, "80"},
        {"06 49 01 02 00 00 00 00", "80"},
        {"06 49 01 00 00 00 00 00", "cc"},
        {"06 49 00 01 00 00 00 00", "cc"},
        {ACTIVATE, ACTIVATED},
        {"06 49 01 02 00 00 00 00", "80"},
        {DEACTIVATE, "00"},
        {DEACTIVATE, "80"},
    };

    (void)state;
    talk(exchanges, ARRAY_SIZE(exchanges));
    assert_int_equal(deactivations, 1);
    assert_int_equal(deactivated_by, FAKE_BMC_SESSION);
    policy.enabled = false;
    assert_string_equal(fake_bmc_talk(&fake, DEACTIVATE), "81");
}

/* Of another session: the same user may, and an administrator. */
static void test_take_over(void **state)
{
    static const struct {
        uint8_t user;
        enum privilege privilege;
        const char *answer;
    } cases[] = {
        {USER_ID_FIRST, PRIVILEGE_CALLBACK, "00"},
        {OTHER_USER, PRIVILEGE_OPERATOR, "d4"},
        {OTHER_USER, PRIVILEGE_ADMINISTRATOR, "00"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        owner = (struct bmc_sol_owner){OTHER_SESSION, cases[i].user};
        fake.privilege = cases[i].privilege;
        assert_string_equal(fake_bmc_talk(&fake, DEACTIVATE), cases[i].answer);
        assert_int_equal(owner.session == 0, strcmp(cases[i].answer, "00") == 0);
    }
    owner = (struct bmc_sol_owner){OTHER_SESSION, OTHER_USER};
    fake.origin = IPMI_ORIGIN_SYSTEM_INTERFACE; /* the guest is not asked who it is */
    fake.sessions = NULL;
    assert_string_equal(fake_bmc_talk(&fake, DEACTIVATE), "00");
}

/* ---- what is read ---- */

static void test_status(void **state)
{
    static const struct exchange inactive[] = {
        {"06 4a 01", "00 01 00 00"}, {"06 4a 00", "cc"},
        {"06 4a 02", "cc"},          {"06 4b 01 01", "00 00 00 00 00 00 00 00 00 00 00 00 00"},
        {"06 4b 01 00", "cc"},       {"06 4b 00 01", "cc"},
    };
    static const struct exchange active[] = {
        {"06 4a 01", "00 01 01 00"},
        {"06 4b 01 01", "00 04 03 02 81 01 00 00 00 00 00 00 00"},
        {"06 4b 01 02", "00 00 00 00 00 00 00 00 00 00 00 00 00"},
    };

    (void)state;
    talk(inactive, ARRAY_SIZE(inactive));
    owner.session = 0x81020304;
    talk(active, ARRAY_SIZE(active));
}

static void test_channel(void **state)
{
    static const struct exchange exchanges[] = {
        {"06 4e 01", "00 03 00 3f 00 00 00 00 00"},
        {"06 4e 0e", "00 03 00 3f 00 00 00 00 00"},
        {"06 4e 00", "cc"},
        {"06 4e 0f", "cc"},
        {"06 4f 0e 00", "00 10"},
        {"06 4f 0e 01", "00 10"},
        {"06 4f 01 10", "00 10"},
        {"06 4f 01 15", "00 10"},
        {"06 4f 01 02", "80"},
        {"06 4f 01 0f", "80"},
        {"06 4f 01 16", "80"},
        {"06 4f 01 20", "80"},
        {"06 4f 02 01", "cc"},
    };

    (void)state;
    talk(exchanges, ARRAY_SIZE(exchanges));
}

/* ---- user payload access ---- */

static void test_user_access(void **state)
{
    static const struct exchange exchanges[] = {
        {"06 4d 0e 02", "00 02 00 00 00"},
        {"06 4c 0e 42 02 00 00 00", "00"},
        {"06 4d 0e 02", "00 00 00 00 00"},
        {"06 4d 0e 03", "00 02 00 00 00"},
        {ACTIVATE, "81"},
        {"06 4c 01 02 00 00 00 00", "00"}, /* enables nothing */
        {"06 4d 01 02", "00 00 00 00 00"},
        {"06 4c 01 42 fd ff ff ff", "00"}, /* disables what there is not */
        {"06 4c 01 02 02 00 00 00", "00"},
        {"06 4d 01 02", "00 02 00 00 00"},
        {"06 4c 01 02 06 00 00 00", "cc"}, /* enables what there is not */
        {"06 4c 01 02 02 01 00 00", "cc"},
        {"06 4c 01 02 02 00 01 00", "cc"},
        {"06 4c 01 02 02 00 00 01", "cc"},
        {"06 4c 01 82 02 00 00 00", "cc"},
        {"06 4c 01 c2 02 00 00 00", "cc"},
        {"06 4c 00 02 02 00 00 00", "cc"},
        {"06 4c 01 00 02 00 00 00", "cc"},
        {"06 4c 01 10 02 00 00 00", "cc"},
        {"06 4d 00 02", "cc"},
        {"06 4d 01 00", "cc"},
        {"06 4d 01 10", "cc"},
    };

    (void)state;
    talk(exchanges, ARRAY_SIZE(exchanges));
    access_result = -ENOENT; /* an id that nobody has may be given no access */
    assert_string_equal(fake_bmc_talk(&fake, "06 4c 01 02 02 00 00 00"), "cc");
    assert_string_equal(fake_bmc_talk(&fake, "06 4c 01 42 02 00 00 00"), "00");
    access_result = 0;
    fake.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake, "06 4c 01 42 02 00 00 00"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake, -ENOSPC);
    assert_string_equal(fake_bmc_answer(&fake, fake_bmc_request(&fake)), "c4");
}

/* ---- SOL configuration ---- */

static void test_set_parameter(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 0e 03 0c 60"), "00");
    assert_int_equal(set_number, 3);
    assert_int_equal(set_size, 2);
    assert_memory_equal(set_data, "\x0c\x60", 2);
    assert_int_equal(set_session, FAKE_BMC_SESSION);
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 0f 03 0c 60"), "cc");
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 02 03 0c 60"), "cc");
    fake.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 01 03 0c 60"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake, -EIO);
    assert_string_equal(fake_bmc_answer(&fake, fake_bmc_request(&fake)), "ff");
    set_result = -EBADF;
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 01 07 01"), "82");
    set_result = 0;
    assert_string_equal(fake_bmc_talk(&fake, "0c 21 01 00 01"), "00");
}

static void test_get_parameter(void **state)
{
    static const struct exchange exchanges[] = {
        {"0c 22 0e 03 01 02", "00 11 03 12"}, {"0c 22 01 09 00 00", "80"},
        {"0c 22 81 03 00 00", "00 11"}, /* the revision only */
        {"0c 22 8e 09 00 00", "00 11"},       {"0c 22 00 03 00 00", "cc"},
        {"0c 22 0f 03 00 00", "cc"},
    };

    (void)state;
    talk(exchanges, ARRAY_SIZE(exchanges));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_privileges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_payloads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_activate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_activate_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_activate_privilege, setup, teardown),
        cmocka_unit_test_setup_teardown(test_protection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipmi_1_5, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deactivate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_channel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_access, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_parameter, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
