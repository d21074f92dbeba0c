/* The guest's life as its event log tells it: on, reset, shut down, panicked, failed, booted, and
 * who could not log in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/bmc/chassis_power.h"

#define ON_STATES  "Power Unit: Power off/down, over; ACPI Power: S0/G0: working"
#define OFF_STATES "Power Unit: Power off/down; ACPI Power: S5/G2: soft-off"

static struct platform *platform(void)
{
    return fake_bmc.bmc.platform;
}

static void happens(enum host_event event)
{
    bmc_host_event(&fake_bmc.bmc, event);
}

static void stop(enum host_stop_reason reason)
{
    fake_bmc.host.domain.stop_reason = reason;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
}

static void control(enum host_power_action action)
{
    static const struct bmc_ticket nobody;

    chassis_control(&fake_bmc.bmc.chassis, action, 1, &nobody);
}

static void test_on(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    control(HOST_POWER_ACTION_UP);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(fake_server_events(), ON_STATES "; System Boot: Initiated by power up");
    assert_int_equal(fake_server.last.data[1], RESTART_CAUSE_CHASSIS_CONTROL);
    assert_int_equal(fake_server.last.data[2], CHANNEL_LAN);
    /* A boot override makes the driver reset it once by itself, whenever that is. */
    fake_server_step(3);
    happens(HOST_EVENT_RESET);
    assert_string_equal(fake_server_events(), "");
    fake_host_finish(&fake_bmc.host, 0);
    fake_server_step(60);
    assert_string_equal(fake_server_events(), "");
}

/* Beside the BMC. */
static void test_on_by_somebody(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(fake_server_events(), ON_STATES "; System Boot: Initiated by power up");
    assert_int_equal(fake_server.last.data[1], RESTART_CAUSE_POWER_BUTTON);
}

static void test_boot_without_its_override(void **state)
{
    (void)state;
    happens(HOST_EVENT_BOOT_MISSED);
    assert_string_equal(fake_server_events(), "Boot Device: No bootable media");
}

static void test_reset(void **state)
{
    (void)state;
    fake_server_step(5);
    fake_bmc.host.waits = true;
    control(HOST_POWER_ACTION_HARD_RESET);
    happens(HOST_EVENT_RESET);
    fake_host_finish(&fake_bmc.host, 0);
    fake_bmc_advance(&fake_bmc, 700);
    happens(HOST_EVENT_RESET);         /* the firmware's own */
    fake_bmc_advance(&fake_bmc, 2000); /* on a machine with much else to do */
    happens(HOST_EVENT_RESET);
    assert_string_equal(fake_server_events(), "System Boot: Initiated by hard reset");
    assert_int_equal(fake_server.last.data[1], RESTART_CAUSE_CHASSIS_CONTROL);
    fake_server_step(60);
    happens(HOST_EVENT_RESET); /* the guest's own */
    assert_string_equal(fake_server_events(), "System Boot: Initiated by warm reset");
    assert_int_equal(fake_server.last.data[1], RESTART_CAUSE_SOFT_RESET);
}

/* A second one that is asked for has a record of its own, however soon it comes. */
static void test_reset_again(void **state)
{
    (void)state;
    control(HOST_POWER_ACTION_HARD_RESET);
    happens(HOST_EVENT_RESET);
    assert_string_equal(fake_server_events(), "System Boot: Initiated by hard reset");
    fake_bmc_advance(&fake_bmc, 700);
    happens(HOST_EVENT_RESET);
    control(HOST_POWER_ACTION_HARD_RESET);
    happens(HOST_EVENT_RESET);
    assert_string_equal(fake_server_events(), "System Boot: Initiated by hard reset");
}

/* The firmware resets right after the start as well. */
static void test_reset_after_a_start(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_bmc_advance(&fake_bmc, 500);
    happens(HOST_EVENT_RESET);
    assert_string_equal(fake_server_events(), ON_STATES "; System Boot: Initiated by power up");
}

/* The client was told that it would be done. One that is answered as failed needs no event. */
static void test_failure_after_it_was_accepted(void **state)
{
    (void)state;
    fake_server_step(10);
    fake_bmc.host.waits = true;
    control(HOST_POWER_ACTION_HARD_RESET);
    fake_bmc_advance(&fake_bmc, 200);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_string_equal(fake_server_events(), "");
    control(HOST_POWER_ACTION_HARD_RESET);
    fake_bmc_advance(&fake_bmc, 300);
    fake_host_finish(&fake_bmc.host, -EHOSTUNREACH);
    assert_string_equal(fake_server_events(), "Power Unit: Soft-power control failure");
    assert_true(fake_bmc.bmc.chassis.control_fault);
}

static void test_soft_shutdown(void **state)
{
    (void)state;
    control(HOST_POWER_ACTION_SOFT_SHUTDOWN);
    assert_string_equal(fake_server_events(), "Power Button: Power Button pressed");
    fake_server_step(20);
    stop(HOST_STOP_SHUTDOWN);
    assert_string_equal(fake_server_events(), "OS Stop: OS graceful shutdown; " OFF_STATES);
    fake_server_step(60);
    assert_string_equal(fake_server_events(), "");
}

static void test_hard_off(void **state)
{
    (void)state;
    stop(HOST_STOP_DESTROYED);
    assert_string_equal(fake_server_events(), OFF_STATES);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_events();
    stop(HOST_STOP_MOVED);
    assert_string_equal(fake_server_events(), OFF_STATES);
}

static void test_qemu_fails(void **state)
{
    (void)state;
    stop(HOST_STOP_FAILED);
    assert_string_equal(fake_server_events(), "Power Unit: Failure detected; " OFF_STATES);
}

static void test_panic(void **state)
{
    (void)state;
    happens(HOST_EVENT_PANICKED);
    happens(HOST_EVENT_PANICKED);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "OS Stop: Run-time critical stop");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_CRASHED); /* on_crash = preserve */
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "");
    stop(HOST_STOP_CRASHED);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), OFF_STATES);
    assert_int_equal(fake_server_states(SENSOR_OS_STOP), 1 << 1); /* why it is off */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_server_states(SENSOR_OS_STOP), 0);
    /* The panic itself was not heard of. */
    fake_server_events();
    stop(HOST_STOP_CRASHED);
    assert_string_equal(fake_server_events(), OFF_STATES "; OS Stop: Run-time critical stop");
}

/* on_crash = restart: libvirt resets the guest. */
static void test_panic_and_reset(void **state)
{
    (void)state;
    fake_server_step(10);
    happens(HOST_EVENT_PANICKED);
    happens(HOST_EVENT_RESET);
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "OS Stop: Run-time critical stop; "
                                              "System Boot: Initiated by warm reset");
    assert_int_equal(fake_server_states(SENSOR_OS_STOP), 0);
}

static void test_internal_error(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_PAUSED);
    happens(HOST_EVENT_INTERNAL_ERROR);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "CPU1 Status: IERR");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    happens(HOST_EVENT_RESET);
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "System Boot: Initiated by warm reset; "
                                              "CPU1 Status: IERR, over");
}

static void io_error(const char *target)
{
    struct host_domain *domain = &fake_bmc.host.domain;

    snprintf(domain->io_error_disk, sizeof domain->io_error_disk, "%s", target);
    happens(HOST_EVENT_IO_ERROR);
}

static void test_io_error(void **state)
{
    (void)state;
    io_error("vdb");
    io_error("vdb");
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "Disk vdb: Drive Fault");
    io_error("vda");
    io_error("sr0"); /* a drive for CDs has no bay */
    assert_string_equal(fake_server_events(), "Disk vda: Drive Fault");
    fake_server_step(10);
    happens(HOST_EVENT_RESET);
    fake_server_step(1);
    assert_string_equal(fake_server_events(),
                        "System Boot: Initiated by warm reset; Disk vda: Drive Fault, over; "
                        "Disk vdb: Drive Fault, over");
}

/* The disk is replaced by another while the guest runs. */
static void test_failed_disk_is_replaced(void **state)
{
    struct host_hardware *hardware = &fake_bmc.host.hardware;

    (void)state;
    io_error("vda");
    io_error("vdb");
    hardware->disk_count = 1;
    happens(HOST_EVENT_HARDWARE);
    hardware->disk_count = 2;
    fake_server_events();
    happens(HOST_EVENT_HARDWARE);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "Disk vdb: Drive Present");
    assert_int_equal(fake_server_states(SENSOR_DISK), 1 << 0 | 1 << 1);
    assert_int_equal(fake_server_states(SENSOR_DISK + 1), 1 << 0);
}

static void test_boot_completed(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_events();
    happens(HOST_EVENT_AGENT_CONNECTED);
    platform_note_boot_completed(platform()); /* and its login prompt */
    happens(HOST_EVENT_AGENT_CONNECTED);
    assert_string_equal(fake_server_events(), "OS Boot: C: boot completed");
    fake_server_step(60);
    happens(HOST_EVENT_RESET);
    fake_server_step(20);
    platform_note_boot_completed(platform());
    happens(HOST_EVENT_AGENT_CONNECTED);
    assert_string_equal(fake_server_events(),
                        "System Boot: Initiated by warm reset; OS Boot: C: boot completed");
    stop(HOST_STOP_DESTROYED);
    fake_server_events();
    platform_note_boot_completed(platform()); /* late */
    assert_string_equal(fake_server_events(), "");
}

/* An agent that is started again in a guest that was found running. */
static void test_no_boot_completed(void **state)
{
    (void)state;
    happens(HOST_EVENT_AGENT_CONNECTED);
    assert_string_equal(fake_server_events(), "");
}

static void test_logins(void **state)
{
    (void)state;
    platform_note_login_failure(platform());
    assert_string_equal(fake_server_events(), "User Login: Out-of-band access password violation");
    for (unsigned i = 0; i < 1000; i++)
        platform_note_login_failure(platform());
    assert_int_equal(fake_server.event_count, 4);
    fake_server_step(600);
    for (unsigned i = 0; i < 1000; i++)
        platform_note_login_failure(platform());
    assert_int_equal(fake_server.event_count, 5);
    fake_server_step(3600);
    for (unsigned i = 0; i < 1000; i++)
        platform_note_login_failure(platform());
    assert_int_equal(fake_server.event_count, 10);
}

/* Somebody guesses once a second, all night: the log has room for 4096 records. */
static void test_a_night_of_guessing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12 * 3600; i++) {
        fake_bmc.now_ms += 1000;
        platform_note_login_failure(platform());
        fake_server.events[0] = '\0';
    }
    assert_int_equal(fake_server.event_count, 5 + 12 * 6 - 1);
}

static void test_restart_of_the_bmc(void **state)
{
    (void)state;
    fake_server_restart();
    platform_note_restart(platform());
    fake_server_step(10);
    assert_string_equal(fake_server_events(), "BMC: Transition to Running");
}

static void test_suspended(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_SUSPENDED);
    fake_server_step(5);
    assert_string_equal(fake_server_events(),
                        "ACPI Power: S3: sleeping, processor & hw context lost, memory retained");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(fake_server_events(), "ACPI Power: S0/G0: working");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_PAUSED);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "");
}

#define ON(test)  cmocka_unit_test_setup_teardown(test, fake_server_setup, fake_server_teardown)
#define OFF(test) cmocka_unit_test_setup_teardown(test, fake_server_setup_off, fake_server_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        OFF(test_on),
        OFF(test_on_by_somebody),
        ON(test_boot_without_its_override),
        ON(test_reset),
        ON(test_reset_again),
        OFF(test_reset_after_a_start),
        ON(test_failure_after_it_was_accepted),
        ON(test_soft_shutdown),
        ON(test_hard_off),
        ON(test_qemu_fails),
        ON(test_panic),
        ON(test_panic_and_reset),
        ON(test_internal_error),
        ON(test_io_error),
        ON(test_failed_disk_is_replaced),
        OFF(test_boot_completed),
        ON(test_no_boot_completed),
        ON(test_logins),
        ON(test_a_night_of_guessing),
        ON(test_restart_of_the_bmc),
        ON(test_suspended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
