/* What the LAN commands say of the machine's network: the parameters of a BMC that has an IPv6
 * address, ARPs, statistics. */
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

static unsigned cleared;

static void network(void *context, struct lan_network *network)
{
    (void)context;
    *network = (struct lan_network){.has_v4 = true, .ip = {192, 0, 2, 10}, .port = 623};
}

static void network_v6(void *context, struct lan_network *network)
{
    (void)context;
    *network = (struct lan_network){
        .has_v6 = true,
        .ipv6 = {0xfd, [15] = 7},
        .ipv6_prefix = 64,
        .ipv6_gateway = {0xfd, [15] = 1},
        .port = 623,
    };
}

static void statistics(void *context, struct lan_statistics *statistics)
{
    (void)context;
    *statistics = (struct lan_statistics){0x0102, 0xffff, 0x0100};
}

static void clear_statistics(void *context)
{
    (void)context;
    cleared++;
}

static const struct lan_ops ops = {network, statistics, clear_statistics};
static const struct lan_ops ops_v6 = {network_v6, statistics, clear_statistics};

static int setup(void **state)
{
    fake_bmc_setup(state);
    lan_set_ops(&fake_bmc.bmc.lan, &ops, NULL);
    cleared = 0;
    return 0;
}

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

#define NOBODYS "00 00 00 00 00 00"

/* What ipmitool's `lan6 print` and FreeIPMI's Lan6_Conf read: there is a static address, a router,
 * and nothing dynamic. What is there can be written, nothing else. */
static void test_ipv6(void **state)
{
#define ZEROS_16 "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define ROUTER   "fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"
    static const struct {
        const char *parameter, *value; /* NULL: there is none */
        bool is_fixed;                 /* may be written with what it is */
        const char *other;             /* refused */
    } cases[] = {
        {"32", "05", false, "05"},
        {"33", "01", true, "02"},
        {"34", NULL, false, "00"},
        {"35", NULL, false, "40"},
        {"36", NULL, false, "00 00 00"},
        {"37", "01 00 00", false, "01 00 00"},
        {"38", "00 80 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 40 00", true,
         "00 80 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 08 40 00"},
        {"39", NULL, false, "01"},
        {"3b", NULL, false, "00 80 " ROUTER " 40 00"},
        {"3e", "00", false, "00"},
        {"3f", NULL, false, "00"},
        {"40", "01", true, "03"},
        {"41", ROUTER, true, ZEROS_16},
        {"42", NOBODYS, true, "02 00 00 00 00 01"},
        {"43", "00", true, "40"},
        {"44", ZEROS_16, true, ROUTER},
        {"45", ZEROS_16, true, ROUTER},
        {"46", NOBODYS, true, "02 00 00 00 00 01"},
        {"47", "00", true, "40"},
        {"48", ZEROS_16, true, ROUTER},
        {"49", "00", false, "00"},
        {"4a", NULL, false, ZEROS_16},
        {"4f", "00", false, "00"},
        {"50", NULL, false, "00"},
    };
    char request[128], answer[128];

    (void)state;
    lan_set_ops(&fake_bmc.bmc.lan, &ops_v6, NULL);
    assert_string_equal(talk("0c 02 01 03 00 00"), "00 11 00 00 00 00");
    assert_string_equal(talk("0c 02 01 38 01 00"), "c9");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(request, sizeof request, "0c 02 01 %s 00 00", cases[i].parameter);
        snprintf(answer, sizeof answer, cases[i].value ? "00 11 %s" : "80", cases[i].value);
        assert_string_equal(talk(request), answer);
        snprintf(request, sizeof request, "0c 01 01 %s %s", cases[i].parameter, cases[i].other);
        assert_string_equal(talk(request), cases[i].value ? "82" : "80");
        snprintf(request, sizeof request, "0c 01 01 %s %s", cases[i].parameter, cases[i].value);
        if (cases[i].is_fixed)
            assert_string_equal(talk(request), "00");
        fake_bmc.requests = 0;
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
    }
    assert_int_equal(fake_bmc.save_count, 0);
}

static void test_suspend_arps(void **state)
{
    (void)state;
    assert_string_equal(talk("0c 03 01 00"), "00 02");
    assert_string_equal(talk("0c 03 01 03"), "00 02"); /* the kernel goes on */
    assert_string_equal(talk("0c 03 01 04"), "cc");
    assert_string_equal(talk("0c 01 01 0a 03"), "00");
    assert_string_equal(talk("0c 03 01 00"), "00 02"); /* there are no gratuitous ones */
    assert_string_equal(talk("0c 03 0f 00"), "cc");
    lan_set_ops(&fake_bmc.bmc.lan, &ops_v6, NULL);
    assert_string_equal(talk("0c 03 01 00"), "00 00");
}

static void test_statistics(void **state)
{
    (void)state;
    assert_string_equal(talk("0c 04 01 00"),
                        "00 02 01 00 00 00 00 00 00 ff ff 02 01 00 01 00 00 00 00");
    assert_int_equal(cleared, 0);
    assert_memory_equal(talk("0c 04 01 01"), "00", 2);
    assert_int_equal(cleared, 1);
    assert_string_equal(talk("0c 04 01 02"), "cc");
    assert_string_equal(talk("0c 04 02 00"), "cc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ipv6, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_suspend_arps, setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_statistics, setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
