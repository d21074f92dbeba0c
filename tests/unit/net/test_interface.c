/* What the machine says of addresses. Every machine has a loopback; what else it has is not known
 * here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/net/interface.h"

static const uint8_t nothing[16];

static struct interface_facts look(const char *text)
{
    union endpoint_address address;
    struct interface_facts facts;

    assert_int_equal(endpoint_address_parse(text, 623, &address), 0);
    interface_look(&address, &facts);
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
    interface_look(&none, &facts);
    assert_memory_equal(facts.address, nothing, 4);
    assert_memory_equal(facts.ipv6, nothing, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_nobodys_address),
        cmocka_unit_test(test_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
