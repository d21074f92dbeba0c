/* The link of a NIC and the limit to the CPU time: the edit of the XML, and what libvirt's test
 * driver, which can do neither, makes of the rest. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/link.h"

static const uint8_t first[6] = {0x52, 0x54, 0, 0, 0, 0x0a}, second[6] = {0x52, 0x54, 0, 0, 0, 2},
                     none[6] = {0x52, 0x54, 0, 0, 0, 3};

/* ---- the XML ---- */

static const char two_nics[] =
    "<domain id='1'><devices><disk/>"
    "<interface type='user'><mac address='52:54:00:00:00:0A'/><!-- a --><alias name='net0'/>"
    "</interface>"
    "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='b&amp;0'/>"
    "<link state='down'/></interface></devices></domain>";

static void expect_interface(const uint8_t mac[6], bool up, const char *expected)
{
    CLEANUP_FREE char *interface = NULL;

    assert_int_equal(domxml_set_link(two_nics, mac, up, &interface), 0);
    assert_string_equal(interface, expected);
}

static void test_edit(void **state)
{
    (void)state;
    expect_interface(first, false,
                     "<interface type=\"user\"><mac address=\"52:54:00:00:00:0A\"/><!-- a -->"
                     "<alias name=\"net0\"/><link state=\"down\"/></interface>");
    expect_interface(second, true,
                     "<interface type=\"bridge\"><mac address=\"52:54:00:00:00:02\"/>"
                     "<source bridge=\"b&amp;0\"/><link state=\"up\"/></interface>");
}

static void test_edit_refused(void **state)
{
    static const struct {
        const char *xml;
        int result;
    } cases[] = {
        {two_nics, -ENOENT},
        {"<domain/>", -ENOENT},
        {"<domain><devices><interface/><interface><mac/></interface></devices></domain>", -ENOENT},
        {"<domain><devices><disk><mac address='52:54:00:00:00:03'/></disk></devices></domain>",
         -ENOENT},
        {"<network/>", -EINVAL},
        {"<domain>", -EINVAL},
        {"", -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *interface = (char *)"";
        assert_int_equal(domxml_set_link(cases[i].xml, none, true, &interface), cases[i].result);
        assert_null(interface);
    }
}

/* ---- the driver ---- */

#define NIC                                                                                        \
    "<devices><interface type='user'><mac address='52:54:00:00:00:0a'/></interface></devices>"

static struct host_domain *host(void)
{
    assert_non_null(virt_fixture.guest);
    return virt_domain_host(virt_fixture.guest);
}

static void set_link(const uint8_t mac[6])
{
    host_set_link(host(), mac, false, virt_fixture_done, &virt_fixture);
}

static void set_quota(unsigned permille)
{
    host_set_cpu_quota(host(), permille, virt_fixture_done, &virt_fixture);
}

static void expect(int result, const char *word)
{
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, result);
    if (!strstr(virt_fixture.text, word))
        fail_msg("'%s' is not in '%s'", word, virt_fixture.text);
}

static void test_off(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define(NIC));
    TURN_UNTIL(virt_fixture_is_there);
    set_link(first);
    expect(-EINVAL, "the guest is off");
    set_quota(500);
    expect(-EINVAL, "the guest is off");
}

static void define_running(void)
{
    virDomainFree(virt_fixture_define(NIC));
    TURN_UNTIL(virt_fixture_is_there);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
}

static void test_running(void **state)
{
    (void)state;
    define_running();
    set_link(none);
    expect(-EINVAL, "no NIC 52:54:00:00:00:03");
    set_link(first);
    expect(-ENOTSUP, "virDomainUpdateDeviceFlags");
    set_quota(500);
    TURN_UNTIL_ENDED(1);
    assert_true(virt_fixture.result < 0);
    assert_string_not_equal(virt_fixture.text, "");
}

/* Stopped behind our back. */
static void test_stopped_meanwhile(void **state)
{
    (void)state;
    define_running();
    virDomainPtr domain =
        virDomainLookupByUUIDString(virt_fixture.other, "12345678-9abc-4def-8123-456789abcdef");
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(virDomainUndefine(domain), 0);
    set_quota(500);
    set_link(first);
    TURN_UNTIL_ENDED(2);
    assert_int_equal(virt_fixture.result, -ENODEV);
    TURN_UNTIL(virt_fixture_is_gone);
    virDomainFree(domain);
}

static void test_cancelled(void **state)
{
    (void)state;
    define_running();
    set_link(first);
    set_quota(0);
    host_cancel(host(), &virt_fixture);
    virt_fixture_power(HOST_POWER_ACTION_DOWN, 0);
    TURN_UNTIL_ENDED(1);
    set_link(first); /* off: at once */
    TURN_UNTIL_ENDED(1);
}

static void test_stop_at_once(void **state)
{
    (void)state;
    define_running();
    for (unsigned i = 0; i < 8; i++)
        set_link(first);
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 8);
    virt_fixture.ended = 0;
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, virt_fixture_setup, virt_fixture_teardown)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit), cmocka_unit_test(test_edit_refused), TEST(test_off),
        TEST(test_running),          TEST(test_stopped_meanwhile),        TEST(test_cancelled),
        TEST(test_stop_at_once),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
