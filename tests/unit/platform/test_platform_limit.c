/* A power limit that is enforced: the guest's CPU quota follows it, over starts of the guest and of
 * the daemon, and with a hypervisor that is slow, away or has no way. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/platform/internal.h"

static struct platform *platform(void)
{
    return fake_bmc.bmc.platform;
}

static void limit_to(unsigned watts)
{
    const struct dcmi_power_limit limit = {.active = watts > 0,
                                           .watts = (uint16_t)watts,
                                           .correction_ms = DCMI_CORRECTION_MS_MIN,
                                           .sampling_s = 1};

    assert_int_equal(dcmi_set_power_limit(fake_bmc.bmc.dcmi, &limit), 0);
}

static void enforce(bool enforced)
{
    fake_server.settings.enforce_power_limit = enforced;
    platform_configure(fake_bmc.bmc.platform, &fake_server.settings);
}

/* A guest that takes all the CPU time it gets; its quota after so many seconds. */
static unsigned work_hard(unsigned seconds, unsigned permille)
{
    for (unsigned i = 0; i < seconds; i += 2) {
        double load = permille ? permille / 1000.0 : 1;
        fake_server_sample(2, load, load);
        for (unsigned n = 0; n < 2; n++) {
            fake_server_step(1);
            if (fake_server_calls(FAKE_HOST_SET_CPU_QUOTA) > 0)
                permille = fake_host_last(&fake_bmc.host)->permille;
        }
    }
    return permille;
}

static void test_limit_is_enforced(void **state)
{
    (void)state;
    work_hard(120, 0);
    double without = platform()->model.readings.system_w;
    assert_true(without > 280);
    limit_to(200);
    enforce(true);
    unsigned permille = work_hard(180, 0);
    assert_in_range(permille, 50, 900);
    double watts = platform()->model.readings.system_w;
    assert_true(watts <= 206 && watts > 170);
    /* released when it is no longer active */
    limit_to(0);
    assert_int_equal(work_hard(4, permille), 0);
    work_hard(120, 0);
    assert_true(fabs(platform()->model.readings.system_w - without) < 4);
}

static void test_limit_is_reported_only(void **state)
{
    (void)state;
    limit_to(100);
    assert_int_equal(work_hard(120, 7), 7); /* nobody has asked for another */
}

/* The quota of a QEMU ends with it, also where a start follows at once. */
static void test_limit_over_a_start(void **state)
{
    (void)state;
    limit_to(150);
    enforce(true);
    unsigned permille = work_hard(120, 0);
    assert_in_range(permille, 50, 900);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_in_range(work_hard(120, 0), 50, 900);
}

/* Another run of the daemon does not know what this one has set. */
static void test_limit_over_a_restart(void **state)
{
    (void)state;
    limit_to(150);
    enforce(true);
    assert_in_range(work_hard(120, 0), 50, 900);
    fake_server_restart();
    limit_to(500);
    enforce(true);
    assert_int_equal(work_hard(10, 300), 0);
    assert_int_equal(work_hard(10, 300), 300); /* and then it is known */
    /* One that sets no limit leaves alone what an administrator may have set. */
    fake_server_restart();
    assert_int_equal(work_hard(10, 300), 300);
}

/* The hypervisor is away while the limit is taken back. */
static void test_limit_of_a_lost_guest(void **state)
{
    (void)state;
    limit_to(150);
    enforce(true);
    assert_in_range(work_hard(120, 0), 50, 900);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    enforce(false);
    fake_server_step(5);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_server_step(1);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 1);
    assert_int_equal(fake_host_last(&fake_bmc.host)->permille, 0);
}

static void test_limit_cannot_be_set(void **state)
{
    unsigned tried = 0;

    (void)state;
    fake_bmc.host.result = -ENOTSUP;
    limit_to(150);
    enforce(true);
    log_set_target(LOG_TARGET_SYSLOG);
    for (unsigned i = 0; i < 200; i++) {
        fake_server_work(1, 1);
        tried += fake_server_calls(FAKE_HOST_SET_CPU_QUOTA);
    }
    log_set_target(LOG_TARGET_STDERR);
    assert_in_range(tried, 2, 4); /* once a minute */
    fake_bmc.host.result = 0;
    assert_in_range(work_hard(180, 0), 50, 900);
}

/* One request at a time, and one for a run that is over says nothing of the next. */
static void test_limit_with_a_slow_hypervisor(void **state)
{
    (void)state;
    limit_to(150);
    enforce(true);
    fake_bmc.host.waits = true;
    work_hard(20, 0);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 1);
    limit_to(0);
    fake_server_step(5);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 1);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_host_finish(&fake_bmc.host, 0);
    fake_server_step(5);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 0);
    /* cancelled with its domain */
    limit_to(150);
    work_hard(10, 0);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 1);
    bmc_set_host(&fake_bmc.bmc, NULL);
    fake_host_finish(&fake_bmc.host, 0);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    fake_host_finish(&fake_bmc.host, 0); /* its boot override */
    work_hard(10, 0);
    assert_int_equal(fake_server_calls(FAKE_HOST_SET_CPU_QUOTA), 1);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, fake_server_setup, fake_server_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(test_limit_is_enforced),
        ON(test_limit_is_reported_only),
        ON(test_limit_over_a_start),
        ON(test_limit_over_a_restart),
        ON(test_limit_of_a_lost_guest),
        ON(test_limit_cannot_be_set),
        ON(test_limit_with_a_slow_hypervisor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
