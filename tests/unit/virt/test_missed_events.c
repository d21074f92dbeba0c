/* Ends of guests that libvirt tells nobody of, later than all guests are looked at after a
 * connection: they are noticed by the next sample. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/sampler.h"

static bool deaf; /* no event of a guest's life comes */
static virConnectDomainEventCallback told;

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *opaque)
{
    return deaf ? 0 : told(connection, domain, event, detail, opaque);
}

/* In place of libvirt's. */
int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr domain, int id,
                                     virConnectDomainEventGenericCallback callback, void *opaque,
                                     virFreeCallback free_opaque)
{
    static int (*real)(virConnectPtr, virDomainPtr, int, virConnectDomainEventGenericCallback,
                       void *, virFreeCallback);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virConnectDomainEventRegisterAny");
    if (id == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
        told = (virConnectDomainEventCallback)(void (*)(void))callback;
        callback = VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle);
    }
    return real(connection, domain, id, callback, opaque, free_opaque);
}

static uint64_t wanted_samples;

static bool is_sampled(void)
{
    return hypervisor_sample_count(virt_fixture.hypervisor) >= wanted_samples;
}

static void sample(void)
{
    wanted_samples = hypervisor_sample_count(virt_fixture.hypervisor) + 1;
    virt_sampler_turn(virt_fixture.hypervisor->sampler);
    TURN_UNTIL(is_sampled);
}

static void test_end(void **state)
{
    virDomainPtr domain = virt_fixture_define_running();

    (void)state;
    /* Behind all looks that the events of before have led to. */
    hypervisor_look_at(virt_fixture.hypervisor, &virt_domain_host(virt_fixture.guest)->uuid,
                       virt_fixture_done, &virt_fixture);
    TURN_UNTIL_ENDED(1);
    uv_timer_stop(&virt_fixture.hypervisor->settle);
    deaf = true;
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    sample();
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1);
    deaf = false;
    virDomainFree(domain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_end, virt_fixture_setup, virt_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
