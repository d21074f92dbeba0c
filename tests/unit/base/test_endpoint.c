/* Addresses as text: what is taken, what is refused, and what is written. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/endpoint.h"

static void test_round_trip(void **state)
{
    static const struct {
        const char *text;
        uint16_t port;
        int family;
        const char *formatted;
    } cases[] = {
        {"192.0.2.1", 623, AF_INET, "192.0.2.1:623"},
        {"0.0.0.0", 0, AF_INET, "0.0.0.0:0"},
        {"255.255.255.255", 65535, AF_INET, "255.255.255.255:65535"},
        {"2001:db8::1", 623, AF_INET6, "[2001:db8::1]:623"},
        {"2001:0DB8:0::0001", 1, AF_INET6, "[2001:db8::1]:1"},
        {"::", 623, AF_INET6, "[::]:623"},
        {"::ffff:192.0.2.1", 623, AF_INET6, "192.0.2.1:623"},
        {"2001:db8:1111:2222:3333:4444:5555:6666", 65535, AF_INET6,
         "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        union endpoint_address address;
        char text[ENDPOINT_TEXT_SIZE];
        assert_int_equal(endpoint_address_parse(cases[i].text, cases[i].port, &address), 0);
        assert_int_equal(address.any.sa_family, cases[i].family);
        assert_int_equal(endpoint_address_port(&address), cases[i].port);
        assert_int_equal(endpoint_address_size(&address), cases[i].family == AF_INET
                                                              ? sizeof(struct sockaddr_in)
                                                              : sizeof(struct sockaddr_in6));
        endpoint_address_format(&address, text);
        assert_string_equal(text, cases[i].formatted);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",           "localhost", "192.0.2",   "192.0.2.256", "192.0.2.1:623",
        "192.0.2.1 ", " 10.0.0.1", "010.0.0.1", "0x7f.0.0.1",  "2001:db8::1::",
        "[::1]",      "::1%lo",    "1:2:3",     "12345::",     "192.0.2.1/24",
    };
    union endpoint_address address;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(endpoint_address_parse(texts[i], 623, &address), -EINVAL);
}

static void test_no_family(void **state)
{
    union endpoint_address address = {.any.sa_family = AF_UNSPEC};
    char text[ENDPOINT_TEXT_SIZE];

    (void)state;
    endpoint_address_format(&address, text);
    assert_string_equal(text, "unknown");
    assert_int_equal(endpoint_address_port(&address), 0);
    assert_int_equal(endpoint_address_size(&address), 0);
}

static uint64_t source_of(const char *text)
{
    union endpoint_address address;

    assert_int_equal(endpoint_address_parse(text, 1000, &address), 0);
    return endpoint_source(&address);
}

static void test_sources(void **state)
{
    union endpoint_address address;

    (void)state;
    assert_true(source_of("192.0.2.1") != source_of("192.0.2.2"));
    assert_true(source_of("192.0.2.1") == source_of("::ffff:192.0.2.1"));
    assert_true(source_of("2001:db8:0:1::1") == source_of("2001:db8:0:1:ffff::9"));
    assert_true(source_of("2001:db8:0:1::1") != source_of("2001:db8:0:2::1"));
    endpoint_address_parse("192.0.2.1", 1, &address);
    uint64_t hash = endpoint_source_hash(&address, 1);
    assert_true(hash != endpoint_source_hash(&address, 2));
    endpoint_address_set_port(&address, 2);
    assert_int_equal(endpoint_address_port(&address), 2);
    assert_true(hash == endpoint_source_hash(&address, 1));
}

/* What is one address has one hash, whatever the port. */
static void test_same_address(void **state)
{
    static const char *const texts[] = {"192.0.2.1",   "::ffff:192.0.2.1", "192.0.2.2",
                                        "2001:db8::1", "2001:0db8:0::1",   "2001:db8:0:1::1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts) * ARRAY_SIZE(texts); i++) {
        size_t a = i / ARRAY_SIZE(texts), b = i % ARRAY_SIZE(texts);
        union endpoint_address first, second;
        assert_int_equal(endpoint_address_parse(texts[a], 1, &first), 0);
        assert_int_equal(endpoint_address_parse(texts[b], 2, &second), 0);
        bool is_same = a == b || (a < 2 && b < 2) || ((a == 3 || a == 4) && (b == 3 || b == 4));
        assert_int_equal(endpoint_address_is_same(&first, &second), is_same);
        assert_int_equal(endpoint_address_hash(&first) == endpoint_address_hash(&second), is_same);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),      cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_no_family),
        cmocka_unit_test(test_same_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
