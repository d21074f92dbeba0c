/* What `vbmc inject` breaks and the room does, as states and events, and the links of NICs, which
 * are really set. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/base/log.h"
#include "vbmc/platform/inject.h"

static struct platform *platform(void)
{
    return fake_bmc.bmc.platform;
}

/* Injected and cleared: what the log says, and again nothing in the seconds after. */
static void play(const char *target, const char *kind, const char *begins, const char *ends)
{
    assert_int_equal(fake_server_inject(target, kind), 0);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), begins);
    assert_int_equal(fake_server_clear(target), 1);
    fake_server_step(5);
    assert_string_equal(fake_server_events(), ends);
}

static void test_parts(void **state)
{
    (void)state;
    play("disk/vdb", "fault", "Disk vdb: Drive Fault", "Disk vdb: Drive Fault, over");
    play("disk/vda", "predictive-failure", "Disk vda: Predictive Failure",
         "Disk vda: Predictive Failure, over");
    play("psu/2", "predictive-failure", "PSU2 Status: Predictive failure",
         "PSU2 Status: Predictive failure, over");
    play("psu/1", "ac-lost", "PSU1 Status: Power Supply AC lost; PS Redundancy: Redundancy Lost",
         "PSU1 Status: Power Supply AC lost, over; PS Redundancy: Fully Redundant");
    play("psu/1", "failed", "PSU1 Status: Failure detected; PS Redundancy: Redundancy Lost",
         "PSU1 Status: Failure detected, over; PS Redundancy: Fully Redundant");
    play("psu/2", "removed", "PSU2 Status: Presence detected, over; PS Redundancy: Redundancy Lost",
         "PSU2 Status: Presence detected; PS Redundancy: Fully Redundant");
    play("intrusion", "open", "Intrusion: General Chassis intrusion",
         "Intrusion: General Chassis intrusion, over");
    play("memory", "ecc-uncorrectable", "Memory: Uncorrectable ECC",
         "Memory: Uncorrectable ECC, over");
}

/* One that passes is an event each time. */
static void test_correctable(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("memory", "ecc-correctable"), 0);
    assert_int_equal(fake_server_inject("memory", "ecc-correctable"), 0);
    assert_string_equal(fake_server_events(), "Memory: Correctable ECC; Memory: Correctable ECC");
    assert_int_equal(platform_faults(platform())->count, 0);
}

static void test_fan(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("fan/2", "failed"), 0);
    fake_server_step(30);
    assert_string_equal(fake_server_events(), "Fan2: Lower Non-critical - going low; "
                                              "Fan2: Lower Critical - going low");
    assert_true(fake_server_reading(SENSOR_FAN + 1) < 1);
    assert_true(fake_server_reading(SENSOR_FAN) > 8000); /* the others make up for it */
    assert_int_equal(fake_server_clear("fan/2"), 1);
    fake_server_step(30);
    assert_string_equal(fake_server_events(), "Fan2: Lower Critical - going low, over; "
                                              "Fan2: Lower Non-critical - going low, over");
}

static void test_temperatures(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("temp/inlet", "+15"), 0);
    assert_string_equal(fake_server_events(), "Inlet Temp: Upper Non-critical - going high");
    assert_true(fake_server_reading(SENSOR_INLET_TEMP) > 36.5);
    assert_int_equal(fake_server_inject("temp/inlet", "+20"), 0); /* in its place */
    assert_string_equal(fake_server_events(), "Inlet Temp: Upper Critical - going high");
    assert_int_equal(platform_faults(platform())->count, 1);
    assert_int_equal(fake_server_clear(NULL), 1);
    assert_string_equal(fake_server_events(), "Inlet Temp: Upper Critical - going high, over; "
                                              "Inlet Temp: Upper Non-critical - going high, over");
    fake_server_step(60);
    double cpu = fake_server_reading(SENSOR_CPU_TEMP), other = cpu;
    assert_int_equal(fake_server_inject("temp/cpu", "+10"), 0); /* of each, once */
    assert_true(fabs(fake_server_reading(SENSOR_CPU_TEMP) - cpu - 10) < 2);
    assert_true(fabs(fake_server_reading(SENSOR_CPU_TEMP + 1) - other - 10) < 2);
    assert_int_equal(fake_server_clear(NULL), 1);
    assert_int_equal(fake_server_inject("temp/cpu2", "+30"), 0);
    assert_true(fake_server_reading(SENSOR_CPU_TEMP + 1) > other + 25);
    assert_true(fake_server_reading(SENSOR_CPU_TEMP) < cpu + 2);
    assert_int_equal(fake_server_inject("temp/dimm", "+48"), 0);
    assert_string_equal(fake_server_events(), "DIMM Temp: Upper Non-critical - going high");
}

static void test_parts_that_are_not_there(void **state)
{
    static const char *const targets[][2] = {
        {"disk/vdc", "fault"},
        {"nic/2", "down"},
        {"psu/3", "failed"},
        {"temp/cpu3", "+10"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        assert_int_equal(fake_server_inject(targets[i][0], targets[i][1]), -ENOENT);
    assert_int_equal(platform_faults(platform())->count, 0);
    assert_string_equal(fake_server_events(), "");
}

static void test_the_room(void **state)
{
    struct facility *room = &fake_server.facility;

    (void)state;
    room->settings.has_generator = false;
    room->utility_lost = true;
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "UPS Input: AC lost");
    fake_server_step(500);
    assert_string_equal(fake_server_events(), "UPS Battery: Low");
    room->utility_lost = false;
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "UPS Input: AC lost, over");
    fake_server_step(3600);
    assert_string_equal(fake_server_events(), "UPS Battery: Low, over");
}

/* What stands when the daemon starts is no event, and neither is what was stored. */
static void test_over_a_restart(void **state)
{
    (void)state;
    fake_server_inject("disk/vda", "fault");
    fake_server_inject("psu/1", "ac-lost");
    fake_server_inject("temp/inlet", "+5");
    fake_server_events();
    fake_server_restart();
    fake_server_step(5);
    assert_string_equal(fake_server_events(), "");
    assert_int_equal(fake_server_states(SENSOR_DISK), 1 << 0 | 1 << 1);
    assert_int_equal(fake_server_states(SENSOR_PS_REDUNDANCY), 1 << 1);
    assert_int_equal(fake_server_clear(NULL), 3);
    assert_string_equal(fake_server_events(), "PSU1 Status: Power Supply AC lost, over; "
                                              "PS Redundancy: Fully Redundant; "
                                              "Disk vda: Drive Fault, over");
}

/* A disk or a NIC comes while the server runs. */
static void test_hot_plug(void **state)
{
    struct host_hardware *hardware = &fake_bmc.host.hardware;

    (void)state;
    memcpy(hardware->disks[2].target, "vdc", 4);
    hardware->disk_count = 3;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_HARDWARE);
    assert_string_equal(fake_server_events(), "Disk vdc: Drive Present");
    hardware->disk_count = 2;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_HARDWARE);
    fake_server_step(2);
    assert_string_equal(fake_server_events(), "Disk vdc: Drive Present, over");
}

/* ---- links ---- */

/* The links that were set since the last look, as "2- 2+": NIC and direction. */
static const char *links(void)
{
    static char text[256];
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < fake_bmc.host.count; i++) {
        const struct fake_host_call *call = &fake_bmc.host.calls[i];
        if (call->kind == FAKE_HOST_SET_LINK && used + 4 < sizeof text) {
            if (used)
                text[used++] = ' ';
            text[used++] = (char)('0' + call->mac[5]);
            text[used++] = call->up ? '+' : '-';
            text[used] = '\0';
        }
    }
    return text;
}

static void test_link(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("nic/1", "down"), 0);
    assert_string_equal(links(), "2-");
    assert_string_equal(fake_server_events(), "NIC2 Link: Heartbeat Lost");
    fake_server_step(20);
    assert_string_equal(links(), ""); /* once */
    assert_int_equal(fake_server_clear("nic/1"), 1);
    assert_string_equal(links(), "2+");
    assert_string_equal(fake_server_events(), "NIC2 Link: Heartbeat");
    fake_server_step(20);
    assert_string_equal(links(), "");
}

static void test_link_of_a_guest_that_is_off(void **state)
{
    (void)state;
    assert_int_equal(fake_server_inject("nic/0", "down"), 0);
    assert_int_equal(fake_server_inject("nic/1", "down"), 0);
    assert_string_equal(links(), "");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(links(), "1- 2-"); /* with its start */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_int_equal(fake_server_clear("nic/0"), 1);
    assert_string_equal(links(), "");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_string_equal(links(), "2-");
}

/* Only what was lost comes back. */
static void test_link_events(void **state)
{
    static const char nic[] = "NIC1 Link: ";

    (void)state;
    assert_null(strstr(fake_server_events(), nic));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_null(strstr(fake_server_events(), nic));
    fake_server_inject("nic/0", "down");
    assert_non_null(strstr(fake_server_events(), "NIC1 Link: Heartbeat Lost"));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_null(strstr(fake_server_events(), nic));
    fake_server_clear("nic/0");
    assert_null(strstr(fake_server_events(), nic));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_non_null(strstr(fake_server_events(), "NIC1 Link: Heartbeat"));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_null(strstr(fake_server_events(), nic));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_server_inject("nic/0", "down");
    fake_server_events();
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING); /* starts without it */
    assert_non_null(strstr(fake_server_events(), "NIC1 Link: Heartbeat Lost"));
}

/* That a link was lost and came back can be read off its sensor from then on. */
static void test_link_leaves_a_trace(void **state)
{
    uint8_t number = sensors_find_nic(fake_bmc.bmc.sensors, fake_bmc.host.hardware.nics[0].mac);
    struct sensor_status status;

    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(3);
    assert_int_equal(sensors_status(fake_bmc.bmc.sensors, number, &status), 0);
    assert_int_equal(status.asserted, 1 << 1);
    assert_int_equal(status.deasserted, 0);
    fake_server_inject("nic/0", "down");
    fake_server_step(3);
    fake_server_clear("nic/0");
    fake_server_step(3);
    assert_int_equal(sensors_status(fake_bmc.bmc.sensors, number, &status), 0);
    assert_int_equal(status.asserted, 1 << 1);
    assert_int_equal(status.deasserted, 1 << 0); /* heartbeat lost, and over */
}

static void test_link_over_a_restart(void **state)
{
    (void)state;
    fake_server_inject("nic/0", "down");
    fake_bmc.host.hardware.nics[0].link_down = true; /* as the driver sees it then */
    fake_server_restart();
    fake_server_step(5);
    assert_string_equal(links(), "");
    assert_string_equal(fake_server_events(), "NIC1 Link: Heartbeat Lost");
    /* The guest was started again while no daemon ran. */
    fake_bmc.host.hardware.nics[0].link_down = false;
    fake_server_restart();
    fake_server_step(1);
    assert_string_equal(links(), "1-");
    fake_server_restart();
    assert_int_equal(fake_server_clear(NULL), 1); /* before the first look */
    assert_string_equal(links(), "1- 1+");
}

static void test_link_of_a_lost_guest(void **state)
{
    (void)state;
    fake_server_inject("nic/0", "down");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    assert_int_equal(fake_server_clear(NULL), 1);
    fake_server_step(1);
    assert_string_equal(links(), "");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_string_equal(links(), "1+");
}

/* A set_link is under way when its fault is cleared, and when its domain goes. */
static void test_slow_link(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_server_inject("nic/0", "down");
    fake_server_inject("nic/1", "down");
    fake_server_clear("nic/0");
    assert_string_equal(links(), "1-"); /* one at a time, so that they cannot pass each other */
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(links(), "1- 1+");
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(links(), "1- 1+ 2-");
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_host_finish(&fake_bmc.host, 0);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    fake_host_finish(&fake_bmc.host, 0); /* its boot override */
    fake_server_step(1);
    assert_string_equal(links(), "2-"); /* nobody knows what came of it */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0); /* of the run before */
    assert_string_equal(links(), "2- 2-");
    fake_host_finish(&fake_bmc.host, 0);
    fake_server_step(5);
    assert_string_equal(links(), "");
}

static void test_link_cannot_be_set(void **state)
{
    unsigned tried = 0;

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    fake_bmc.host.result = -EIO;
    fake_server_inject("nic/0", "down");
    for (unsigned i = 0; i < 30; i++) {
        fake_server_step(1);
        tried += fake_server_calls(FAKE_HOST_SET_LINK);
    }
    log_set_target(LOG_TARGET_STDERR);
    assert_int_equal(tried, 3);
    fake_bmc.host.result = 0;
    fake_server_clear(NULL); /* it never was down */
    fake_server_step(20);
    assert_string_equal(links(), "");
}

/* Two NICs of one address are one to libvirt. */
static void test_link_of_twins(void **state)
{
    struct host_hardware *hardware = &fake_bmc.host.hardware;

    (void)state;
    hardware->nics[1] = hardware->nics[0];
    fake_server_inject("nic/0", "down");
    assert_string_equal(links(), "1-");
    fake_server_step(3);
    assert_string_equal(links(), "");
}

/* What could not be stored is taken back, in the guest too. */
static void test_faults_are_taken_back(void **state)
{
    struct faults none = {0};

    (void)state;
    fake_server_inject("nic/0", "down");
    fake_server_inject("psu/1", "failed");
    platform_restore_faults(platform(), &none);
    fake_server_step(1);
    assert_string_equal(links(), "1+");
    assert_int_equal(fake_server_states(SENSOR_PSU_STATUS), 1 << 0);
    assert_int_equal(fake_server_states(SENSOR_NIC), 1 << 1);
}

#define ON(test)  cmocka_unit_test_setup_teardown(test, fake_server_setup, fake_server_teardown)
#define OFF(test) cmocka_unit_test_setup_teardown(test, fake_server_setup_off, fake_server_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(test_parts),
        ON(test_correctable),
        ON(test_fan),
        ON(test_temperatures),
        ON(test_parts_that_are_not_there),
        ON(test_the_room),
        ON(test_over_a_restart),
        ON(test_hot_plug),
        ON(test_link),
        OFF(test_link_of_a_guest_that_is_off),
        OFF(test_link_events),
        ON(test_link_over_a_restart),
        OFF(test_link_leaves_a_trace),
        ON(test_link_of_a_lost_guest),
        ON(test_slow_link),
        ON(test_link_cannot_be_set),
        ON(test_link_of_twins),
        ON(test_faults_are_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
