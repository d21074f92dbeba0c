/* A server's readings: from what a guest does to load, and from that to sensors; of a guest that is
 * on, off, unknown or without power. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/platform/internal.h"

#define INLET_C 22

static struct platform *platform(void)
{
    return fake_bmc.bmc.platform;
}

/* Negative while it is not known. */
static double cpu_utilisation(void)
{
    return platform()->load.known ? platform()->load.cpu_all : -1;
}

static double memory_utilisation(void)
{
    return platform()->load.known ? platform()->load.memory : -1;
}

static bool is_near(double value, double expected)
{
    return fabs(value - expected) < 0.001;
}

/* ---- load ---- */

static void test_load_from_two_samples(void **state)
{
    struct host_sample *sample = &fake_bmc.host.domain.sample;

    (void)state;
    assert_true(cpu_utilisation() < 0);
    fake_server_sample(2, 1, 1); /* one says nothing yet */
    assert_true(cpu_utilisation() < 0);
    assert_true(memory_utilisation() < 0);
    sample->memory_kib = 1000;
    sample->memory_used_kib = 250;
    sample->disk_busy_ns += 500000000;
    fake_server_sample(2, 0.2, 0.8);
    assert_true(is_near(cpu_utilisation(), 0.5));
    assert_true(is_near(memory_utilisation(), 0.25));
    assert_true(is_near(platform()->load.io, 0.25));
    fake_server_step(1);
    assert_true(is_near(fake_server_reading(SENSOR_CPU_UTIL), 50));
    assert_true(is_near(fake_server_reading(SENSOR_MEM_UTIL), 25));
    assert_true(is_near(fake_server_reading(SENSOR_IO_UTIL), 25));
    sample->memory_kib = 0; /* the balloon says nothing any more */
    fake_server_sample(2, 0, 0);
    assert_true(memory_utilisation() < 0);
}

/* Each socket's temperature follows its own load. */
static void test_sockets_by_themselves(void **state)
{
    (void)state;
    fake_server_sample(2, 0, 1);
    for (unsigned i = 0; i < 20; i++) {
        fake_server_sample(2, 0, 1);
        fake_server_step(2);
    }
    assert_true(fake_server_reading(SENSOR_CPU_TEMP + 1) >
                fake_server_reading(SENSOR_CPU_TEMP) + 20);
}

/* Counters that jump either way, a clock that stands, more time than there is. */
static void test_hostile_samples(void **state)
{
    struct host_sample *sample = &fake_bmc.host.domain.sample;

    (void)state;
    fake_server_sample(2, 1, 1);
    fake_server_sample(2, 1, 1);
    assert_true(is_near(cpu_utilisation(), 1));
    sample->socket_ns[0] = sample->socket_ns[1] = 0;
    sample->disk_busy_ns = 0;
    fake_server_sample(2, 0, 0);
    assert_true(is_near(cpu_utilisation(), 0));
    sample->socket_ns[0] = sample->disk_bytes = sample->disk_requests = UINT64_MAX / 2;
    sample->disk_busy_ns = sample->nic_bytes = UINT64_MAX;
    fake_server_sample(0.000000001, 0, 0);
    fake_server_step(1);
    assert_true(is_near(fake_server_reading(SENSOR_IO_UTIL), 100));
    assert_true(fake_server_reading(SENSOR_SYS_POWER) < 600);
    fake_server_sample(0, 1, 1); /* the same moment again: no pair */
    sample->socket_vcpus[0] = sample->socket_vcpus[1] = 0;
    sample->taken_ns += 1000000000;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_SAMPLED);
    assert_true(is_near(cpu_utilisation(), 0));
}

static void test_restart_of_the_guest(void **state)
{
    struct host_sample *sample = &fake_bmc.host.domain.sample;

    (void)state;
    fake_server_work(4, 1);
    assert_true(is_near(cpu_utilisation(), 1));
    /* Another run, of whose start nobody has heard yet: its first sample is no second one. */
    *sample = (struct host_sample){.run = 2, .taken_ns = sample->taken_ns};
    fake_server_sample(2, 1, 1);
    assert_true(cpu_utilisation() < 0);
    fake_server_sample(2, 0.5, 0.5);
    assert_true(is_near(cpu_utilisation(), 0.5));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_true(cpu_utilisation() < 0);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_true(cpu_utilisation() < 0);
}

static void test_stale_samples(void **state)
{
    (void)state;
    fake_server_work(4, 1);
    fake_server_step(12);
    assert_false(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
    fake_server_step(4);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
    assert_true(isnan(fake_server_reading(SENSOR_MEM_UTIL)));
    assert_true(isnan(fake_server_reading(SENSOR_IO_UTIL)));
    assert_true(cpu_utilisation() < 0);
    assert_false(isnan(fake_server_reading(SENSOR_CPU_TEMP))); /* the model goes on */
    fake_server_work(4, 1);
    assert_true(is_near(fake_server_reading(SENSOR_CPU_UTIL), 100));
}

/* sample-period may be as long as a minute. */
static void test_long_period(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        fake_server_sample(60, 0.5, 0.5);
        fake_server_step(60);
    }
    assert_true(is_near(fake_server_reading(SENSOR_CPU_UTIL), 50));
    fake_server_step(119);
    assert_false(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
    fake_server_step(3);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
}

/* ---- readings ---- */

/* Sensors that only a server with power has. */
static const unsigned of_running[] = {
    SENSOR_EXHAUST_TEMP, SENSOR_DIMM_TEMP, SENSOR_CPU_TEMP, SENSOR_CPU_TEMP + 1, SENSOR_CPU_POWER,
    SENSOR_DISK_POWER,   SENSOR_FAN_POWER, SENSOR_12V,      SENSOR_5V,           SENSOR_3_3V,
};

static unsigned count_readings(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof of_running / sizeof of_running[0]; i++)
        count += !isnan(fake_server_reading(of_running[i]));
    return count;
}

static void test_readings_when_on(void **state)
{
    (void)state;
    fake_server_work(60, 0);
    assert_int_equal(count_readings(), sizeof of_running / sizeof of_running[0]);
    assert_true(is_near(fake_server_reading(SENSOR_INLET_TEMP), INLET_C));
    assert_true(is_near(fake_server_reading(SENSOR_FAN), 4200));
    double each = fake_server_reading(SENSOR_PSU_INPUT);
    assert_true(each > 20 && each == fake_server_reading(SENSOR_PSU_INPUT + 1));
    assert_true(fabs(fake_server_reading(SENSOR_SYS_POWER) - 2 * each) <= 4);
    assert_true(fabs(dcmi_current_watts(fake_bmc.bmc.dcmi) - platform()->model.readings.system_w) <=
                0.5);
    assert_int_equal(fake_server_states(SENSOR_ACPI_POWER), 1 << 0);
}

static void test_readings_when_off(void **state)
{
    (void)state;
    assert_int_equal(count_readings(), 0);
    assert_true(is_near(fake_server_reading(SENSOR_INLET_TEMP), INLET_C));
    assert_true(is_near(fake_server_reading(SENSOR_FAN), 0));
    assert_true(is_near(fake_server_reading(SENSOR_FAN + 3), 0));
    double watts = fake_server_reading(SENSOR_SYS_POWER);
    assert_true(watts > 8 && watts < 20); /* standby */
    assert_false(isnan(fake_server_reading(SENSOR_VBAT)));
    assert_int_equal(fake_server_states(SENSOR_ACPI_POWER), 1 << 5);
    assert_int_equal(fake_server_states(SENSOR_POWER_UNIT), 1 << 0);
    assert_int_equal(fake_server_states(SENSOR_NIC), 0);
    assert_string_equal(fake_server_events(), ""); /* fans that stand are no fault */
}

static void test_readings_when_unknown(void **state)
{
    (void)state;
    assert_int_equal(count_readings(), 0);
    assert_true(isnan(fake_server_reading(SENSOR_FAN)));
    assert_true(isnan(fake_server_reading(SENSOR_SYS_POWER)));
    assert_true(isnan(fake_server_reading(SENSOR_PSU_INPUT)));
    assert_true(is_near(fake_server_reading(SENSOR_INLET_TEMP), INLET_C));
    assert_int_equal(fake_server_states(SENSOR_ACPI_POWER), -1);
    assert_int_equal(fake_server_states(SENSOR_PSU_STATUS), 1 << 0);
    assert_int_equal(dcmi_current_watts(fake_bmc.bmc.dcmi), 0);
}

static void test_readings_without_supply(void **state)
{
    (void)state;
    fake_bmc.host.waits = true; /* it takes a while to end the guest */
    fake_server_feed('A', false);
    fake_server_feed('B', false);
    fake_server_step(1);
    assert_int_equal(fake_bmc.host.domain.state, HOST_POWER_RUNNING);
    assert_int_equal(count_readings(), 0);
    assert_true(is_near(fake_server_reading(SENSOR_FAN), 0));
    assert_true(is_near(fake_server_reading(SENSOR_SYS_POWER), 0));
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_server_step(60);
    assert_true(is_near(fake_server_reading(SENSOR_PSU_INPUT), 0));
    assert_true(is_near(fake_server_reading(SENSOR_INLET_TEMP), INLET_C));
}

/* The hypervisor is away for a minute: nothing is shown, nothing is told, and nothing cools down.
 */
static void test_lost_hypervisor(void **state)
{
    (void)state;
    fake_server_work(120, 0.5);
    double before = fake_server_reading(SENSOR_CPU_TEMP);
    assert_true(before > 45);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    fake_server_step(10);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_TEMP)));
    assert_int_equal(fake_server_states(SENSOR_NIC), 1 << 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_true(fabs(fake_server_reading(SENSOR_CPU_TEMP) - before) < 3);
    assert_string_equal(fake_server_events(), "");
}

/* No domain at all, and one that comes back. */
static void test_vanished_domain(void **state)
{
    struct host_domain *host = &fake_bmc.host.domain;

    (void)state;
    fake_server_work(10, 0.5);
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_server_step(30);
    assert_int_equal(count_readings(), 0);
    assert_int_equal(fake_server_inject("disk/vda", "fault"), -ENOENT);
    assert_int_equal(fake_server_inject("nic/0", "down"), -ENOENT);
    assert_int_equal(fake_server_inject("intrusion", "open"), 0);
    assert_int_equal(fake_server_clear(NULL), 1);
    fake_server_events();
    bmc_set_host(&fake_bmc.bmc, host);
    assert_true(cpu_utilisation() < 0);
    fake_server_work(10, 0.5);
    assert_true(is_near(fake_server_reading(SENSOR_CPU_UTIL), 50));
    assert_string_equal(fake_server_events(), "");
}

static void test_nothing_happens_for_an_hour(void **state)
{
    (void)state;
    fake_server_work(3600, 0.3);
    assert_int_equal(fake_server.event_count, 0);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 1); /* the first hardware */
}

/* After a pause of the daemon the physics does not run for days. */
static void test_pause_of_the_daemon(void **state)
{
    (void)state;
    fake_server_work(10, 0.5);
    fake_bmc.now_ms += UINT64_C(1000) * 86400 * 365;
    fake_server_step(1);
    assert_string_equal(fake_server_events(), "");
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
}

#define ON(test)  cmocka_unit_test_setup_teardown(test, fake_server_setup, fake_server_teardown)
#define OFF(test) cmocka_unit_test_setup_teardown(test, fake_server_setup_off, fake_server_teardown)
#define UNKNOWN(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, fake_server_setup_unknown, fake_server_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(test_load_from_two_samples),
        ON(test_sockets_by_themselves),
        ON(test_hostile_samples),
        ON(test_restart_of_the_guest),
        ON(test_stale_samples),
        ON(test_long_period),
        ON(test_readings_when_on),
        OFF(test_readings_when_off),
        UNKNOWN(test_readings_when_unknown),
        ON(test_readings_without_supply),
        ON(test_lost_hypervisor),
        ON(test_vanished_domain),
        ON(test_nothing_happens_for_an_hour),
        ON(test_pause_of_the_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
