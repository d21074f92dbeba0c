/* Looks at a guest that is being ended: its QEMU has no id any more, and is not yet off; or its
 * domain is gone, and the call that ended it has not returned. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/virt/look.h"

static _Atomic bool ending;
static _Atomic bool holds,
    is_held; /* the call that ends a guest, after it has done so, or a start */

/* In place of libvirt's: the keeper thread calls it. */
int virDomainIsActive(virDomainPtr domain)
{
    static int (*real)(virDomainPtr);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainIsActive");
    return ending ? 0 : real(domain);
}

/* Likewise, an action thread. */
int virDomainDestroy(virDomainPtr domain)
{
    static int (*real)(virDomainPtr);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainDestroy");
    int result = real(domain);
    is_held = holds;
    while (holds)
        usleep(1000);
    return result;
}

/* The same for a start, which fails then. */
virDomainPtr virDomainCreateXML(virConnectPtr connection, const char *xml, unsigned flags)
{
    static virDomainPtr (*real)(virConnectPtr, const char *, unsigned);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainCreateXML");
    bool fails = holds;
    is_held = holds;
    while (holds)
        usleep(1000);
    return real(connection, fails ? "no XML" : xml, flags);
}

static bool is_in_call(void)
{
    return is_held;
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

/* The domain ends with its guest. Neither that it is not in a list nor that it is not found is more
 * than what the power action knows when its call returns. */
static void test_domain_goes_with_it(void **state)
{
    virDomainPtr domain = virt_fixture_define_running();

    (void)state;
    assert_int_equal(virDomainUndefine(domain), 0);
    virDomainFree(domain);
    look();
    holds = true;
    virt_fixture_power(HOST_POWER_ACTION_DOWN, 0);
    TURN_UNTIL(is_in_call);
    virt_look_at_all(virt_fixture.hypervisor);
    look();
    assert_non_null(virt_fixture.guest);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    holds = false;
    TURN_UNTIL(virt_fixture_is_gone);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
}

/* It is kept to be started again; meanwhile somebody removes the guest from another hypervisor. */
static void test_dropped_while_it_starts(void **state)
{
    virDomainPtr domain = virt_fixture_create_transient();

    (void)state;
    virt_fixture_expect_power(HOST_POWER_ACTION_DOWN, 0);
    is_held = false;
    holds = true;
    virt_fixture_power(HOST_POWER_ACTION_UP, 0);
    TURN_UNTIL(is_in_call);
    hypervisor_drop_kept(virt_fixture.hypervisor, virt_domain_uuid(virt_fixture.guest));
    assert_non_null(virt_fixture.guest);
    holds = false;
    TURN_UNTIL(virt_fixture_is_gone);
    TURN_UNTIL_ENDED(1);
    assert_true(virt_fixture.result < 0);
    virDomainFree(domain);
}

static int teardown(void **state)
{
    holds = false; /* where a test has failed */
    return virt_fixture_teardown(state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_on_until_it_is_off, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_domain_goes_with_it, virt_fixture_setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_while_it_starts, virt_fixture_setup, teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
