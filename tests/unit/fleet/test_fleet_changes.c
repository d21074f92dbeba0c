/* add, delete, start and stop: what the store refuses is answered as failed and not done, neither
 * now nor after a restart; what it takes is done, and delete leaves nothing behind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "tests/fake/fleet_fixture.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/addition.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

#define G1 "11111111-2222-4333-8444-555555555555"
#define G2 "66666666-7777-4888-8999-aaaaaaaaaaaa"

static const char *const both[][2] = {{"g1", G1}, {"g2", G2}};
static const char *const hypervisors[] = {"a", NULL};
static const char lines[] = "[bmc]\nports = 47240-47249\n";

static bool has_both(void *context)
{
    (void)context;
    return fleet_bmcs(fixture_fleet)->count == 2;
}

static void start(const char *more)
{
    char text[256];

    snprintf(text, sizeof text, "%s%s", lines, more);
    fleet_fixture_start(hypervisors, text);
}

static int setup(void **state)
{
    fleet_fixture_setup(state);
    fleet_fixture_define("a", both, 2);
    start("");
    fleet_fixture_wait(has_both, NULL, "two BMCs");
    return 0;
}

static void restart(void)
{
    fleet_fixture_stop();
    start("");
}

static bool listens(const char *uuid)
{
    struct instance *instance = fleet_fixture_bmc(uuid);

    return instance && instance_is_listening(instance);
}

static void test_stop_and_start_that_are_refused(void **state)
{
    (void)state;
    assert_int_equal(fleet_fixture_set_active(G2, false), 0);
    refusing_store_refuse_table("bmcs");
    assert_true(fleet_fixture_set_active(G1, false) < 0);
    assert_true(fleet_fixture_set_active(G2, true) < 0);
    assert_true(listens(G1));
    assert_false(listens(G2));
    assert_true(instance_record(fleet_fixture_bmc(G1))->active);
    assert_false(instance_record(fleet_fixture_bmc(G2))->active);
    refusing_store_accept();
    restart();
    assert_true(listens(G1));
    assert_false(listens(G2));
    assert_int_equal(fleet_fixture_set_active(G1, false), 0);
    assert_int_equal(fleet_fixture_set_active(G2, true), 0);
    assert_false(listens(G1));
    assert_true(listens(G2));
    restart();
    assert_false(listens(G1));
    assert_true(listens(G2));
}

/* Nobody could disarm it any more. */
static void test_stop_ends_the_watchdog(void **state)
{
    static const struct watchdog_settings settings = {.use = WATCHDOG_USE_SMS_OS, .initial = 600};
    struct watchdog *watchdog = &instance_bmc(fleet_fixture_bmc(G1))->watchdog;

    (void)state;
    assert_int_equal(watchdog_set(watchdog, &settings, 0, false), 0);
    watchdog->running = true; /* this guest is off */
    refusing_store_refuse_table("bmcs");
    assert_true(fleet_fixture_set_active(G1, false) < 0);
    assert_true(watchdog->running);
    refusing_store_accept();
    assert_int_equal(fleet_fixture_set_active(G1, false), 0);
    assert_false(watchdog->running);
    assert_int_equal(fleet_fixture_set_active(G1, true), 0);
    assert_false(watchdog->running);
}

static unsigned answers;
static int results[2];

static void note(void *context, int result, const char *text)
{
    (void)context, (void)text;
    results[answers++] = result;
}

static bool both_are_answered(void *context)
{
    (void)context;
    return answers == 2;
}

/* All that is to listen is gone through before the store has answered. */
static void test_refused_while_a_review_runs(void **state)
{
    (void)state;
    assert_int_equal(fleet_fixture_set_active(G2, false), 0);
    refusing_store_refuse_table("bmcs");
    answers = 0;
    fleet_set_active(fixture_fleet, fleet_fixture_bmc(G2), true, note, NULL);
    fleet_set_active(fixture_fleet, fleet_fixture_bmc(G1), false, note, NULL);
    fleet_fixture_reload(lines);
    assert_true(answers > 0 || listens(G2));
    fleet_fixture_wait(both_are_answered, NULL, "both answered");
    assert_true(results[0] < 0 && results[1] < 0);
    assert_true(listens(G1));
    assert_false(listens(G2));
    refusing_store_accept();
}

static void test_add_that_is_refused(void **state)
{
    const struct service_addition plain = {.name = "g1"};
    const struct service_addition own = {.name = "g2", .username = "me", .password = "mine"};

    (void)state;
    assert_int_equal(fleet_fixture_delete(G2), 0);
    refusing_store_refuse_table("bmcs");
    assert_true(fleet_fixture_add(&plain) < 0); /* of a discovered one */
    assert_true(fleet_fixture_add(&own) < 0);   /* of a deleted one */
    assert_false(instance_record(fleet_fixture_bmc(G1))->is_explicit);
    assert_true(listens(G1));
    assert_null(fleet_fixture_bmc(G2));
    refusing_store_accept();
    restart();
    assert_false(instance_record(fleet_fixture_bmc(G1))->is_explicit);
    assert_null(fleet_fixture_bmc(G2));
    assert_int_equal(fleet_fixture_add(&own), 0);
    assert_true(instance_record(fleet_fixture_bmc(G2))->is_explicit);
    assert_int_equal(fleet_fixture_add(&own), -EEXIST);
    restart();
    assert_string_equal(instance_record(fleet_fixture_bmc(G2))->username, "me");
}

static const char *history_path(void)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/consoles/" G1 ".history", fleet_fixture_folder());
    return path;
}

/* One that a kill between the mark and the removal has left. */
static void leave_history(void)
{
    FILE *file;

    assert_int_equal(disk_make_folder(history_path()), 0);
    file = fopen(history_path(), "w");
    assert_non_null(file);
    fclose(file);
}

static void test_delete_that_is_refused(void **state)
{
    static const char *const tables[] = {"chassis", "boot", "sol", "sel", "sel_state", "documents"};
    struct bmc *bmc = instance_bmc(fleet_fixture_bmc(G1));

    (void)state;
    bmc->core.hooks->changed(&bmc->core, BMC_PART_CHASSIS, NULL);
    refusing_store_refuse_table("bmcs");
    assert_true(fleet_fixture_delete(G1) < 0);
    assert_true(listens(G1));
    assert_true(refusing_store_count("chassis WHERE uuid = x'11111111222243338444555555555555'") >
                0);
    refusing_store_accept();
    restart();
    assert_true(listens(G1));
    assert_int_equal(fleet_fixture_delete(G1), 0);
    assert_null(fleet_fixture_bmc(G1));
    fleet_fixture_stop(); /* all is written */
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char rest[128];
        snprintf(rest, sizeof rest, "%s WHERE uuid = x'11111111222243338444555555555555'",
                 tables[i]);
        assert_int_equal(refusing_store_count(rest), 0);
    }
    assert_int_equal(
        refusing_store_count("bmcs WHERE uuid = x'11111111222243338444555555555555' AND deleted"),
        1);
    assert_int_not_equal(access(history_path(), F_OK), 0);
    leave_history();
    start("");
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    assert_int_not_equal(access(history_path(), F_OK), 0);
    assert_null(fleet_fixture_bmc(G1));
    assert_true(listens(G2));
}

/* What its end has stored behind the mark, where the daemon was killed next. */
static void leave_rows(void)
{
#define KEY "x'11111111222243338444555555555555'"
    refusing_store_run("UPDATE bmcs SET username = 'old', password = 'old', changed_at = 7"
                       " WHERE uuid = " KEY);
    refusing_store_run("INSERT OR REPLACE INTO documents (uuid, name, text)"
                       " VALUES (x'66666666777748888999aaaaaaaaaaaa', 'of another', '{}')");
    refusing_store_run("INSERT INTO chassis (uuid, restore_policy, cycle_interval_s, poh_minutes,"
                       " was_on, restart_cause) VALUES (" KEY ", 2, 9, 0, 0, 0)");
    refusing_store_run("INSERT INTO documents (uuid, name, text) VALUES (" KEY ", 'lan', '{}')");
    refusing_store_run(
        "INSERT INTO users (uuid, id, part, replaced, value, value_size) VALUES (" KEY
        ", 3, 0, zeroblob(16), zeroblob(65), 4)");
#undef KEY
}

static int count_rows(void)
{
    static const char *const rests[] = {"bmcs WHERE password NOT NULL AND uuid",
                                        "chassis WHERE uuid", "documents WHERE uuid",
                                        "users WHERE uuid"};
    int count = 0;

    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        char rest[128];
        snprintf(rest, sizeof rest, "%s = x'11111111222243338444555555555555'", rests[i]);
        count += refusing_store_count(rest);
    }
    return count;
}

static bool is_forgotten(void *context)
{
    (void)context;
    return count_rows() == 0;
}

/* Not even what was stored of it behind its mark comes back. */
static void test_rows_behind_the_mark(void **state)
{
    const struct service_addition addition = {.name = "g1"};

    (void)state;
    assert_int_equal(fleet_fixture_delete(G1), 0);
    fleet_fixture_stop();
    leave_rows();
    assert_int_equal(count_rows(), 4);
    start("");
    fleet_fixture_wait(is_forgotten, NULL, "nothing is left at the start");
    assert_null(fleet_fixture_bmc(G1));
    assert_int_equal(refusing_store_count("bmcs WHERE deleted AND changed_at = 7"), 1);
    assert_int_equal(refusing_store_count("documents WHERE name = 'of another'"), 1);
    leave_rows(); /* and where the start could not do it */
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_int_equal(refusing_store_count("users"), 0);
    assert_int_equal(refusing_store_count("chassis WHERE cycle_interval_s = 9"), 0);
    restart();
    assert_int_equal(instance_bmc(fleet_fixture_bmc(G1))->chassis.cycle_interval_s, 0);
    assert_null(instance_record(fleet_fixture_bmc(G1))->password);
}

/* The daemon is told to stop while the mark is on its way, and the BMC stores what it was. */
static void test_stopped_while_deleted(void **state)
{
    struct bmc *bmc = instance_bmc(fleet_fixture_bmc(G1));

    (void)state;
    answers = 0;
    fleet_delete(fixture_fleet, fleet_fixture_bmc(G1), note, NULL);
    bmc->core.hooks->changed(&bmc->core, BMC_PART_CHASSIS, NULL);
    bmc->core.hooks->changed(&bmc->core, BMC_PART_OWED, NULL);
    fleet_fixture_stop();
    assert_int_equal(answers, 1);
    assert_int_equal(results[0], 0);
    assert_true(count_rows() > 0);
    start("");
    fleet_fixture_wait(is_forgotten, NULL, "nothing is left at the start");
    assert_null(fleet_fixture_bmc(G1));
}

static bool is_attached(void *context)
{
    (void)context;
    return instance_domain(fleet_fixture_bmc(G2)) != NULL;
}

/* A hypervisor that only the addition names stays, since the BMC needs it. */
static void test_add_with_a_uri(void **state)
{
    static const char *const one[][2] = {{"g1", G1}}, *const other[][2] = {{"g2", G2}};
    struct service_addition addition = {.name = "g2"};
    char uri[128];

    (void)state;
    fleet_fixture_stop();
    fleet_fixture_define("a", one, 1);
    fleet_fixture_define("b", other, 1);
    start("");
    snprintf(uri, sizeof uri, "test://%s/b.xml", fleet_fixture_folder());
    addition.uri = uri;
    assert_int_equal(fleet_fixture_add(&addition), 0);
    for (unsigned i = 0; i < 100; i++)
        uv_run(fleet_fixture_loop(), UV_RUN_NOWAIT);
    fleet_fixture_wait(is_attached, NULL, "it has its domain");
    assert_int_equal(fleet_fixture_delete(G2), 0);
}

/* Two clients at once: the second finds what the first has done. */
static void test_changes_at_once(void **state)
{
    const struct service_addition addition = {.name = "g1"};
    struct instance *instance = fleet_fixture_bmc(G1);

    (void)state;
    answers = 0;
    fleet_add(fixture_fleet, &addition, note, NULL);
    fleet_add(fixture_fleet, &addition, note, NULL);
    fleet_fixture_wait(both_are_answered, NULL, "both answered");
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], -EEXIST);
    answers = 0;
    fleet_delete(fixture_fleet, instance, note, NULL);
    fleet_set_active(fixture_fleet, instance, true, note, NULL);
    fleet_fixture_wait(both_are_answered, NULL, "both answered");
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], -ENOENT);
    assert_null(fleet_fixture_bmc(G1));
    /* What is asked for when the daemon stops is answered too. */
    answers = 0;
    fleet_delete(fixture_fleet, fleet_fixture_bmc(G2), note, NULL);
    fleet_add(fixture_fleet, &addition, note, NULL);
    fleet_fixture_stop();
    assert_int_equal(answers, 2);
}

/* The guest's domains carry its BMC, also those of other hypervisors and those that were there
 * before it. */
static void expect_owner(const char *uuid_text, unsigned domains)
{
    struct instance *instance = fleet_fixture_bmc(uuid_text);
    struct hypervisor *hypervisor = NULL;
    struct uuid uuid;
    unsigned found = 0;

    assert_int_equal(uuid_parse(uuid_text, &uuid), 0);
    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        struct virt_domain *domain = hypervisor_find_domain(hypervisor, &uuid);
        if (domain)
            assert_ptr_equal(virt_domain_host(domain)->owner, instance);
        found += domain != NULL;
    }
    assert_int_equal(found, domains);
}

static void test_owner_of_the_domains(void **state)
{
    static const char *const two[] = {"a", "b", NULL};
    const struct service_addition addition = {.name = G1};

    (void)state;
    expect_owner(G1, 1);
    fleet_fixture_stop();
    fleet_fixture_define("b", both, 1);
    fleet_fixture_start(two, lines);
    expect_owner(G1, 2);
    assert_int_equal(fleet_fixture_delete(G1), 0);
    assert_null(fleet_fixture_bmc(G1));
    expect_owner(G1, 2);
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_non_null(fleet_fixture_bmc(G1));
    expect_owner(G1, 2);
    expect_owner(G2, 1);
}

static bool is_up(void *name)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        if (strcmp(hypervisor_name(hypervisor), name) == 0)
            return hypervisor_is_up(hypervisor);
    }
    return false;
}

static void move_away(bool away)
{
    char here[128], there[128];

    snprintf(here, sizeof here, "%s/b.xml", fleet_fixture_folder());
    snprintf(there, sizeof there, "%s/b.away", fleet_fixture_folder());
    assert_int_equal(rename(away ? here : there, away ? there : here), 0);
}

/* What was deleted stays so while its hypervisor is taken for dead, and when that is back. */
static void test_deleted_on_a_dead_hypervisor(void **state)
{
    static const char *const one[][2] = {{"g1", G1}}, *const other[][2] = {{"g2", G2}};
    static const char *const two_hypervisors[] = {"a", "b", NULL};

    (void)state;
    fleet_fixture_stop();
    fleet_fixture_define("a", one, 1);
    fleet_fixture_define("b", other, 1);
    fleet_fixture_start(two_hypervisors, lines);
    assert_int_equal(fleet_fixture_delete(G2), 0);
    fleet_fixture_stop();
    move_away(true);
    fleet_fixture_begin(two_hypervisors, lines);
    assert_int_equal(fleet_fixture_declare_dead("b"), 0);
    fleet_fixture_stop();
    fleet_fixture_begin(two_hypervisors, lines);
    fleet_fixture_wait(is_up, (void *)"a", "a is connected");
    fleet_fixture_stop();
    move_away(false);
    fleet_fixture_start(two_hypervisors, lines);
    assert_non_null(fleet_fixture_bmc(G1));
    assert_null(fleet_fixture_bmc(G2));
}

/* The answer comes when the fleet is about to be gone. */
static void test_declared_dead_at_the_end(void **state)
{
    static const char *const two_hypervisors[] = {"a", "b", NULL};

    (void)state;
    fleet_fixture_stop();
    fleet_fixture_begin(two_hypervisors, lines); /* there is no b */
    answers = 0;
    fleet_declare_dead(fixture_fleet, "b", note, NULL);
    fleet_fixture_stop();
    assert_int_equal(answers, 1);
    assert_int_equal(results[0], -EBUSY);
}

/* The daemon's patience may end in each turn of the loop that the end takes. */
static void test_flushed_at_the_end(void **state)
{
    (void)state;
    fleet_stop(fixture_fleet, &fixture_fleet);
    while (fixture_fleet) {
        fleet_flush(fixture_fleet);
        uv_run(fleet_fixture_loop(), UV_RUN_ONCE);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stop_ends_the_watchdog, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stop_and_start_that_are_refused, setup,
                                        fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused_while_a_review_runs, setup,
                                        fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_add_that_is_refused, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_delete_that_is_refused, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rows_behind_the_mark, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stopped_while_deleted, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_add_with_a_uri, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_changes_at_once, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_owner_of_the_domains, setup, fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_deleted_on_a_dead_hypervisor, setup,
                                        fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_declared_dead_at_the_end, setup,
                                        fleet_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_flushed_at_the_end, setup, fleet_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
