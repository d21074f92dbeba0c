/* Chassis Control: the power table, the 250 ms rule, repeats and the queue. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/chassis_power.h"

#define OTHER_SESSION 0x2002

/* Chassis Control of a session. */
static const char *control(unsigned action, uint32_t session)
{
    char request[16];

    fake_bmc.session = session;
    snprintf(request, sizeof request, "00 02 %02x", action);
    return fake_bmc_talk(&fake_bmc, request);
}

static const char *answer(uint32_t request)
{
    return fake_bmc_answer(&fake_bmc, request);
}

/* The table of the design: what is done (+), what succeeds without being done (00), else the
 * completion code. */
static void test_power_table(void **state)
{
    static const struct {
        enum host_power_state guest;
        const char *expected[6]; /* down, up, cycle, reset, diagnostic interrupt, soft */
        bool migrating;
    } cases[] = {
        {HOST_POWER_RUNNING, {"+", "00", "+", "+", "+", "+"}, false},
        {HOST_POWER_PAUSED, {"+", "+", "+", "+", "+", "+"}, false},
        {HOST_POWER_SUSPENDED, {"+", "+", "+", "+", "+", "+"}, false},
        {HOST_POWER_CRASHED, {"+", "+", "+", "+", "+", "+"}, false},
        {HOST_POWER_OFF, {"00", "+", "d5", "d5", "d5", "d5"}, false},
        {HOST_POWER_UNKNOWN, {"c0", "c0", "c0", "c0", "c0", "c0"}, false},
        {HOST_POWER_PAUSED, {"c0", "c0", "c0", "c0", "c0", "c0"}, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned action = 0; action < 6; action++) {
            bool acts = strcmp(cases[i].expected[action], "+") == 0;
            fake_bmc_setup(state);
            fake_bmc.host.domain.state = cases[i].guest;
            fake_bmc.host.domain.migrating = cases[i].migrating;
            assert_string_equal(control(action, FAKE_BMC_SESSION),
                                acts ? "00" : cases[i].expected[action]);
            assert_int_equal(fake_bmc.host.count, acts);
            if (acts)
                assert_int_equal(fake_host_last(&fake_bmc.host)->action, action);
        }
    }
}

static void test_without_a_guest(void **state)
{
    (void)state;
    bmc_set_host(&fake_bmc.bmc, NULL);
    for (unsigned action = 0; action < 6; action++)
        assert_string_equal(control(action, FAKE_BMC_SESSION), "c0");
}

static void test_other_values(void **state)
{
    (void)state;
    for (unsigned action = 6; action < 16; action++)
        assert_string_equal(control(action, FAKE_BMC_SESSION), "cc");
    assert_string_equal(control(0xf0, FAKE_BMC_SESSION), "cc"); /* reserved bits: power down */
    assert_int_equal(fake_bmc.host.count, 0);
}

static void test_refused_at_once(void **state)
{
    static const struct {
        int result;
        const char *answer;
    } cases[] = {
        {-EHOSTUNREACH, "c0"}, {-ENODEV, "c0"}, {-EINVAL, "d5"}, {-ENOTSUP, "d5"}, {-EIO, "ff"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.host.result = cases[i].result;
        assert_string_equal(control(3, FAKE_BMC_SESSION), cases[i].answer);
    }
    assert_int_equal(fake_bmc.host.count, ARRAY_SIZE(cases));
}

/* ---- the 250 ms rule ---- */

static void test_accepted_after_250_ms(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 249);
    assert_string_equal(answer(1), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(answer(1), "00");
    /* Its late failure is no second answer (the fake checks), but shows in the status. */
    fake_bmc_advance(&fake_bmc, 5000);
    fake_host_finish(&fake_bmc.host, -EIO);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 01"), "00 11 00 40 00");
}

static void test_answered_by_the_end_before_that(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 249);
    fake_host_finish(&fake_bmc.host, -EIO);
    assert_string_equal(answer(1), "ff");
    fake_bmc_advance(&fake_bmc, 1000);
}

/* The control socket waits for the end. */
static int end_result;
static unsigned end_count;

static void note_end(const struct bmc_ticket *ticket, int result)
{
    (void)ticket;
    end_result = result;
    end_count++;
}

static void test_who_waits_for_the_end(void **state)
{
    const struct bmc_ticket ticket = {.done = note_end, .waits_for_end = true};

    (void)state;
    end_count = 0;
    fake_bmc.host.waits = true;
    chassis_control(&fake_bmc.bmc.chassis, HOST_POWER_ACTION_CYCLE, 0, &ticket);
    fake_bmc_advance(&fake_bmc, 60000);
    assert_int_equal(end_count, 0);
    fake_host_finish(&fake_bmc.host, -EIO);
    assert_int_equal(end_count, 1);
    assert_int_equal(end_result, -EIO);
}

/* ---- repeats ---- */

/* FreeIPMI asks again after 400 ms, under a new rqSeq. */
static void test_repeat_runs_once(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 100);
    assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS); /* joins the first */
    fake_bmc_advance(&fake_bmc, 150);
    assert_string_equal(answer(1), "00");
    assert_string_equal(answer(2), "00");
    fake_bmc_advance(&fake_bmc, 150);
    assert_string_equal(control(2, FAKE_BMC_SESSION), "00"); /* the first was accepted */
    assert_int_equal(fake_bmc.host.count, 1);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 1);
    /* What ended may be asked for again. */
    assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS);
    assert_int_equal(fake_bmc.host.count, 2);
}

static void test_repeat_gets_the_same_failure(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(3, FAKE_BMC_SESSION);
    control(3, FAKE_BMC_SESSION);
    fake_host_finish(&fake_bmc.host, -EINVAL);
    assert_string_equal(answer(1), "d5");
    assert_string_equal(answer(2), "d5");
}

/* More repeats than can wait are accepted, as the first will be. */
static void test_many_repeats(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    for (int i = 0; i < WAITERS_MAX; i++)
        assert_string_equal(control(2, FAKE_BMC_SESSION), FAKE_BMC_WAITS);
    assert_string_equal(control(2, FAKE_BMC_SESSION), "00");
    assert_int_equal(fake_bmc.host.count, 1);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(answer(WAITERS_MAX), "00");
}

static void test_others_are_no_repeats(void **state)
{
    static const struct {
        unsigned action;
        uint32_t session;
    } seconds[] = {{3, OTHER_SESSION}, {4, FAKE_BMC_SESSION}};

    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        fake_bmc_setup(state);
        fake_bmc.host.waits = true;
        control(3, FAKE_BMC_SESSION);
        control(seconds[i].action, seconds[i].session);
        assert_int_equal(fake_bmc.host.count, 1); /* one after the other */
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.host.count, 2);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, seconds[i].action);
        assert_string_equal(answer(1), "00");
        assert_string_equal(answer(2), FAKE_BMC_WAITS);
        fake_host_finish(&fake_bmc.host, -EIO);
        assert_string_equal(answer(2), "ff");
    }
}

/* What ends the guest that asks for it is answered, and then done. */
static void test_from_within(void **state)
{
    static const unsigned ends[] = {0, 2, 3};

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        fake_bmc_setup(state);
        fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
        fake_bmc.host.waits = true;
        fake_bmc.owed_waits = true;
        control(ends[i], 0);
        fake_bmc_advance(&fake_bmc, CHASSIS_ANSWER_STORE_MS - 1); /* of a slow disk */
        assert_string_equal(answer(1), FAKE_BMC_WAITS);
        assert_int_equal(fake_bmc.host.count, 0);
        bmc_ticket_finish(&fake_bmc.owed_ticket, 0); /* it is on disk */
        assert_string_equal(answer(1), "00");
        assert_int_equal(fake_bmc.host.count, 0);
        fake_bmc_advance(&fake_bmc, CHASSIS_ANSWER_FIRST_MS - 1);
        assert_int_equal(fake_bmc.host.count, 0);
        fake_bmc_advance(&fake_bmc, 1);
        assert_int_equal(fake_bmc.host.count, 1);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, ends[i]);
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.reply_count[1], 1);
        fake_bmc_teardown(state);
    }
    fake_bmc_setup(state);
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake_bmc.host.waits = true;
    control(5, 0); /* its system ends by itself */
    assert_int_equal(fake_bmc.host.count, 1);
    control(0, 0); /* behind it, and as above */
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(answer(2), "00");
    assert_int_equal(fake_bmc.host.count, 1);
    fake_bmc_advance(&fake_bmc, CHASSIS_ANSWER_FIRST_MS);
    assert_int_equal(fake_bmc.host.count, 2);
}

/* Unless the disk takes so long that nobody would see the answer. */
static void test_from_within_slowly(void **state)
{
    (void)state;
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake_bmc.owed_waits = true;
    control(0, 0);
    fake_bmc_advance(&fake_bmc, CHASSIS_ANSWER_STORE_MS);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* Nobody's session 0 (in-band, the control socket) repeats nothing. */
static void test_no_session_no_repeat(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(3, 0);
    control(3, 0);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 2);
}

/* ---- the queue ---- */

static void test_decided_when_its_turn_comes(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(0, FAKE_BMC_SESSION); /* off */
    control(1, FAKE_BMC_SESSION); /* on, while the guest still runs */
    control(0, FAKE_BMC_SESSION); /* and off again: no repeat of the first */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_UP);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 3);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
}

static void test_several_that_need_nothing(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(0, FAKE_BMC_SESSION);
    control(2, FAKE_BMC_SESSION);
    control(0, FAKE_BMC_SESSION);
    control(3, FAKE_BMC_SESSION);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_string_equal(answer(1), "00");
    assert_string_equal(answer(2), "d5");
    assert_string_equal(answer(3), "00");
    assert_string_equal(answer(4), "d5");
}

static void test_queue_full(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    for (uint32_t i = 0; i < CHASSIS_QUEUE_MAX; i++)
        assert_string_equal(control(3, i + 1), FAKE_BMC_WAITS);
    assert_string_equal(control(3, 99), "c0");
    for (unsigned i = 0; i < CHASSIS_QUEUE_MAX; i++)
        fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, CHASSIS_QUEUE_MAX);
    assert_string_equal(control(3, 99), FAKE_BMC_WAITS);
    assert_int_equal(fake_bmc.host.count, CHASSIS_QUEUE_MAX + 1);
}

/* Those that wait in the queue are accepted in their time too. */
static void test_queued_is_accepted(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(3, 1);
    fake_bmc_advance(&fake_bmc, 200);
    control(3, 2);
    fake_bmc_advance(&fake_bmc, 249);
    assert_string_equal(answer(1), "00");
    assert_string_equal(answer(2), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(answer(2), "00");
}

static void start_reset(const struct bmc_ticket *ticket, int result)
{
    static const struct bmc_ticket nobody;

    (void)ticket;
    (void)result;
    chassis_control(&fake_bmc.bmc.chassis, HOST_POWER_ACTION_HARD_RESET, 0, &nobody);
}

/* "A callback may start the next operation" (waiters.h): then it starts once. */
static void test_callback_starts_the_next(void **state)
{
    const struct bmc_ticket ticket = {.done = start_reset};

    (void)state;
    fake_bmc.host.waits = true;
    chassis_control(&fake_bmc.bmc.chassis, HOST_POWER_ACTION_CYCLE, 0, &ticket);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_bmc.bmc.chassis.queued, 1);
}

/* ---- the guest vanishes ---- */

static void test_guest_vanishes(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(3, 1);
    control(3, 2);
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_string_equal(answer(1), "c0");
    assert_string_equal(answer(2), "c0");
    assert_int_equal(fake_bmc.host.cancels, 1);
    fake_host_finish(&fake_bmc.host, 0); /* what has begun goes on, and nobody hears of it */
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(fake_bmc.bmc.chassis.queued, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_power_table, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_guest, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_other_values, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_refused_at_once, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_accepted_after_250_ms, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_answered_by_the_end_before_that, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_who_waits_for_the_end, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_repeat_runs_once, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_repeat_gets_the_same_failure, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_many_repeats, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_others_are_no_repeats, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_no_session_no_repeat, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_teardown(test_from_within, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_from_within_slowly, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_decided_when_its_turn_comes, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_several_that_need_nothing, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_queue_full, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_queued_is_accepted, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_callback_starts_the_next, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_guest_vanishes, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
