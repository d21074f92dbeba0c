/* LAN configuration parameters by the LAN commands: what there is, what may be written, "set in
 * progress" with its roll-back, and a disk that refuses. */
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
#include "vbmc/bmc/lan.h"

#define OTHER_SESSION 0x2002

static void network(void *context, struct lan_network *network)
{
    static const struct lan_network facts = {
        .has_v4 = true,
        .ip = {192, 0, 2, 10},
        .mask = {255, 255, 255, 0},
        .mac = {0x52, 0x54, 0, 0, 0, 1},
        .gateway = {192, 0, 2, 1},
        .port = 6230,
    };

    (void)context;
    *network = facts;
}

static void statistics(void *context, struct lan_statistics *statistics)
{
    (void)context;
    *statistics = (struct lan_statistics){0x0102, 0xffff, 0x0100};
}

static void clear_statistics(void *context)
{
    (void)context;
}

static const struct lan_ops ops = {network, statistics, clear_statistics};

static int setup(void **state)
{
    fake_bmc_setup(state);
    lan_set_ops(&fake_bmc.bmc.lan, &ops, NULL);
    return 0;
}

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

#define NOBODYS "00 00 00 00 00 00"

/* "0c 02 01 NUMBER SET 00" and what is answered. */
static const struct {
    const char *parameter, *answer;
} fresh[] = {
    {"00 00 00", "00 11 00"},
    {"01 00 00", "00 11 00"},
    {"02 00 00", "00 11 00 00 00 00 00"},
    {"03 00 00", "00 11 c0 00 02 0a"},
    {"04 00 00", "00 11 01"},
    {"05 00 00", "00 11 52 54 00 00 00 01"},
    {"06 00 00", "00 11 ff ff ff 00"},
    {"07 00 00", "00 11 40 40 10"},
    {"08 00 00", "00 11 56 18"},
    {"09 00 00", "80"},
    {"0a 00 00", "00 11 02"},
    {"0b 00 00", "00 11 03"},
    {"0c 00 00", "00 11 c0 00 02 01"},
    {"0d 00 00", "00 11 " NOBODYS},
    {"0e 00 00", "00 11 00 00 00 00"},
    {"0f 00 00", "00 11 " NOBODYS},
    {"10 00 00", "00 11 70 75 62 6c 69 63 " NOBODYS " " NOBODYS},
    {"11 00 00", "00 11 0f"},
    {"12 00 00", "00 11 00 00 00 00"},
    {"12 0f 00", "00 11 0f 00 00 00"},
    {"13 03 00", "00 11 03 00 00 00 00 00 00 " NOBODYS},
    {"14 00 00", "00 11 00 00"},
    {"15 00 00", "00 11 00"},
    {"16 00 00", "00 11 02"},
    {"17 00 00", "00 11 00 03 11 00 00 " NOBODYS " " NOBODYS},
    {"18 00 00", "00 11 00 00 40 00 00 00 00 00 00"},
    {"19 01 00", "00 11 01 00 00 00"},
    {"1a 00 00", "00 11 " NOBODYS},
    {"1b 00 00", "80"},
    {"32 00 00", "00 11 00"},
    {"33 00 00", "00 11 00"},
    {"34 00 00", "80"},
    {"37 00 00", "80"}, /* this and the following need an IPv6 address */
    {"38 00 00", "80"},
    {"3e 00 00", "80"},
    {"40 00 00", "80"},
    {"41 00 00", "80"},
    {"49 00 00", "80"},
    {"4f 00 00", "80"},
    {"50 00 00", "80"},
    {"c0 00 00", "80"},
    {"ff 00 00", "80"},
    {"00 01 00", "c9"},
    {"03 01 00", "c9"},
    {"12 10 00", "c9"},
    {"13 ff 00", "c9"},
    {"03 00 01", "c9"},
};

static void check_fresh(void)
{
    char request[40];

    for (size_t i = 0; i < ARRAY_SIZE(fresh); i++) {
        snprintf(request, sizeof request, "0c 02 01 %s", fresh[i].parameter);
        if (strcmp(talk(request), fresh[i].answer) != 0)
            fail_msg("%s: %s, not %s", request, fake_bmc.text, fresh[i].answer);
        fake_bmc.requests = 0; /* the fake has room for so many */
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    }
}

static void test_fresh(void **state)
{
    (void)state;
    check_fresh();
    assert_int_equal(fake_bmc.save_count, 0);
    assert_string_equal(talk("0c 02 81 03 00 00"), "00 11"); /* the revision alone */
    assert_string_equal(talk("0c 02 0e 04 00 00"), "00 11 01");
    assert_null(fake_bmc.bmc.lan.held); /* nothing was allocated for it */
}

/* What is written is read, stored, and what is refused changes nothing. */
static void test_writing(void **state)
{
    static const struct {
        const char *parameter, *answer; /* number and data */
        const char *get, *after;        /* number and set; data behind the revision */
    } cases[] = {
        {"07 3f 60 08", "00", "07 00", "3f 60 08"},
        {"07 3f 41 08", "cc", "07 00", "3f 60 08"},
        {"07 3f 60 09", "cc", "07 00", "3f 60 08"},
        {"07 3f 60", "c7", "07 00", "3f 60 08"},
        {"07 3f 60 08 00", "c7", "07 00", "3f 60 08"},
        {"0a 03", "00", "0a 00", "03"},
        {"0a 04", "cc", "0a 00", "03"},
        {"0b ff", "00", "0b 00", "ff"},
        {"10 73 65 63 72 65 74 00 00 00 00 00 00 00 00 00 00 00 00", "00", "10 00",
         "73 65 63 72 65 74 00 00 00 00 00 00 00 00 00 00 00 00"},
        {"10 73", "c7", "10 00", "73 65 63 72 65 74 00 00 00 00 00 00 00 00 00 00 00 00"},
        {"12 01 80 05 03", "00", "12 01", "01 80 05 03"},
        {"12 02 06 00 00", "00", "12 02", "02 06 00 00"},
        {"12 02 01 00 00", "cc", "12 02", "02 06 00 00"},
        {"12 02 08 00 00", "cc", "12 02", "02 06 00 00"},
        {"12 02 00 00 08", "cc", "12 02", "02 06 00 00"},
        {"12 10 00 00 00", "cc", "12 0f", "0f 00 00 00"},
        {"12 01", "c7", "12 01", "01 80 05 03"},
        {"12", "c7", "12 01", "01 80 05 03"},
        {"13 01 00 01 c0 00 02 63 00 00 00 00 00 00", "00", "13 01",
         "01 00 01 c0 00 02 63 00 00 00 00 00 00"},
        {"13 01 00 02 c0 00 02 63 00 00 00 00 00 00", "cc", "13 01",
         "01 00 01 c0 00 02 63 00 00 00 00 00 00"},
        {"13 01 20 00 c0 00 02 63 00 00 00 00 00 00", "cc", "13 01",
         "01 00 01 c0 00 02 63 00 00 00 00 00 00"},
        {"13 01 10 00 c0 00 02 63 00 00 00 00 00 00", "c7", "13 01",
         "01 00 01 c0 00 02 63 00 00 00 00 00 00"},
        {"13 02 10 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01", "00", "13 02",
         "02 10 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"},
        {"15 07", "00", "15 00", "07"},
        {"15 08", "cc", "15 00", "07"},
        {"19 01 10 64 00", "00", "19 01", "01 10 64 00"},
        {"19 01 20 64 00", "cc", "19 01", "01 10 64 00"},
        {"1a 01 03 06 00 1e 00", "00", "1a 00", "01 03 06 00 1e 00"},
        {"1a 02 03 06 00 1e 00", "cc", "1a 00", "01 03 06 00 1e 00"},
        {"1a 01 03 06 00 1e", "c7", "1a 00", "01 03 06 00 1e 00"},
        /* What is not the client's: the value that is there is taken, no other. */
        {"01 00", "82", "01 00", "00"},
        {"02 00 00 00 00 00", "00", "02 00", "00 00 00 00 00"},
        {"02 04 00 00 00 00", "cc", "02 00", "00 00 00 00 00"}, /* there is no MD5 */
        {"03 c0 00 02 0a", "00", "03 00", "c0 00 02 0a"},
        {"03 c0 00 02 0b", "82", "03 00", "c0 00 02 0a"},
        {"03 c0 00 02", "c7", "03 00", "c0 00 02 0a"},
        {"04 01", "00", "04 00", "01"},
        {"04 02", "82", "04 00", "01"},
        {"04 05", "cc", "04 00", "01"},
        {"05 52 54 00 00 00 02", "82", "05 00", "52 54 00 00 00 01"},
        {"06 ff ff 00 00", "82", "06 00", "ff ff ff 00"},
        {"08 56 18", "00", "08 00", "56 18"},
        {"08 6f 02", "82", "08 00", "56 18"},
        {"09 98 02", "80", "09 00", NULL},
        {"0c c0 00 02 fe", "82", "0c 00", "c0 00 02 01"},
        {"0d 00 00 00 00 00 00", "00", "0d 00", NOBODYS},
        {"0d 00 00 00 00 00 01", "82", "0d 00", NOBODYS},
        {"11 0f", "82", "11 00", "0f"},
        {"14 00 00", "00", "14 00", "00 00"},
        {"14 05 80", "82", "14 00", "00 00"},
        {"14 05 10", "cc", "14 00", "00 00"},
        {"16 02", "82", "16 00", "02"},
        {"32 00", "82", "32 00", "00"},
        {"38 00 80 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 40 00", "80", "38 00", NULL},
        {"c0 00", "80", "c0 00", NULL},
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned saves = fake_bmc.save_count = fake_bmc.saves_finished = 0;
        snprintf(text, sizeof text, "0c 01 01 %s", cases[i].parameter);
        if (strcmp(talk(text), cases[i].answer) != 0)
            fail_msg("%s: %s, not %s", text, fake_bmc.text, cases[i].answer);
        if (strcmp(cases[i].answer, "00") != 0)
            assert_int_equal(fake_bmc.save_count, saves);
        snprintf(text, sizeof text, "0c 02 01 %s 00", cases[i].get);
        const char *answer = talk(text);
        snprintf(text, sizeof text, "00 11 %s", cases[i].after ? cases[i].after : "");
        assert_string_equal(answer, cases[i].after ? text : "80");
        fake_bmc.requests = 0;
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    }
}

/* Nothing is stored when what is there is written. */
static void test_same_value(void **state)
{
    (void)state;
    assert_string_equal(talk("0c 01 01 07 40 40 10"), "00");
    assert_string_equal(talk("0c 01 01 18 00 00 40 00 00 00 00 00 00"), "00");
    assert_string_equal(talk("0c 01 01 12 01 00 00 00"), "00");
    assert_int_equal(fake_bmc.save_count, 0);
    assert_string_equal(talk("0c 01 01 07 40 40 00"), "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
}

static void configure(bool writable)
{
    struct channel channel;

    channel_set_defaults(&channel);
    lan_configure(&fake_bmc.bmc.lan, &channel, writable);
}

static void test_writable_address(void **state)
{
    (void)state;
    configure(true);
    assert_string_equal(talk("0c 01 01 03 0a 00 00 05"), "00");
    assert_string_equal(talk("0c 01 01 04 02"), "00");
    assert_string_equal(talk("0c 01 01 0f 02 00 00 00 00 01"), "00");
    assert_string_equal(talk("0c 01 01 14 05 80"), "00");
    assert_string_equal(talk("0c 01 01 14 00 80"), "cc"); /* an enabled VLAN has a number */
    assert_string_equal(talk("0c 02 01 03 00 00"), "00 11 0a 00 00 05");
    assert_string_equal(talk("0c 02 01 04 00 00"), "00 11 02");
    assert_string_equal(talk("0c 02 01 0f 00 00"), "00 11 02 00 00 00 00 01");
    assert_string_equal(talk("0c 02 01 14 00 00"), "00 11 05 80");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 4);
    assert_string_equal(talk("0c 01 01 08 6f 02"), "82"); /* the port is not the address */
    /* What is kept is not shown where it is not allowed. */
    configure(false);
    assert_string_equal(talk("0c 02 01 03 00 00"), "00 11 c0 00 02 0a");
    configure(true);
    assert_string_equal(talk("0c 02 01 03 00 00"), "00 11 0a 00 00 05");
    /* The real one ends it. */
    assert_string_equal(talk("0c 01 01 03 c0 00 02 0a"), "00");
    configure(false);
    configure(true);
    assert_string_equal(talk("0c 02 01 03 00 00"), "00 11 c0 00 02 0a");
}

/* ---- set in progress ---- */

static void test_commit(void **state)
{
    (void)state;
    assert_string_equal(talk("0c 01 01 00 01"), "00");
    assert_string_equal(talk("0c 02 01 00 00 00"), "00 11 01");
    assert_string_equal(talk("0c 01 01 00 01"), "81");
    assert_string_equal(talk("0c 01 01 00 03"), "cc");
    assert_string_equal(talk("0c 01 01 00"), "c7");
    assert_string_equal(talk("0c 01 01 1a 00 05 00 00 00 00"), "00");
    assert_string_equal(talk("0c 02 01 1a 00 00"), "00 11 00 05 00 00 00 00");
    assert_int_equal(fake_bmc.save_count, 0);
    assert_int_equal(lan_password_rule(&fake_bmc.bmc.lan).threshold, 0); /* does not hold yet */
    assert_string_equal(talk("0c 01 01 00 02"), "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    assert_int_equal(lan_password_rule(&fake_bmc.bmc.lan).threshold, 5);
    assert_string_equal(talk("0c 02 01 00 00 00"), "00 11 01");
    assert_string_equal(talk("0c 01 01 00 02"), "00"); /* nothing new */
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    assert_string_equal(talk("0c 01 01 00 00"), "00");
    assert_string_equal(talk("0c 02 01 00 00 00"), "00 11 00");
    assert_string_equal(talk("0c 02 01 1a 00 00"), "00 11 00 05 00 00 00 00");
}

static void begin_and_write(void)
{
    fake_bmc.session = FAKE_BMC_SESSION;
    assert_string_equal(talk("0c 01 01 00 01"), "00");
    assert_string_equal(talk("0c 01 01 15 05"), "00");
    assert_string_equal(talk("0c 02 01 15 00 00"), "00 11 05");
}

static void assert_rolled_back(void)
{
    assert_string_equal(talk("0c 02 01 00 00 00"), "00 11 00");
    assert_string_equal(talk("0c 02 01 15 00 00"), "00 11 00");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 0);
}

static void test_roll_back(void **state)
{
    (void)state;
    begin_and_write();
    assert_string_equal(talk("0c 01 01 00 00"), "00");
    assert_rolled_back();
    begin_and_write();
    bmc_session_ended(&fake_bmc.bmc, OTHER_SESSION);
    assert_string_equal(talk("0c 02 01 00 00 00"), "00 11 01");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION);
    assert_rolled_back();
    begin_and_write();
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_rolled_back();
    assert_string_equal(talk("0c 01 01 00 02"), "00"); /* there is nothing to commit */
    assert_rolled_back();
    fake_bmc.requests = 0;
    memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    begin_and_write();
    lan_restart(&fake_bmc.bmc.lan);
    assert_rolled_back();
}

/* What another session writes meanwhile is no part of the set. */
static void test_others_meanwhile(void **state)
{
    (void)state;
    begin_and_write();
    fake_bmc.session = OTHER_SESSION;
    assert_string_equal(talk("0c 01 01 00 01"), "81");
    assert_string_equal(talk("0c 01 01 0b 09"), "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_LAN], 1);
    fake_bmc.session = FAKE_BMC_SESSION;
    assert_string_equal(talk("0c 01 01 00 00"), "00");
    assert_string_equal(talk("0c 02 01 15 00 00"), "00 11 00");
    assert_string_equal(talk("0c 02 01 0b 00 00"), "00 11 09");
}

/* ---- what follows of them ---- */

static void test_alert_destinations(void **state)
{
    char community[LAN_COMMUNITY_SIZE + 1];

    (void)state;
    talk("0c 01 01 12 01 80 05 03");
    talk("0c 01 01 13 01 00 01 c0 00 02 63 02 00 00 00 00 09");
    talk("0c 01 01 13 02 10 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01");
    struct lan_destination destination = lan_destination(&fake_bmc.bmc.lan, 1);
    assert_int_equal(destination.type, LAN_DESTINATION_TRAP);
    assert_true(destination.is_acknowledged);
    assert_int_equal(destination.timeout_s, 6);
    assert_int_equal(destination.retries, 3);
    assert_false(destination.has_v6);
    assert_memory_equal(destination.ip, "\xc0\x00\x02\x63", 4);
    destination = lan_destination(&fake_bmc.bmc.lan, 2);
    assert_true(destination.has_v6);
    assert_int_equal(destination.ip[0], 0xfd);
    assert_int_equal(destination.ip[15], 0x01);
    assert_int_equal(destination.timeout_s, 1);
    lan_community(&fake_bmc.bmc.lan, community);
    assert_string_equal(community, "public");
    talk("0c 01 01 10 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61");
    lan_community(&fake_bmc.bmc.lan, community);
    assert_string_equal(community, "aaaaaaaaaaaaaaaaaa");
}

/* Destination 0 goes with a restart of the BMC. */
static void test_volatile_destination(void **state)
{
    (void)state;
    talk("0c 01 01 12 00 80 05 03");
    talk("0c 01 01 12 01 80 05 03");
    lan_restart(&fake_bmc.bmc.lan);
    assert_string_equal(talk("0c 02 01 12 00 00"), "00 11 00 00 00 00");
    assert_string_equal(talk("0c 02 01 12 01 00"), "00 11 01 80 05 03");
}

/* ---- the commands ---- */

static void test_wrong_channels(void **state)
{
    static const char *const requests[] = {
        "0c 01 00 0b 07",    "0c 01 0f 0b 07",    "0c 01 09 0b 07",    "0c 01 11 0b 07",
        "0c 02 00 0b 00 00", "0c 02 0f 0b 00 00", "0c 02 09 0b 00 00", "0c 02 11 0b 00 00",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_string_equal(talk(requests[i]), "cc");
    fake_bmc.channel = CHANNEL_SYSTEM_INTERFACE; /* "this channel" is none of a LAN */
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    assert_string_equal(talk("0c 01 0e 0b 07"), "cc");
    assert_string_equal(talk("0c 01 01 0b 07"), "00");
}

static void test_privileges(void **state)
{
    static const struct {
        const char *request;
        enum privilege least;
    } cases[] = {
        {"0c 01 01 0b 07", PRIVILEGE_ADMINISTRATOR},
        {"0c 02 01 0b 00 00", PRIVILEGE_OPERATOR},
        {"0c 03 01 00", PRIVILEGE_OPERATOR},
        {"0c 04 01 00", PRIVILEGE_USER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.privilege = cases[i].least - 1;
        assert_string_equal(talk(cases[i].request), "d4");
        fake_bmc.privilege = cases[i].least;
        assert_memory_equal(talk(cases[i].request), "00", 2);
    }
}

/* The answer waits for the disk; what it does not take is an error. */
static void test_disk(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(talk("0c 01 01 0b 07"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "ff");
    /* The same value again while it is on its way there. */
    assert_string_equal(talk("0c 01 01 0b 06"), FAKE_BMC_WAITS);
    uint32_t first = fake_bmc_request(&fake_bmc);
    assert_string_equal(talk("0c 01 01 0b 06"), FAKE_BMC_WAITS);
    assert_string_equal(talk("0c 01 01 00 02"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, first), "ff");
    assert_string_equal(fake_bmc_answer(&fake_bmc, first + 1), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, first + 1), "ff");
    assert_string_equal(fake_bmc_answer(&fake_bmc, first + 2), "00");
    assert_string_equal(talk("0c 01 01 0b 06"), "00");
    talk("0c 01 01 00 01");
    assert_string_equal(talk("0c 01 01 0b 08"), "00");
    assert_string_equal(talk("0c 01 01 00 02"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fresh, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_writing, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_same_value, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_writable_address, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_commit, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_roll_back, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_others_meanwhile, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_alert_destinations, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_volatile_destination, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_channels, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_privileges, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_disk, setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
