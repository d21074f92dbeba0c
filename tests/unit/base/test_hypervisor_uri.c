/* What the URI of a hypervisor says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hypervisor_uri.h"

static void test_kinds(void **state)
{
    static const struct {
        const char *uri;
        bool local, qemu, embedded;
    } cases[] = {
        {"qemu:///system", true, true, false},
        {"qemu:///session", true, true, false},
        {"qemu+unix:///system?socket=/run/other", true, true, false},
        {"qemu:///embed?root=/var/lib/vbmc/embed", true, true, true},
        {"qemu:///embed", true, true, true},
        {"qemu:///embed#x", true, true, true},
        {"qemu:///embedded?root=/srv", true, true, false},
        {"qemu:///embed/x?root=/srv", true, true, false},
        {"test:///default", true, false, false},
        {"qemu+ssh:///system", false, true, false},
        {"qemu+ssh://node1/system", false, true, false},
        {"qemu+tls://node1/system", false, true, false},
        {"qemu+unixlike:///system", false, true, false},
        {"qemu://node1/system", false, true, false},
        {"qemux:///system", true, false, false},
        {"qemu", false, false, false},
        {"", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(hypervisor_uri_is_local(cases[i].uri), cases[i].local);
        assert_int_equal(hypervisor_uri_is_qemu(cases[i].uri), cases[i].qemu);
        assert_int_equal(hypervisor_uri_is_embedded(cases[i].uri), cases[i].embedded);
    }
}

static void test_embedded_root(void **state)
{
    static const struct {
        const char *uri, *root;
    } cases[] = {
        {"qemu:///embed?root=/srv/embed", "/srv/embed"},
        {"qemu:///embed?root=/srv/em%62ed%20x", "/srv/embed x"},
        {"qemu:///embed?other=1&root=/srv#root=/no", "/srv"},
        {"qemu:///embed?other=1;root=/srv;more", "/srv"},
        {"qemu:///embed?root=/100%", "/100%"},
        {"qemu:///embed?root=srv", NULL},
        {"qemu:///embed?root=", NULL},
        {"qemu:///embed?nonroot=/srv", NULL},
        {"qemu:///embed#?root=/srv", NULL},
        {"qemu:///embed?", NULL},
        {"qemu:///embedded?root=/srv", NULL},
        {"qemu:///system?root=/srv", NULL},
        {"qemu:///embed", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *root = hypervisor_uri_embedded_root(cases[i].uri);
        if (cases[i].root)
            assert_string_equal(root, cases[i].root);
        else
            assert_null(root);
        free(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_embedded_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
