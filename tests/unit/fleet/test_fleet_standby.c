/* A fleet that stands by: it holds its connections, and knows no domain and has no BMC before it
 * has the lock on the state folder; then it has all of them, as they are now. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/boot_id.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/store/lock.h"
#include "vbmc/virt/hypervisor.h"

#define KEPT  "55555555-0000-4000-8000-00000000000a"
#define NEW   "55555555-0000-4000-8000-00000000000b"
#define LINES "[bmc]\nports = 47300-47309\n"

static const char *const kept[][2] = {{"kept", KEPT}};
static const char *const both[][2] = {{"kept", KEPT}, {"new", NEW}};
static const char *const hypervisors[] = {"a", NULL};

static int other; /* the lock of the daemon that is active */
static unsigned locked;
static int taken_over;
static char error[512];

static void take_lock(void)
{
    assert_int_equal(
        store_lock_take(fleet_fixture_folder(), STORE_LOCK_MAKE, &other, error, sizeof error), 0);
}

static void drop_lock(void)
{
    close(other);
    other = -1;
}

static void on_locked(void *context)
{
    (void)context;
    locked++;
    taken_over = fleet_take_over(fixture_fleet, error, sizeof error);
}

static bool is_locked(void *context)
{
    (void)context;
    return locked > 0;
}

static bool all_are_held(void *context)
{
    struct hypervisor *hypervisor = NULL;

    (void)context;
    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        if (!hypervisor_is_held(hypervisor))
            return false;
    }
    return true;
}

static bool are_listening(void *context)
{
    const struct bmcset *set = fleet_bmcs(fixture_fleet);

    (void)context;
    for (size_t i = 0; i < set->count; i++) {
        if (!instance_is_listening(set->instances[i]) || !instance_domain(set->instances[i]))
            return false;
    }
    return set->count == 2;
}

/* A daemon has run there, with one BMC; another one is active; there is one domain more by now. */
static int setup(void **state)
{
    fleet_fixture_setup(state);
    locked = 0;
    taken_over = 1;
    fleet_fixture_define("a", kept, 1);
    fleet_fixture_start(hypervisors, LINES);
    fleet_fixture_stop();
    take_lock();
    fleet_fixture_define("a", both, 2);
    return 0;
}

static int teardown(void **state)
{
    if (other >= 0)
        drop_lock();
    return fleet_fixture_teardown(state);
}

static void stand_by(void)
{
    fleet_fixture_stand_by(hypervisors, LINES, on_locked);
    fleet_fixture_wait(all_are_held, NULL, "connections held");
}

static size_t count_hypervisors(void)
{
    struct hypervisor *hypervisor = NULL;
    size_t count = 0;

    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor)))
        count++;
    return count;
}

static void test_takes_over(void **state)
{
    (void)state;
    stand_by();
    struct hypervisor *hypervisor = fleet_next_hypervisor(fixture_fleet, NULL);
    assert_non_null(strstr(fleet_waits_for(fixture_fleet), "another vbmcd uses this folder"));
    assert_int_equal(fleet_bmcs(fixture_fleet)->count, 0);
    assert_false(hypervisor_is_up(hypervisor));
    assert_null(hypervisor_next_domain(hypervisor, NULL));
    assert_int_equal(hypervisor_sample_count(hypervisor), 0);
    drop_lock();
    fleet_fixture_wait(is_locked, NULL, "the lock");
    assert_int_equal(taken_over, 0);
    assert_null(fleet_waits_for(fixture_fleet));
    assert_non_null(fleet_fixture_bmc(KEPT)); /* it is known before its hypervisor has answered */
    fleet_fixture_wait(are_listening, NULL, "BMCs that listen and have a domain");
    assert_true(hypervisor_is_up(hypervisor));
    assert_false(hypervisor_is_held(hypervisor));
    assert_int_equal(bmc_power_state(instance_bmc(fleet_fixture_bmc(KEPT))), HOST_POWER_OFF);
    assert_int_equal(locked, 1);
}

static bool is_reaped(void *context)
{
    (void)context;
    return count_hypervisors() == 1;
}

/* Hypervisors come and go while it waits, and what is new is held as well. */
static void test_reload(void **state)
{
    char lines[512];

    (void)state;
    fleet_fixture_define("b", NULL, 0);
    stand_by();
    snprintf(lines, sizeof lines, LINES "[hypervisor b]\nuri = test://%s/b.xml\n",
             fleet_fixture_folder());
    fleet_fixture_reload_to(lines);
    assert_int_equal(count_hypervisors(), 2);
    fleet_fixture_wait(all_are_held, NULL, "connections held");
    assert_int_equal(fleet_bmcs(fixture_fleet)->count, 0);
    fleet_fixture_reload_to(LINES);
    fleet_fixture_wait(is_reaped, NULL, "the end of b");
    drop_lock();
    fleet_fixture_wait(are_listening, NULL, "BMCs that listen and have a domain");
}

static void test_stops_while_it_waits(void **state)
{
    (void)state;
    stand_by();
    fleet_fixture_stop();
    drop_lock();
    assert_int_equal(locked, 0);
}

/* The symmetric pair: whichever is first serves, without having waited. */
static void test_nobody_has_it(void **state)
{
    (void)state;
    drop_lock();
    fleet_fixture_stand_by(hypervisors, LINES, on_locked);
    assert_null(fleet_waits_for(fixture_fleet));
    fleet_fixture_wait(are_listening, NULL, "BMCs that listen and have a domain");
    assert_int_equal(locked, 0);
}

/* Then it is for the caller to end it, which leaves the lock to others. */
static void test_cannot_take_over(void **state)
{
    char path[128];

    (void)state;
    stand_by();
    snprintf(path, sizeof path, "%s/" STORE_DATABASE, fleet_fixture_folder());
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "no database at all, and long enough to be one", 45), 45);
    close(fd);
    drop_lock();
    fleet_fixture_wait(is_locked, NULL, "the lock");
    assert_true(taken_over < 0);
    assert_non_null(strstr(error, "database is damaged"));
    fleet_fixture_stop();
    take_lock();
}

static void note_other_machine(void)
{
    refusing_store_run("UPDATE host SET boot_id = 'another boot', machine = 'another machine'");
}

/* What both call by the same URI are two hypervisors. */
static void test_local_hypervisor_of_another_machine(void **state)
{
    char id[BOOT_ID_SIZE];

    (void)state;
    machine_id_read(id);
    if (!id[0])
        skip();
    note_other_machine();
    stand_by();
    drop_lock();
    fleet_fixture_wait(is_locked, NULL, "the lock");
    assert_true(taken_over < 0);
    assert_non_null(strstr(error, "[hypervisor a]: another machine served"));
    fleet_fixture_stop();
    assert_int_equal(refusing_store_count("bmcs"), 1);
    assert_int_equal(refusing_store_count("host WHERE machine = 'another machine'"), 1);
    /* Who has moved the folder, and the guests, starts it alone. */
    fleet_fixture_start(hypervisors, LINES);
    fleet_fixture_wait(are_listening, NULL, "BMCs that listen and have a domain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_takes_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stops_while_it_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_take_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_local_hypervisor_of_another_machine, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
