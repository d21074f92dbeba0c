/* The stored watchdog timer: a countdown goes on over a restart of the daemon, by the right clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fake/parts_store.h"
#include "tests/fake/refusing_store.h"
#include "tests/unit/watchdog_timer.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/record.h"

static struct json_object *stop_daemon(void)
{
    struct json_object *json = record_watchdog.encode(&fake_bmc.bmc);

    assert_non_null(json);
    return json;
}

/* So much later, and without a hypervisor yet. The record is used up. */
static void load_daemon(struct json_object *json, uint64_t ms)
{
    bmc_set_host(&fake_bmc.bmc, NULL);
    watchdog_init(timer(), &fake_bmc.bmc.core, &fake_bmc.bmc.chassis, &fake_bmc.bmc.messaging);
    fake_bmc.now_ms += ms;
    assert_int_equal(record_watchdog.decode(&fake_bmc.bmc, json), 0);
    json_object_put(json);
}

static void see_guest(enum host_power_state guest)
{
    fake_bmc.host.domain.state = guest;
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
}

static void start_daemon(struct json_object *json, uint64_t ms, enum host_power_state guest)
{
    load_daemon(json, ms);
    see_guest(guest);
}

static void restart(uint64_t ms)
{
    start_daemon(stop_daemon(), ms, fake_bmc.host.domain.state);
}

static void set_number(struct json_object *json, const char *key, int64_t value)
{
    assert_int_equal(qmp_json_add(json, key, json_object_new_int64(value)), 0);
}

/* ---- over a restart ---- */

static void test_settings_come_back(void **state)
{
    static const char *const data[] = {"81 21 05 00 10 00", "05 30 ff 00 ff ff",
                                       "02 03 00 00 00 00"};
    char former[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        char request[32];
        snprintf(request, sizeof request, "06 24 %s", data[i]);
        assert_string_equal(talk(request), "00");
        snprintf(former, sizeof former, "%s", talk("06 25"));
        restart(100000);
        assert_string_equal(talk("06 25"), former);
        assert_string_equal(talk("06 22"), "00"); /* it was set */
        fake_bmc_advance(&fake_bmc, 7000000);
        assert_string_equal(talk("06 24 04 00 00 00 01 00"), "00");
    }
    assert_int_equal(timer()->expired, 0x26); /* all three */
    restart(1);
    assert_int_equal(timer()->expired, 0x26);
}

static void test_countdown_goes_on(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 2c 01"); /* 30 s */
    fake_bmc_advance(&fake_bmc, 10050);
    restart(5000);
    assert_string_equal(talk("06 25"), "00 44 01 00 00 2c 01 96 00"); /* 15.0 s */
    fake_bmc_advance(&fake_bmc, 14949);
    assert_true(timer()->running);
    assert_int_equal(calls(), 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_false(timer()->running);
    assert_int_equal(calls(), 1);
}

/* Who resets it gets the time to log in again. */
static void test_ended_while_nobody_listened(void **state)
{
    static const struct {
        const char *data;
        uint64_t least_ms;
    } cases[] = {{"04 01 00 00 2c 01", WATCHDOG_RESUME_MS}, {"04 01 00 00 14 00", 2000}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        set_and_start(cases[i].data);
        restart(3600000);
        fake_bmc_advance(&fake_bmc, cases[i].least_ms - 1);
        assert_int_equal(calls(), i);
        fake_bmc_advance(&fake_bmc, 1);
        assert_int_equal(calls(), i + 1);
        assert_int_equal(timer()->expired, 0x10);
    }
}

static void test_machine_has_booted_since(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 2c 01");
    struct json_object *json = stop_daemon();
    assert_int_equal(qmp_json_add(json, "boot", json_object_new_string("another one")), 0);
    fake_bmc.now_ms = 5000; /* the monotonic clock begins again; the wall clock goes on */
    start_daemon(json, 0, HOST_POWER_RUNNING);
    assert_in_range(watchdog_present(timer()), 290, 300);
    /* The wall clock was set back in between: the countdown is no longer than it was. */
    json = stop_daemon();
    assert_int_equal(qmp_json_add(json, "boot", json_object_new_string("another one")), 0);
    set_number(json, "ends-at", (int64_t)time(NULL) * 1000 + 86400000);
    start_daemon(json, 0, HOST_POWER_RUNNING);
    assert_int_equal(watchdog_present(timer()), 300);
}

static void test_held_over_a_restart(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 2c 01");
    fake_bmc_advance(&fake_bmc, 10000);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_PAUSED);
    restart(100000);
    assert_int_equal(watchdog_present(timer()), 200);
    fake_bmc_advance(&fake_bmc, 100000);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_bmc_advance(&fake_bmc, 19999);
    assert_true(timer()->running);
    fake_bmc_advance(&fake_bmc, 1);
    assert_false(timer()->running);
}

/* The interrupt is not made twice, and keeps its meaning. */
static void test_interrupt_over_a_restart(void **state)
{
    (void)state;
    set_and_start("04 20 0a 00 2c 01");
    fake_bmc_advance(&fake_bmc, 20000);
    assert_int_equal(calls(), 1);
    restart(1000);
    fake_bmc_advance(&fake_bmc, 8999);
    assert_int_equal(calls(), 1);
    assert_string_equal(talk("06 22"), "d5");
    fake_bmc_advance(&fake_bmc, 1);
    assert_false(timer()->running);
}

/* ---- killed ---- */

static const struct {
    const char *data;
    enum host_power_action action;
} ends[] = {
    {"04 01 00 00 0a 00", HOST_POWER_ACTION_HARD_RESET},
    {"04 02 00 00 0a 00", HOST_POWER_ACTION_DOWN},
    {"04 03 00 00 0a 00", HOST_POWER_ACTION_CYCLE},
    {"04 20 01 00 14 00", HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT},
};

static void finish_saves(void)
{
    fake_bmc.saves_wait = false;
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, 0);
}

/* Nothing of it was on disk: it ends at the restart, and is done then. */
static void test_killed_before_it_is_stored(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        fake_server_setup(state);
        set_and_start(ends[i].data);
        struct json_object *json = stop_daemon();
        fake_bmc.saves_wait = true;
        advance(1000);
        assert_int_equal(calls(), 0);
        start_daemon(json, 500, HOST_POWER_RUNNING);
        fake_bmc.host.count = fake_bmc.host.finished = 0;
        finish_saves();
        assert_int_equal(calls(), 0);
        advance(WATCHDOG_RESUME_MS - 3000);
        assert_true(calls() <= 1);
        advance(10000);
        assert_int_equal(calls(), 1);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, ends[i].action);
        fake_server_teardown(state);
    }
}

/* That it has come was on disk, but it was not done: the chassis knew nothing of it. */
static void test_killed_when_it_is_stored(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        fake_server_setup(state);
        set_and_start(ends[i].data);
        fake_bmc.saves_wait = true;
        advance(1000);
        struct json_object *json = stop_daemon();
        assert_int_equal(calls(), 0);
        start_daemon(json, 500, HOST_POWER_RUNNING);
        assert_int_equal(calls(), 1); /* at once */
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, ends[i].action);
        finish_saves();
        json = stop_daemon();
        start_daemon(json, 500, fake_bmc.host.domain.state);
        assert_int_equal(calls(), 1);
        fake_server_teardown(state);
    }
}

/* The chassis had it on disk: what is left of it is left to the chassis. */
static void test_killed_when_the_chassis_has_it(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        fake_server_setup(state);
        fake_bmc.host.domain.run = 7;
        set_and_start(ends[i].data);
        fake_bmc.saves_wait = fake_bmc.host.waits = true;
        advance(1000);
        struct json_object *json = stop_daemon();
        fake_bmc_finish_save(&fake_bmc, 0);
        assert_int_equal(calls(), 1);
        assert_int_equal(fake_bmc.owed_count, 1);
        bool lasts =
            ends[i].action == HOST_POWER_ACTION_DOWN || ends[i].action == HOST_POWER_ACTION_CYCLE;
        start_daemon(json, 500, HOST_POWER_RUNNING);
        assert_int_equal(calls(), 1 + lasts);
        finish_saves();
        advance(10000);
        assert_int_equal(calls(), 1 + lasts);
        assert_int_equal(timer()->due_action, WATCHDOG_ACTION_NONE);
        assert_false(timer()->due_interrupt);
        fake_server_teardown(state);
    }
}

/* It is done, and that is on disk. */
static void test_killed_when_it_is_done(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        fake_server_setup(state);
        set_and_start(ends[i].data);
        advance(1001);
        assert_int_equal(calls(), 1);
        restart(500);
        advance(900);
        assert_int_equal(calls(), 1);
        fake_server_teardown(state);
    }
}

/* What is due is not done to a guest that has been off meanwhile, whatever a client asks for before
 * it is seen, and also while libvirt is still about to start it. */
static void test_due_to_another_run(void **state)
{
    static const struct {
        enum host_power_state found;
        const char *request;       /* NULL: none */
        bool booted, is_of_before; /* stored by a version that did not know which run it was */
    } cases[] = {
        {HOST_POWER_RUNNING, NULL, true, false},
        {HOST_POWER_OFF, NULL, true, false},
        {HOST_POWER_RUNNING, "06 24 04 01 00 00 2c 01", true, false},
        {HOST_POWER_RUNNING, "06 22", true, false},
        {HOST_POWER_PAUSED, NULL, false, false},
        {HOST_POWER_RUNNING, "06 22", true, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_server_setup(state);
        fake_bmc.host.domain.run = 7;
        set_and_start("04 01 00 00 0a 00");
        fake_bmc.saves_wait = true;
        advance(1000);
        struct json_object *json = stop_daemon();
        if (cases[i].is_of_before)
            json_object_object_del(json, "due-run");
        fake_bmc.host.domain.booted = cases[i].booted;
        fake_bmc.host.domain.run += 5;
        load_daemon(json, 1000);
        fake_bmc.saves_wait = false;
        finish_saves();
        if (cases[i].request)
            assert_string_equal(talk(cases[i].request), "00");
        see_guest(cases[i].found);
        fake_bmc.host.domain.booted = true;
        fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
        watchdog_stop(timer(), "the test has seen it");
        advance(10000);
        assert_int_equal(calls(), 0);
        assert_int_equal(timer()->due_action, WATCHDOG_ACTION_NONE);
        assert_int_equal(timer()->expired, 0x10);
        fake_server_teardown(state);
    }
}

/* What happened to the guest while nobody looked. */
static void test_guest_over_a_restart(void **state)
{
    static const struct {
        enum host_power_state guest;
        enum host_stop_reason reason;
        bool booted, other_run, runs;
    } cases[] = {
        {HOST_POWER_RUNNING, 0, true, false, true}, /* the same as before */
        {HOST_POWER_RUNNING, 0, true, true, false}, /* booted since */
        {HOST_POWER_RUNNING, 0, false, true, true}, /* saved and restored, or migrated */
        {HOST_POWER_CRASHED, 0, true, false, true}, /* this is what it is for */
        {HOST_POWER_OFF, HOST_STOP_UNKNOWN, false, true, false},
        {HOST_POWER_OFF, HOST_STOP_DESTROYED, false, true, false},
        {HOST_POWER_OFF, HOST_STOP_SAVED, false, true, true}, /* held */
    };
    int64_t run = fake_bmc.host.domain.run;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.host.domain.state = HOST_POWER_RUNNING;
        fake_bmc.host.domain.run = run;
        set_and_start("04 01 00 00 2c 01");
        struct json_object *json = stop_daemon();
        fake_bmc.host.domain.booted = cases[i].booted;
        fake_bmc.host.domain.run = cases[i].other_run ? run + 5 : run;
        fake_bmc.host.domain.stop_reason = cases[i].reason;
        start_daemon(json, 1000, cases[i].guest);
        assert_int_equal(timer()->running, cases[i].runs);
    }
    assert_true(timer()->held);
}

static void test_damage(void **state)
{
    static const struct {
        const char *key;
        int64_t value;
    } cases[] = {
        {"sets", -1},           {"use", 0},           {"use", 6},        {"interrupt", 1},
        {"interrupt", 4},       {"action", 4},        {"initial", -1},   {"initial", 65536},
        {"expired", 1},         {"expired", 0x40},    {"running", 2},    {"ends-at-monotonic", -1},
        {"pre-timeout-s", 256}, {"due-interrupt", 2}, {"due-action", 4},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        set_and_start("04 01 00 00 2c 01");
        struct json_object *json = stop_daemon();
        watchdog_init(timer(), &fake_bmc.bmc.core, &fake_bmc.bmc.chassis, &fake_bmc.bmc.messaging);
        set_number(json, cases[i].key, cases[i].value);
        assert_int_equal(record_watchdog.decode(&fake_bmc.bmc, json), -EINVAL);
        json_object_object_del(json, cases[i].key);
        /* What older versions did not store may be missing. */
        bool is_new = strncmp(cases[i].key, "due-", 4) == 0;
        assert_int_equal(record_watchdog.decode(&fake_bmc.bmc, json), is_new ? 0 : -EINVAL);
        watchdog_init(timer(), &fake_bmc.bmc.core, &fake_bmc.bmc.chassis, &fake_bmc.bmc.messaging);
        json_object_put(json);
        assert_string_equal(talk("06 22"), "80");
    }
}

/* A timer that was never set may have been stored: it is one of which nothing is. */
static void test_never_set(void **state)
{
    (void)state;
    restart(1000);
    assert_string_equal(talk("06 22"), "80");
    assert_string_equal(talk("06 25"), "00 00 00 00 00 00 00 00 00");
}

/* ---- a disk ---- */

static struct parts *parts;

static int setup_store(void **state)
{
    fake_server_setup(state);
    parts = parts_store_begin();
    return !parts;
}

static int teardown_store(void **state)
{
    return parts_store_end() || fake_server_teardown(state);
}

/* The result of storing what is now. */
static int store_it(void)
{
    return parts_store_save(BMC_PART_WATCHDOG);
}

/* A cold reset reads the stored parts again: the timer goes on, and so does what is not stored yet.
 */
static void test_bmc_restarts(void **state)
{
    (void)state;
    set_and_start("04 01 00 00 2c 01");
    assert_int_equal(store_it(), 0);
    fake_bmc_advance(&fake_bmc, 20000);
    assert_string_equal(talk("06 22"), "00");
    fake_bmc_advance(&fake_bmc, 1000);
    bmc_restart(&fake_bmc.bmc);
    parts_read_again(parts);
    assert_int_equal(watchdog_present(timer()), 290);
    fake_bmc_advance(&fake_bmc, 29000);
    assert_false(timer()->running);
    bmc_restart(&fake_bmc.bmc);
    parts_read_again(parts);
    assert_string_equal(talk("06 25"), "00 04 01 00 10 2c 01 00 00");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)
#define DISK(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_store)
    static const struct CMUnitTest tests[] = {
        TEST(test_settings_come_back),
        TEST(test_countdown_goes_on),
        TEST(test_ended_while_nobody_listened),
        TEST(test_machine_has_booted_since),
        TEST(test_held_over_a_restart),
        TEST(test_interrupt_over_a_restart),
        cmocka_unit_test(test_killed_before_it_is_stored),
        cmocka_unit_test(test_killed_when_it_is_stored),
        cmocka_unit_test(test_killed_when_the_chassis_has_it),
        cmocka_unit_test(test_killed_when_it_is_done),
        cmocka_unit_test(test_due_to_another_run),
        TEST(test_guest_over_a_restart),
        TEST(test_damage),
        TEST(test_never_set),
        DISK(test_bmc_restarts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
