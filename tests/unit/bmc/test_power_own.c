/* Power actions that the BMC takes by itself: they are as good as accepted ones, and no disk keeps
 * them from being carried out. */
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

static unsigned failures, answers;
static int result;

static void action_failed(void *context)
{
    (void)context;
    failures++;
}

static struct bmc_listener listener;

static int setup(void **state)
{
    fake_bmc_setup(state);
    listener = fake_bmc_listener;
    listener.action_failed = action_failed;
    fake_bmc.bmc.core.listener = &listener;
    fake_bmc.host.waits = true;
    failures = answers = 0;
    return 0;
}

static void on_done(const struct bmc_ticket *ticket, int outcome)
{
    (void)ticket;
    answers++;
    result = outcome;
}

static void act(enum host_power_action action)
{
    static const struct bmc_ticket ticket = {.done = on_done};

    if (action == HOST_POWER_ACTION_UP) {
        fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
        chassis_restore_power(&fake_bmc.bmc.chassis, &ticket);
    } else {
        chassis_act(&fake_bmc.bmc.chassis, action, RESTART_CAUSE_WATCHDOG, &ticket);
    }
}

static const enum host_power_action all[] = {HOST_POWER_ACTION_UP, HOST_POWER_ACTION_DOWN,
                                             HOST_POWER_ACTION_CYCLE, HOST_POWER_ACTION_HARD_RESET,
                                             HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT};

/* On disk first, whichever it is, and then at once; who waits is told of that. */
static void test_starts_when_stored(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        setup(state);
        fake_bmc.owed_waits = true;
        act(all[i]);
        fake_bmc_advance(&fake_bmc, CHASSIS_OWN_STORE_MS - 1);
        assert_int_equal(fake_bmc.host.count, 0);
        assert_int_equal(fake_bmc.owed_count, 1);
        assert_true(fake_bmc.owed[0].begun);
        assert_int_equal(answers, 0);
        bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
        assert_int_equal(fake_bmc.host.count, 1);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, all[i]);
        assert_int_equal(answers, 1);
        assert_int_equal(result, 0);
        fake_bmc_advance(&fake_bmc, 10000);
        assert_int_equal(fake_bmc.host.count, 1);
        fake_bmc.owed_waits = false;
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.owed_count, 0);
        assert_int_equal(answers, 1);
        assert_int_equal(failures, 0);
        fake_bmc_teardown(state);
    }
}

static void test_starts_if_the_disk_refuses_or_is_slow(void **state)
{
    for (size_t i = 0; i < 2 * ARRAY_SIZE(all); i++) {
        bool is_slow = i % 2;
        setup(state);
        fake_bmc.owed_waits = is_slow;
        fake_bmc.owed_result = -ENOSPC;
        act(all[i / 2]);
        assert_int_equal(fake_bmc.host.count, !is_slow);
        fake_bmc_advance(&fake_bmc, CHASSIS_OWN_STORE_MS);
        assert_int_equal(fake_bmc.host.count, 1);
        if (is_slow)
            bmc_ticket_finish(&fake_bmc.owed_ticket, -EIO);
        fake_bmc_advance(&fake_bmc, 10000);
        assert_int_equal(fake_bmc.host.count, 1);
        assert_int_equal(answers, 0); /* it is not on disk */
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(answers, 1);
        assert_int_equal(failures, 0);
        fake_bmc.owed_waits = false;
        fake_bmc_teardown(state);
    }
}

/* However soon: it was never a client that would ask again. */
static void test_hypervisor_lost(void **state)
{
    static const struct {
        enum host_power_action action;
        bool goes_on;
    } cases[] = {
        {HOST_POWER_ACTION_DOWN, true},
        {HOST_POWER_ACTION_CYCLE, true},
        {HOST_POWER_ACTION_HARD_RESET, false}, /* of the moment */
        {HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setup(state);
        act(cases[i].action);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
        assert_int_equal(failures, !cases[i].goes_on);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
        assert_int_equal(fake_bmc.host.count, 1 + cases[i].goes_on);
        if (cases[i].goes_on) {
            assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].action);
            fake_host_finish(&fake_bmc.host, 0);
        }
        assert_int_equal(failures, !cases[i].goes_on); /* it is done after all */
        assert_int_equal(fake_bmc.owed_count, 0);
        fake_bmc_teardown(state);
    }
}

/* Also one that waits for its turn, and the start by the power restore policy. */
static void test_hypervisor_lost_with_more_to_do(void **state)
{
    setup(state);
    fake_bmc_talk(&fake_bmc, "00 02 03");
    act(HOST_POWER_ACTION_CYCLE);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_int_equal(failures, 0);
    assert_int_equal(fake_bmc.owed_count, 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_CYCLE);
    fake_host_finish(&fake_bmc.host, 0);
    fake_bmc_teardown(state);

    setup(state);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    chassis_restore_power(&fake_bmc.bmc.chassis, NULL);
    assert_int_equal(fake_bmc.host.count, 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_UP);
    fake_host_finish(&fake_bmc.host, 0);
    fake_bmc_teardown(state);
}

/* Lost before the store has said anything, under way or as its turn comes: it is not over, and who
 * waits is told when the store has it as owed. */
static void test_hypervisor_lost_before_it_is_stored(void **state)
{
    static const enum host_power_action lasting[] = {HOST_POWER_ACTION_UP, HOST_POWER_ACTION_DOWN,
                                                     HOST_POWER_ACTION_CYCLE};
    static const int results[] = {0, -ENOSPC};

    for (size_t i = 0; i < 4 * ARRAY_SIZE(lasting); i++) {
        bool is_behind = i / 2 % 2;
        setup(state);
        if (is_behind)
            fake_bmc_talk(&fake_bmc, "00 02 05");
        fake_bmc.owed_waits = true;
        act(lasting[i / 4]);
        fake_bmc_advance(&fake_bmc, CHASSIS_OWN_STORE_MS);
        assert_int_equal(fake_bmc.host.count, 1);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        fake_host_finish(&fake_bmc.host, is_behind ? 0 : -EHOSTUNREACH);
        assert_int_equal(fake_bmc.owed_count, 1);
        assert_int_equal(answers, 0);
        bmc_ticket_finish(&fake_bmc.owed_ticket, results[i % 2]);
        assert_int_equal(answers, 1);
        assert_int_equal(result, results[i % 2]);
        fake_bmc.owed_waits = false;
        fake_bmc_teardown(state);
    }
    assert_int_equal(failures, 0);
}

/* A reset that waits behind what hangs has not been done, however the guest is lost; it is not done
 * to another run of it. */
static void test_reset_that_waits_for_its_turn(void **state)
{
    static const struct {
        bool is_accepted, goes, other_run;
    } cases[] = {
        {false, false, false}, {false, true, false}, {true, true, false},
        {false, false, true},  {false, true, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setup(state);
        fake_bmc.host.domain.run = 7;
        fake_bmc_talk(&fake_bmc, "00 02 03");
        if (cases[i].is_accepted)
            fake_bmc_advance(&fake_bmc, 300);
        act(HOST_POWER_ACTION_HARD_RESET);
        assert_int_equal(answers, 1);
        fake_bmc.host.domain.state = HOST_POWER_UNKNOWN;
        if (cases[i].goes) {
            bmc_set_host(&fake_bmc.bmc, NULL);
            fake_host_finish(&fake_bmc.host, 0); /* nobody listens */
        } else {
            bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
            fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
        }
        assert_int_equal(failures, 0);
        assert_int_equal(fake_bmc.owed_count, 1 + cases[i].goes);
        assert_false(fake_bmc.owed[cases[i].goes].begun);
        unsigned before = fake_bmc.host.count;
        fake_bmc.host.domain.run = cases[i].other_run ? 8 : 7;
        fake_bmc.host.domain.state = HOST_POWER_RUNNING;
        if (cases[i].goes)
            bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
        else
            bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
        unsigned resets = 0;
        for (unsigned call = before; call < fake_bmc.host.count; call++)
            resets += fake_bmc.host.calls[call].kind == FAKE_HOST_POWER;
        assert_int_equal(resets, !cases[i].other_run);
        assert_int_equal(failures, cases[i].goes); /* the client's, which may have been done */
        fake_bmc_teardown(state);
    }
}

/* What had not begun when the daemon was killed, to a guest that is in run 7 now. */
static void test_killed_before_it_begins(void **state)
{
    static const struct {
        enum restart_cause cause;
        enum host_power_action action;
        int64_t run, place;
        bool booted;
        int expected; /* the action; -1: none */
    } cases[] = {
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_HARD_RESET, 7, FAKE_HOST_PLACE, true, 3},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DOWN, 7, FAKE_HOST_PLACE, true, 0},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_HARD_RESET, 6, FAKE_HOST_PLACE, true, -1},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DOWN, 6, FAKE_HOST_PLACE, true, -1},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DOWN, 6, FAKE_HOST_PLACE, false, -1},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_CYCLE, 7, 12, true, -1},
        {RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DOWN, 0, 0, true, 0}, /* of an older version */
        {RESTART_CAUSE_PEF_CYCLE, HOST_POWER_ACTION_CYCLE, 7, FAKE_HOST_PLACE, true, 2},
        {RESTART_CAUSE_PEF_CYCLE, HOST_POWER_ACTION_CYCLE, 6, FAKE_HOST_PLACE, true, -1},
        {RESTART_CAUSE_PEF_RESET, HOST_POWER_ACTION_HARD_RESET, 6, FAKE_HOST_PLACE, true, -1},
        {RESTART_CAUSE_UNKNOWN, HOST_POWER_ACTION_DOWN, 7, FAKE_HOST_PLACE, true, 0},
        {RESTART_CAUSE_UNKNOWN, HOST_POWER_ACTION_DOWN, 6, FAKE_HOST_PLACE, true, -1},
        /* A client wanted it off, or started anew. */
        {RESTART_CAUSE_CHASSIS_CONTROL, HOST_POWER_ACTION_DOWN, 6, FAKE_HOST_PLACE, true, 0},
        {RESTART_CAUSE_CHASSIS_CONTROL, HOST_POWER_ACTION_HARD_RESET, 6, FAKE_HOST_PLACE, true, -1},
        {RESTART_CAUSE_CHASSIS_CONTROL, HOST_POWER_ACTION_CYCLE, 7, 12, true, -1},
        {RESTART_CAUSE_CHASSIS_CONTROL, HOST_POWER_ACTION_HARD_RESET, 7, 12, false, 3},
        {RESTART_CAUSE_CHASSIS_CONTROL, HOST_POWER_ACTION_HARD_RESET, -1, FAKE_HOST_PLACE, true, 3},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct chassis_action record = {.action = cases[i].action,
                                              .cause = cases[i].cause,
                                              .run = cases[i].run,
                                              .place = cases[i].place,
                                              .at_ms = 1000000};
        setup(state);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        chassis_restore_owed(&fake_bmc.bmc.chassis, &record);
        fake_bmc.host.domain.run = 7;
        fake_bmc.host.domain.booted = cases[i].booted;
        fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
        assert_int_equal(fake_bmc.host.count, cases[i].expected >= 0);
        if (cases[i].expected >= 0)
            assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].expected);
        else
            assert_int_equal(fake_bmc.owed_count, 0);
        assert_int_equal(failures, 0);
        fake_bmc_teardown(state);
    }
}

/* What it waits behind has started the guest anew: that run has given no cause for it. */
static void test_guest_started_before_its_turn(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i] == HOST_POWER_ACTION_UP) /* for whichever run */
            continue;
        setup(state);
        fake_bmc.host.domain.run = 7;
        fake_bmc_talk(&fake_bmc, "00 02 02");
        fake_bmc.owed_waits = true;
        act(all[i]);
        assert_int_equal(answers, 0);
        fake_bmc.host.domain.run = 8;
        fake_bmc.owed_waits = false;
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.host.count, 1);
        assert_int_equal(fake_bmc.owed_count, 0);
        assert_int_equal(answers, 1);
        assert_int_equal(failures, 0);
        fake_bmc_teardown(state);
    }
}

/* The store has it as one that waits: killed when it has been done, it would be done again. */
static void test_reset_of_a_client_that_has_waited(void **state)
{
    for (unsigned is_slow = 0; is_slow < 2; is_slow++) {
        setup(state);
        fake_bmc_talk(&fake_bmc, "00 02 04");
        fake_bmc_talk(&fake_bmc, "00 02 03");
        assert_false(fake_bmc.owed[1].begun);
        fake_bmc.owed_waits = true;
        fake_host_finish(&fake_bmc.host, 0);
        assert_int_equal(fake_bmc.host.count, 1);
        fake_bmc_advance(&fake_bmc, CHASSIS_OWN_STORE_MS - 1);
        assert_int_equal(fake_bmc.host.count, 1);
        if (is_slow)
            fake_bmc_advance(&fake_bmc, 1);
        else
            bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
        assert_int_equal(fake_bmc.host.count, 2);
        assert_true(fake_bmc.owed[0].begun);
        if (is_slow)
            bmc_ticket_finish(&fake_bmc.owed_ticket, 0);
        fake_bmc_advance(&fake_bmc, 10000);
        assert_int_equal(fake_bmc.host.count, 2);
        fake_bmc.owed_waits = false;
        fake_bmc_teardown(state);
    }
}

/* The daemon goes before it has begun, or in the middle of it. */
static void test_daemon_goes(void **state)
{
    struct chassis_action stored[CHASSIS_RECORDS_MAX];

    setup(state);
    fake_bmc.host.domain.run = 7;
    act(HOST_POWER_ACTION_CYCLE);
    memcpy(stored, fake_bmc.owed, sizeof stored);
    fake_bmc_teardown(state);
    setup(state);
    fake_bmc.host.domain.run = 7;
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_bmc.host.count = fake_bmc.host.finished = 0;
    chassis_restore_owed(&fake_bmc.bmc.chassis, &stored[0]);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_CYCLE);
    assert_int_equal(failures, 0);
    fake_bmc_teardown(state);
}

static void test_fails(void **state)
{
    (void)state;
    act(HOST_POWER_ACTION_HARD_RESET);
    fake_host_finish(&fake_bmc.host, -EIO);
    assert_int_equal(failures, 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    act(HOST_POWER_ACTION_HARD_RESET); /* there is nothing to reset */
    assert_int_equal(failures, 2);
    act(HOST_POWER_ACTION_DOWN); /* it is */
    assert_int_equal(failures, 2);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    act(HOST_POWER_ACTION_DOWN);
    assert_int_equal(failures, 3);
    assert_int_equal(result, -EHOSTUNREACH);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    for (unsigned i = 0; i < CHASSIS_QUEUE_MAX; i++)
        act(HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_int_equal(failures, 3);
    act(HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_int_equal(failures, 4);
    assert_int_equal(result, -EBUSY);
    assert_true(fake_bmc.bmc.chassis.control_fault);
    chassis_restore_power(&fake_bmc.bmc.chassis,
                          NULL); /* which nobody would ask for again either */
    assert_int_equal(failures, 5);
}

/* What a client was promised is not dropped either when the disk refuses that it begins. */
static void test_accepted_and_then_refused(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, "00 02 03");
    fake_bmc_talk(&fake_bmc, "00 02 02");
    fake_bmc_advance(&fake_bmc, 1000);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "00");
    fake_bmc.owed_result = -ENOSPC;
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(fake_host_last(&fake_bmc.host)->action, HOST_POWER_ACTION_CYCLE);
}

/* What was to be done after the host's boot is overtaken by what somebody asks for, or does; not by
 * what is refused, nor by its own start. */
static void test_overtakes_restore(void **state)
{
    static const enum restore_stage stages[] = {RESTORE_WAITS, RESTORE_IF_GONE};
    enum restore_stage *restore = &fake_bmc.bmc.chassis.restore;

    for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
        setup(state);
        *restore = stages[i];
        fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
        fake_bmc_talk(&fake_bmc, "00 02 00");
        act(HOST_POWER_ACTION_DOWN);
        assert_int_equal(*restore, stages[i]);
        fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
        unsigned changes = fake_bmc.changes[BMC_PART_CHASSIS];
        fake_bmc_talk(&fake_bmc, "00 02 00");
        assert_int_equal(*restore, RESTORE_NONE);
        assert_true(fake_bmc.changes[BMC_PART_CHASSIS] > changes);
        *restore = stages[i];
        act(HOST_POWER_ACTION_DOWN);
        assert_int_equal(*restore, RESTORE_NONE);
        *restore = stages[i];
        bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STARTED);
        assert_int_equal(*restore, RESTORE_NONE);
        fake_bmc_teardown(state);
    }
    setup(state);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    *restore = RESTORE_BEGUN;
    chassis_restore_power(&fake_bmc.bmc.chassis, NULL);
    fake_bmc_talk(&fake_bmc, "00 02 00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STARTED);
    assert_int_equal(*restore, RESTORE_BEGUN);
    fake_bmc_teardown(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_bmc_teardown)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_when_stored),
        cmocka_unit_test(test_starts_if_the_disk_refuses_or_is_slow),
        cmocka_unit_test(test_hypervisor_lost),
        cmocka_unit_test(test_hypervisor_lost_before_it_is_stored),
        cmocka_unit_test(test_hypervisor_lost_with_more_to_do),
        cmocka_unit_test(test_reset_that_waits_for_its_turn),
        cmocka_unit_test(test_killed_before_it_begins),
        cmocka_unit_test(test_guest_started_before_its_turn),
        cmocka_unit_test(test_reset_of_a_client_that_has_waited),
        cmocka_unit_test(test_daemon_goes),
        cmocka_unit_test(test_overtakes_restore),
        TEST(test_fails),
        TEST(test_accepted_and_then_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
