/* Ten thousand BMCs: each is found, renamed, placed and removed without a look at the others. What
 * is counted is how often a BMC is asked for what it is known by. The BMCs are fakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/config/config.h"
#include "vbmc/config/declared.h"
#include "vbmc/fleet/addresses.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"

#define COUNT 10000

struct instance {
    struct store_bmc record;
    uint32_t number;
    char name[16];
};

static struct instance instances[COUNT];
static struct bmcset set;
static struct addresses addresses;
static struct config config;
static char any[] = "0.0.0.0";
static unsigned long asked;

struct store_bmc *instance_record(struct instance *instance)
{
    asked++;
    return &instance->record;
}

struct bmc *instance_bmc(struct instance *instance)
{
    static struct bmc bmc;

    asked++;
    bmc.core.number = instance->number;
    return &bmc;
}

const union endpoint_address *instance_address(const struct instance *instance)
{
    static const union endpoint_address none;

    (void)instance;
    asked++;
    return &none;
}

struct virt_domain *instance_domain(const struct instance *instance)
{
    (void)instance;
    asked++;
    return NULL;
}

const struct config_declared *instance_declared(const struct instance *instance)
{
    static const struct config_declared nothing;

    (void)instance;
    return &nothing; /* a member of the BMC: no question to count */
}

static void name(struct instance *instance, unsigned n)
{
    snprintf(instance->name, sizeof instance->name, "vm%u", n);
    instance->record.name = instance->name;
}

static int setup(void **state)
{
    (void)state;
    config = (struct config){.bmc = {.address = any, .port_first = 10000, .port_last = 60000}};
    addresses_configure(&addresses, &config, &set);
    for (unsigned i = 0; i < COUNT; i++) {
        struct instance *instance = &instances[i];
        *instance = (struct instance){.number = i + 1};
        memcpy(instance->record.uuid.bytes, &i, sizeof i);
        name(instance, i);
        assert_int_equal(bmcset_add(&set, instance), 0);
        addresses_hold(&addresses, instance);
    }
    asked = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bmcset_clear(&set);
    for (unsigned i = 0; i < COUNT; i++)
        free(instances[i].record.address);
    return 0;
}

/* Each of COUNT things was done with so many questions on the average. */
static void expect_asked(unsigned each)
{
    if (asked > (unsigned long)each * COUNT)
        fail_msg("%lu questions for %d BMCs: more than %u for each", asked, COUNT, each);
    asked = 0;
}

static struct instance *find_name(const char *text)
{
    const struct hash_index_node *cursor = NULL;

    return bmcset_next_named(&set, text, &cursor);
}

static void test_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(bmcset_find_uuid(&set, &instances[i].record.uuid), &instances[i]);
    expect_asked(2);
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(bmcset_find_number(&set, i + 1), &instances[i]);
    expect_asked(2);
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(find_name(instances[i].name), &instances[i]);
    expect_asked(2);
    assert_null(bmcset_find_number(&set, COUNT + 1));
    assert_null(find_name("vm"));
}

static void test_removed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i += 2) {
        bmcset_remove(&set, &instances[i]);
        bmcset_remove(&set, &instances[i]); /* is not there any more */
    }
    expect_asked(10);
    assert_int_equal(set.count, COUNT / 2);
    for (unsigned i = 0; i < COUNT; i++) {
        struct instance *there = i % 2 ? &instances[i] : NULL;
        assert_ptr_equal(bmcset_find_uuid(&set, &instances[i].record.uuid), there);
        assert_ptr_equal(bmcset_find_number(&set, i + 1), there);
        assert_ptr_equal(find_name(instances[i].name), there);
    }
    for (size_t i = 0; i < set.count; i++)
        assert_int_equal(set.instances[i]->number % 2, 0);
}

/* The names move on by one: the first is free, and the last is that of two. */
static void test_renamed(void **state)
{
    struct instance *first, *second;
    const struct hash_index_node *cursor = NULL;

    (void)state;
    for (unsigned i = 0; i < COUNT - 1; i++) {
        name(&instances[i], i + 1);
        bmcset_rename(&set, &instances[i]);
    }
    expect_asked(5);
    assert_null(find_name("vm0"));
    assert_ptr_equal(find_name("vm1"), &instances[0]);
    first = bmcset_next_named(&set, instances[COUNT - 1].name, &cursor);
    second = bmcset_next_named(&set, instances[COUNT - 1].name, &cursor);
    assert_true(first == &instances[COUNT - 1] || first == &instances[COUNT - 2]);
    assert_true(second == &instances[COUNT - 1] || second == &instances[COUNT - 2]);
    assert_ptr_not_equal(first, second);
    assert_null(bmcset_next_named(&set, instances[COUNT - 1].name, &cursor));
}

static void assign(struct instance *instance, const char *where, bool changes)
{
    union endpoint_address address;
    char text[ENDPOINT_TEXT_SIZE];
    bool changed;

    assert_int_equal(addresses_assign(&addresses, instance, &address, &changed), 0);
    endpoint_address_format(&address, text);
    assert_string_equal(text, where);
    assert_int_equal(changed, changes);
}

static void assign_port(unsigned i, unsigned port, bool changes)
{
    char where[ENDPOINT_TEXT_SIZE];

    snprintf(where, sizeof where, "0.0.0.0:%u", port);
    assign(&instances[i], where, changes);
}

static void test_ports(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        assign_port(i, 10000 + i, true);
    expect_asked(2);
    for (unsigned i = 0; i < COUNT; i++)
        assign_port(i, 10000 + i, false);
    expect_asked(2);
    for (unsigned i = 100; i < 200; i++) { /* those that go leave their ports to those that come */
        addresses_release(&addresses, &instances[i]);
        instances[i].record.port = 0;
    }
    for (unsigned i = 200; i-- > 100;)
        assign_port(i, 10000 + 299 - i, true);
}

static void test_prefix(void **state)
{
    (void)state;
    config.bmc.has_addresses = true;
    config.bmc.port = 623;
    config.bmc.addresses.length = 16;
    assert_int_equal(endpoint_address_parse("10.1.0.0", 0, &config.bmc.addresses.base), 0);
    addresses_configure(&addresses, &config, &set);
    asked = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        char where[ENDPOINT_TEXT_SIZE];
        snprintf(where, sizeof where, "10.1.%u.%u:623", (i + 1) / 256, (i + 1) % 256);
        assign(&instances[i], where, true);
        assign(&instances[i], where, false);
    }
    expect_asked(6);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
