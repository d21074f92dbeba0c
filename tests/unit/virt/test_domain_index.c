/* Domains found by UUID and by name, among many, while names go from one to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/hash_index.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domain_index.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"

#define COUNT 1000

static struct hypervisor hypervisor;
static struct virt_domain domains[COUNT];
static char names[COUNT][16];

static unsigned count_named(const char *name, struct virt_domain **found)
{
    const struct hash_index_node *cursor = NULL;
    struct virt_domain *domain;
    unsigned count = 0;

    *found = NULL;
    while ((domain = hypervisor_next_named(&hypervisor, name, &cursor))) {
        *found = domain;
        count++;
    }
    return count;
}

static void rename_to(struct virt_domain *domain, char *name)
{
    const char *before = domain->host.name;

    domain->host.name = name;
    virt_domain_index_rename(domain, before);
}

static int setup(void **state)
{
    (void)state;
    memset(&hypervisor, 0, sizeof hypervisor);
    memset(domains, 0, sizeof domains);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "guest%u", i);
        domains[i].hypervisor = &hypervisor;
        domains[i].host.name = names[i];
        memcpy(domains[i].host.uuid.bytes, &i, sizeof i);
        if (virt_domain_index_add(&domains[i]) < 0)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    virt_domain_index_clear(&hypervisor);
    return 0;
}

static void test_find(void **state)
{
    struct virt_domain *found;

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(count_named(names[i], &found), 1);
        assert_ptr_equal(found, &domains[i]);
        assert_ptr_equal(hypervisor_find_domain(&hypervisor, &domains[i].host.uuid), found);
    }
    assert_int_equal(count_named("guest", &found), 0);
    assert_int_equal(count_named("", &found), 0);
    virt_domain_index_remove(&domains[7]);
    assert_int_equal(count_named("guest7", &found), 0);
    assert_null(hypervisor_find_domain(&hypervisor, &domains[7].host.uuid));
    assert_int_equal(count_named("guest77", &found), 1);
}

/* The one that has the name now may be heard of before the one that had it. */
static void test_rename(void **state)
{
    struct virt_domain *found;
    char other[] = "other";

    (void)state;
    rename_to(&domains[1], names[2]);
    assert_int_equal(count_named("guest1", &found), 0);
    assert_int_equal(count_named("guest2", &found), 2);
    rename_to(&domains[2], other);
    assert_int_equal(count_named("guest2", &found), 1);
    assert_ptr_equal(found, &domains[1]);
    assert_int_equal(count_named("other", &found), 1);
    assert_ptr_equal(found, &domains[2]);
    /* One that has vanished, and was taken out, may still be read once. */
    virt_domain_index_remove(&domains[3]);
    domains[3].vanished = true;
    rename_to(&domains[3], other);
    assert_int_equal(count_named("other", &found), 1);
    assert_int_equal(count_named("guest3", &found), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
