/* What the machine says of addresses. Every machine has a loopback; what else it has is not known
 * here. */
#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/net/interface.h"

static const uint8_t nothing[16];

static struct interface_facts look(const char *text)
{
    union endpoint_address address;
    struct interface_facts facts;

    struct interface_view view;

    assert_int_equal(endpoint_address_parse(text, 623, &address), 0);
    interface_view_take(&view);
    interface_look(&view, &address, &facts);
    interface_view_clear(&view);
    return facts;
}

static void test_loopback(void **state)
{
    struct interface_facts facts = look("127.0.0.1");

    (void)state;
    assert_memory_equal(facts.address, "\x7f\x00\x00\x01", 4);
    assert_memory_equal(facts.mask, "\xff\x00\x00\x00", 4);
    assert_memory_equal(facts.mac, nothing, 6);
    assert_memory_equal(facts.gateway, nothing, 4);
    assert_memory_equal(facts.ipv6, nothing, 16);
    /* In its network, without being one of its addresses; and mapped into IPv6. */
    facts = look("127.1.2.3");
    assert_memory_equal(facts.address, "\x7f\x01\x02\x03", 4);
    assert_memory_equal(facts.mask, "\xff\x00\x00\x00", 4);
    facts = look("::ffff:127.1.2.3");
    assert_memory_equal(facts.address, "\x7f\x01\x02\x03", 4);
    assert_memory_equal(facts.ipv6, nothing, 16);
}

static void test_nobodys_address(void **state)
{
    struct interface_facts facts = look("240.0.0.77");

    (void)state;
    assert_memory_equal(facts.address, "\xf0\x00\x00\x4d", 4);
    assert_memory_equal(facts.mask, "\xff\xff\xff\xff", 4);
    assert_memory_equal(facts.mac, nothing, 6);
    facts = look("100::77");
    assert_int_equal(facts.ipv6[15], 0x77);
    assert_int_equal(facts.ipv6_prefix, 128);
    assert_memory_equal(facts.address, nothing, 4);
}

static void test_any(void **state)
{
    struct interface_facts facts = look("0.0.0.0");
    const union endpoint_address none = {.any.sa_family = AF_UNSPEC};

    (void)state;
    assert_memory_not_equal(facts.address, nothing, 4);
    assert_memory_equal(facts.ipv6, nothing, 16);
    facts = look("::");
    assert_memory_not_equal(facts.address, nothing, 4);
    interface_look(&(struct interface_view){.list = NULL}, &none, &facts);
    assert_memory_equal(facts.address, nothing, 4);
    assert_memory_equal(facts.ipv6, nothing, 16);
}

static union endpoint_address parsed(const char *text)
{
    union endpoint_address address;

    assert_int_equal(endpoint_address_parse(text, 0, &address), 0);
    return address;
}

/* A second address of an interface, with a label of its own: MAC and gateways are the interface's,
 * not those of one whose name begins alike. */
static void test_label(void **state)
{
    struct sockaddr_ll link = {
        .sll_family = AF_PACKET, .sll_halen = 6, .sll_addr = {2, 0, 0, 0, 0, 1}};
    struct sockaddr_ll other = {
        .sll_family = AF_PACKET, .sll_halen = 6, .sll_addr = {2, 0, 0, 0, 0, 2}};
    union endpoint_address v4 = parsed("192.0.2.9"), mask = parsed("255.255.255.0");
    union endpoint_address v6 = parsed("fd00::9"), prefix = parsed("ffff:ffff:ffff:ffff::");
    struct ifaddrs list[] = {
        {.ifa_next = &list[1], .ifa_name = "eth0", .ifa_addr = (struct sockaddr *)&link},
        {.ifa_next = &list[2], .ifa_name = "eth01", .ifa_addr = (struct sockaddr *)&other},
        {.ifa_next = &list[3], .ifa_name = "eth0:1", .ifa_addr = &v4.any, .ifa_netmask = &mask.any},
        {.ifa_name = "eth0", .ifa_addr = &v6.any, .ifa_netmask = &prefix.any},
    };
    const struct interface_view view = {
        .list = list,
        .routes = {{AF_INET, "eth01", {192, 0, 2, 2}},
                   {AF_INET, "eth0", {192, 0, 2, 1}},
                   {AF_INET6, "eth0", {0xfd, [15] = 1}}},
        .route_count = 3,
    };
    struct interface_facts facts;

    (void)state;
    interface_look(&view, &v4, &facts);
    assert_memory_equal(facts.mac, "\x02\0\0\0\0\x01", 6);
    assert_memory_equal(facts.gateway, "\xc0\x00\x02\x01", 4);
    assert_memory_equal(facts.mask, "\xff\xff\xff\x00", 4);
    interface_look(&view, &v6, &facts);
    assert_int_equal(facts.ipv6_prefix, 64);
    assert_int_equal(facts.ipv6_gateway[0], 0xfd);
    assert_int_equal(facts.ipv6_gateway[15], 1);
    assert_memory_equal(facts.mac, "\x02\0\0\0\0\x01", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_nobodys_address),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
