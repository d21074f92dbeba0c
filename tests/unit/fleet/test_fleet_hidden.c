/* A domain that libvirt lists and does not let us read may run: neither does a copy elsewhere count
 * meanwhile, nor is its BMC lost, or the mark of a deleted one. */
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/host/placement.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/keeper.h"

#define COPIED  "44444444-0000-4000-8000-00000000000a" /* on both */
#define ON_B    "11111111-0000-4000-8000-00000000000b"
#define DELETED "11111111-0000-4000-8000-00000000000c"
#define LINES   "[bmc]\nports = 47270-47279\n"

static const char *const on_a[][2] = {{"copied", COPIED}};
static const char *const on_b[][2] = {{"copied", COPIED}, {"web", ON_B}, {"deleted", DELETED}};
static const char *const hypervisors[] = {"a", "b", NULL};
static volatile bool b_is_hidden;

/* In place of libvirt's: as its access control has it. */
int virDomainIsPersistent(virDomainPtr domain)
{
    int (*real)(virDomainPtr) = (int (*)(virDomainPtr))dlsym(RTLD_NEXT, "virDomainIsPersistent");
    char *uri = virConnectGetURI(virDomainGetConnect(domain));
    bool is_on_b = uri && strstr(uri, "/b.xml");

    free(uri);
    return is_on_b && b_is_hidden ? -1 : real(domain);
}

static bool has_all(void *context)
{
    (void)context;
    return fleet_bmcs(fixture_fleet)->count == 3;
}

static int setup(void **state)
{
    fleet_fixture_setup(state);
    fleet_fixture_define("a", on_a, 1);
    fleet_fixture_define("b", on_b, 3);
    b_is_hidden = false;
    fleet_fixture_start(hypervisors, LINES);
    fleet_fixture_wait(has_all, NULL, "three BMCs");
    return 0;
}

static const char *explanation(const char *uuid)
{
    static char text[256];

    placement_explain(instance_placement(fleet_fixture_bmc(uuid)), text, sizeof text);
    return text;
}

static const char hidden[] =
    "no permission to read its domain on hypervisor b, where it may be running";

static bool is_off_on_a(void *context)
{
    (void)context;
    return strncmp(explanation(COPIED), "off on", 6) == 0;
}

static void ignore(void *context, int result, const char *text)
{
    (void)context, (void)result, (void)text;
}

static void look_at_b(const char *text)
{
    struct hypervisor *hypervisor = fleet_next_hypervisor(fixture_fleet, NULL);
    struct uuid uuid;

    uuid_parse(text, &uuid);
    hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor);
    hypervisor_look_at(hypervisor, &uuid, ignore, NULL);
}

static void test_hidden_after_a_restart(void **state)
{
    (void)state;
    fleet_fixture_wait(is_off_on_a, NULL, "off");
    assert_int_equal(fleet_fixture_delete(DELETED), 0);
    fleet_fixture_stop();
    b_is_hidden = true;
    fleet_fixture_start(hypervisors, LINES);
    assert_string_equal(explanation(COPIED), hidden);
    assert_non_null(fleet_fixture_bmc(ON_B));
    assert_string_equal(explanation(ON_B), hidden);
    fleet_fixture_reload(LINES);
    assert_string_equal(explanation(COPIED), hidden);
    b_is_hidden = false;
    look_at_b(COPIED);
    fleet_fixture_wait(is_off_on_a, NULL, "off");
    look_at_b(DELETED);
    look_at_b(ON_B);
    fleet_fixture_stop();
    fleet_fixture_start(hypervisors, LINES);
    assert_null(fleet_fixture_bmc(DELETED));
}

/* What is listed no longer hides nothing. */
static void test_gone_at_last(void **state)
{
    (void)state;
    fleet_fixture_stop();
    b_is_hidden = true;
    fleet_fixture_start(hypervisors, LINES);
    assert_string_equal(explanation(COPIED), hidden);
    fleet_fixture_stop();
    b_is_hidden = false;
    fleet_fixture_define("b", on_b + 1, 1);
    fleet_fixture_start(hypervisors, LINES);
    assert_string_equal(explanation(COPIED), "off on a");
}

/* Before the first word of any hypervisor. */
static void test_not_connected_yet(void **state)
{
    (void)state;
    fleet_fixture_wait(is_off_on_a, NULL, "off");
    fleet_fixture_stop();
    fleet_fixture_begin(hypervisors, LINES);
    assert_string_equal(explanation(ON_B),
                        "hypervisor b is not connected, and it has the guest's domain");
}

/* ---- a hypervisor that is lost ---- */

static void ask(enum host_power_action action)
{
    static const struct bmc_ticket nobody;

    chassis_control(&instance_bmc(fleet_fixture_bmc(COPIED))->chassis, action, 1, &nobody);
}

static bool is_on(void *context)
{
    (void)context;
    return host_power_state_is_on(bmc_power_state(instance_bmc(fleet_fixture_bmc(COPIED))));
}

static bool waits(void *context)
{
    (void)context;
    return !instance_domain(fleet_fixture_bmc(COPIED));
}

/* It ends while the other hypervisor that has its domain is away: its BMC answers busy, and knows
 * why and that it is off, so that no policy starts it again. */
static void test_end_while_another_hypervisor_is_away(void **state)
{
    (void)state;
    struct hypervisor *other = fleet_next_hypervisor(fixture_fleet, NULL);
    const struct chassis *chassis = &instance_bmc(fleet_fixture_bmc(COPIED))->chassis;

    fleet_fixture_wait(is_off_on_a, NULL, "off");
    if (other == virt_domain_hypervisor(instance_domain(fleet_fixture_bmc(COPIED))))
        other = fleet_next_hypervisor(fixture_fleet, other);
    ask(HOST_POWER_ACTION_UP);
    fleet_fixture_wait(is_on, NULL, "a guest that is on");
    assert_true(chassis->was_on);
    virt_keeper_lost(other);
    ask(HOST_POWER_ACTION_DOWN);
    fleet_fixture_wait(waits, NULL, "a BMC that waits for the other");
    assert_false(chassis->was_on);
    assert_true(chassis->on_since_ms == 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hidden_after_a_restart, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_not_connected_yet, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_gone_at_last, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_end_while_another_hypervisor_is_away, setup,
                                        fleet_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
