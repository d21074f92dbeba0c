/* The chassis commands except power: status, identify, policy, interval, causes, hours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"

#define MINUTE_MS UINT64_C(60000)

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

static void test_capabilities(void **state)
{
    (void)state;
    assert_string_equal(talk("00 00"), "00 04 20 20 20 20 20");
}

static void test_status_follows_the_guest(void **state)
{
    static const struct {
        enum host_power_state guest;
        const char *answer;
    } cases[] = {
        {HOST_POWER_OFF, "00 00 00 40 00"},     {HOST_POWER_RUNNING, "00 01 00 40 00"},
        {HOST_POWER_PAUSED, "00 01 00 40 00"},  {HOST_POWER_SUSPENDED, "00 01 00 40 00"},
        {HOST_POWER_CRASHED, "00 01 00 40 00"}, {HOST_POWER_UNKNOWN, "c0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.host.domain.state = cases[i].guest;
        assert_string_equal(talk("00 01"), cases[i].answer);
    }
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_string_equal(talk("00 01"), "c0"); /* never a guess */
}

static void test_status_bits(void **state)
{
    (void)state;
    assert_string_equal(talk("00 06 02"), "00 07");
    assert_string_equal(talk("00 01"), "00 41 00 40 00"); /* policy: always on */
    assert_string_equal(talk("00 06 01"), "00 07");
    assert_string_equal(talk("00 01"), "00 21 00 40 00"); /* as before */
    fake_bmc.host.result = -EIO;
    assert_string_equal(talk("00 02 03"), "ff");
    assert_string_equal(talk("00 01"), "00 31 00 40 00"); /* control fault */
    fake_bmc.host.result = 0;
    assert_string_equal(talk("00 02 03"), "00");
    assert_string_equal(talk("00 01"), "00 21 00 40 00");
    assert_string_equal(talk("00 0a 0a"), "00");
    assert_string_equal(talk("00 01"), "00 21 00 40 0a"); /* front panel */
    assert_string_equal(talk("00 0a f0"), "cc");
    assert_string_equal(talk("00 0a 00"), "00");
    assert_string_equal(talk("00 04 00 01"), "00");
    assert_string_equal(talk("00 01"), "00 21 00 60 00"); /* identify without end */
}

static void test_last_power_event(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc.host.waits = true;
    assert_string_equal(talk("00 02 01"), FAKE_BMC_WAITS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(talk("00 01"), "00 01 10 40 00"); /* on by command */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(talk("00 01"), "00 01 00 40 00"); /* by somebody else */
    fake_bmc.host.domain.stop_reason = HOST_STOP_FAILED;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(talk("00 01"), "00 00 08 40 00"); /* QEMU died */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(talk("00 01"), "00 01 08 40 00"); /* that was the last power-down */
    fake_bmc.host.domain.stop_reason = HOST_STOP_SHUTDOWN;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(talk("00 01"), "00 00 00 40 00");
}

/* Power up is answered when the guest is on, and after 900 ms at the latest. */
static void test_power_up_is_waited_for(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc.host.waits = true;
    assert_string_equal(talk("00 02 01"), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 400);
    assert_string_equal(talk("00 02 01"), FAKE_BMC_WAITS); /* ipmipower's repeat joins */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_PAUSED);      /* its boot device comes after that */
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "00");
    fake_host_finish(&fake_bmc.host, 0);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(talk("00 02 01"), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 899);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 3), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 3), "00");
    assert_int_equal(fake_bmc.host.count, 2);
}

/* ---- Chassis Identify ---- */

/* The light after `ms`: byte 3 of the status. */
static const char *light_after(uint64_t ms)
{
    static char light[3];

    fake_bmc_advance(&fake_bmc, ms);
    memcpy(light, talk("00 01") + 9, 2);
    return light;
}

static void test_identify(void **state)
{
    static const struct {
        const char *request;
        uint64_t seconds; /* 0: off at once */
    } cases[] = {
        {"00 04", 15}, {"00 04 01", 1}, {"00 04 ff", 255}, {"00 04 05 00", 5}, {"00 04 00", 0},
    };

    (void)state;
    assert_string_equal(light_after(0), "40");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(talk(cases[i].request), "00");
        if (cases[i].seconds) {
            assert_string_equal(light_after(0), "50");
            assert_string_equal(light_after(cases[i].seconds * 1000 - 1), "50");
        }
        assert_string_equal(light_after(1), "40");
    }
}

static void test_identify_without_end(void **state)
{
    (void)state;
    assert_string_equal(talk("00 04 05 01"), "00");
    assert_string_equal(light_after(1000 * MINUTE_MS), "60");
    assert_string_equal(talk("00 04 02 00"), "00"); /* a timed one replaces it */
    assert_string_equal(light_after(1999), "50");
    assert_string_equal(light_after(1), "40");
    assert_string_equal(talk("00 04 00 01"), "00");
    assert_string_equal(talk("00 04 00 00"), "00");
    assert_string_equal(light_after(0), "40");
}

/* ---- what is answered when it is stored ---- */

static void test_restore_policy(void **state)
{
    (void)state;
    for (unsigned policy = 4; policy <= 7; policy++) {
        char request[] = "00 06 00";
        request[7] = (char)('0' + policy);
        assert_string_equal(talk(request), "cc");
    }
    assert_string_equal(talk("00 06 03"), "00 07"); /* only asks */
    assert_int_equal(fake_bmc.save_count, 0);
    assert_int_equal(fake_bmc.bmc.chassis.restore_policy, POWER_RESTORE_STAY_OFF);
    assert_string_equal(talk("00 06 fa"), "cc"); /* reserved bits */
    assert_string_equal(talk("00 06 02"), "00 07");
    assert_int_equal(fake_bmc.bmc.chassis.restore_policy, POWER_RESTORE_ALWAYS_ON);
    assert_string_equal(talk("00 06 00"), "00 07");
    assert_int_equal(fake_bmc.bmc.chassis.restore_policy, POWER_RESTORE_STAY_OFF);
    assert_int_equal(fake_bmc.changes[BMC_PART_CHASSIS], 2);
}

static void test_answered_when_stored(void **state)
{
    static const struct {
        const char *request, *done;
    } cases[] = {{"00 06 01", "00 07"}, {"00 0b 0a", "00"}};
    static const struct {
        int result;
        const char *answer;
    } failures[] = {{-ENOSPC, "c4"}, {-EIO, "ff"}, {-EROFS, "ff"}, {-EBUSY, "c0"}};

    (void)state;
    fake_bmc.saves_wait = true;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(talk(cases[i].request), FAKE_BMC_WAITS);
        fake_bmc_advance(&fake_bmc, 10 * MINUTE_MS); /* there is no "accepted" for a disk */
        assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)),
                            FAKE_BMC_WAITS);
        fake_bmc_finish_save(&fake_bmc, 0);
        assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), cases[i].done);
        for (size_t k = 0; k < ARRAY_SIZE(failures); k++) {
            assert_string_equal(talk(cases[i].request), FAKE_BMC_WAITS);
            fake_bmc_finish_save(&fake_bmc, failures[k].result);
            assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)),
                                failures[k].answer);
        }
    }
}

static void test_cycle_interval(void **state)
{
    (void)state;
    assert_string_equal(talk("00 02 02"), "00");
    assert_int_equal(fake_host_last(&fake_bmc.host)->cycle_interval_s, 0);
    assert_string_equal(talk("00 0b ff"), "00");
    assert_string_equal(talk("00 02 02"), "00");
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_CYCLE);
    assert_int_equal(fake_host_last(&fake_bmc.host)->cycle_interval_s, 255);
}

/* ---- Get System Restart Cause ---- */

static void test_restart_causes(void **state)
{
    (void)state;
    assert_string_equal(talk("00 07"), "00 00 00");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET); /* the firmware's, of the start */
    assert_string_equal(talk("00 07"), "00 03 00");  /* somebody pressed the button */
    fake_bmc_advance(&fake_bmc, RESET_BURST_MS);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(talk("00 07"), "00 0a 00"); /* the guest itself */

    fake_bmc.host.waits = true;
    talk("00 02 03");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(talk("00 07"), "00 01 01");
    fake_bmc_advance(&fake_bmc, RESET_BURST_MS);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(talk("00 07"), "00 0a 00");

    talk("00 02 02");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET); /* that of its boot override */
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(talk("00 07"), "00 01 01");
}

static void is_reset_after(unsigned ms, const char *expected)
{
    fake_bmc_advance(&fake_bmc, ms);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(talk("00 07"), expected);
}

/* SeaBIOS answers the reset of a booted guest with another one, which is no second cause. */
static void test_cause_of_a_reset_burst(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    talk("00 02 03");
    is_reset_after(10, "00 01 01");
    fake_host_finish(&fake_bmc.host, 0);
    is_reset_after(800, "00 01 01");
    is_reset_after(RESET_BURST_MS - 801, "00 01 01");
    is_reset_after(1, "00 0a 00"); /* the guest's own, and its firmware's */
    is_reset_after(900, "00 0a 00");

    talk("00 02 03"); /* in the midst of that: another one, whose event comes after its end */
    fake_host_finish(&fake_bmc.host, 0);
    is_reset_after(10, "00 01 01");
    is_reset_after(800, "00 01 01");
    fake_bmc_advance(&fake_bmc, RESET_BURST_MS);
    talk("00 02 03");
    fake_host_finish(&fake_bmc.host, -EIO);
    is_reset_after(10, "00 0a 00"); /* not that which failed */

    talk("00 02 03"); /* no event came of it */
    fake_host_finish(&fake_bmc.host, 0);
    is_reset_after(RESET_BURST_MS, "00 0a 00");
}

static void test_events_are_stored(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.changes[BMC_PART_CHASSIS], 1);
    assert_false(fake_bmc.bmc.chassis.was_on);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.changes[BMC_PART_CHASSIS], 2);
    assert_true(fake_bmc.bmc.chassis.was_on);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET); /* its cause outlives the daemon */
    assert_int_equal(fake_bmc.changes[BMC_PART_CHASSIS], 3);
}

/* ---- Get POH Counter ---- */

static void test_hours(void **state)
{
    (void)state;
    assert_string_equal(talk("00 0f"), "00 3c 00 00 00 00");
    fake_bmc_advance(&fake_bmc, 59 * MINUTE_MS);
    assert_string_equal(talk("00 0f"), "00 3c 00 00 00 00");
    fake_bmc_advance(&fake_bmc, MINUTE_MS);
    assert_string_equal(talk("00 0f"), "00 3c 01 00 00 00");
    fake_bmc_advance(&fake_bmc, (0x12345 - 1) * 60 * MINUTE_MS);
    assert_string_equal(talk("00 0f"), "00 3c 45 23 01 00");
}

/* Asking often must not lose the seconds between. */
static void test_hours_in_small_steps(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        fake_bmc_advance(&fake_bmc, MINUTE_MS * 3 / 2);
        assert_memory_equal(talk("00 0f"), "00 3c", 5);
    }
    assert_string_equal(talk("00 0f"), "00 3c 01 00 00 00");
}

static void test_hours_count_only_while_on(void **state)
{
    (void)state;
    fake_bmc_advance(&fake_bmc, 60 * MINUTE_MS);
    talk("00 0f");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_advance(&fake_bmc, 600 * MINUTE_MS);
    assert_string_equal(talk("00 0f"), "00 3c 01 00 00 00");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_bmc_advance(&fake_bmc, 60 * MINUTE_MS);
    assert_string_equal(talk("00 0f"), "00 3c 02 00 00 00");
}

/* Nobody asked while the guest ran. */
static void test_hours_of_a_run_that_is_over(void **state)
{
    (void)state;
    fake_bmc_advance(&fake_bmc, 120 * MINUTE_MS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(talk("00 0f"), "00 3c 02 00 00 00");
}

/* Up since its start, also while nobody can ask its hypervisor. */
static void test_on_since(void **state)
{
    struct fake_bmc fake;

    (void)state;
    fake_bmc_init(&fake, HOST_POWER_OFF);
    assert_int_equal(fake.bmc.chassis.on_since_ms, 0);
    fake_bmc_set_state(&fake, HOST_POWER_RUNNING);
    uint64_t started = fake.now_ms;
    assert_int_equal(fake.bmc.chassis.on_since_ms, started);
    assert_int_equal(fake.bmc.chassis.boots, 1);
    fake_bmc_advance(&fake, 1000);
    fake.host.domain.state = HOST_POWER_UNKNOWN;
    bmc_host_event(&fake.bmc, HOST_EVENT_STATE);
    fake_bmc_advance(&fake, 1000);
    fake.host.domain.state = HOST_POWER_RUNNING;
    bmc_host_event(&fake.bmc, HOST_EVENT_STATE);
    assert_int_equal(fake.bmc.chassis.on_since_ms, started);
    fake_bmc_set_state(&fake, HOST_POWER_OFF);
    assert_int_equal(fake.bmc.chassis.on_since_ms, 0);
    fake_bmc_clear(&fake);
}

/* What a restarted daemon knows from the store, and the guest as it finds it. */
static void test_found_after_a_restart(void **state)
{
    static const struct {
        enum host_power_state guest;
        int64_t run;
        bool forgotten; /* the numbers of runs may have begun again */
        bool is_same;
    } cases[] = {
        {HOST_POWER_RUNNING, 5, false, true},  {HOST_POWER_PAUSED, 5, false, true},
        {HOST_POWER_RUNNING, 6, false, false}, {HOST_POWER_OFF, -1, false, false},
        {HOST_POWER_RUNNING, 5, true, false},
    };
    struct fake_bmc fake;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct host_domain *host = &fake.host.domain;
        fake_bmc_init(&fake, cases[i].guest);
        struct chassis *chassis = &fake.bmc.chassis;
        bmc_set_host(&fake.bmc, NULL);
        chassis_set_defaults(chassis);
        chassis->core = &fake.bmc.core;
        chassis->boot = &fake.bmc.boot;
        chassis->restart_cause = RESTART_CAUSE_CHASSIS_CONTROL;
        chassis->poh_minutes = 100;
        chassis->boots = 7;
        int64_t now = (int64_t)fake.now_ms, since = now - 5000 * (int64_t)MINUTE_MS;
        chassis_restore_run(chassis, 5, since, now - 30 * (int64_t)MINUTE_MS);
        if (cases[i].forgotten)
            chassis_forget_run(chassis);
        assert_true(chassis_poh_minutes(&fake.bmc.chassis) == 100); /* nothing is known yet */
        host->run = cases[i].run;
        fake.changes[BMC_PART_CHASSIS] = 0;
        bmc_set_host(&fake.bmc, host);
        assert_int_equal(fake.changes[BMC_PART_CHASSIS],
                         cases[i].guest != HOST_POWER_OFF &&
                             !cases[i].is_same); /* for the next restart */
        assert_int_equal(chassis_poh_minutes(&fake.bmc.chassis), cases[i].is_same ? 130 : 100);
        assert_int_equal(chassis->boots, 7);
        if (cases[i].guest == HOST_POWER_OFF)
            assert_int_equal(chassis->on_since_ms, 0);
        else
            assert_true(chassis->on_since_ms == (cases[i].is_same ? since : now));
        assert_int_equal(chassis->restart_cause,
                         cases[i].run == 6 ? RESTART_CAUSE_UNKNOWN : RESTART_CAUSE_CHASSIS_CONTROL);
        fake_bmc_clear(&fake);
    }
}

/* Of each policy: what was on, and what was off when power failed. */
static void test_who_wants_power(void **state)
{
    static const struct {
        enum power_restore_policy policy;
        bool on, off;
    } cases[] = {
        {POWER_RESTORE_STAY_OFF, false, false},
        {POWER_RESTORE_PREVIOUS, true, false},
        {POWER_RESTORE_ALWAYS_ON, true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct chassis chassis = {.restore_policy = cases[i].policy};
        assert_int_equal(chassis_wants_power(&chassis, true), cases[i].on);
        assert_int_equal(chassis_wants_power(&chassis, false), cases[i].off);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wants_power),
        cmocka_unit_test(test_on_since),
        cmocka_unit_test(test_found_after_a_restart),
        cmocka_unit_test_setup_teardown(test_capabilities, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_status_follows_the_guest, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_status_bits, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_last_power_event, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_power_up_is_waited_for, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_identify, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_identify_without_end, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_restore_policy, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_answered_when_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_cycle_interval, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_restart_causes, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_events_are_stored, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_cause_of_a_reset_burst, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hours, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hours_in_small_steps, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hours_count_only_while_on, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hours_of_a_run_that_is_over, fake_bmc_setup,
                                        fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
