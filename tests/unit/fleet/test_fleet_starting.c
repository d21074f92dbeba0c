/* A domain that libvirt is just setting up may be a guest that boots or the target of a migration:
 * which of them is not known, and nothing is decided, before that is over. */
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
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/host/placement.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/virt/domain_state.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/keeper.h"

#define COPIED "44444444-0000-4000-8000-00000000000a" /* on both */
#define LINES  "[bmc]\nports = 47280-47289\n"

static const char *const domains[][2] = {{"copied", COPIED}};
static const char *const hypervisors[] = {"a", "b", NULL};

static struct virt_domain *domain_on(const char *name)
{
    struct hypervisor *hypervisor = NULL;
    struct uuid uuid;

    assert_int_equal(uuid_parse(COPIED, &uuid), 0);
    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        if (strcmp(hypervisor_name(hypervisor), name) == 0)
            return hypervisor_find_domain(hypervisor, &uuid);
    }
    return NULL;
}

/* What a look at a domain finds, in place of libvirt's test driver. */
static void look(const char *hypervisor, const struct virt_facts *found)
{
    struct virt_facts facts = *found;

    facts.name = strdup("copied");
    facts.persistent = true;
    virt_domain_apply_facts(domain_on(hypervisor), &facts, true);
    virt_facts_clear(&facts);
}

static const struct virt_facts off = {
    .state = HOST_POWER_OFF, .id = -1, .stop_reason = HOST_STOP_SHUTDOWN};
static const struct virt_facts left = {
    .state = HOST_POWER_OFF, .id = -1, .stop_reason = HOST_STOP_MOVED};
static const struct virt_facts starting = {.state = HOST_POWER_PAUSED, .id = 7, .starting = true};
static const struct virt_facts target = {.state = HOST_POWER_PAUSED, .id = 7, .migrating = true};
static const struct virt_facts booted = {.state = HOST_POWER_RUNNING, .id = 7, .booted = true};
static const struct virt_facts arrived = {.state = HOST_POWER_RUNNING, .id = 7};

static struct instance *bmc(void)
{
    return fleet_fixture_bmc(COPIED);
}

static const struct chassis *chassis(void)
{
    return &instance_bmc(bmc())->chassis;
}

static const char *explanation(void)
{
    static char text[256];

    placement_explain(instance_placement(bmc()), text, sizeof text);
    return text;
}

static bool is_off(void *context)
{
    (void)context;
    return bmc() && strncmp(explanation(), "off on", 6) == 0;
}

static int setup(void **state)
{
    fleet_fixture_setup(state);
    fleet_fixture_define("a", domains, 1);
    fleet_fixture_define("b", domains, 1);
    fleet_fixture_start(hypervisors, LINES);
    fleet_fixture_wait(is_off, NULL, "a guest that is off");
    return 0;
}

/* The guest runs on a, and has booted there. */
static void run_on_a(void)
{
    look("a", &booted);
    assert_string_equal(explanation(), "running on a");
}

/* Both ends are seen: the guest runs once, and was not started. */
static void test_target_of_a_migration(void **state)
{
    (void)state;
    run_on_a();
    uint32_t boots = chassis()->boots;
    look("b", &starting);
    assert_string_equal(explanation(), "running on a");
    assert_ptr_equal(instance_domain(bmc()), domain_on("a"));
    look("b", &target);
    look("a", &left);
    assert_string_equal(explanation(), "being migrated to b, or started there");
    look("b", &arrived);
    assert_string_equal(explanation(), "running on b");
    assert_int_equal(chassis()->boots, boots);
}

/* The source is not connected: what is half made at the target is not the guest, and its arrival is
 * not a start. */
static void test_source_is_away(void **state)
{
    static const struct {
        const struct virt_facts *after;
        uint32_t boots;
    } cases[] = {{&arrived, 0}, {&booted, 1}};

    for (size_t i = 0; i < 2; i++) {
        if (i > 0)
            setup(state);
        run_on_a();
        uint32_t boots = chassis()->boots;
        enum restart_cause cause = chassis()->restart_cause;
        virt_keeper_lost(virt_domain_hypervisor(domain_on("a")));
        assert_string_equal(
            explanation(),
            "hypervisor a is not connected, and the guest was last seen running there");
        look("b", &starting);
        assert_string_equal(explanation(), "being migrated to b, or started there");
        assert_ptr_not_equal(instance_domain(bmc()), domain_on("b"));
        look("b", cases[i].after);
        assert_string_equal(explanation(), "running on b");
        assert_int_equal(chassis()->boots, boots + cases[i].boots);
        assert_int_equal(chassis()->restart_cause, cause);
        fleet_fixture_teardown(state);
    }
}

/* The migration fails before it has begun: the guest is where it was. */
static void test_target_that_fails(void **state)
{
    (void)state;
    run_on_a();
    uint32_t boots = chassis()->boots;
    look("b", &starting);
    look("b", &off);
    assert_string_equal(explanation(), "running on a");
    assert_int_equal(chassis()->boots, boots);
}

/* Started by somebody else where its BMC shows it: on from then, booted at the end. */
static void test_started_by_hand(void **state)
{
    (void)state;
    struct virt_domain *present = instance_domain(bmc());
    const char *place = hypervisor_name(virt_domain_hypervisor(present));
    uint32_t boots = chassis()->boots;

    look(place, &starting);
    assert_ptr_equal(instance_domain(bmc()), present);
    assert_true(host_power_state_is_on(bmc_power_state(instance_bmc(bmc()))));
    assert_int_equal(chassis()->boots, boots);
    look(place, &booted);
    assert_int_equal(chassis()->boots, boots + 1);
    assert_int_equal(chassis()->restart_cause, RESTART_CAUSE_POWER_BUTTON);
}

/* Started by its BMC: that is known from the beginning, also of one that is restored. */
static void test_started_by_us(void **state)
{
    static const struct bmc_ticket nobody;

    (void)state;
    struct virt_domain *present = instance_domain(bmc());
    const char *place = hypervisor_name(virt_domain_hypervisor(present));
    uint32_t boots = chassis()->boots;
    chassis_control(&instance_bmc(bmc())->chassis, HOST_POWER_ACTION_UP, 1, &nobody);
    look(place, &starting);
    assert_int_equal(instance_placement(bmc())->decided.state, PLACEMENT_ON);
    assert_int_equal(instance_placement(bmc())->fact, PLACEMENT_FACT_RUNNING);
    assert_ptr_equal(instance_domain(bmc()), present);
    assert_true(host_power_state_is_on(bmc_power_state(instance_bmc(bmc()))));
    look(place, &arrived); /* as a restored one: it has not booted */
    assert_int_equal(chassis()->boots, boots + 1);
    assert_int_equal(chassis()->restart_cause, RESTART_CAUSE_CHASSIS_CONTROL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target_of_a_migration, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup(test_source_is_away, setup),
        cmocka_unit_test_setup_teardown(test_target_that_fails, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_started_by_hand, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_started_by_us, setup, fleet_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
