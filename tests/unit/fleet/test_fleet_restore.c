/* The power restore policy after a boot of the host: carried out once, however often the daemon is
 * started again, and only when the disk knows of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/boot_id.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/instance/instance.h"

#define G1 "11111111-2222-4333-8444-555555555555"
#define G2 "66666666-7777-4888-8999-aaaaaaaaaaaa"

static const char *const both[][2] = {{"g1", G1}, {"g2", G2}};
static const char *const hypervisors[] = {"a", NULL};
static const char lines[] = "[bmc]\nports = 47260-47269\n";

static struct bmc *bmc_of(const char *uuid)
{
    return instance_bmc(fleet_fixture_bmc(uuid));
}

static bool has_both(void *context)
{
    (void)context;
    return fleet_bmcs(fixture_fleet)->count == 2;
}

static bool is_on(void *uuid)
{
    return bmc_power_state(bmc_of(uuid)) == HOST_POWER_RUNNING;
}

static bool is_off(void *uuid)
{
    return bmc_power_state(bmc_of(uuid)) == HOST_POWER_OFF;
}

static bool boot_is_stored(void *context)
{
    (void)context;
    return fixture_fleet->boot_stored;
}

static bool boot_is_refused(void *context)
{
    (void)context;
    return fixture_fleet->boot_refused;
}

static bool nobody_waits(void *context)
{
    (void)context;
    return refusing_store_count("chassis WHERE restore != 0") == 0;
}

/* The host boots while the daemon is down; its guests are off each time a fleet starts. */
static void boot_host(void)
{
    refusing_store_run("UPDATE host SET boot_id = 'another boot'");
}

static void start(void)
{
    fleet_fixture_start(hypervisors, lines);
    fleet_fixture_wait(is_off, (void *)G2, "g2 is seen");
}

/* g1 has `always on`, g2 has `previous` and was off; then the host boots. */
static int setup(void **state)
{
    fleet_fixture_setup(state);
    fleet_fixture_define("a", both, 2);
    fleet_fixture_start(hypervisors, lines);
    fleet_fixture_wait(has_both, NULL, "two BMCs");
    for (size_t i = 0; i < 2; i++) {
        struct bmc *bmc = bmc_of(both[i][1]);
        bmc->chassis.restore_policy = i == 0 ? POWER_RESTORE_ALWAYS_ON : POWER_RESTORE_PREVIOUS;
        bmc->core.hooks->changed(&bmc->core, BMC_PART_CHASSIS, NULL);
    }
    fleet_fixture_wait(boot_is_stored, NULL, "the boot is stored");
    fleet_fixture_stop();
    boot_host();
    return 0;
}

static void move_away(bool away)
{
    char here[128], there[128];

    snprintf(here, sizeof here, "%s/a.xml", fleet_fixture_folder());
    snprintf(there, sizeof there, "%s/a.away", fleet_fixture_folder());
    assert_int_equal(rename(away ? here : there, away ? there : here), 0);
}

/* The daemon ends before the hypervisor is connected, twice. */
static void end_early(void)
{
    move_away(true);
    for (unsigned i = 0; i < 2; i++) {
        fleet_fixture_begin(hypervisors, lines);
        fleet_fixture_wait(boot_is_stored, NULL, "the boot is stored");
        assert_int_equal(refusing_store_count("host WHERE boot_id = 'another boot'"), 0);
        assert_int_equal(refusing_store_count("chassis WHERE restore != 0"), 2);
        fleet_fixture_stop();
    }
    move_away(false);
}

static void expect_restored_once(void)
{
    start();
    fleet_fixture_wait(is_on, (void *)G1, "g1 is started");
    fleet_fixture_wait(nobody_waits, NULL, "all is done");
    assert_int_equal(bmc_of(G1)->chassis.restart_cause, RESTART_CAUSE_RESTORE_ALWAYS_ON);
    fleet_fixture_stop();
    start();
    assert_true(is_off((void *)G1));
    assert_int_equal(bmc_of(G1)->chassis.queued, 0);
}

static void test_restored_once(void **state)
{
    (void)state;
    expect_restored_once();
}

static void test_daemon_ends_early(void **state)
{
    (void)state;
    end_early();
    expect_restored_once();
}

/* What it was before the boot is known as long as it waits, whatever is stored of it since. */
static void test_previous_state(void **state)
{
    (void)state;
    refusing_store_run("UPDATE chassis SET restore_policy = 1, was_on = 1");
    end_early();
    refusing_store_run("UPDATE chassis SET was_on = 0");
    fleet_fixture_start(hypervisors, lines);
    fleet_fixture_wait(is_on, (void *)G1, "g1 is started");
    fleet_fixture_wait(is_on, (void *)G2, "g2 is started");
    fleet_fixture_wait(nobody_waits, NULL, "all is done");
    assert_int_equal(bmc_of(G1)->chassis.restart_cause, RESTART_CAUSE_RESTORE_PREVIOUS);
    assert_true(bmc_of(G2)->chassis.last_power_event & POWER_EVENT_AC_FAILED);
}

/* Nothing is begun that a restart would repeat; it is when there is room. */
static void test_disk_refuses(void **state)
{
    (void)state;
    refusing_store_refuse_table("host");
    for (unsigned i = 0; i < 2; i++) {
        start();
        fleet_fixture_wait(boot_is_refused, NULL, "refused");
        assert_true(is_off((void *)G1));
        assert_int_equal(bmc_of(G1)->chassis.queued, 0);
        assert_int_equal(bmc_of(G1)->chassis.last_power_event, 0);
        if (i == 0)
            fleet_fixture_stop();
    }
    refusing_store_accept();
    fleet_fixture_wait(is_on, (void *)G1, "g1 is started");
    fleet_fixture_wait(nobody_waits, NULL, "all is done");
    assert_true(is_off((void *)G2));
}

/* It is carried out all the same, and waits until it is over. */
static void test_disk_refuses_the_start(void **state)
{
    (void)state;
    refusing_store_refuse_table("owed");
    start();
    fleet_fixture_wait(is_on, (void *)G1, "g1 is started");
    fleet_fixture_wait(nobody_waits, NULL, "all is done");
    assert_int_equal(bmc_of(G1)->chassis.queued, 0);
}

static void control(enum host_power_action action)
{
    static const struct bmc_ticket nobody;

    chassis_control(&bmc_of(G1)->chassis, action, 0, &nobody);
}

/* A client was faster than the disk. */
static void test_overtaken(void **state)
{
    (void)state;
    refusing_store_refuse_table("host");
    start();
    fleet_fixture_wait(boot_is_refused, NULL, "refused");
    control(HOST_POWER_ACTION_UP);
    fleet_fixture_wait(is_on, (void *)G1, "g1 is started");
    control(HOST_POWER_ACTION_DOWN);
    fleet_fixture_wait(is_off, (void *)G1, "g1 is off");
    refusing_store_accept();
    fleet_fixture_wait(boot_is_stored, NULL, "the boot is stored");
    fleet_fixture_wait(nobody_waits, NULL, "all is done");
    fleet_fixture_stop();
    start();
    assert_true(is_off((void *)G1));
    assert_int_equal(bmc_of(G1)->chassis.queued, 0);
}

/* Its machine is another one: that it runs in another boot says nothing of any guest. */
static void test_daemon_has_moved(void **state)
{
    char id[BOOT_ID_SIZE];

    (void)state;
    machine_id_read(id);
    if (!id[0])
        skip();
    refusing_store_run("UPDATE host SET machine = 'another machine'");
    start();
    fleet_fixture_wait(boot_is_stored, NULL, "the boot is stored");
    assert_int_equal(refusing_store_count("chassis WHERE restore != 0"), 0);
    assert_int_equal(refusing_store_count("host WHERE machine = 'another machine'"), 0);
    assert_true(is_off((void *)G1));
    assert_int_equal(bmc_of(G1)->chassis.queued, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_restored_once, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_daemon_ends_early, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_previous_state, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_disk_refuses, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_disk_refuses_the_start, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_overtaken, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_daemon_has_moved, setup, fleet_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
