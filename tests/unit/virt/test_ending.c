/* Looks at a guest whose QEMU libvirt is ending: it has no id any more, and is not yet off. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "tests/fake/virt_fixture.h"

static _Atomic bool ending;

/* In place of libvirt's: the keeper thread calls it. */
int virDomainIsActive(virDomainPtr domain)
{
    static int (*real)(virDomainPtr);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainIsActive");
    return ending ? 0 : real(domain);
}

static void look(void)
{
    hypervisor_look_at(virt_fixture.hypervisor, &virt_domain_host(virt_fixture.guest)->uuid,
                       virt_fixture_done, &virt_fixture);
    TURN_UNTIL_ENDED(1);
}

static void test_on_until_it_is_off(void **state)
{
    virDomainPtr domain = virt_fixture_define_running();
    const struct host_domain *host = virt_domain_host(virt_fixture.guest);
    int run = host->run;

    (void)state;
    ending = true;
    look();
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    assert_int_equal(host->run, run);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 0);
    ending = false;
    look();
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    assert_int_equal(host->run, run);
    assert_int_equal(virDomainDestroy(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1);
    assert_int_equal(host->stop_reason, HOST_STOP_DESTROYED);
    virDomainFree(domain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_on_until_it_is_off, virt_fixture_setup,
                                        virt_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
