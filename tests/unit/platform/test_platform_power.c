/* What a server does about its power by itself: it goes dark without supply, comes back by its
 * power restore policy, and switches itself off when it is too hot. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/physics/supply.h"

static int up_result;

/* What the chassis was told. */
static bool is_dark(void)
{
    return fake_bmc.bmc.chassis.dark_cause != 0;
}

static void on_done(const struct bmc_ticket *ticket, int result)
{
    (void)ticket;
    up_result = result;
}

/* What a client's "power on" is told. */
static int power_up(void)
{
    const struct bmc_ticket ticket = {.done = on_done};

    up_result = 1;
    chassis_control(&fake_bmc.bmc.chassis, HOST_POWER_ACTION_UP, 1, &ticket);
    return up_result;
}

static enum host_power_action last_action(void)
{
    const struct fake_host_call *call = fake_host_last(&fake_bmc.host);

    assert_int_equal(call->kind, FAKE_HOST_POWER);
    return call->action;
}

/* The action that is under way comes to its end as a driver has it: the state first. */
static void finish(enum host_power_state state)
{
    fake_bmc_set_state(&fake_bmc, state);
    fake_host_finish(&fake_bmc.host, 0);
}

/* Without supply, to the end. */
static void black_out(void)
{
    fake_bmc.host.waits = true;
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    fake_server_step(1);
    assert_true(is_dark());
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    assert_true(is_dark());
}

static void light_up(void)
{
    fake_server_feed('A', true);
    fake_server_feed('B', true);
    fake_server_step(1);
}

/* ---- redundancy ---- */

static void test_2n(void **state)
{
    (void)state;
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 1 << 0);
    fake_server_feed('A', false);
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "PSU1 Status: Power Supply AC lost; "
                                              "PS Redundancy: Redundancy Lost");
    assert_false(is_dark());
    assert_true(fake_server_reading(SENSOR_PSU_INPUT) < 1);
    assert_true(fake_server_reading(SENSOR_PSU_INPUT + 1) > 60);
    fake_server_feed('A', true);
    fake_server_step(10);
    assert_string_equal(fake_server_events(), "PSU1 Status: Power Supply AC lost, over; "
                                              "PS Redundancy: Fully Redundant");
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
}

static void test_n(void **state)
{
    (void)state;
    fake_server_supply(SUPPLY_N, 1, "A");
    fake_server_step(1);
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 0); /* nothing to lose */
    fake_server_feed('B', false);
    fake_server_step(1);
    assert_false(is_dark());
    fake_bmc.host.waits = true;
    fake_server_events();
    fake_server_feed('A', false);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    assert_string_equal(
        fake_server_events(),
        "PSU1 Status: Power Supply AC lost; PS Redundancy: Non-Redundant: Insufficient "
        "Resources; Power Unit: AC lost");
}

/* Three PSUs, on A, B and A, of which two are needed. */
static void test_n_plus_1(void **state)
{
    (void)state;
    fake_server_supply(SUPPLY_N_PLUS_1, 2, "AB");
    fake_server_step(1);
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 1 << 0);
    fake_server_feed('B', false);
    fake_server_step(1);
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 1 << 1);
    assert_false(fake_bmc.bmc.chassis.lacks_supply);
    fake_server_feed('B', true);
    fake_server_feed('A', false);
    fake_bmc.host.waits = true;
    fake_server_step(1); /* one delivers, but cannot carry it */
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 1 << 5);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    assert_int_equal(fake_bmc.bmc.chassis.last_power_event, POWER_EVENT_OVERLOAD);
}

static void test_faults_of_psus(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    assert_int_equal(fake_server_inject("psu/1", "failed"), 0);
    assert_false(is_dark());
    assert_int_equal(fake_server_inject("psu/2", "removed"), 0);
    assert_true(is_dark()); /* at once */
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    assert_int_equal(fake_bmc.bmc.chassis.last_power_event, POWER_EVENT_FAULT);
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    assert_int_equal(fake_server_clear("psu/2"), 1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

/* ---- the power restore policies ---- */

static void test_stay_off(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_STAY_OFF;
    black_out();
    fake_server_step(5);
    assert_true(fake_bmc.bmc.chassis.was_on);
    assert_int_equal(power_up(), -EINVAL); /* nobody starts a server without power */
    light_up();
    assert_false(is_dark());
    assert_false(fake_bmc.bmc.chassis.was_on);
    assert_int_equal(fake_bmc.save_count, 1); /* so that another run knows it, too */
    fake_server_step(60);
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
    fake_bmc.host.waits = false;
    assert_int_equal(power_up(), 0);
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

static void test_always_on(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    black_out();
    fake_server_step(3600);
    assert_true(is_dark());
    light_up();
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
    finish(HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_RESTORE_ALWAYS_ON);
    assert_int_equal(fake_bmc.bmc.chassis.last_power_event, POWER_EVENT_AC_FAILED);
    fake_server_step(60);
    assert_false(is_dark());
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
}

static void test_previous(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    black_out();
    light_up();
    finish(HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_RESTORE_PREVIOUS);
    /* off before: off after */
    fake_server_step(1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    fake_server_step(5);
    light_up();
    fake_server_step(60);
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
    assert_false(is_dark());
}

/* The feed is back before the guest is seen to be off, and before the action has ended. */
static void test_flapping_feed(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    fake_bmc.host.waits = true;
    fake_server_supply(SUPPLY_N, 1, "A");
    fake_server_feed('A', false);
    fake_server_step(1);
    fake_server_feed('A', true);
    fake_server_step(2);
    assert_true(is_dark());
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_server_step(1); /* the action has not ended */
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    fake_host_finish(&fake_bmc.host, 0);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
    /* and gone again while it starts */
    fake_server_feed('A', false);
    fake_server_step(1);
    finish(HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    assert_true(fake_bmc.bmc.chassis.was_on);
    fake_server_feed('A', true);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

/* Down and up between two steps is nothing that a power supply's capacitors notice. */
static void test_flap_within_a_step(void **state)
{
    (void)state;
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    fake_server_feed('B', true);
    fake_server_feed('A', true);
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "");
}

static unsigned count_actions(unsigned seconds)
{
    unsigned count = 0;

    for (unsigned i = 0; i < seconds; i++) {
        fake_server_step(1);
        count += fake_server_calls(FAKE_HOST_POWER);
    }
    return count;
}

static void test_power_down_fails(void **state)
{
    (void)state;
    fake_bmc.host.result = -EIO;
    log_set_target(LOG_TARGET_SYSLOG);
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    assert_int_equal(count_actions(30), 3); /* again and again, not each second */
    log_set_target(LOG_TARGET_STDERR);
    assert_true(is_dark());
    fake_bmc.host.result = 0;
    light_up(); /* it never was off */
    assert_false(is_dark());
    assert_true(fake_bmc.bmc.chassis.was_on);
}

static void test_start_fails(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    black_out();
    fake_bmc.host.waits = false;
    fake_bmc.host.result = -EIO;
    light_up();
    assert_int_equal(1 + count_actions(300), 3);
    assert_false(is_dark());
}

/* Somebody starts the guest beside the BMC. */
static void test_started_in_the_dark(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    black_out();
    fake_server_step(2);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    light_up();
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

static void test_hypervisor_lost_in_the_dark(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    black_out();
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    light_up();
    fake_server_step(30);
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
    assert_true(is_dark());
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

static void test_paused_and_crashed_guests(void **state)
{
    static const enum host_power_state states[] = {HOST_POWER_PAUSED, HOST_POWER_SUSPENDED,
                                                   HOST_POWER_CRASHED};

    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        fake_bmc_set_state(&fake_bmc, states[i]);
        black_out();
        light_up();
        finish(HOST_POWER_RUNNING);
        fake_server_step(1);
        assert_false(is_dark());
    }
}

/* ---- over a restart of the daemon ---- */

static void test_dark_over_a_restart(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    black_out();
    fake_server_step(1);
    fake_server_restart();
    assert_true(fake_bmc.bmc.chassis.was_on_last_run);
    fake_server_step(10);
    assert_true(is_dark());
    light_up();
    assert_int_equal(last_action(), HOST_POWER_ACTION_UP);
}

/* One that somebody has shut down while the daemon was away does not start when, much later, a
 * feed fails and is back. */
static void test_off_over_a_restart(void **state)
{
    (void)state;
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_PREVIOUS;
    fake_bmc.host.domain.state = HOST_POWER_OFF;
    fake_server_restart();
    fake_server_step(1);
    assert_false(fake_bmc.bmc.chassis.was_on);
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    fake_server_restart();
    fake_server_step(1);
    assert_false(is_dark());
    light_up();
    assert_int_equal(count_actions(10), 0);
}

/* ---- heat ---- */

static void test_too_hot(void **state)
{
    (void)state;
    fake_server_work(4, 0);
    fake_bmc.host.waits = true;
    fake_server_events();
    fake_server_inject("temp/cpu2", "+90");
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    fake_server_step(1);
    assert_int_equal(fake_server_states(SENSOR_CPU_STATUS), 1 << 7 | 1 << 1); /* thermal trip */
    fake_server_events();
    finish(HOST_POWER_OFF);
    fake_server_step(30);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_TEMP + 1)));
    assert_int_equal(fake_server_states(SENSOR_CPU_STATUS), 1 << 7 | 1 << 1);
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
    assert_false(fake_bmc.bmc.chassis.was_on);
    assert_false(is_dark());
    /* Nothing hinders a start, but while it still reads too hot it does not last. */
    power_up();
    finish(HOST_POWER_RUNNING);
    assert_int_equal(fake_server_states(SENSOR_CPU_STATUS), 1 << 7);
    fake_server_step(1);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    finish(HOST_POWER_OFF);
    fake_server_clear(NULL);
    power_up();
    finish(HOST_POWER_RUNNING);
    fake_server_step(30);
    assert_int_equal(fake_server_calls(FAKE_HOST_POWER), 0);
    assert_int_equal(fake_server_states(SENSOR_CPU_STATUS), 1 << 7);
}

/* The room warms up: thresholds in their order, and then the server ends itself. */
static void test_cooling_fails(void **state)
{
    unsigned minutes = 0;

    (void)state;
    fake_server.facility.crac_failed = true;
    fake_bmc.host.waits = true;
    fake_server_events();
    while (fake_server_calls(FAKE_HOST_POWER) == 0 && minutes++ < 120)
        fake_server_step(60);
    assert_true(minutes < 120);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DOWN);
    assert_true(fake_server_reading(SENSOR_INLET_TEMP) >= 47);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, fake_server_setup, fake_server_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(test_2n),
        ON(test_n),
        ON(test_n_plus_1),
        ON(test_faults_of_psus),
        ON(test_stay_off),
        ON(test_always_on),
        ON(test_previous),
        ON(test_flapping_feed),
        ON(test_flap_within_a_step),
        ON(test_power_down_fails),
        ON(test_start_fails),
        ON(test_started_in_the_dark),
        ON(test_hypervisor_lost_in_the_dark),
        ON(test_paused_and_crashed_guests),
        ON(test_dark_over_a_restart),
        ON(test_off_over_a_restart),
        ON(test_too_hot),
        ON(test_cooling_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
