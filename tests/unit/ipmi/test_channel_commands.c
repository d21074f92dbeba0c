/* Channels: which there are, channel access in its two settings, and what it means for log-ins. */
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
#include "vbmc/bmc/lan.h"

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

static void count(void *context, unsigned *slots, unsigned *active)
{
    (void)context;
    *slots = 40;
    *active = 3;
}

static int no_info(void *context, uint32_t session, struct ipmi_session_info *info)
{
    (void)context, (void)session, (void)info;
    return -ENOENT;
}

static void test_info(void **state)
{
    static const struct ipmi_session_ops counted = {.count = count, .info = no_info};

    (void)state;
    fake_bmc.sessions = &counted;
    assert_string_equal(talk("06 42 0e"), "00 01 04 01 83 f2 1b 00 00 00");
    assert_string_equal(talk("06 42 01"), "00 01 04 01 83 f2 1b 00 00 00");
    assert_string_equal(talk("06 42 0f"), "00 0f 0c 05 00 f2 1b 00 ff ff");
    for (unsigned channel = 0; channel <= UINT8_MAX; channel++) {
        char request[16];
        if (channel == 1 || channel == 0x0e || channel == 0x0f)
            continue;
        snprintf(request, sizeof request, "06 42 %02x", channel);
        assert_string_equal(talk(request), "cc");
        fake_bmc.requests = 0;
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    }
    fake_bmc.sessions = NULL;
    fake_bmc.channel = CHANNEL_SYSTEM_INTERFACE;
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    assert_string_equal(talk("06 42 0e"), "00 0f 0c 05 00 f2 1b 00 ff ff");
    assert_string_equal(talk("06 42 01"), "00 01 04 01 80 f2 1b 00 00 00");
}

static void test_access(void **state)
{
    static const struct {
        const char *request, *answer, *non_volatile, *present;
    } cases[] = {
        {"06 41 0e 40", "00 02 04", "02 04", "02 04"},
        {"06 40 01 a2 00", "00", "02 04", "22 04"}, /* volatile: alerting off */
        {"06 40 01 62 00", "00", "22 04", "22 04"}, /* non-volatile */
        {"06 40 01 5a 00", "00", "1a 04", "22 04"}, /* leaves what holds now */
        {"06 40 01 00 82", "00", "1a 04", "22 02"},
        {"06 40 01 00 43", "00", "1a 03", "22 02"},
        {"06 40 01 3f 3f", "cc", "1a 03", "22 02"}, /* reserved */
        {"06 40 01 3f 0f", "00", "1a 03", "22 02"}, /* nothing is to be set */
        {"06 40 01 c2 00", "cc", "1a 03", "22 02"},
        {"06 40 01 00 c4", "cc", "1a 03", "22 02"},
        {"06 40 01 84 00", "cc", "1a 03", "22 02"}, /* there is no such mode */
        {"06 40 01 00 80", "cc", "1a 03", "22 02"}, /* nor such a limit */
        {"06 40 01 00 86", "cc", "1a 03", "22 02"},
        {"06 40 01 83 85", "00", "1a 03", "03 05"}, /* shared; OEM */
        {"06 40 01 42 44", "00", "02 04", "03 05"},
        {"06 40 0f 82 84", "82", "02 04", "03 05"},
        {"06 40 00 82 84", "cc", "02 04", "03 05"},
        {"06 40 09 82 84", "cc", "02 04", "03 05"},
        {"06 40 11 82 84", "cc", "02 04", "03 05"},
        {"06 40 01 82", "c7", "02 04", "03 05"},
        {"06 40 01 82 84 00", "c7", "02 04", "03 05"},
        {"06 41 0f 40", "82", "02 04", "03 05"},
        {"06 41 00 40", "cc", "02 04", "03 05"},
        {"06 41 01 00", "cc", "02 04", "03 05"},
        {"06 41 01 c0", "cc", "02 04", "03 05"},
        {"06 41 01 41", "cc", "02 04", "03 05"},
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (strcmp(talk(cases[i].request), cases[i].answer) != 0)
            fail_msg("%s: %s, not %s", cases[i].request, fake_bmc.text, cases[i].answer);
        snprintf(text, sizeof text, "00 %s", cases[i].non_volatile);
        assert_string_equal(talk("06 41 01 40"), text);
        snprintf(text, sizeof text, "00 %s", cases[i].present);
        assert_string_equal(talk("06 41 01 80"), text);
        fake_bmc.requests = 0;
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    }
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 4); /* only what outlasts a restart */
    lan_restart(&fake_bmc.bmc.lan);
    assert_string_equal(talk("06 41 01 80"), "00 02 04");
}

static void configure(enum privilege limit)
{
    struct channel channel;

    channel_set_defaults(&channel);
    channel.limit = limit;
    lan_configure(&fake_bmc.bmc.lan, &channel, false);
}

/* A client's limit holds until the configured one changes. */
static void test_who_wins(void **state)
{
    (void)state;
    configure(PRIVILEGE_OPERATOR);
    assert_string_equal(talk("06 41 01 40"), "00 02 03");
    assert_string_equal(talk("06 40 01 00 42"), "00");
    assert_string_equal(talk("06 40 01 00 84"), "00");
    assert_int_equal(fake_bmc.bmc.channel.limit, PRIVILEGE_ADMINISTRATOR);
    assert_int_equal(fake_bmc.logins_changes, 1); /* of the limit for now */
    configure(PRIVILEGE_OPERATOR);
    assert_string_equal(talk("06 41 01 40"), "00 02 02");
    assert_int_equal(fake_bmc.bmc.channel.limit, PRIVILEGE_ADMINISTRATOR);
    unsigned changes = fake_bmc.changes[BMC_PART_LAN];
    configure(PRIVILEGE_USER);
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], changes + 1); /* for good */
    assert_int_equal(fake_bmc.bmc.channel.limit, PRIVILEGE_USER);
    configure(PRIVILEGE_OPERATOR);
    assert_string_equal(talk("06 41 01 40"), "00 02 03");
    assert_string_equal(talk("06 41 01 80"), "00 02 03");
}

static void test_closed(void **state)
{
    const struct channel *channel = &fake_bmc.bmc.channel;

    (void)state;
    assert_false(channel->is_closed);
    talk("06 40 01 40 00");
    assert_false(channel->is_closed); /* when the BMC starts */
    talk("06 40 01 80 00");
    assert_true(channel->is_closed);
    talk("06 40 01 81 00"); /* pre-boot only */
    assert_true(channel->is_closed);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_false(channel->is_closed);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_true(channel->is_closed);
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_false(channel->is_closed);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    assert_true(channel->is_closed);
    talk("06 40 01 83 00");
    assert_false(channel->is_closed);
    lan_restart(&fake_bmc.bmc.lan);
    assert_true(channel->is_closed);
}

/* Every suite, in pieces of 16 bytes, by number. */
static void test_all_suites(void **state)
{
    static const uint8_t all[] = {17, 16, 15, 12, 11, 8, 7, 6, 3, 2, 1};
    struct channel *channel = &fake_bmc.bmc.channel;

    (void)state;
    memcpy(channel->suites, all, sizeof all);
    channel->suite_count = sizeof all;
    assert_string_equal(talk("06 54 0e 00 80"),
                        "00 01 c0 01 01 40 80 c0 02 01 41 80 c0 03 01 41 81 c0");
    assert_string_equal(talk("06 54 0e 00 81"),
                        "00 01 06 02 40 80 c0 07 02 42 80 c0 08 02 42 81 c0 0b");
    assert_string_equal(talk("06 54 0e 00 82"),
                        "00 01 02 43 80 c0 0c 02 43 81 c0 0f 03 40 80 c0 10 03");
    assert_string_equal(talk("06 54 0e 00 83"), "00 01 44 80 c0 11 03 44 81");
    assert_string_equal(talk("06 54 0e 00 84"), "00 01");
    assert_string_equal(talk("06 54 0e 00 00"), "00 01 01 40 80 41 81 02 42 43 03 44");
    channel->suite_limits[3] = PRIVILEGE_NO_ACCESS; /* is not offered */
    assert_string_equal(talk("06 54 0e 00 80"),
                        "00 01 c0 01 01 40 80 c0 02 01 41 80 c0 06 02 40 80 c0");
}

#define KEY  "61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73"
#define ZERO "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"

/* The channel key: set, hidden, taken away; and it holds until the configured one changes. */
static void test_key(void **state)
{
    const struct channel *channel = &fake_bmc.bmc.channel;
    struct channel configured;

    (void)state;
    assert_string_equal(talk("06 56 01 00 01"), "00 00 00 " ZERO);
    assert_string_equal(talk("06 56 01 00 00"), "84");
    assert_string_equal(talk("06 56 01 01 00 00 " KEY), "84");
    assert_string_equal(talk("06 56 01 01 01 " KEY), "81");
    assert_string_equal(talk("06 56 01 01 01 00 00 " KEY), "82");
    assert_string_equal(talk("06 56 01 00 01 00"), "c7");
    assert_string_equal(talk("06 56 01 02 01"), "cc"); /* cannot be locked */
    assert_string_equal(talk("06 56 01 04 01"), "cc");
    assert_string_equal(talk("06 56 01 00 02"), "cc");
    assert_string_equal(talk("06 56 0f 00 01"), "cc");
    assert_string_equal(talk("06 56 11 00 01"), "cc");
    assert_false(channel->has_kg);
    assert_string_equal(talk("06 56 0e 01 01 00 " KEY), "00 00");
    assert_true(channel->has_kg);
    assert_memory_equal(channel->kg, "\0abcdefghijklmnopqrs", CHANNEL_KG_SIZE);
    assert_string_equal(talk("06 56 01 00 01"), "d4");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    assert_string_equal(talk("06 56 01 01 01 00 " KEY), "00 00"); /* it is there */
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    configure(PRIVILEGE_ADMINISTRATOR);
    assert_true(channel->has_kg);
    assert_string_equal(talk("06 56 01 01 01 00 " ZERO), "00 00");
    assert_false(channel->has_kg);
    assert_string_equal(talk("06 56 01 01 01 00 " KEY), "00 00");
    unsigned changes = fake_bmc.changes[BMC_PART_LAN];
    channel_set_defaults(&configured);
    configured.has_kg = true;
    configured.kg = (const uint8_t[CHANNEL_KG_SIZE]){1};
    assert_true(lan_configure(&fake_bmc.bmc.lan, &configured, false));
    assert_int_equal(channel->kg[0], 1);
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], changes + 1);
    configure(PRIVILEGE_ADMINISTRATOR);
    assert_false(channel->has_kg);
}

/* ---- the LAN parameters that log-ins go by ---- */

#define NOBODYS "00 00 00 00 00 00"

static void test_suite_limits(void **state)
{
    const struct channel *channel = &fake_bmc.bmc.channel;

    (void)state;
    assert_int_equal(channel_suite_limit(channel, 3), PRIVILEGE_ADMINISTRATOR);
    assert_string_equal(talk("0c 01 01 18 00 00 20 00 00 00 00 00 00"), "00");
    assert_string_equal(talk("0c 02 01 18 00 00"), "00 11 00 00 20 00 00 00 00 00 00");
    assert_int_equal(channel_suite_limit(channel, 3), PRIVILEGE_USER);
    assert_int_equal(channel_suite_limit(channel, 17), PRIVILEGE_ADMINISTRATOR);
    assert_string_equal(talk("0c 01 01 18 00 00 00 00 00 00 00 00 00"), "00");
    assert_int_equal(channel_suite_limit(channel, 3), PRIVILEGE_NO_ACCESS);
    assert_string_equal(talk("0c 02 01 17 00 00"), "00 11 00 03 11 00 00 " NOBODYS " " NOBODYS);
    assert_string_equal(talk("0c 01 01 18 00 00 60 00 00 00 00 00 00"), "cc");
    assert_string_equal(talk("0c 01 01 18 01 00 40 00 00 00 00 00 00"), "cc");
    /* One that the configuration adds later has no limit of before. */
    struct channel more;
    channel_set_defaults(&more);
    more.suites[more.suite_count++] = 8;
    assert_true(lan_configure(&fake_bmc.bmc.lan, &more, false));
    assert_string_equal(talk("0c 02 01 18 00 00"), "00 11 00 00 00 00 00 04 00 00 00");
    assert_int_equal(channel_suite_limit(channel, 8), PRIVILEGE_ADMINISTRATOR);
    assert_int_equal(channel_suite_limit(channel, 3), PRIVILEGE_NO_ACCESS);
}

/* Where IPMI 1.5 is allowed, by level. */
static void test_authentication_enables(void **state)
{
    const struct channel *channel = &fake_bmc.bmc.channel;
    struct channel configured;

    (void)state;
    channel_set_defaults(&configured);
    configured.authentication_types = CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD;
    lan_configure(&fake_bmc.bmc.lan, &configured, false);
    assert_string_equal(talk("0c 02 01 01 00 00"), "00 11 14");
    assert_string_equal(talk("0c 02 01 02 00 00"), "00 11 14 14 14 14 00");
    assert_string_equal(talk("0c 01 01 02 00 04 04 04 00"), "00");
    assert_string_equal(talk("0c 01 01 02 01 04 04 04 00"), "cc");
    assert_string_equal(talk("0c 02 01 02 00 00"), "00 11 00 04 04 04 00");
    assert_int_equal(channel_authentication_types(channel, PRIVILEGE_ADMINISTRATOR),
                     CHANNEL_AUTH_MD5);
    assert_int_equal(channel_authentication_types(channel, PRIVILEGE_CALLBACK), 0);
    assert_int_equal(channel_authentication_types(channel, PRIVILEGE_OEM), 0);
    assert_int_equal(channel_authentication_types(channel, PRIVILEGE_NO_ACCESS), 0);
}

static void test_privileges(void **state)
{
    (void)state;
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(talk("06 40 01 82 84"), "d4");
    assert_string_equal(talk("06 56 01 00 01"), "d4");
    fake_bmc.privilege = PRIVILEGE_USER;
    assert_string_equal(talk("06 41 01 80"), "00 02 04");
    assert_string_equal(talk("06 42 01"), "00 01 04 01 80 f2 1b 00 00 00");
    fake_bmc.privilege = PRIVILEGE_CALLBACK;
    assert_string_equal(talk("06 41 01 80"), "d4");
    assert_string_equal(talk("06 42 01"), "d4");
    assert_memory_equal(talk("06 54 01 00 80"), "00 01", 5);
}

static void test_disk(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(talk("06 40 01 82 83"), "00"); /* volatile: nothing to store */
    assert_string_equal(talk("06 40 01 41 00"), FAKE_BMC_WAITS);
    assert_string_equal(talk("06 40 01 41 00"), FAKE_BMC_WAITS); /* the same, on its way */
    assert_string_equal(talk("06 40 01 82 83"), "00");
    fake_bmc_finish_save(&fake_bmc, -EIO);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "ff");
    assert_string_equal(fake_bmc_answer(&fake_bmc, 3), "ff");
    assert_string_equal(talk("06 40 01 41 00"), "00");
    assert_string_equal(talk("06 56 01 01 01 " KEY " 74"), FAKE_BMC_WAITS);
    assert_string_equal(talk("06 56 01 01 01 " KEY " 74"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(talk("06 56 01 01 01 " KEY " 74"), "00 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_info, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_access, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_who_wins, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_closed, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_key, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_all_suites, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_suite_limits, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_authentication_enables, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_privileges, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_disk, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
