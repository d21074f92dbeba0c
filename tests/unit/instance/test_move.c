/* A guest that moves to another hypervisor: for its BMC nothing stops and nothing starts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/platform/internal.h"

static struct fake_host there; /* the guest's copy on the other hypervisor */

/* The guest works for ten minutes here, and is seen to come up there meanwhile. */
static void begin(void)
{
    fake_server_work(600, 0.5);
    fake_host_init(&there, HOST_POWER_PAUSED);
    there.domain.uuid = fake_bmc.host.domain.uuid;
    there.hardware = fake_bmc.host.hardware;
    there.domain.sample = (struct host_sample){.run = 77, .vcpus = 4};
    for (unsigned i = 0; i < 2; i++)
        there.domain.sample.socket_vcpus[i] = 2;
    fake_server_events();
}

static void sample_there(double seconds, double load)
{
    struct host_sample *sample = &there.domain.sample;

    sample->taken_ns += (uint64_t)(seconds * 1e9);
    for (unsigned i = 0; i < 2; i++)
        sample->socket_ns[i] += (uint64_t)(seconds * 1e9 * 2 * load);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_SAMPLED);
}

static void here_is(enum host_power_state state)
{
    fake_bmc.host.domain.state = state;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
}

static void arrive(void)
{
    there.domain.state = HOST_POWER_RUNNING;
    bmc_set_host(&fake_bmc.bmc, &there.domain);
}

struct before {
    double temperature;
    int64_t on_since_ms;
    uint32_t boots, poh_minutes;
    enum restart_cause cause;
};

static struct before look(void)
{
    const struct chassis *chassis = &fake_bmc.bmc.chassis;

    return (struct before){
        .temperature = fake_server_reading(SENSOR_CPU_TEMP),
        .on_since_ms = chassis->on_since_ms,
        .boots = chassis->boots,
        .poh_minutes = chassis_poh_minutes(&fake_bmc.bmc.chassis),
        .cause = chassis->restart_cause,
    };
}

/* `away`: seconds that passed since, in which nothing may have been known. */
static void check_goes_on(const struct before *before, unsigned away)
{
    struct before now;

    fake_server_step(1);
    now = look();
    assert_string_equal(fake_server_events(), "");
    assert_true(fabs(now.temperature - before->temperature) < 2 + away);
    assert_true(now.on_since_ms == before->on_since_ms && now.on_since_ms != 0);
    assert_int_equal(now.boots, before->boots);
    assert_int_equal(now.cause, before->cause);
    assert_true(fake_bmc.bmc.chassis.was_on);
    /* Utilisation stays what it was until there are two samples from there. */
    assert_true(fabs(fake_server_reading(SENSOR_CPU_UTIL) - 50) < 0.1);
    sample_there(2, 0.8);
    fake_server_step(1);
    assert_true(fabs(fake_server_reading(SENSOR_CPU_UTIL) - 50) < 0.1);
    sample_there(2, 0.8);
    fake_server_step(1);
    assert_true(fabs(fake_server_reading(SENSOR_CPU_UTIL) - 80) < 0.1);
    fake_bmc_advance(&fake_bmc, 60000 - 3000);
    assert_int_equal(chassis_poh_minutes(&fake_bmc.bmc.chassis),
                     before->poh_minutes + (away + 60) / 60);
}

static void test_straight_over(void **state)
{
    (void)state;
    begin();
    struct before before = look();
    arrive();
    check_goes_on(&before, 0);
}

/* It is seen to end here before it is seen to run there. */
static void test_ended_here_first(void **state)
{
    (void)state;
    begin();
    struct before before = look();
    here_is(HOST_POWER_PAUSED);
    here_is(HOST_POWER_OFF);
    arrive();
    check_goes_on(&before, 0);
}

/* For a while nobody knows where it is; that is no power-off, and the time counts. */
static void test_nowhere_for_a_while(void **state)
{
    (void)state;
    begin();
    struct before before = look();
    here_is(HOST_POWER_PAUSED);
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_server_step(5);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
    arrive();
    check_goes_on(&before, 5);
}

static void test_not_counted_where_it_was_off(void **state)
{
    (void)state;
    begin();
    uint32_t minutes = chassis_poh_minutes(&fake_bmc.bmc.chassis);
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_bmc_advance(&fake_bmc, 3600000);
    there.domain.state = HOST_POWER_OFF;
    bmc_set_host(&fake_bmc.bmc, &there.domain);
    assert_int_equal(chassis_poh_minutes(&fake_bmc.bmc.chassis), minutes);
    assert_int_equal(fake_bmc.bmc.chassis.on_since_ms, 0);
    fake_server_step(1);
    assert_true(isnan(fake_server_reading(SENSOR_CPU_UTIL)));
}

/* Behind a move a stop is one, and a start too. */
static void test_stopped_there(void **state)
{
    (void)state;
    begin();
    arrive();
    uint32_t boots = fake_bmc.bmc.chassis.boots;
    there.domain.state = HOST_POWER_OFF;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
    assert_int_equal(fake_bmc.bmc.chassis.on_since_ms, 0);
    assert_non_null(strstr(fake_server_events(), "soft-off"));
    fake_bmc_advance(&fake_bmc, 5000);
    there.domain.state = HOST_POWER_RUNNING;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STATE);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STARTED);
    assert_int_equal(fake_bmc.bmc.chassis.on_since_ms, fake_bmc.now_ms);
    assert_int_equal(fake_bmc.bmc.chassis.boots, boots + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_server_setup, fake_server_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_straight_over),       TEST(test_ended_here_first),
        TEST(test_nowhere_for_a_while), TEST(test_not_counted_where_it_was_off),
        TEST(test_stopped_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
