/* The watchdog timer and a disk that refuses: what it does not take is not told to be there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/parts_store.h"
#include "tests/fake/refusing_store.h"
#include "tests/unit/watchdog_timer.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/saves.h"

static struct parts *parts;

static int setup(void **state)
{
    fake_server_setup(state);
    log_set_target(LOG_TARGET_SYSLOG);
    parts = parts_store_begin();
    return !parts;
}

static int teardown(void **state)
{
    return parts_store_end() || fake_server_teardown(state);
}

/* The result of storing what is now. */
static int store_it(void)
{
    return parts_store_save(BMC_PART_WATCHDOG);
}

static bool is_stored(void)
{
    return parts_is_stored(parts, BMC_PART_WATCHDOG);
}

/* Whatever was refused has its second chance. */
static void try_again(void)
{
    fake_bmc_advance(&fake_bmc, SAVES_RETRY_MS);
    parts_store_try_again(BMC_PART_WATCHDOG);
}

static void expect_never_set(void)
{
    assert_string_equal(talk("06 25"), "00 00 00 00 00 00 00 00 00");
    assert_string_equal(talk("06 22"), "80");
}

static void test_refused_set(void **state)
{
    (void)state;
    refusing_store_refuse("");
    assert_string_equal(talk("06 24 04 01 00 00 2c 01"), "00"); /* the fake's own disk takes it */
    assert_true(store_it() < 0);
    expect_never_set();
    refusing_store_accept();
    set_and_start("04 01 00 00 2c 01");
    assert_int_equal(store_it(), 0);
    fake_bmc_advance(&fake_bmc, 1000);
    refusing_store_refuse("");
    assert_string_equal(talk("06 24 02 02 00 00 64 00"), "00"); /* would stop it */
    fake_bmc_advance(&fake_bmc, 1000);
    assert_true(store_it() < 0);
    assert_string_equal(talk("06 25"), "00 44 01 00 00 2c 01 18 01"); /* as if it had not been */
    assert_true(is_stored());
}

/* A reset counts although it cannot be stored; so does an end. */
static void test_refused_reset(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 2c 01");
    assert_int_equal(store_it(), 0);
    refusing_store_refuse("");
    fake_bmc_advance(&fake_bmc, 20000);
    assert_string_equal(talk("06 22"), "00");
    assert_true(store_it() < 0);
    assert_int_equal(watchdog_present(timer()), 300);
    fake_bmc_advance(&fake_bmc, 30000);
    assert_true(store_it() < 0);
    assert_false(timer()->running);
    assert_int_equal(timer()->expired, 0x10);
    /* And what is then set and refused does not bring it back to life. */
    assert_string_equal(talk("06 24 04 02 00 00 64 00"), "00");
    assert_true(store_it() < 0);
    assert_string_equal(talk("06 25"), "00 04 01 00 10 2c 01 00 00");
}

/* Nothing of a first Set that was refused is stored when the disk takes something again, and the
 * next one that is refused is taken back as well. */
static void test_refused_first_set(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        refusing_store_refuse("");
        assert_string_equal(talk("06 24 04 01 00 00 2c 01"), "00");
        assert_true(store_it() < 0);
        expect_never_set();
        assert_true(is_stored());
        refusing_store_accept();
        try_again();
        assert_int_equal(refusing_store_count("documents"), 0);
    }
}

/* What is stored cannot be read: none of it holds, and neither does what was refused since. */
static void test_refused_on_damage(void **state)
{
    static const char *const stored[] = {"{\"sets\":0}", "{\"sets\":1}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stored); i++) {
        parts_restore_record(parts, "watchdog", stored[i]);
        refusing_store_refuse("");
        assert_string_equal(talk("06 24 04 01 00 00 2c 01"), "00");
        assert_true(store_it() < 0);
        expect_never_set();
        assert_true(is_stored());
        refusing_store_accept();
    }
}

/* What has happened beside what is taken back is stored when that can be. */
static void test_refused_set_after_an_end(void **state)
{
    (void)state;
    set_and_start("04 00 00 00 0a 00");
    assert_int_equal(store_it(), 0);
    refusing_store_refuse("");
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(timer()->expired, 0x10);
    assert_string_equal(talk("06 24 02 02 00 00 64 00"), "00");
    assert_true(store_it() < 0);
    assert_string_equal(talk("06 25"), "00 04 00 00 10 0a 00 00 00");
    assert_false(is_stored());
    refusing_store_accept();
    try_again();
    assert_true(is_stored());
    assert_int_equal(refusing_store_count("documents WHERE text LIKE '%\"expired\":16%'"), 1);
}

static void reset_guest(void)
{
    fake_bmc.bmc.chassis.reset_is_first = true;
    watchdog_host_event(timer(), HOST_EVENT_RESET);
}

/* A countdown that the guest's reset has ended, or would have ended without the Set that is
 * refused, does not end the guest that boots. */
static void test_refused_set_and_a_reset(void **state)
{
    static const char *const sets[] = {"06 24 04 02 00 00 64 00", "06 24 44 02 00 00 64 00"};

    (void)state;
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(sets); i++) {
        set_and_start("04 01 00 00 2c 01");
        assert_int_equal(store_it(), 0);
        refusing_store_refuse("");
        if (i % 2 == 0)
            reset_guest();
        assert_string_equal(talk(sets[i / 2]), "00");
        if (i % 2 == 1)
            reset_guest();
        assert_true(store_it() < 0);
        assert_false(timer()->running);
        assert_int_equal(timer()->settings.action, WATCHDOG_ACTION_HARD_RESET);
        assert_false(is_stored());
        refusing_store_accept();
        try_again();
        assert_int_equal(refusing_store_count("documents WHERE text LIKE '%\"running\":0%'"), 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_refused_set),       TEST(test_refused_reset),
        TEST(test_refused_first_set), TEST(test_refused_set_and_a_reset),
        TEST(test_refused_on_damage), TEST(test_refused_set_after_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
