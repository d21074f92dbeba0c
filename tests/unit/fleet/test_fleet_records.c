/* What is stored of a BMC's existence, where a save is refused or comes behind another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/addition.h"
#include "vbmc/state/saves.h"

#define G1  "11111111-2222-4333-8444-555555555555"
#define KEY "x'11111111222243338444555555555555'"

static const char *const hypervisors[] = {"a", NULL};

static void start(void)
{
    fleet_fixture_start(hypervisors, "[bmc]\nports = 47270-47279\n");
}

static bool has_it(void *context)
{
    (void)context;
    return fleet_fixture_bmc(G1) != NULL;
}

static int setup(void **state)
{
    static const char *const one[][2] = {{"g1", G1}};

    fleet_fixture_setup(state);
    log_set_target(LOG_TARGET_SYSLOG);
    fleet_fixture_define("a", one, 1);
    start();
    fleet_fixture_wait(has_it, NULL, "a BMC");
    return 0;
}

static int teardown(void **state)
{
    log_set_target(LOG_TARGET_STDERR);
    return fleet_fixture_teardown(state);
}

static void on_done(void *context, int result, const char *text)
{
    (void)text;
    assert_int_equal(result, 0);
    *(bool *)context = true;
}

static bool is_set(void *context)
{
    return *(const bool *)context;
}

/* A save of the discovered one may be on its way when the addition comes, or be tried again. */
static void test_add_before_another_save(void **state)
{
    const struct service_addition addition = {.name = "g1"};
    bool done = false;

    (void)state;
    fleet_add(fixture_fleet, &addition, on_done, &done);
    instance_record_changed(fleet_fixture_bmc(G1), NULL, NULL);
    fleet_fixture_wait(is_set, &done, "it is added");
    assert_true(instance_record(fleet_fixture_bmc(G1))->is_explicit);
    fleet_fixture_stop();
    assert_int_equal(refusing_store_count("bmcs WHERE is_explicit AND uuid = " KEY), 1);
}

static bool is_to_be_tried_again(void *context)
{
    const struct instance *instance = fleet_fixture_bmc(G1);

    (void)context;
    return instance && saves_next_deadline(instance->saves) != UINT64_MAX;
}

/* That one was discovered, and where its guest is, is not given up with the first refusal. */
static void test_discovered_and_refused(void **state)
{
    static const char *const tables[] = {"bmcs", "placement"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        char rows[80], statement[80];
        snprintf(rows, sizeof rows, "%s WHERE uuid = " KEY, tables[i]);
        snprintf(statement, sizeof statement, "DELETE FROM %s", tables[i]);
        fleet_fixture_stop();
        assert_int_equal(refusing_store_count(rows), 1);
        refusing_store_run(statement);
        refusing_store_refuse_table(tables[i]);
        start();
        fleet_fixture_wait(is_to_be_tried_again, NULL, "it is to be tried again");
        assert_int_equal(refusing_store_count(rows), 0);
        refusing_store_accept();
        fleet_fixture_stop(); /* which is one try */
        assert_int_equal(refusing_store_count(rows), 1);
        start();
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add_before_another_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_discovered_and_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
