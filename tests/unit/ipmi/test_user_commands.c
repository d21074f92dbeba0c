/* Set and Get User Access, Set and Get User Name, Set User Password (IPMI 2.0, sections 22.26 to
 * 22.30), byte for byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"

#define BOB      " 62 6f 62 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define ADMIN    " 61 64 6d 69 6e 00 00 00 00 00 00 00 00 00 00 00"
#define NOBODY   " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define BUILDER  " 62 75 69 6c 64 65 72 00 00 00 00 00 00 00 00 00"
#define BUILDER4 BUILDER " 00 00 00 00"
#define TWENTY   " 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30"

struct dialogue {
    const char *request, *answer;
};

static void talk(const struct dialogue *dialogue, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fake_bmc.requests = 0; /* the table of replies is short */
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
        fake_bmc.save_count = fake_bmc.saves_finished = 0;
        const char *answer = fake_bmc_talk(&fake_bmc, dialogue[i].request);
        if (strcmp(answer, dialogue[i].answer) != 0)
            fail_msg("%s: answered %s, not %s", dialogue[i].request, answer, dialogue[i].answer);
    }
}

static int setup(void **state)
{
    struct users configured;

    fake_bmc_setup(state);
    users_init(&configured, NULL);
    assert_int_equal(users_add(&configured, "admin", "secret", PRIVILEGE_ADMINISTRATOR), 2);
    assert_int_equal(users_configure(&fake_bmc.bmc.users, &configured, NULL), 0);
    users_clear(&configured);
    return 0;
}

/* What ipmitool sends to make an account, and what it reads of it. */
static void test_account(void **state)
{
    static const struct dialogue dialogue[] = {
        {"06 44 01 01", "00 0f 81 01 0f"}, /* the null user */
        {"06 46 01", "00" NOBODY},
        {"06 44 01 02", "00 0f 41 01 14"},
        {"06 46 02", "00" ADMIN},
        {"06 44 0e 05", "00 0f 81 01 0f"},
        {"06 46 05", "00" NOBODY},
        {"06 45 05" BOB, "00"},
        {"06 46 05", "00" BOB},
        {"06 47 05 02" BUILDER, "00"},
        {"06 43 91 05 02 00", "00"},
        {"06 44 01 05", "00 0f 81 01 12"},
        {"06 47 05 01" NOBODY, "00"},
        {"06 44 01 05", "00 0f 42 01 12"},
        {"06 47 05 00", "00"},
        {"06 44 01 05", "00 0f 81 01 12"},
        {"06 47 85 01" NOBODY " 00 00 00 00", "00"},
        {"06 43 e1 05 03", "00"}, /* all but IPMI; the session limit left out */
        {"06 44 01 05", "00 0f 42 01 63"},
        {"06 43 11 05 0f 03", "00"}, /* bits not to be changed */
        {"06 44 01 05", "00 0f 42 01 6f"},
    };

    (void)state;
    talk(dialogue, ARRAY_SIZE(dialogue));
    assert_int_equal(fake_bmc.bmc.users.by_id[5].sessions, 3);
    assert_int_equal(fake_bmc.bmc.users.by_id[5].password_size, 16);
}

static void test_password(void **state)
{
    static const struct dialogue dialogue[] = {
        {"06 47 02 03 73 65 63 72 65 74 00 00 00 00 00 00 00 00 00 00", "00"},
        {"06 47 02 03" BUILDER, "80"},
        {"06 47 82 03" BUILDER4, "81"},
        {"06 47 05 03" BUILDER, "80"}, /* has none */
        {"06 47 82 02" TWENTY, "00"},
        {"06 47 82 03" TWENTY, "00"},
        {"06 47 82 03" BUILDER4, "80"},
        {"06 47 02 03" BUILDER, "81"},
        {"06 47 02 02" NOBODY, "cc"},
        {"06 47 02 02 61 00 62 00 00 00 00 00 00 00 00 00 00 00 00 00", "cc"},
        {"06 47 82 02" BUILDER, "c7"},
        {"06 47 02 02" TWENTY, "c7"},
        {"06 47 02 02", "c7"},
        {"06 47 02 03", "c7"},
        {"06 47 02", "c7"},
        {"06 47 02 01 00", "c7"},
        {"06 47 82 02" TWENTY " 00", "c7"},
        {"06 47 02 04" BUILDER, "cc"},
        {"06 47 42 02" BUILDER, "cc"},
        {"06 47 82 03" TWENTY, "00"}, /* nothing of that has changed it */
    };

    (void)state;
    talk(dialogue, ARRAY_SIZE(dialogue));
}

static void test_refusals(void **state)
{
    static const struct dialogue dialogue[] = {
        /* Ids. */
        {"06 43 91 00 02 00", "cc"},
        {"06 43 91 10 02 00", "c9"},
        {"06 43 91 3f 02 00", "c9"},
        {"06 43 91 42 02 00", "cc"},
        {"06 44 01 00", "cc"},
        {"06 44 01 10", "c9"},
        {"06 44 01 42", "cc"},
        {"06 45 00" BOB, "cc"},
        {"06 45 10" BOB, "c9"},
        {"06 45 45" BOB, "cc"},
        {"06 46 00", "cc"},
        {"06 46 3f", "c9"},
        {"06 46 42", "cc"},
        {"06 47 00 00", "cc"},
        {"06 47 10 00", "c9"},
        /* Channels without users. */
        {"06 43 90 02 02 00", "cc"},
        {"06 43 9f 02 02 00", "cc"},
        {"06 43 99 02 02 00", "cc"},
        {"06 44 0f 02", "cc"},
        {"06 44 11 02", "cc"},
        /* Values. */
        {"06 43 91 02 00 00", "cc"},
        {"06 43 91 02 06 00", "cc"},
        {"06 43 91 02 12 00", "cc"},
        {"06 43 91 02 02 10", "cc"},
        {"06 45 05" ADMIN, "cc"}, /* there already */
        {"06 45 05 62 00 62 00 00 00 00 00 00 00 00 00 00 00 00 00", "cc"},
        {"06 45 05 62 09 62 00 00 00 00 00 00 00 00 00 00 00 00 00", "cc"},
        /* The null user. */
        {"06 45 01" BOB, "cc"},
        {"06 45 01" NOBODY, "00"},
        {"06 47 01 01", "cc"},
        {"06 47 01 00", "00"},
        {"06 47 01 02" BUILDER, "cc"},
        /* Lengths. */
        {"06 43 91 02", "c7"},
        {"06 43 91 02 02 00 00", "c7"},
        {"06 44 01", "c7"},
        {"06 44 01 02 00", "c7"},
        {"06 45 05 62 6f 62", "c7"},
        {"06 45 05" BOB " 00", "c7"},
        {"06 46", "c7"},
        {"06 46 02 00", "c7"},
    };

    (void)state;
    talk(dialogue, ARRAY_SIZE(dialogue));
    assert_int_equal(fake_bmc.bmc.users.change_count, 0);
    assert_int_equal(fake_bmc.changes[BMC_PART_USERS], 0);
}

static void test_levels(void **state)
{
    static const struct dialogue user[] = {
        {"06 44 01 02", "d4"},  {"06 46 02", "d4"},    {"06 43 91 02 02 00", "d4"},
        {"06 45 05" BOB, "d4"}, {"06 47 02 00", "d4"},
    };
    static const struct dialogue operator[] = {
        {"06 44 01 02", "00 0f 41 01 14"},
        {"06 46 02", "00" ADMIN},
        {"06 43 91 02 02 00", "d4"},
        {"06 45 05" BOB, "d4"},
        {"06 47 02 00", "d4"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    talk(user, ARRAY_SIZE(user));
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    talk(operator, ARRAY_SIZE(operator));
    assert_int_equal(fake_bmc.bmc.users.change_count, 0);
}

/* Without a name an id is nobody's; the next one who gets it finds nothing of the last. */
static void test_removal(void **state)
{
    static const struct dialogue dialogue[] = {
        {"06 43 91 05 02 03", "00"}, /* before it has a name */
        {"06 45 05" NOBODY, "00"},   /* which it has not still */
        {"06 44 01 05", "00 0f 81 01 12"},
        {"06 45 05" BOB, "00"},
        {"06 47 05 02" BUILDER, "00"},
        {"06 47 05 01", "00"},
        {"06 45 05" NOBODY, "00"},
        {"06 44 01 05", "00 0f 81 01 0f"},
        {"06 47 05 03" BUILDER, "80"},
        {"06 45 02" NOBODY, "00"}, /* one of the configuration too */
        {"06 44 01 02", "00 0f 80 01 0f"},
    };

    (void)state;
    talk(dialogue, ARRAY_SIZE(dialogue));
    assert_int_equal(users_changed_parts(&fake_bmc.bmc.users, 5), 0);
    assert_false(users_have_named(&fake_bmc.bmc.users));
}

static void test_secret(void **state)
{
    static const struct {
        uint8_t netfn, command, data[2];
        bool is_secret;
    } cases[] = {
        {NETFN_APP, 0x47, {5, 2}, true},        {NETFN_APP, 0x45, {5, 2}, false},
        {NETFN_APP, 0x56, {1, 1}, true},        {NETFN_TRANSPORT, 0x01, {1, 16}, true},
        {NETFN_TRANSPORT, 0x01, {1, 0}, false}, {NETFN_TRANSPORT, 0x02, {1, 16}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ipmi_msg msg = {.netfn = cases[i].netfn,
                                     .command = cases[i].command,
                                     .data = cases[i].data,
                                     .data_length = sizeof cases[i].data};
        assert_int_equal(ipmi_carries_secret(&msg), cases[i].is_secret);
        /* The same in a Send Message, tracked or not; and one that cannot be opened. */
        for (unsigned how = 0x00; how <= 0x80; how += 0x40) {
            uint8_t carried[1 + IPMI_MSG_OVERHEAD + 2] = {(uint8_t)how, 0x20, 0, 0, 0x81, 0};
            carried[2] = (uint8_t)(cases[i].netfn << 2);
            carried[3] = (uint8_t) - (0x20 + carried[2]);
            carried[6] = cases[i].command;
            memcpy(carried + 7, cases[i].data, 2);
            for (size_t at = 4; at < sizeof carried - 1; at++)
                carried[sizeof carried - 1] -= carried[at];
            const struct ipmi_msg send = {.netfn = NETFN_APP,
                                          .command = 0x34,
                                          .data = carried,
                                          .data_length = sizeof carried};
            assert_int_equal(ipmi_carries_secret(&send), cases[i].is_secret || how == 0x80);
        }
    }
}

/* Answered when it is on disk; a value that is there already is on disk, or on its way there. */
static void test_saves(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 45 05" BOB), FAKE_BMC_WAITS);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 45 05" BOB), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "ff");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 45 05" BOB), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 47 05 02" BUILDER), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 4), "ff");
    assert_int_equal(fake_bmc.changes[BMC_PART_USERS], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_bmc_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_account), TEST(test_password), TEST(test_refusals), TEST(test_levels),
        TEST(test_removal), TEST(test_saves),    TEST(test_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
