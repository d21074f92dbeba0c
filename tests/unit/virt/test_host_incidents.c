/* What libvirt's test driver tells of a guest's hardware, samples and ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/incident.h"

#define DISK(target) "<disk><source file='/" target "'/><target dev='" target "'/></disk>"
#define NIC(mac)     "<interface type='user'><mac address='" mac "'/></interface>"

static struct host_domain *host(void)
{
    assert_non_null(virt_fixture.guest);
    return virt_domain_host(virt_fixture.guest);
}

static enum host_event wanted_event;

static bool has_event(void)
{
    return virt_fixture.events[wanted_event] > 0;
}

static void expect_event(enum host_event event)
{
    wanted_event = event;
    TURN_UNTIL(has_event);
    assert_int_equal(virt_fixture.events[event], 1);
    virt_fixture.events[event] = 0;
}

/* ---- hardware ---- */

static void test_hardware(void **state)
{
    (void)state;
    virDomainFree(
        virt_fixture_define("<devices>" DISK("vda") NIC("52:54:00:00:00:01") "</devices>"));
    TURN_UNTIL(virt_fixture_is_there);
    const struct host_hardware *hardware = host()->hardware;
    assert_non_null(hardware); /* when it appears */
    assert_int_equal(virt_fixture.events[HOST_EVENT_HARDWARE], 0);
    assert_int_equal(hardware->disk_count, 1);
    assert_string_equal(hardware->disks[0].target, "vda");
    assert_int_equal(hardware->nic_count, 1);
    assert_int_equal(hardware->memory_kib, 1024);
    assert_string_equal(hardware->emulator_version, ""); /* not QEMU */
    /* The same again is none. */
    virDomainFree(
        virt_fixture_define("<devices>" DISK("vda") NIC("52:54:00:00:00:01") "</devices>"));
    virDomainFree(virt_fixture_define("<devices>" DISK("vda") DISK("vdb") "</devices>"));
    expect_event(HOST_EVENT_HARDWARE);
    assert_int_equal(host()->hardware->disk_count, 2);
    assert_int_equal(host()->hardware->nic_count, 0);
}

/* ---- samples: the test driver counts nothing ---- */

static bool is_sampled(void)
{
    return hypervisor_sample_count(virt_fixture.hypervisor) > 0;
}

static void test_samples(void **state)
{
    (void)state;
    TURN_UNTIL(is_sampled); /* when it comes up, as the domain "test" runs */
    virDomainFree(virt_fixture_define_running());
    assert_int_equal(host()->sample.taken_ns, 0);
    assert_int_equal(virt_fixture.events[HOST_EVENT_SAMPLED], 0);
    assert_int_equal(hypervisor_sample_count(virt_fixture.hypervisor), 1);
}

/* ---- ends ---- */

static void expect_stop(enum host_stop_reason reason)
{
    expect_event(HOST_EVENT_STOPPED);
    assert_int_equal(host()->stop_reason, reason);
}

static void test_stop_reasons(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    assert_int_equal(virDomainDestroy(domain), 0);
    expect_stop(HOST_STOP_DESTROYED);
    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    assert_int_equal(virDomainShutdown(domain), 0);
    expect_stop(HOST_STOP_SHUTDOWN);
    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    assert_int_equal(virDomainManagedSave(domain, 0), 0);
    expect_stop(HOST_STOP_SAVED);
    assert_int_equal(virDomainManagedSaveRemove(domain, 0), 0);
    virDomainFree(domain);
}

/* Its state is gone with it: the event alone tells. */
static void test_stop_reason_transient(void **state)
{
    virDomainPtr domain = virt_fixture_create_transient();

    (void)state;
    assert_int_equal(virDomainDestroy(domain), 0);
    expect_stop(HOST_STOP_DESTROYED);
    virDomainFree(domain);
}

static void test_stop_reason_before_our_time(void **state)
{
    (void)state;
    virt_fixture_teardown(state);
    virDomainPtr domain = virt_fixture_define("");
    assert_int_equal(virDomainCreate(domain), 0);
    assert_int_equal(virDomainDestroy(domain), 0);
    virt_fixture_setup(state);
    assert_int_equal(host()->stop_reason, HOST_STOP_DESTROYED);
    virDomainFree(domain);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_int_equal(virt_facts_stop_reason(VIR_DOMAIN_SHUTOFF_FAILED), HOST_STOP_FAILED);
    assert_int_equal(virt_facts_stop_reason(VIR_DOMAIN_SHUTOFF_DAEMON), HOST_STOP_UNKNOWN);
    assert_int_equal(virt_facts_stop_reason(-1), HOST_STOP_UNKNOWN);
    assert_int_equal(virt_facts_stop_reason(4711), HOST_STOP_UNKNOWN);
}

/* A guest that was ended for its panic, and a QEMU that died, have the same state. */
static void test_panic_or_failure(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define_running());
    struct virt_domain *guest = virt_fixture.guest;
    virt_incident_stopped(guest, HOST_STOP_CRASHED);
    assert_int_equal(host()->stop_reason, HOST_STOP_FAILED);
    virt_incident_lifecycle(guest, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_CRASHED);
    virt_incident_stopped(guest, HOST_STOP_CRASHED);
    assert_int_equal(host()->stop_reason, HOST_STOP_CRASHED);
    assert_int_equal(virt_fixture.events[HOST_EVENT_PANICKED], 0);
    virt_incident_lifecycle(guest, VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED);
    assert_int_equal(virt_fixture.events[HOST_EVENT_PANICKED], 1);
    virt_incident_stopped(guest, HOST_STOP_CRASHED);
    assert_int_equal(host()->stop_reason, HOST_STOP_CRASHED);
    virt_incident_running(guest);
    virt_incident_stopped(guest, HOST_STOP_CRASHED);
    assert_int_equal(host()->stop_reason, HOST_STOP_FAILED);
    /* What an event of a stop before said does not count for the next. */
    virt_incident_lifecycle(guest, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED);
    virt_incident_lifecycle(guest, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
    virt_incident_stopped(guest, HOST_STOP_UNKNOWN);
    assert_int_equal(host()->stop_reason, HOST_STOP_UNKNOWN);
    virt_incident_lifecycle(guest, VIR_DOMAIN_EVENT_STOPPED, 4711);
    virt_incident_stopped(guest, HOST_STOP_UNKNOWN);
    assert_int_equal(host()->stop_reason, HOST_STOP_UNKNOWN);
}

/* ---- disks ---- */

static void test_io_errors(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define("<devices>" DISK("vda") DISK("vdb") "</devices>"));
    TURN_UNTIL(virt_fixture_is_there);
    struct virt_domain *guest = virt_fixture.guest;
    snprintf(guest->hardware->disks[0].alias, sizeof guest->hardware->disks[0].alias, "disk0");
    snprintf(guest->hardware->disks[1].alias, sizeof guest->hardware->disks[1].alias, "disk1");
    for (unsigned i = 0; i < 3; i++)
        virt_incident_io_error(guest, "disk1");
    assert_int_equal(virt_fixture.events[HOST_EVENT_IO_ERROR], 1);
    assert_string_equal(host()->io_error_disk, "vdb");
    virt_incident_io_error(guest, "disk0");
    assert_int_equal(virt_fixture.events[HOST_EVENT_IO_ERROR], 2);
    assert_string_equal(host()->io_error_disk, "vda");
    for (unsigned i = 0; i < 2; i++)
        guest->incidents.io_errors[i].reported_ms -= 1000;
    virt_incident_io_error(guest, "disk0");
    assert_int_equal(virt_fixture.events[HOST_EVENT_IO_ERROR], 3);
    for (unsigned i = 0; i < 3; i++) {
        virt_incident_io_error(guest, "disk2");
        virt_incident_io_error(guest, "");
    }
    assert_int_equal(virt_fixture.events[HOST_EVENT_IO_ERROR], 3);
    /* Those are told once a second too, together. */
    assert_string_equal(guest->incidents.io_errors[2].target, "");
    assert_int_not_equal(guest->incidents.io_errors[2].reported_ms, 0);
    assert_int_equal(guest->incidents.io_errors[3].reported_ms, 0);
}

/* A storage that goes away takes many disks with it: each is told once a second nevertheless. */
static void test_io_errors_of_many_disks(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define("<devices>" DISK("vda") "</devices>"));
    TURN_UNTIL(virt_fixture_is_there);
    struct virt_domain *guest = virt_fixture.guest;
    struct host_hardware *whole = calloc(1, sizeof *whole);
    assert_non_null(whole);
    memcpy((void *)whole, guest->hardware, host_hardware_size(guest->hardware));
    free(guest->hardware);
    guest->host.hardware = guest->hardware = whole;
    guest->hardware->disk_count = HOST_DISKS_MAX;
    for (unsigned i = 0; i < HOST_DISKS_MAX; i++) {
        struct host_disk *disk = &guest->hardware->disks[i];
        snprintf(disk->target, sizeof disk->target, "vd%u", i);
        snprintf(disk->alias, sizeof disk->alias, "disk%u", i);
    }
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < HOST_DISKS_MAX; i++)
            virt_incident_io_error(guest, guest->hardware->disks[i].alias);
    assert_int_equal(virt_fixture.events[HOST_EVENT_IO_ERROR], HOST_DISKS_MAX);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, virt_fixture_setup, virt_fixture_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_hardware),
        TEST(test_samples),
        TEST(test_stop_reasons),
        TEST(test_stop_reason_transient),
        TEST(test_stop_reason_before_our_time),
        cmocka_unit_test(test_reasons),
        TEST(test_panic_or_failure),
        TEST(test_io_errors),
        TEST(test_io_errors_of_many_disks),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
