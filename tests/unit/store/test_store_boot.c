/* Which boot of the machine it is, and whose power restore policy waits since: both or neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fake/refusing_store.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/host.h"

static const struct uuid off = {.bytes = {1}}, on = {.bytes = {2}};

static uv_loop_t loop;
static struct store *store;
static bool came;
static int answer;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    store = refusing_store_open(&loop);
    store_chassis_put(store, &(struct store_chassis){.uuid = off}, NULL, NULL);
    store_chassis_put(store, &(struct store_chassis){.uuid = on, .was_on = true}, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    refusing_store_remove();
    return uv_loop_close(&loop);
}

static void on_done(void *context, int result)
{
    (void)context;
    came = true;
    answer = result;
}

static int put(const char *boot_id, bool restores, const struct uuid *settled, size_t count)
{
    struct store_boot_of_host boot = {.machine = "machine"};

    came = false;
    snprintf(boot.boot_id, sizeof boot.boot_id, "%s", boot_id);
    assert_int_equal(store_host_put_boot(store, &boot, restores, settled, count, on_done, NULL), 0);
    while (!came)
        uv_run(&loop, UV_RUN_ONCE);
    return answer;
}

static void expect(const char *boot_id, uint8_t of_off, uint8_t of_on)
{
    CLEANUP_FREE struct store_chassis *rows = NULL;
    struct store_boot_of_host stored;
    size_t count;

    assert_int_equal(store_host_load_boot(store, &stored), 0);
    assert_string_equal(stored.boot_id, boot_id);
    assert_string_equal(stored.machine, "machine");
    assert_int_equal(store_chassis_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].restore, of_off);
    assert_int_equal(rows[1].restore, of_on);
}

static void test_boot(void **state)
{
    struct store_boot_of_host stored;

    (void)state;
    assert_int_equal(store_host_load_boot(store, &stored), 0);
    assert_string_equal(stored.boot_id, "");
    assert_string_equal(stored.machine, "");
    assert_int_equal(put("first", false, NULL, 0), 0);
    expect("first", STORE_RESTORE_NONE, STORE_RESTORE_NONE);
    assert_int_equal(put("second", true, NULL, 0), 0);
    expect("second", STORE_RESTORE_WAS_OFF, STORE_RESTORE_WAS_ON);
    refusing_store_run("UPDATE chassis SET was_on = NOT was_on"); /* as they are seen since */
    assert_int_equal(put("third", true, &off, 1), 0);
    expect("third", STORE_RESTORE_NONE, STORE_RESTORE_WAS_ON);
    assert_int_equal(put("", false, NULL, 0), 0);
    expect("", STORE_RESTORE_NONE, STORE_RESTORE_WAS_ON);
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(put("first", false, NULL, 0), 0);
    refusing_store_refuse_table("host");
    assert_true(put("second", true, NULL, 0) < 0);
    expect("first", STORE_RESTORE_NONE, STORE_RESTORE_NONE);
    refusing_store_accept();
    assert_int_equal(put("second", true, &on, 1), 0);
    expect("second", STORE_RESTORE_WAS_OFF, STORE_RESTORE_NONE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
