/* The facility in its store: what was done to it comes back. What could not be stored is undone,
 * unless a later change that holds it is stored; what drifts is tried again. A real fleet on
 * libvirt's test driver. */
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/refusing_store.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/physics/facility.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/placement.h"

static uv_loop_t loop;
static const char *folder;
static struct fleet *fleet;
static unsigned answers, failures;

static void start(void)
{
    char path[128], error[512];
    struct config *config = NULL;

    snprintf(path, sizeof path, "%s/vbmc.conf", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "[daemon]\nstate-dir = %s\n[bmc]\ndiscover = none\n"
            "[hypervisor local]\nuri = test:///default\n",
            folder);
    fclose(file);
    if (config_load(path, &config, error, sizeof error) < 0)
        fail_msg("%s", error);
    assert_int_equal(fleet_start(&loop, config, NULL, &fleet, error, sizeof error), 0);
}

static void stop(void)
{
    fleet_stop(fleet, NULL);
    uv_run(&loop, UV_RUN_DEFAULT); /* comes to its end: no timer is left */
}

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    virInitialize();
    virSetErrorFunc(NULL, ignore_error);
    uv_loop_init(&loop);
    folder = refusing_store_folder();
    answers = failures = 0;
    start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stop();
    log_set_target(LOG_TARGET_STDERR);
    refusing_store_remove();
    return uv_loop_close(&loop);
}

static void on_done(void *context, int result)
{
    (void)context;
    answers++;
    failures += result < 0;
}

static void change(const char *item, const char *which, const char *state)
{
    char error[256];

    assert_int_equal(facility_set(fleet_facility(fleet), item, which, state, error, sizeof error),
                     0);
    fleet_facility_changed(fleet, on_done, NULL);
}

static void wait_for(unsigned count)
{
    while (answers < count)
        uv_run(&loop, UV_RUN_ONCE);
}

static void test_comes_back(void **state)
{
    (void)state;
    change("feed", "A", "down");
    change("crac", NULL, "failed");
    wait_for(2);
    assert_int_equal(failures, 0);
    stop();
    start();
    assert_int_equal(facility_feeds_live(fleet_facility(fleet)), 0x2);
    assert_true(fleet_facility(fleet)->crac_failed);
    change("feed", "A", "up");
    stop(); /* what is on its way is finished */
    assert_int_equal(answers, 3);
    start();
    assert_int_equal(facility_feeds_live(fleet_facility(fleet)), 0x3);
}

static void test_failed_save(void **state)
{
    (void)state;
    change("feed", "B", "down");
    wait_for(1);
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    change("feed", "A", "down");
    assert_int_equal(facility_feeds_live(fleet_facility(fleet)), 0);
    wait_for(2);
    assert_int_equal(failures, 1);
    assert_int_equal(facility_feeds_live(fleet_facility(fleet)), 0x1);
    facility_clear(fleet_facility(fleet));
    fleet_facility_changed(fleet, on_done, NULL);
    wait_for(3);
    assert_int_equal(facility_feeds_live(fleet_facility(fleet)), 0x1);
}

/* A change that is refused does not get to the disk with the one after it, which is refused too. */
static void test_failed_save_before_another(void **state)
{
    struct facility *facility = fleet_facility(fleet);

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    change("utility", NULL, "ok");
    wait_for(1);
    refusing_store_refuse("\"feeds_down\":[\"A\"]");
    change("feed", "A", "down");
    change("feed", "B", "down");
    wait_for(3);
    assert_int_equal(failures, 2);
    assert_int_equal(facility->feeds_down, 0);
    stop();
    start();
    assert_int_equal(fleet_facility(fleet)->feeds_down, 0);
}

/* What drifts is tried again, also when it drifts no more. */
static void test_refused_drift(void **state)
{
    struct facility *facility = fleet_facility(fleet);

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    facility->battery = 0.5;
    fleet_facility_changed(fleet, NULL, NULL);
    store_dead_hypervisor_put(fleet->shared.store, "behind it", false, on_done, NULL);
    wait_for(1);
    assert_int_equal(refusing_store_count("documents WHERE name = 'facility'"), 0);
    assert_false(saves_is_stored(fleet->facility_saved));
    refusing_store_accept();
    facility->battery = 1;
    uv_timer_set_repeat(&fleet->facility_timer, 10); /* instead of a second */
    uv_timer_again(&fleet->facility_timer);
    while (!saves_is_stored(fleet->facility_saved))
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(refusing_store_count("documents WHERE name = 'facility'"), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_save_before_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_drift, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
