/* Which address a BMC gets: ports, prefixes, what an administrator said, and that it stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/addresses.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/physics/facility.h"
#include "vbmc/store/bmcs.h"

static uv_loop_t loop;
static struct instance_shared shared;
static struct facility facility;
static struct bmcset set;
static struct addresses addresses;
static struct config config;
static struct config_domain sections[2];
static char loopback[] = "127.0.0.1";

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    struct facility_settings settings;
    facility_settings_set_defaults(&settings);
    facility_init(&facility, &settings);
    shared = (struct instance_shared){.loop = &loop, .facility = &facility};
    memset(&config, 0, sizeof config);
    memset(sections, 0, sizeof sections);
    config.bmc.address = loopback;
    config.bmc.port_first = 6230;
    config.bmc.port_last = 6233;
    config.bmc.port = 623;
    config.domains = sections;
    addresses_configure(&addresses, &config, &set);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < set.count; i++)
        instance_free(set.instances[i]);
    bmcset_clear(&set);
    config_clear_index(&config);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

/* The n-th BMC, of domain "vm<n>", whose metadata says this (NULL: nothing). */
static struct instance *add_declared(unsigned n, const char *metadata)
{
    char name[16];
    struct store_bmc record = {.name = name, .active = true, .metadata = (char *)metadata};

    snprintf(name, sizeof name, "vm%u", n);
    record.uuid.bytes[15] = (uint8_t)n;
    struct instance *instance = instance_new(&shared, n, &record, NULL, NULL);
    assert_non_null(instance);
    assert_int_equal(bmcset_add(&set, instance), 0);
    addresses_hold(&addresses, instance);
    return instance;
}

static struct instance *add(unsigned n)
{
    return add_declared(n, NULL);
}

/* The configuration or a record was changed by hand. */
static void follow(void)
{
    config_clear_index(&config);
    for (size_t i = 0; i < config.domain_count; i++)
        assert_int_equal(config_index_domain(&config, i), 0);
    addresses_configure(&addresses, &config, &set);
}

static struct config_domain *add_section(char *name)
{
    struct config_domain *section = &sections[config.domain_count++];

    section->name = name;
    section->enabled = true;
    return section;
}

static void use_prefix(const char *base, unsigned length)
{
    config.bmc.has_addresses = true;
    config.bmc.addresses.length = length;
    assert_int_equal(endpoint_address_parse(base, 0, &config.bmc.addresses.base), 0);
    follow();
}

/* Where the BMC is, "" if there is no place left. */
static const char *place(struct instance *instance, bool *changed)
{
    static char text[ENDPOINT_TEXT_SIZE];
    union endpoint_address address;
    int result = addresses_assign(&addresses, instance, &address, changed);

    if (result < 0) {
        assert_int_equal(result, -EADDRNOTAVAIL);
        return "";
    }
    endpoint_address_format(&address, text);
    return text;
}

static void expect(struct instance *instance, const char *where, bool changes)
{
    bool changed;

    assert_string_equal(place(instance, &changed), where);
    assert_int_equal(changed, changes);
}

static char *copy(const char *text)
{
    char *copied = strdup(text);

    assert_non_null(copied);
    return copied;
}

/* ---- one port per BMC ---- */

static void test_port_range(void **state)
{
    struct instance *bmcs[5];

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        bmcs[i] = add(i);
    expect(bmcs[0], "127.0.0.1:6230", true);
    expect(bmcs[1], "127.0.0.1:6231", true);
    expect(bmcs[2], "127.0.0.1:6232", true);
    expect(bmcs[3], "127.0.0.1:6233", true);
    expect(bmcs[4], "", false);
    expect(bmcs[1], "127.0.0.1:6231", false);
    /* One goes; its port is free, the others stay. */
    bmcset_remove(&set, bmcs[2]);
    addresses_release(&addresses, bmcs[2]);
    instance_free(bmcs[2]);
    expect(bmcs[4], "127.0.0.1:6232", true);
    expect(bmcs[3], "127.0.0.1:6233", false);
}

static void test_port_stays_when_the_range_moves(void **state)
{
    struct instance *bmc = add(0);

    (void)state;
    expect(bmc, "127.0.0.1:6230", true);
    config.bmc.port_first = 7000;
    config.bmc.port_last = 7000;
    follow();
    expect(bmc, "127.0.0.1:6230", false);
    expect(add(1), "127.0.0.1:7000", true);
}

static void test_last_port_there_is(void **state)
{
    (void)state;
    config.bmc.port_first = config.bmc.port_last = 65535;
    follow();
    expect(add(0), "127.0.0.1:65535", true);
    expect(add(1), "", false);
}

static void test_port_of_a_section(void **state)
{
    static char name[] = "vm1", address[] = "127.0.0.9";
    struct config_domain *section = add_section(name);

    (void)state;
    section->port = 6230;
    follow();
    expect(add(0), "127.0.0.1:6231", true); /* kept free for vm1, which is not there yet */
    struct instance *told = add(1);
    expect(told, "127.0.0.1:6230", true);
    expect(told, "127.0.0.1:6230", false);
    section->address = address;
    follow();
    expect(told, "127.0.0.9:6230", false);
    section->port = 700; /* out of the range: the administrator says so */
    follow();
    expect(told, "127.0.0.9:700", true);
}

/* A section comes that wants what was given out: the discovered BMC makes way. */
static void test_section_takes_a_port(void **state)
{
    static char name[] = "vm1";
    struct instance *first = add(0), *told = add(1);

    (void)state;
    expect(first, "127.0.0.1:6230", true);
    add_section(name)->port = 6230;
    follow();
    expect(first, "127.0.0.1:6231", true);
    expect(told, "127.0.0.1:6230", true);
}

static void test_explicit_port(void **state)
{
    struct instance *told = add(0);

    (void)state;
    instance_record(told)->is_explicit = true;
    instance_record(told)->port = 6231;
    instance_record(told)->address = copy("::1");
    follow();
    expect(add(1), "127.0.0.1:6230", true);
    expect(add(2), "127.0.0.1:6232", true);
    expect(told, "[::1]:6231", false);
}

static void expect_refused(struct instance *instance)
{
    union endpoint_address address;
    bool changed;

    assert_int_equal(addresses_assign(&addresses, instance, &address, &changed), -EADDRINUSE);
}

/* What metadata says is given out to nobody else, and who was given it before makes room. */
static void test_declared_port(void **state)
{
    static char name[] = "vm7";
    struct instance *first = add(0);

    (void)state;
    expect(first, "127.0.0.1:6230", true);
    struct instance *declared = add_declared(1, "<bmc port='6230'/>");
    expect(first, "127.0.0.1:6231", true);
    expect(declared, "127.0.0.1:6230", true);
    expect(declared, "127.0.0.1:6230", false);
    struct instance *far = add_declared(2, "<bmc port='6232' address='::1'/>");
    expect(add(3), "127.0.0.1:6233", true);
    expect(far, "[::1]:6232", true);
    expect(add_declared(4, "<bmc port='6230'/>"), "127.0.0.1:6230", true); /* who has it is seen */
    instance_record(far)->is_explicit = true; /* an administrator's word comes first */
    instance_record(far)->port = 6239;
    follow();
    expect(far, "127.0.0.1:6239", false);
    add_section(name)->port = 6230;
    follow();
    expect_refused(declared);
}

static void test_declared_address(void **state)
{
    static char name[] = "vm7", address[] = "127.1.0.2";
    struct instance *first = add(0);

    (void)state;
    use_prefix("127.1.0.0", 16);
    expect(first, "127.1.0.1:623", true);
    struct instance *declared = add_declared(1, "<bmc address='127.1.0.1'/>");
    struct instance *second = add_declared(2, "<bmc address='127.1.0.2' port='6230'/>");
    expect(first, "127.1.0.3:623", true);
    expect(declared, "127.1.0.1:623", false);
    expect(second, "127.1.0.2:6230", false);
    add_section(name)->address = address;
    follow();
    expect_refused(second);
}

static void test_section_by_uuid(void **state)
{
    static char name[] = "00000000-0000-0000-0000-000000000003";
    struct config_domain *section = add_section(name);

    (void)state;
    section->has_uuid = true;
    section->uuid.bytes[15] = 3;
    section->port = 6239;
    follow();
    expect(add(3), "127.0.0.1:6239", true);
}

/* ---- one address per BMC ---- */

/* Offset 0 and the last one of an IPv4 prefix are the network's own. */
static void test_prefix(void **state)
{
    static const struct {
        const char *base;
        unsigned length;
        const char *places[4]; /* in the order of giving out; NULL: used up */
    } cases[] = {
        {"127.1.0.0", 16, {"127.1.0.1:623", "127.1.0.2:623", "127.1.0.3:623", "127.1.0.4:623"}},
        {"127.1.0.4", 30, {"127.1.0.5:623", "127.1.0.6:623", "", NULL}},
        {"127.1.0.8", 29, {"127.1.0.9:623", "127.1.0.10:623", "127.1.0.11:623", NULL}},
        {"10.0.0.0", 8, {"10.0.0.1:623", NULL}},
        {"2001:db8::", 64, {"[2001:db8::1]:623", "[2001:db8::2]:623", NULL}},
        {"2001:db8::c", 126, {"[2001:db8::d]:623", "[2001:db8::e]:623", "[2001:db8::f]:623", ""}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (i > 0) {
            teardown(state);
            setup(state);
        }
        use_prefix(cases[i].base, cases[i].length);
        for (unsigned n = 0; n < 4 && cases[i].places[n]; n++)
            expect(add(n), cases[i].places[n], cases[i].places[n][0] != '\0');
        for (unsigned n = 0; n < set.count && cases[i].places[n][0]; n++)
            expect(set.instances[n], cases[i].places[n], false);
    }
}

static void test_address_stays(void **state)
{
    struct instance *bmc = add(0);

    (void)state;
    use_prefix("127.1.0.0", 16);
    instance_record(bmc)->address = copy("127.1.7.7");
    follow();
    expect(bmc, "127.1.7.7:623", false);
    expect(add(1), "127.1.0.1:623", true);
    use_prefix("127.2.0.0", 16); /* the prefix is another one: so is the address */
    expect(bmc, "127.2.0.1:623", true);
}

static void test_explicit_address(void **state)
{
    struct instance *told = add(0), *by_port = add(1);

    (void)state;
    use_prefix("127.1.0.0", 16);
    instance_record(told)->is_explicit = true;
    instance_record(told)->address = copy("127.9.9.9"); /* outside of the prefix */
    expect(told, "127.9.9.9:623", false);
    instance_record(by_port)->is_explicit = true; /* `vbmc add --port` means one port per BMC */
    instance_record(by_port)->port = 6240;
    follow();
    expect(by_port, "127.0.0.1:6240", false);
}

/* What a section says is nobody else's, in any order. */
static void test_address_of_a_section(void **state)
{
    static char name[] = "vm1", address[] = "127.1.0.1";

    (void)state;
    use_prefix("127.1.0.0", 16);
    add_section(name)->address = address;
    follow();
    struct instance *told = add(1), *other = add(2);
    expect(told, "127.1.0.1:623", false);
    expect(other, "127.1.0.2:623", true);
}

static void test_address_of_a_section_that_comes_later(void **state)
{
    static char name[] = "vm1", address[] = "127.1.0.1";

    (void)state;
    use_prefix("127.1.0.0", 16);
    add_section(name)->address = address;
    follow();
    expect(add(2), "127.1.0.2:623", true);
    expect(add(1), "127.1.0.1:623", false);
}

/* ... also when it was given out before the section was written. */
static void test_section_takes_an_address(void **state)
{
    static char name[] = "vm1", address[] = "127.1.0.1";
    struct instance *first = add(0), *told = add(1);

    (void)state;
    use_prefix("127.1.0.0", 16);
    expect(first, "127.1.0.1:623", true);
    add_section(name)->address = address;
    follow();
    expect(first, "127.1.0.2:623", true);
    expect(told, "127.1.0.1:623", false);
}

/* ---- offsets ---- */

static void test_offsets(void **state)
{
    static const struct {
        const char *base;
        unsigned length;
        const char *address;
        long offset;
    } cases[] = {
        {"127.1.0.0", 16, "127.1.0.0", 0},
        {"127.1.0.0", 16, "127.1.0.1", 1},
        {"127.1.0.0", 16, "127.1.255.255", 65535},
        {"127.1.0.0", 16, "127.2.0.0", -1},
        {"127.1.0.0", 16, "127.0.255.255", -1},
        {"127.1.0.0", 16, "::ffff:127.1.2.3", 0x203}, /* as a socket for both families has it */
        {"127.1.0.0", 16, "::127.1.2.3", -1},
        {"10.0.0.0", 8, "10.0.255.255", 65535},
        {"10.0.0.0", 8, "10.1.0.0", -1}, /* more than one prefix serves */
        {"10.0.0.4", 30, "10.0.0.7", 3},
        {"10.0.0.4", 30, "10.0.0.8", -1},
        {"10.0.0.5", 32, "10.0.0.5", 0},
        {"10.0.0.5", 32, "10.0.0.4", -1},
        {"2001:db8::", 64, "2001:db8::ffff", 65535},
        {"2001:db8::", 64, "2001:db8::1:0", -1},
        {"2001:db8::", 64, "2001:db8::1:0:0:1", -1},
        {"2001:db8::", 64, "2001:db9::1", -1},
        {"2001:db8::c", 126, "2001:db8::f", 3},
        {"2001:db8::", 64, "10.0.0.1", -1},
        {"0.0.0.0", 1, "128.0.0.1", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config_prefix prefix = {.length = cases[i].length};
        union endpoint_address address;
        assert_int_equal(endpoint_address_parse(cases[i].base, 0, &prefix.base), 0);
        assert_int_equal(endpoint_address_parse(cases[i].address, 623, &address), 0);
        if (addresses_offset(&prefix, &address) != cases[i].offset)
            fail_msg("%s in %s/%u: %ld", cases[i].address, cases[i].base, cases[i].length,
                     addresses_offset(&prefix, &address));
        address.any.sa_family = AF_UNSPEC;
        assert_int_equal(addresses_offset(&prefix, &address), -1);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_port_range, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_stays_when_the_range_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_port_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_of_a_section, setup, teardown),
        cmocka_unit_test_setup_teardown(test_section_takes_a_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_explicit_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_section_by_uuid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_explicit_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_declared_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_declared_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_of_a_section, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_of_a_section_that_comes_later, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_section_takes_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offsets, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
