/* A domain that is undefined on one hypervisor and defined on another one while it is off: its BMC
 * is the same before and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/fleet/loss.h"
#include "vbmc/host/placement.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/virt/domains.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"

#define MOVED "55555555-0000-4000-8000-00000000000a"
#define LINES "[bmc]\nports = 47300-47309\n"

static const char *const domains[][2] = {{"moved", MOVED}};
static const char *const both[] = {"a", "b", NULL}, *const one[] = {"a", NULL};

static struct hypervisor *hypervisor_called(const char *name)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        if (strcmp(hypervisor_name(hypervisor), name) == 0)
            return hypervisor;
    }
    return NULL;
}

static void undefine(const char *hypervisor)
{
    struct uuid uuid;

    assert_int_equal(uuid_parse(MOVED, &uuid), 0);
    virt_domains_gone(hypervisor_called(hypervisor), &uuid);
}

static void define(const char *hypervisor)
{
    struct virt_facts facts = {.state = HOST_POWER_OFF, .id = -1, .persistent = true};

    assert_int_equal(uuid_parse(MOVED, &facts.uuid), 0);
    facts.name = strdup("moved");
    virt_domains_take(hypervisor_called(hypervisor), &facts, true);
    virt_facts_clear(&facts);
}

static struct instance *bmc(void)
{
    return fleet_fixture_bmc(MOVED);
}

static bool is_there(void *context)
{
    (void)context;
    return bmc() && instance_domain(bmc());
}

static void start(const char *const *hypervisors, const char *lines)
{
    fleet_fixture_define("a", domains, 1);
    fleet_fixture_define("b", domains, 0);
    fleet_fixture_start(hypervisors, lines);
    fleet_fixture_wait(is_there, NULL, "the BMC has its domain");
}

static const char *explanation(void)
{
    static char text[256];

    placement_explain(instance_placement(bmc()), text, sizeof text);
    return text;
}

static void test_cold_migration(void **state)
{
    (void)state;
    start(both, LINES);
    const struct instance *before = bmc();
    for (int round = 0; round < 3; round++) {
        const char *from = round % 2 ? "b" : "a", *to = round % 2 ? "a" : "b";
        char expected[32];
        undefine(from);
        assert_ptr_equal(bmc(), before);
        assert_null(instance_domain(bmc()));
        assert_int_equal(bmc_power_state(instance_bmc(bmc())), HOST_POWER_UNKNOWN);
        assert_string_equal(explanation(), "its domain is not there");
        fleet_drop_lost_bmcs(fixture_fleet); /* not yet */
        define(to);
        assert_ptr_equal(bmc(), before);
        assert_int_equal(bmc_power_state(instance_bmc(bmc())), HOST_POWER_OFF);
        snprintf(expected, sizeof expected, "off on %s", to);
        assert_string_equal(explanation(), expected);
    }
}

static void test_never_defined_again(void **state)
{
    (void)state;
    start(both, LINES);
    undefine("a");
    define("b");
    assert_int_equal(instance_lost_until(bmc()), 0);
    undefine("b");
    instance_set_lost_until(bmc(), 1);
    fleet_drop_lost_bmcs(fixture_fleet);
    assert_null(bmc());
}

static void test_goes_at_once(void **state)
{
    (void)state;
    start(both, LINES "forget-after = 0\n");
    undefine("a");
    assert_null(bmc());
}

static void test_one_hypervisor(void **state)
{
    (void)state;
    start(one, LINES);
    undefine("a");
    assert_null(bmc());
}

static const struct virt_domain *domain_on(const char *hypervisor)
{
    struct uuid uuid;

    assert_int_equal(uuid_parse(MOVED, &uuid), 0);
    return hypervisor_find_domain(hypervisor_called(hypervisor), &uuid);
}

static void run_as(enum host_power_state state, bool migrating)
{
    struct virt_facts facts = {.state = state, .id = 3, .migrating = migrating};

    assert_int_equal(uuid_parse(MOVED, &facts.uuid), 0);
    facts.name = strdup("moved");
    facts.transient_xml = strdup("<domain/>");
    virt_domains_take(hypervisor_called("b"), &facts, true);
    virt_facts_clear(&facts);
}

/* What waited for a guest that never came is nothing that could be started. */
static void test_a_target_that_fails(void **state)
{
    (void)state;
    start(both, LINES);
    run_as(HOST_POWER_PAUSED, true);
    assert_non_null(domain_on("b"));
    undefine("b");
    assert_null(domain_on("b"));
    assert_string_equal(explanation(), "off on a");
    run_as(HOST_POWER_PAUSED, true);
    run_as(HOST_POWER_RUNNING, false);
    assert_string_equal(explanation(), "running on b");
    undefine("b");
    assert_non_null(domain_on("b"));
}

/* What was kept of a transient domain goes with the guest's definition. */
static void test_removed_with_what_was_kept(void **state)
{
    (void)state;
    start(both, LINES);
    run_as(HOST_POWER_RUNNING, false);
    undefine("b");
    assert_non_null(domain_on("b"));
    assert_string_equal(explanation(), "off on a");
    undefine("a");
    assert_null(domain_on("b"));
    assert_string_equal(explanation(), "its domain is not there");
    define("b");
    assert_string_equal(explanation(), "off on b");
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fleet_fixture_setup, fleet_fixture_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_cold_migration),      TEST(test_never_defined_again),
        TEST(test_goes_at_once),        TEST(test_one_hypervisor),
        TEST(test_a_target_that_fails), TEST(test_removed_with_what_was_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
