/* Power actions and the store: what is promised, and what is owed when the hypervisor, the guest or
 * the daemon was away. */
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

/* Chassis Control. */
static const char *control(unsigned action)
{
    char request[16];

    snprintf(request, sizeof request, "00 02 %02x", action);
    return fake_bmc_talk(&fake_bmc, request);
}

static const char *answer(uint32_t request)
{
    return fake_bmc_answer(&fake_bmc, request);
}

static void note_owed(enum host_power_action action, bool begun, int64_t run, int64_t age_ms)
{
    const struct chassis_action record = {.action = action,
                                          .cause = RESTART_CAUSE_CHASSIS_CONTROL,
                                          .begun = begun,
                                          .run = run,
                                          .at_ms = (int64_t)fake_bmc.now_ms - age_ms};

    chassis_restore_owed(&fake_bmc.bmc.chassis, &record);
}

static void fake_bmc_again(void **state)
{
    fake_bmc_teardown(state);
    fake_bmc_setup(state);
}

/* An action of several steps starts when the store has it, one of a single step at once; neither is
 * answered as accepted before. */
static void test_stored_before_it_is_accepted(void **state)
{
    static const struct {
        unsigned action;
        enum host_power_state guest;
        bool waits;
    } cases[] = {
        {0, HOST_POWER_RUNNING, false}, {1, HOST_POWER_OFF, true},
        {2, HOST_POWER_RUNNING, true},  {3, HOST_POWER_RUNNING, false},
        {3, HOST_POWER_CRASHED, true},  {4, HOST_POWER_RUNNING, false},
        {5, HOST_POWER_RUNNING, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_again(state);
        fake_bmc.host.waits = fake_bmc.owed_waits = true;
        fake_bmc.host.domain.state = cases[i].guest;
        assert_string_equal(control(cases[i].action), FAKE_BMC_WAITS);
        assert_int_equal(fake_bmc.changes[BMC_PART_OWED], 1);
        assert_int_equal(fake_bmc.owed_count, 1);
        assert_int_equal(fake_bmc.owed[0].action, cases[i].action);
        assert_true(fake_bmc.owed[0].begun);
        assert_int_equal(fake_bmc.host.count, !cases[i].waits);
        fake_bmc_advance(&fake_bmc, 5000);
        assert_string_equal(answer(1), FAKE_BMC_WAITS);
        bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
        fake_bmc_advance(&fake_bmc, 1);
        assert_string_equal(answer(1), "00");
        assert_int_equal(fake_bmc.host.count, 1);
        fake_bmc.owed_waits = false;
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.owed_count, 0);
    }
}

/* Nothing is promised: what needs several steps is refused, the rest answered by its end. */
static void test_store_that_takes_nothing(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_bmc.owed_result = -ENOSPC;
    assert_string_equal(control(2), "c4");
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(control(0), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 5000);
    assert_string_equal(answer(2), FAKE_BMC_WAITS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(answer(2), "00");
    assert_string_equal(control(1), FAKE_BMC_WAITS);
    assert_int_equal(fake_bmc.host.count, 2);
}

/* A hypervisor that hangs as well: who waits hears that it may be done, or that it is not; what is
 * not is not done later. The control socket waits for the end. */
static void test_neither_stored_nor_done(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_bmc.owed_result = -ENOSPC;
    assert_string_equal(control(0), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 200);
    assert_string_equal(control(1), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, CHASSIS_UNSTORED_MS + 49);
    assert_string_equal(answer(1), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(answer(1), "c3");
    assert_string_equal(answer(2), FAKE_BMC_WAITS); /* power up has 900 ms */
    fake_bmc_advance(&fake_bmc, 850);
    assert_string_equal(answer(2), "c0");
    assert_int_equal(fake_bmc.owed_count, 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(fake_bmc.owed_count, 0);
}

/* A disk that hangs: what waits for it is not begun any more. */
static void test_store_that_hangs(void **state)
{
    (void)state;
    fake_bmc.host.waits = fake_bmc.owed_waits = true;
    assert_string_equal(control(2), FAKE_BMC_WAITS);
    fake_bmc_advance(&fake_bmc, CHASSIS_UNSTORED_MS + 250);
    assert_string_equal(answer(1), "c0");
    bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(fake_bmc.bmc.chassis.queued, 0);
}

static void test_owed_is_finished(void **state)
{
    static const struct {
        enum host_power_action action;
        bool begun;
        int64_t run;
        enum host_power_state guest; /* its run is 7 */
        int expected;                /* the action; -1: none */
        bool fault;
    } cases[] = {
        {HOST_POWER_ACTION_CYCLE, true, 7, HOST_POWER_OFF, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_CYCLE, true, 7, HOST_POWER_RUNNING, HOST_POWER_ACTION_CYCLE, false},
        {HOST_POWER_ACTION_CYCLE, true, 6, HOST_POWER_RUNNING, -1, false},
        {HOST_POWER_ACTION_CYCLE, true, 6, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_CYCLE, false, 0, HOST_POWER_RUNNING, HOST_POWER_ACTION_CYCLE, false},
        {HOST_POWER_ACTION_CYCLE, false, 0, HOST_POWER_OFF, -1, true},
        {HOST_POWER_ACTION_UP, true, -1, HOST_POWER_OFF, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_UP, true, -1, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_UP, true, -1, HOST_POWER_RUNNING, -1, false},
        {HOST_POWER_ACTION_DOWN, true, 7, HOST_POWER_RUNNING, HOST_POWER_ACTION_DOWN, false},
        {HOST_POWER_ACTION_DOWN, true, 6, HOST_POWER_RUNNING, -1, false},
        {HOST_POWER_ACTION_DOWN, false, 0, HOST_POWER_RUNNING, HOST_POWER_ACTION_DOWN, false},
        {HOST_POWER_ACTION_DOWN, true, 7, HOST_POWER_OFF, -1, false},
        {HOST_POWER_ACTION_HARD_RESET, true, 7, HOST_POWER_RUNNING, -1, true},
        {HOST_POWER_ACTION_HARD_RESET, true, 7, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_SOFT_SHUTDOWN, true, 7, HOST_POWER_RUNNING, -1, true},
        {HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, false, 7, HOST_POWER_RUNNING, -1, true},
        {HOST_POWER_ACTION_HARD_RESET, false, 0, HOST_POWER_RUNNING, HOST_POWER_ACTION_HARD_RESET,
         false},
        {HOST_POWER_ACTION_HARD_RESET, false, 0, HOST_POWER_OFF, -1, true},
        {HOST_POWER_ACTION_SOFT_SHUTDOWN, false, 0, HOST_POWER_RUNNING,
         HOST_POWER_ACTION_SOFT_SHUTDOWN, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_again(state);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        note_owed(cases[i].action, cases[i].begun, cases[i].run, 1000);
        assert_int_equal(fake_bmc.host.count, 0);
        fake_bmc.host.waits = true;
        fake_bmc.host.domain.run = cases[i].guest == HOST_POWER_OFF ? -1 : 7;
        fake_bmc_set_state(&fake_bmc, cases[i].guest);
        if (cases[i].expected < 0) {
            assert_int_equal(fake_bmc.host.count, 0);
            assert_int_equal(fake_bmc.owed_count, 0);
        } else {
            assert_int_equal(fake_bmc.host.count, 1);
            assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].expected);
            assert_int_equal(fake_bmc.owed_count, 1);
        }
        assert_int_equal(fake_bmc.bmc.chassis.control_fault, cases[i].fault);
    }
}

/* It did not end here, and is not started a second time. */
static void test_owed_to_a_guest_that_has_moved(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    note_owed(HOST_POWER_ACTION_CYCLE, true, 7, 1000);
    fake_bmc.host.domain.stop_reason = HOST_STOP_MOVED;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(fake_bmc.owed_count, 0);
}

static void test_owed_too_long(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    note_owed(HOST_POWER_ACTION_UP, true, -1, CHASSIS_OWED_MAX_AGE_MS + 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(fake_bmc.owed_count, 0);
    assert_true(fake_bmc.bmc.chassis.control_fault);
}

/* A guest that we left paused is not left so, however long the daemon was away; and what is done is
 * no failure. */
static void test_owed_long_ago(void **state)
{
    static const struct {
        enum host_power_action action;
        int64_t run;
        enum host_power_state guest; /* its run is 7 */
        int expected;                /* the action; -1: none */
        bool fault;
    } cases[] = {
        {HOST_POWER_ACTION_UP, -1, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_CYCLE, 6, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_HARD_RESET, 7, HOST_POWER_PAUSED, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_HARD_RESET, 6, HOST_POWER_PAUSED, -1, true},
        {HOST_POWER_ACTION_DOWN, 7, HOST_POWER_PAUSED, -1, true},
        {HOST_POWER_ACTION_CYCLE, 7, HOST_POWER_PAUSED, -1, true},
        {HOST_POWER_ACTION_DOWN, 7, HOST_POWER_OFF, -1, false},
        {HOST_POWER_ACTION_UP, -1, HOST_POWER_RUNNING, -1, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_again(state);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        fake_bmc.now_ms = CHASSIS_OWED_MAX_AGE_MS + 2000000;
        note_owed(cases[i].action, true, cases[i].run, CHASSIS_OWED_MAX_AGE_MS + 60000);
        fake_bmc.host.waits = true;
        fake_bmc.host.domain.run = 7;
        fake_bmc_set_state(&fake_bmc, cases[i].guest);
        assert_int_equal(fake_bmc.host.count, cases[i].expected >= 0);
        if (cases[i].expected >= 0)
            assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].expected);
        assert_int_equal(fake_bmc.bmc.chassis.control_fault, cases[i].fault);
    }
}

/* Begun on another hypervisor, or before another boot of this one, which number their runs on their
 * own: nobody knows whether it is the same run of the guest. */
static void test_owed_of_another_place(void **state)
{
    static const struct {
        enum host_power_action action;
        int64_t place;
        enum host_power_state guest; /* its run is 7 */
        int expected;                /* the action; -1: none */
        bool fault;
    } cases[] = {
        {HOST_POWER_ACTION_DOWN, FAKE_HOST_PLACE, HOST_POWER_RUNNING, HOST_POWER_ACTION_DOWN,
         false},
        {HOST_POWER_ACTION_DOWN, 12, HOST_POWER_RUNNING, -1, true},
        {HOST_POWER_ACTION_DOWN, 12, HOST_POWER_OFF, -1, false},
        {HOST_POWER_ACTION_CYCLE, 12, HOST_POWER_RUNNING, -1, true},
        {HOST_POWER_ACTION_CYCLE, 12, HOST_POWER_PAUSED, -1, true},
        {HOST_POWER_ACTION_CYCLE, 12, HOST_POWER_OFF, HOST_POWER_ACTION_UP, false},
        {HOST_POWER_ACTION_UP, 12, HOST_POWER_RUNNING, -1, false},
        {HOST_POWER_ACTION_HARD_RESET, 12, HOST_POWER_PAUSED, -1, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct chassis_action record = {.action = cases[i].action,
                                              .begun = true,
                                              .run = 7,
                                              .place = cases[i].place,
                                              .at_ms = 1000000};
        fake_bmc_again(state);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        chassis_restore_owed(&fake_bmc.bmc.chassis, &record);
        fake_bmc.host.waits = true;
        fake_bmc.host.domain.run = 7;
        fake_bmc_set_state(&fake_bmc, cases[i].guest);
        assert_int_equal(fake_bmc.host.count, cases[i].expected >= 0);
        if (cases[i].expected >= 0)
            assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].expected);
        assert_int_equal(fake_bmc.bmc.chassis.control_fault, cases[i].fault);
    }
}

/* None is dropped without a word. */
static void test_more_owed_than_there_is_room(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    for (unsigned i = 0; i < CHASSIS_RECORDS_MAX; i++)
        note_owed(HOST_POWER_ACTION_DOWN, false, 0, 1000);
    assert_false(fake_bmc.bmc.chassis.control_fault);
    note_owed(HOST_POWER_ACTION_UP, false, 0, 1000);
    assert_true(fake_bmc.bmc.chassis.control_fault);
    fake_bmc.bmc.chassis.control_fault = false;
    fake_bmc.host.waits = true;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.owed_count, CHASSIS_QUEUE_MAX);
    assert_true(fake_bmc.bmc.chassis.control_fault);
}

/* Each in its turn: what the second finds is what the first has left. */
static void test_owed_in_order(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    note_owed(HOST_POWER_ACTION_CYCLE, true, 7, 1000);
    note_owed(HOST_POWER_ACTION_DOWN, false, 0, 500);
    fake_bmc.host.waits = true;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_UP);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.owed_count, 0);
}

/* Accepted, and then the hypervisor is lost: it goes on when that is back. One that was not
 * answered yet is answered as failed, and that is the end of it. */
static void test_hypervisor_lost(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_bmc.host.domain.run = 7;
    control(2);
    fake_bmc_advance(&fake_bmc, 300);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_int_equal(fake_bmc.owed_count, 1);
    assert_string_equal(control(1), "c0");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_UP);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.owed_count, 0);

    control(2);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_string_equal(answer(3), "c0");
    assert_int_equal(fake_bmc.owed_count, 0);
}

/* The hypervisor is back before its call has failed, and no news of the guest follow: what was
 * accepted goes on all the same, in its order and not at once, or with the next request. */
static void test_hypervisor_back_before_the_call_fails(void **state)
{
    for (unsigned asks = 0; asks < 2; asks++) {
        fake_bmc_again(state);
        fake_bmc.host.waits = true;
        fake_bmc.host.domain.run = 7;
        control(0);
        control(1);
        fake_bmc_advance(&fake_bmc, 5000);
        assert_string_equal(answer(1), "00");
        assert_string_equal(answer(2), "00");
        fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
        assert_int_equal(fake_bmc.host.count, 1);
        assert_int_equal(fake_bmc.owed_count, 2);
        assert_false(fake_bmc.bmc.chassis.control_fault);
        if (asks > 0)
            control(5);
        else
            fake_bmc_advance(&fake_bmc, CHASSIS_RESUME_MS);
        assert_int_equal(fake_bmc.host.count, 2);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.host.count, 3);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_UP);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.host.count, 3 + asks);
        if (asks > 0)
            fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.owed_count, 0);
        fake_bmc_teardown(state);
    }
}

/* A call that always fails is not repeated for ever. */
static void test_hypervisor_that_never_answers(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(0);
    fake_bmc_advance(&fake_bmc, 5000);
    for (unsigned i = 0; i < 10; i++) {
        fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
        fake_bmc_advance(&fake_bmc, CHASSIS_RESUME_MS);
        assert_int_equal(fake_bmc.host.count, 2 + i);
    }
    fake_bmc_advance(&fake_bmc, CHASSIS_OWED_MAX_AGE_MS);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    fake_bmc_advance(&fake_bmc, CHASSIS_RESUME_MS);
    assert_int_equal(fake_bmc.host.count, 11);
    assert_int_equal(fake_bmc.owed_count, 0);
    assert_true(fake_bmc.bmc.chassis.control_fault);
}

/* One that waits behind it goes on after it; a new one is refused meanwhile. */
static void test_hypervisor_lost_with_more_to_do(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(3);
    control(0);
    fake_bmc_advance(&fake_bmc, 300);
    assert_string_equal(answer(2), "00");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    assert_string_equal(control(2), "c0");
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_int_equal(fake_bmc.owed_count, 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_DOWN);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.owed_count, 0);
}

/* The guest goes, or the daemon stops: what was accepted or begun is kept. */
static void test_kept_when_the_guest_goes(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(2);
    control(0);
    fake_bmc_advance(&fake_bmc, 300);
    control(3); /* neither */
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_string_equal(answer(3), "c0");
    assert_int_equal(fake_bmc.owed_count, 2);
    assert_int_equal(fake_bmc.owed[0].action, HOST_POWER_ACTION_CYCLE);
    assert_int_equal(fake_bmc.owed[1].action, HOST_POWER_ACTION_DOWN);
    assert_false(fake_bmc.owed[1].begun);
    chassis_give_up(&fake_bmc.bmc.chassis, "it is gone for good");
    assert_int_equal(fake_bmc.owed_count, 0);
    assert_true(fake_bmc.bmc.chassis.control_fault);
}

/* Its domain goes because it has ended: a power down is done, a start is not. */
static void test_done_when_the_guest_ends(void **state)
{
    static const struct {
        enum host_stop_reason reason;
        const char *answer;
        unsigned owed;
    } cases[] = {
        {HOST_STOP_DESTROYED, "00", 1},
        {HOST_STOP_SHUTDOWN, "00", 1},
        {HOST_STOP_MOVED, "c0", 2}, /* it runs elsewhere */
        {HOST_STOP_UNKNOWN, "c0", 2},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_setup(state);
        fake_bmc.host.waits = true;
        control(0);
        control(1);
        fake_bmc.bmc.chassis.queue[1].accepted = true;
        fake_bmc.host.domain.stop_reason = cases[i].reason;
        fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
        assert_string_equal(answer(1), FAKE_BMC_WAITS);
        bmc_set_host(&fake_bmc.bmc, NULL);
        assert_string_equal(answer(1), cases[i].answer);
        assert_string_equal(answer(2), "c0");
        assert_int_equal(fake_bmc.owed_count, cases[i].owed);
        fake_bmc_teardown(state);
    }
}

/* Its domain goes, nobody has heard why, and another hypervisor's counts. */
static void test_done_where_the_guest_counts_now(void **state)
{
    static const struct {
        enum host_power_state state;
        const char *answer;
    } cases[] = {{HOST_POWER_OFF, "00"}, {HOST_POWER_RUNNING, "c0"}};
    struct fake_host next;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_setup(state);
        fake_host_init(&next, cases[i].state);
        fake_bmc.host.waits = true;
        control(0);
        assert_string_equal(answer(1), FAKE_BMC_WAITS);
        bmc_set_host(&fake_bmc.bmc, &next.domain);
        assert_string_equal(answer(1), cases[i].answer);
        fake_bmc_teardown(state);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stored_before_it_is_accepted, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_store_that_takes_nothing, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_neither_stored_nor_done, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_store_that_hangs, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_is_finished, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_to_a_guest_that_has_moved, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_too_long, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_long_ago, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_of_another_place, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_more_owed_than_there_is_room, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hypervisor_back_before_the_call_fails, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hypervisor_that_never_answers, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_owed_in_order, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hypervisor_lost, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_hypervisor_lost_with_more_to_do, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_kept_when_the_guest_goes, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test(test_done_when_the_guest_ends),
        cmocka_unit_test(test_done_where_the_guest_counts_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
