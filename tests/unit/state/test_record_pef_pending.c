/* Events that are held back and alerts that are under way: they go on over a restart of the daemon,
 * and what the disk refuses is not promised. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/parts_store.h"
#include "tests/fake/refusing_store.h"
#include "tests/unit/sent_alerts.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/base/log.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/record.h"

static int setup(void **state)
{
    int result = fake_sel_setup(state);

    memset(&sent, 0, sizeof sent);
    pef_set_log(&fake_bmc.bmc.pef, fake_sel.sel);
    keep_alerts();
    /* PEF is on; filter 32: diagnostic interrupt and policy 1 for any event of sensor 30h. */
    EXPECT("04 12 01 01", "00");
    EXPECT("04 12 06 20 80 21 01 10 ff ff ff 30 ff ff ff 00 00 00 00 00 00 00 00 00", "00");
    for (uint8_t n = 1; n <= 2; n++)
        set_destination(n, 0x80, 4, 2);
    return result;
}

static int teardown(void **state)
{
    pef_set_log(&fake_bmc.bmc.pef, NULL);
    return fake_sel_teardown(state);
}

static void log_event(void)
{
    fake_sel_log(0x30);
}

/* Killed after this was stored last, and started again so much later, with all that it knew of
 * these gone. The guest is not known until it is seen. */
static void restart_from(struct json_object *json, uint64_t ms)
{
    struct bmc *bmc = &fake_bmc.bmc;

    pef_set_log(&bmc->pef, NULL);
    struct pef_settings *own = bmc->pef.own;
    bmc->pef.own = NULL;
    pef_clear(&bmc->pef);
    alerts_clear(&bmc->alerts);
    pef_init(&bmc->pef, &bmc->core, &bmc->chassis, &bmc->alerts);
    bmc->pef.own = own;
    alerts_init(&bmc->alerts, &bmc->core, &bmc->lan, &bmc->pef);
    keep_alerts();
    bmc_set_host(bmc, NULL);
    fake_bmc.host.count = fake_bmc.host.finished = 0;
    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    fake_bmc.wake_at_ms = UINT64_MAX;
    fake_bmc.now_ms += ms;
    fake_sel_restart();
    pef_set_log(&bmc->pef, fake_sel.sel);
    assert_int_equal(record_pef_pending.decode(bmc, json), 0);
    json_object_put(json);
}

static void restart(uint64_t ms)
{
    restart_from(record_pef_pending.encode(&fake_bmc.bmc), ms);
}

static void see_guest(void)
{
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    fake_bmc.host.count = fake_bmc.host.finished = 0; /* its boot override */
}

static unsigned interrupts(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake_bmc.host.count; i++)
        count += fake_bmc.host.calls[i].kind == FAKE_HOST_POWER &&
                 fake_bmc.host.calls[i].action == HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT;
    return count;
}

/* ---- events that are held back ---- */

static void test_timer_goes_on(void **state)
{
    (void)state;
    EXPECT("04 11 14", "00 14");
    log_event();
    log_event();
    fake_bmc_advance(&fake_bmc, 5000);
    restart(3000);
    see_guest();
    EXPECT("04 11 ff", "00 0c");
    fake_bmc_advance(&fake_bmc, 11000);
    assert_int_equal(interrupts(), 0);
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(interrupts(), 2);
    restart(1000); /* they are done */
    see_guest();
    fake_bmc_advance(&fake_bmc, 300000);
    assert_int_equal(interrupts(), 0);
}

/* It ended meanwhile: as soon as the guest is seen. */
static void test_timer_ended_meanwhile(void **state)
{
    (void)state;
    EXPECT("04 11 05", "00 05");
    log_event();
    restart(60000);
    fake_bmc_advance(&fake_bmc, 2000);
    EXPECT("04 11 ff", "00 00");
    assert_int_equal(fake_bmc.bmc.pef.held_count, 1);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    assert_int_equal(interrupts(), 1);
}

static void add_to(struct json_object *json, const char *key, int64_t more)
{
    int64_t value = json_object_get_int64(json_object_object_get(json, key));

    assert_int_equal(qmp_json_add(json, key, json_object_new_int64(value + more)), 0);
}

/* The time of day was set while the daemon was away: by an hour, and by a year to the past. */
static void test_clock_is_set_meanwhile(void **state)
{
    static const int64_t set_ms[] = {3600000, -INT64_C(31556952000)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(set_ms); i++) {
        EXPECT("04 11 14", "00 14");
        log_event();
        struct json_object *json = record_pef_pending.encode(&fake_bmc.bmc);
        add_to(json, "postponed-until", -set_ms[i]);
        add_to(json, "ahead-ms", -set_ms[i]);
        restart_from(json, 8000);
        see_guest();
        EXPECT("04 11 ff", "00 0c");
        fake_bmc_advance(&fake_bmc, 12000);
        assert_int_equal(interrupts(), 1);
    }
}

/* Where the machine has booted since, the time of day is all there is; and of a version that stored
 * nothing else. */
static void test_machine_has_booted_since(void **state)
{
    (void)state;
    for (int is_of_before = 0; is_of_before <= 1; is_of_before++) {
        EXPECT("04 11 14", "00 14");
        log_event();
        struct json_object *json = record_pef_pending.encode(&fake_bmc.bmc);
        if (is_of_before)
            json_object_object_del(json, "boot");
        else
            assert_int_equal(qmp_json_add(json, "boot", json_object_new_string("another")), 0);
        add_to(json, "postponed-until", -5000);
        restart_from(json, 3600000); /* by a clock that begins anew with a boot */
        see_guest();
        EXPECT("04 11 ff", "00 0f");
        EXPECT("04 11 00", "00 00");
    }
}

/* A guest that nobody finds: what can be done without it is done. */
static void test_guest_is_not_found(void **state)
{
    (void)state;
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 11 fe", "00 fe");
    log_event();
    restart(1000);
    EXPECT("04 11 00", "00 00");
    assert_int_equal(sent.count, 0);
    fake_bmc_advance(&fake_bmc, PEF_RESUME_MS);
    expect_sent("1");
    assert_int_equal(fake_bmc.bmc.pef.held_count, 0);
}

static void test_startup_delay_goes_on(void **state)
{
    (void)state;
    EXPECT("04 12 01 05", "00");
    EXPECT("04 12 03 14", "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event();
    restart(1000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 18000);
    assert_int_equal(interrupts(), 0);
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(interrupts(), 1);
}

/* An alert that waits for the alert startup delay. */
static void test_delayed_alert_goes_on(void **state)
{
    (void)state;
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 12 01 09", "00");
    EXPECT("04 12 04 14", "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event();
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(sent.count, 0);
    restart(1000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 17000);
    assert_int_equal(sent.count, 0);
    fake_bmc_advance(&fake_bmc, 1000);
    expect_sent("1");
}

/* Also where nothing waits for them yet. */
static void test_delays_are_stored(void **state)
{
    static const char *const controls[] = {"04 12 01 05", "04 12 01 09"};

    (void)state;
    EXPECT("04 12 03 14", "00");
    EXPECT("04 12 04 14", "00");
    for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
        EXPECT(controls[i], "00");
        unsigned changes = fake_bmc.changes[BMC_PART_PEF_PENDING];
        bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
        assert_int_equal(fake_bmc.changes[BMC_PART_PEF_PENDING], changes + 1);
    }
}

static void find_guest(enum host_power_state found, int64_t run, int64_t place, bool booted)
{
    struct host_domain *host = &fake_bmc.host.domain;

    host->state = found;
    host->run = run;
    host->place = place;
    host->booted = booted;
    bmc_set_host(&fake_bmc.bmc, host);
}

/* What is armed in one run of the guest does not hold in another that nobody saw begin. */
static void test_another_run(void **state)
{
    static const struct {
        int64_t run;
        enum host_power_state found;
        int64_t found_run, found_place;
        bool booted, goes_on;
    } cases[] = {
        {7, HOST_POWER_RUNNING, 7, FAKE_HOST_PLACE, true, true},
        {7, HOST_POWER_PAUSED, 7, FAKE_HOST_PLACE, false, true},
        {7, HOST_POWER_RUNNING, 8, FAKE_HOST_PLACE, true, false},
        {7, HOST_POWER_RUNNING, 7, FAKE_HOST_PLACE + 1, true, false},
        {7, HOST_POWER_RUNNING, 8, FAKE_HOST_PLACE + 1, false, true}, /* it has moved */
        {7, HOST_POWER_OFF, -1, FAKE_HOST_PLACE, false, false},
        {-1, HOST_POWER_OFF, -1, FAKE_HOST_PLACE, false, true}, /* armed while it was off */
        {-1, HOST_POWER_RUNNING, 1, FAKE_HOST_PLACE, true, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bmc_set_host(&fake_bmc.bmc, NULL);
        find_guest(cases[i].run < 0 ? HOST_POWER_OFF : HOST_POWER_RUNNING, cases[i].run,
                   FAKE_HOST_PLACE, true);
        EXPECT("04 11 fe", "00 fe");
        restart(1000);
        find_guest(cases[i].found, cases[i].found_run, cases[i].found_place, cases[i].booted);
        if (strcmp(talk("04 11 ff"), cases[i].goes_on ? "00 fe" : "00 00") != 0)
            fail_msg("case %zu", i);
    }
}

/* What is held is released by that, and the delays of the former run are over. */
static void test_another_run_releases(void **state)
{
    (void)state;
    find_guest(HOST_POWER_RUNNING, 7, FAKE_HOST_PLACE, true);
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 12 01 0d", "00");
    EXPECT("04 12 03 c8", "00");
    EXPECT("04 12 04 c8", "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    EXPECT("04 11 fe", "00 fe");
    log_event();
    restart(1000);
    unsigned changes = fake_bmc.changes[BMC_PART_PEF_PENDING];
    find_guest(HOST_POWER_RUNNING, 8, FAKE_HOST_PLACE, true);
    assert_int_equal(interrupts(), 1);
    expect_sent("1");
    assert_true(fake_bmc.changes[BMC_PART_PEF_PENDING] > changes);
    EXPECT("04 11 ff", "00 00");
}

/* Armed while the hypervisor was away: the run is that in which the guest is found. */
static void test_run_is_not_known(void **state)
{
    (void)state;
    bmc_set_host(&fake_bmc.bmc, NULL);
    EXPECT("04 11 fe", "00 fe");
    restart(1000);
    find_guest(HOST_POWER_RUNNING, 7, FAKE_HOST_PLACE, true);
    EXPECT("04 11 ff", "00 fe");
    restart(1000);
    find_guest(HOST_POWER_RUNNING, 8, FAKE_HOST_PLACE, true);
    EXPECT("04 11 ff", "00 00");
}

/* Killed before it was on disk that they are held no more, and after that. */
static void test_killed_at_the_release(void **state)
{
    (void)state;
    EXPECT("04 11 05", "00 05");
    log_event();
    struct json_object *before = record_pef_pending.encode(&fake_bmc.bmc);
    fake_bmc.saves_wait = true;
    fake_bmc_advance(&fake_bmc, 5000);
    assert_int_equal(interrupts(), 0); /* nothing is done that the next run would do again */
    struct json_object *after = record_pef_pending.encode(&fake_bmc.bmc);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_int_equal(interrupts(), 1);
    fake_bmc.saves_wait = false;
    restart_from(after, 1000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 300000);
    assert_int_equal(interrupts(), 0);
    restart_from(before, 1000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 300000);
    assert_int_equal(interrupts(), 1);
}

/* Stopped in good order before that was on disk: nothing can be done any more, and the next run
 * does it, in front of what came later. */
static void test_stopped_at_the_release(void **state)
{
    struct bmc *bmc = &fake_bmc.bmc;
    unsigned changes;

    (void)state;
    EXPECT("04 11 05", "00 05");
    log_event();
    fake_bmc.saves_wait = true;
    fake_bmc_advance(&fake_bmc, 5000);
    log_event();
    changes = fake_bmc.changes[BMC_PART_PEF_PENDING];
    bmc_set_host(bmc, NULL);
    pef_set_log(&bmc->pef, NULL);
    assert_int_equal(fake_bmc.changes[BMC_PART_PEF_PENDING], changes + 1);
    struct json_object *json = record_pef_pending.encode(bmc);
    while (fake_bmc.saves_finished < fake_bmc.save_count) /* the disk still answers */
        fake_bmc_finish_save(&fake_bmc, 0);
    fake_bmc.saves_wait = false;
    assert_int_equal(bmc->pef.held_count, 2);
    restart_from(json, 1000);
    assert_int_equal(sel_record_id(pef_held_record(&bmc->pef, 0)), 1);
    assert_int_equal(sel_record_id(pef_held_record(&bmc->pef, 1)), 2);
    bmc_set_host(bmc, &fake_bmc.host.domain);
    assert_int_equal(interrupts(), 2);
}

/* What software has processed is left to it, also where that alone is on disk. */
static void test_processed_before_the_restart(void **state)
{
    (void)state;
    EXPECT("04 11 05", "00 05");
    log_event();
    log_event();
    struct json_object *json = record_pef_pending.encode(&fake_bmc.bmc);
    EXPECT("04 14 00 01 00", "00");
    restart_from(json, 10000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 10000);
    assert_int_equal(interrupts(), 1);
}

/* ---- alerts ---- */

static void test_alerts_go_on(void **state)
{
    (void)state;
    EXPECT("04 12 0d 01 01 68 6f 74", "00");
    EXPECT("04 12 09 01 18 11 01", "00");
    EXPECT("04 12 09 02 19 12 00", "00"); /* if the one before was not reached */
    log_event();
    expect_sent("1");
    const struct alert first = sent.last;
    restart(1000);
    see_guest();
    fake_bmc_advance(&fake_bmc, 4999);
    expect_sent("1");
    fake_bmc_advance(&fake_bmc, 1);
    expect_sent("11");
    assert_memory_equal(&sent.last, &first, sizeof first);
    assert_string_equal(sent.last.text, "hot");
    restart(1000);
    fake_bmc_advance(&fake_bmc, 10000); /* as often as before, and then the next */
    expect_sent("1112");
    restart(1000);
    acknowledge();
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1112");
    assert_null(fake_bmc.bmc.alerts.runs);
    restart(1000);
    fake_bmc_advance(&fake_bmc, 60000);
    expect_sent("1112");
    log_event();
    assert_int_equal(sent.last.sequence, 3); /* no number comes again */
}

static void test_immediate_goes_on(void **state)
{
    (void)state;
    EXPECT("04 16 01 02 00", "00");
    EXPECT("04 16 01 42 00", "00 ff");
    restart(1000);
    EXPECT("04 16 01 42 00", "00 ff");
    acknowledge();
    EXPECT("04 16 01 42 00", "00 01");
    expect_sent("2");
}

/* One that waits for its acknowledgement is promised when it is on disk; one that is over is over.
 */
static void test_immediate_when_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    EXPECT("04 16 01 02 00", FAKE_BMC_WAITS);
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00");
    fake_bmc.saves_wait = false;
    acknowledge();
    EXPECT("04 16 01 05 00", "00"); /* there is no such destination */
    EXPECT("04 16 01 45 00", "00 03");
}

static void test_damage(void **state)
{
    static const struct {
        const char *key;
        int64_t value;
    } cases[] = {
        {"channel", 16}, {"number", -1},  {"timeout-s", 0}, {"timeout-s", 257},
        {"retries", 8},  {"sequence", 0}, {"left", 9},      {"waits", 2},
        {"outcome", 3},  {"v6", 1}, /* of 4 bytes */
    };
    struct json_object *run;

    (void)state;
    EXPECT("04 12 09 01 18 11 00", "00");
    log_event();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_object *json = record_pef_pending.encode(&fake_bmc.bmc);
        run = json_object_array_get_idx(json_object_object_get(json, "runs"), 0);
        qmp_json_add(json_object_array_get_idx(json_object_object_get(run, "deliveries"), 0),
                     cases[i].key, json_object_new_int64(cases[i].value));
        assert_int_equal(record_pef_pending.decode(&fake_bmc.bmc, json), -EINVAL);
        json_object_put(json);
        json = record_pef_pending.encode(&fake_bmc.bmc);
        run = json_object_array_get_idx(json_object_object_get(json, "runs"), 0);
        qmp_json_add(run, "entry", json_object_new_int64(PEF_POLICIES + 1));
        json_object_array_add(json_object_object_get(json, "held"), json_object_new_string("01"));
        assert_int_equal(record_pef_pending.decode(&fake_bmc.bmc, json), -EINVAL);
        json_object_put(json);
    }
    fake_bmc_advance(&fake_bmc, 100000);
    assert_null(fake_bmc.bmc.alerts.runs);
}

/* ---- a disk that refuses ---- */

static struct parts *parts;

static int setup_store(void **state)
{
    setup(state);
    parts = parts_store_begin();
    return !parts;
}

static int teardown_store(void **state)
{
    return parts_store_end() || teardown(state);
}

/* The result of storing what is now. */
static int store_it(void)
{
    return parts_store_save(BMC_PART_PEF_PENDING);
}

/* The timer is as it was; events and alerts are there all the same, once. */
static void test_refused(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 16 01 02 00", "00");
    EXPECT("04 11 0a", "00 0a"); /* the fake's own disk takes it */
    assert_int_equal(store_it(), 0);
    log_event();
    refusing_store_refuse("");
    EXPECT("04 11 fe", "00 fe");
    assert_true(store_it() < 0);
    assert_in_range(pef_postpone_left(&fake_bmc.bmc.pef), 9, 10);
    assert_int_equal(fake_bmc.bmc.pef.held_count, 1);
    assert_int_equal(fake_bmc.bmc.alerts.run_count, 1);
    refusing_store_accept();
    assert_int_equal(store_it(), 0);
}

/* The guest's reset has ended the timer: that nobody can store it does not arm it again. */
static void test_refused_end_of_the_timer(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    EXPECT("04 11 fe", "00 fe");
    log_event();
    assert_int_equal(store_it(), 0);
    refusing_store_refuse("");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_true(store_it() < 0);
    EXPECT("04 11 ff", "00 00");
    assert_int_equal(interrupts(), 1);
    refusing_store_accept();
}

/* Nor does a client whose timer is refused arm that of a run that has ended. */
static void test_refused_in_another_run(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    find_guest(HOST_POWER_RUNNING, 7, FAKE_HOST_PLACE, true);
    EXPECT("04 11 fe", "00 fe");
    assert_int_equal(store_it(), 0);
    refusing_store_refuse("");
    fake_bmc.host.domain.run = 8;
    fake_bmc.host.domain.booted = true;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STARTED);
    EXPECT("04 11 0a", "00 0a");
    assert_true(store_it() < 0);
    EXPECT("04 11 ff", "00 00");
    refusing_store_accept();
}

/* The disk is full when what is held is released: it is acted on, and no later start of the daemon
 * does so again. The same with alerts that have ended. */
static void test_refused_release(void **state)
{
    static const char held[] = "documents WHERE text LIKE '%\"held\":[\"%'",
                      runs[] = "documents WHERE text LIKE '%\"runs\":[{%'";

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    EXPECT("04 12 09 01 18 11 00", "00");
    EXPECT("04 16 01 02 00", "00");
    EXPECT("04 11 05", "00 05");
    log_event();
    assert_int_equal(store_it(), 0);
    assert_int_equal(refusing_store_count(held), 1);
    assert_int_equal(refusing_store_count(runs), 1);
    refusing_store_refuse("");
    fake_bmc_advance(&fake_bmc, 5000);
    assert_int_equal(interrupts(), 1);
    fake_bmc_advance(&fake_bmc, 60000);
    assert_null(fake_bmc.bmc.alerts.runs);
    assert_true(store_it() < 0);
    assert_false(parts_is_stored(parts, BMC_PART_PEF_PENDING));
    refusing_store_accept();
    assert_false(parts_store_try_again(BMC_PART_PEF_PENDING));
    fake_bmc_advance(&fake_bmc, 5000);
    assert_true(parts_store_try_again(BMC_PART_PEF_PENDING));
    assert_int_equal(refusing_store_count(held), 0);
    assert_int_equal(refusing_store_count(runs), 0);
    assert_int_equal(interrupts(), 1);
}

/* A cold reset ends them for good: what is stored does not bring them back. */
static void test_bmc_restarts(void **state)
{
    (void)state;
    EXPECT("04 16 01 02 00", "00");
    EXPECT("04 11 0a", "00 0a");
    log_event();
    assert_int_equal(store_it(), 0);
    unsigned changes = fake_bmc.changes[BMC_PART_PEF_PENDING];
    bmc_restart(&fake_bmc.bmc);
    parts_read_again(parts);
    assert_true(fake_bmc.changes[BMC_PART_PEF_PENDING] > changes);
    assert_int_equal(fake_bmc.bmc.pef.held_count, 0);
    assert_null(fake_bmc.bmc.alerts.runs);
    EXPECT("04 11 ff", "00 00");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DISK(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_store)
    static const struct CMUnitTest tests[] = {
        TEST(test_timer_goes_on),
        TEST(test_timer_ended_meanwhile),
        TEST(test_clock_is_set_meanwhile),
        TEST(test_machine_has_booted_since),
        TEST(test_guest_is_not_found),
        TEST(test_startup_delay_goes_on),
        TEST(test_delayed_alert_goes_on),
        TEST(test_delays_are_stored),
        TEST(test_another_run),
        TEST(test_another_run_releases),
        TEST(test_run_is_not_known),
        TEST(test_killed_at_the_release),
        TEST(test_stopped_at_the_release),
        TEST(test_processed_before_the_restart),
        TEST(test_alerts_go_on),
        TEST(test_immediate_goes_on),
        TEST(test_immediate_when_stored),
        TEST(test_damage),
        DISK(test_refused),
        DISK(test_refused_end_of_the_timer),
        DISK(test_refused_in_another_run),
        DISK(test_refused_release),
        DISK(test_bmc_restarts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
