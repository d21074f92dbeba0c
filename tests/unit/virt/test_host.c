/* The libvirt driver against libvirt's test driver: connecting, and what others do to domains. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/array.h"

/* ---- the connection ---- */

static void test_connects(void **state)
{
    (void)state;
    assert_int_equal(virt_fixture.connections, 1);
    assert_int_equal(virt_fixture.appeared, 1); /* the domain "test" of the test driver */
    assert_string_equal(hypervisor_name(virt_fixture.hypervisor), "test");
    assert_string_equal(hypervisor_uri(virt_fixture.hypervisor), "test:///default");
    assert_string_equal(hypervisor_error(virt_fixture.hypervisor), "");
    assert_false(hypervisor_is_embedded(virt_fixture.hypervisor));
    struct virt_domain *domain = hypervisor_next_domain(virt_fixture.hypervisor, NULL);
    assert_non_null(domain);
    assert_null(hypervisor_next_domain(virt_fixture.hypervisor, domain));
    assert_string_equal(virt_domain_host(domain)->name, "test");
    assert_int_equal(virt_domain_host(domain)->state, HOST_POWER_RUNNING);
    assert_ptr_equal(virt_domain_hypervisor(domain), virt_fixture.hypervisor);
    assert_ptr_equal(virt_domain_of_host(virt_domain_host(domain)), domain);
    assert_false(virt_domain_is_tagged(domain));
}

static bool has_failed_twice(void)
{
    return virt_fixture.connections >= 2;
}

static void test_unreachable(void **state)
{
    (void)state;
    virt_fixture_start("qemu+unix:///system?socket=/nonexistent/socket");
    TURN_UNTIL(has_failed_twice); /* it tries again by itself */
    assert_false(hypervisor_is_up(virt_fixture.hypervisor));
    assert_non_null(strstr(hypervisor_error(virt_fixture.hypervisor), "/nonexistent/socket"));
    assert_null(hypervisor_next_domain(virt_fixture.hypervisor, NULL));
    hypervisor_define(virt_fixture.hypervisor, "<domain/>", virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, -EHOSTUNREACH);
    virt_fixture_stop();
}

/* A path of a domain's XML belongs to the machine of the domain. */
static void test_reach_socket(void **state)
{
    static const struct {
        const char *uri;
        const char *path;
        int result;
    } cases[] = {
        {"test:///default", "/a/socket", 0},
        {"qemu+unix:///system?socket=/nonexistent", "/a/socket", 0},
        {"test:///default", "a/socket", -EINVAL},
        {"test:///default", "", -EINVAL},
        {"qemu+tcp://127.0.0.1:1/system", "/a/socket", -ENOTSUP},
        {"qemu://127.0.0.1:1/system", "/a/socket", -ENOTSUP},
        {"nonsense", "/a/socket", -ENOTSUP},
        {"qemu+ssh://no host/system", "/a/socket", -EHOSTUNREACH},
    };
    char local[108], path[120];

    (void)state;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        virt_fixture_start(cases[i].uri);
        assert_int_equal(
            hypervisor_reach_socket(virt_fixture.hypervisor, cases[i].path, local, sizeof local),
            cases[i].result);
        if (cases[i].result == 0) {
            assert_string_equal(local, cases[i].path);
            assert_int_equal(
                hypervisor_reach_socket(virt_fixture.hypervisor, path, local, sizeof local),
                -ENAMETOOLONG);
        }
        virt_fixture_stop();
    }
}

static void test_ssh_without_a_place(void **state)
{
    (void)state;
    virt_fixture_start("qemu+ssh://127.0.0.1:1/system");
    TURN_UNTIL(has_failed_twice);
    assert_string_equal(hypervisor_error(virt_fixture.hypervisor), "no directory for sockets");
    virt_fixture_stop();
}

static void test_stop_at_once(void **state)
{
    static const char *const uris[] = {"test:///default", "nonsense://", "qemu:///embed?root=/x/y"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
        virt_fixture_start(uris[i]);
        virt_fixture_stop();
    }
}

/* ---- what others do ---- */

static void test_others(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    TURN_UNTIL(virt_fixture_is_there);
    assert_string_equal(virt_domain_host(virt_fixture.guest)->name, "guest");
    assert_int_equal(virt_fixture_state(), HOST_POWER_OFF);
    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], 1);
    assert_int_equal(virDomainSuspend(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_PAUSED);
    assert_int_equal(virDomainResume(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    assert_int_equal(virDomainDestroy(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], 1);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1);
    assert_int_equal(virDomainUndefine(domain), 0);
    TURN_UNTIL(virt_fixture_is_gone);
    assert_int_equal(virt_fixture.vanished, 1);
    virDomainFree(domain);
}

/* Undefined while it runs: it goes when it stops. */
static void test_undefined_while_running(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    assert_int_equal(virDomainUndefine(domain), 0);
    assert_int_equal(virDomainDestroy(domain), 0);
    TURN_UNTIL(virt_fixture_is_gone);
    virDomainFree(domain);
}

/* A transient one stays as a guest that is off, and can be started again. */
static void test_transient(void **state)
{
    virDomainPtr domain = virt_fixture_create_transient();

    (void)state;
    virt_fixture_expect_power(HOST_POWER_ACTION_DOWN, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_OFF);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    virt_fixture_expect_power(HOST_POWER_ACTION_CYCLE, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    assert_int_equal(virt_fixture.vanished, 0);
    virDomainFree(domain);
}

static void test_there_before(void **state)
{
    (void)state;
    virt_fixture_teardown(state);
    virDomainPtr domain = virt_fixture_define("<metadata><x xmlns='urn:vbmc:1.0'/></metadata>");
    assert_int_equal(virDomainCreate(domain), 0);
    virt_fixture_setup(state);
    assert_int_equal(virt_fixture.appeared, 2);
    assert_non_null(virt_fixture.guest);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    assert_true(virt_domain_is_tagged(virt_fixture.guest));
    assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], 0); /* that was before our time */
    virDomainFree(domain);
}

static bool is_renamed(void)
{
    return virt_fixture.events[HOST_EVENT_RENAMED] == 1;
}

static bool is_tagged(void)
{
    return virt_fixture.events[HOST_EVENT_TAGGED] == 1;
}

static void test_renamed_and_tagged(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    TURN_UNTIL(virt_fixture_is_there);
    assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "<x/>", "vbmc",
                                          "urn:vbmc:1.0", 0),
                     0);
    TURN_UNTIL(is_tagged);
    assert_true(virt_domain_is_tagged(virt_fixture.guest));
    if (virDomainRename(domain, "renamed", 0) == 0) { /* libvirt 9's test driver cannot */
        TURN_UNTIL(is_renamed);
        assert_string_equal(virt_domain_host(virt_fixture.guest)->name, "renamed");
    }
    virDomainFree(domain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connects, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_reach_socket),
        cmocka_unit_test(test_ssh_without_a_place),
        cmocka_unit_test(test_stop_at_once),
        cmocka_unit_test_setup_teardown(test_others, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_undefined_while_running, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_transient, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_there_before, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_renamed_and_tagged, virt_fixture_setup,
                                        virt_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
