/* What a name means where two hypervisors have domains of one name, where a domain is called like
 * another's UUID, and where a domain has taken the name of one that is gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "vbmc/base/log.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/addition.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

#define WEB_A   "11111111-0000-4000-8000-00000000000a"
#define WEB_B   "11111111-0000-4000-8000-00000000000b"
#define ALONE   "22222222-0000-4000-8000-00000000000a"
#define CUCKOO  "33333333-0000-4000-8000-00000000000a" /* is called like ALONE's UUID */
#define BOTH    "44444444-0000-4000-8000-00000000000a" /* one guest, a copy on each */
#define AT      "55555555-0000-4000-8000-00000000000a" /* is called web01@b, on a */
#define NOBODYS "99999999-0000-4000-8000-00000000000a"
#define LINES   "[bmc]\nforget-after = 0\nports = 47250-47269\n" /* goes with its domain */

static const char *const on_a[][2] = {
    {"web01", WEB_A},
    {ALONE, CUCKOO},
    {"alone", ALONE},
    {"copied", BOTH},
};
static const char *const on_b[][2] = {{"web01", WEB_B}, {"copied", BOTH}};
static const char *const hypervisors[] = {"a", "b", NULL};

static bool has_all(void *context)
{
    return fleet_bmcs(fixture_fleet)->count == *(size_t *)context;
}

static void wait_for(size_t count)
{
    fleet_fixture_wait(has_all, &count, "so many BMCs");
}

static int setup(void **state)
{
    fleet_fixture_setup(state);
    fleet_fixture_define("a", on_a, 4);
    fleet_fixture_define("b", on_b, 2);
    fleet_fixture_start(hypervisors, LINES);
    wait_for(5);
    return 0;
}

static char error[FLEET_NAME_ERROR_SIZE];

/* The UUID of what is found, or NULL, with the negative error in *result. */
static const char *find(const char *typed, const char *only, int *result)
{
    static char text[UUID_TEXT_SIZE];
    struct instance *found;
    struct uuid uuid;

    if (only)
        assert_int_equal(uuid_parse(only, &uuid), 0);
    *result =
        fleet_named_bmc(fixture_fleet, typed, only ? &uuid : NULL, &found, error, sizeof error);
    if (found)
        uuid_format(&instance_record(found)->uuid, text);
    return found ? text : NULL;
}

static void assert_found(const char *typed, const char *only, const char *uuid)
{
    int result;
    const char *found = find(typed, only, &result);

    if (!found || strcmp(found, uuid) != 0)
        fail_msg("%s: %s instead of %s (%d)", typed, found ? found : "nothing", uuid, result);
}

static void assert_not_found(const char *typed, const char *only, int expected)
{
    int result;
    const char *found = find(typed, only, &result);

    if (found || result != expected)
        fail_msg("%s: %s, %d instead of %d", typed, found ? found : "nothing", result, expected);
}

static void assert_called(const char *uuid, const char *name)
{
    char *text = fleet_name_of(fixture_fleet, fleet_fixture_bmc(uuid), NULL);

    assert_string_equal(text, name);
    assert_found(text, NULL, uuid);
    free(text);
}

static void test_bmcs(void **state)
{
    (void)state;
    assert_found("alone", NULL, ALONE);
    assert_not_found("web01", NULL, -ENOTUNIQ);
    assert_non_null(strstr(error, "web01@a (" WEB_A ")"));
    assert_non_null(strstr(error, "web01@b (" WEB_B ")"));
    assert_found("web01@a", NULL, WEB_A);
    assert_found("web01@b", NULL, WEB_B);
    assert_found(WEB_B, NULL, WEB_B);
    assert_not_found("web01@c", NULL, -ENOENT);
    assert_not_found("web01@", NULL, -ENOENT);
    static char many[60000]; /* each @ might end a name */
    memset(many, '@', sizeof many - 1);
    assert_not_found(many, NULL, -ENOENT);
    assert_not_found("web0", NULL, -ENOENT);
    assert_found("alone@a", NULL, ALONE);
    assert_not_found("alone@b", NULL, -ENOENT);
    assert_found("copied", NULL, BOTH); /* one guest, however many copies */
}

static void test_a_name_like_a_uuid(void **state)
{
    (void)state;
    assert_found(ALONE, NULL, ALONE);
    assert_found(ALONE "@a", NULL, CUCKOO);
    assert_found(CUCKOO, NULL, CUCKOO);
    /* Without a BMC of its own the UUID is still not the other's. */
    assert_int_equal(fleet_fixture_delete(ALONE), 0);
    assert_not_found(ALONE, NULL, -ENOENT);
}

/* For who knows one BMC there is no other. */
static void test_one_bmc(void **state)
{
    (void)state;
    assert_found("web01", WEB_B, WEB_B);
    assert_found("web01@b", WEB_B, WEB_B);
    assert_not_found("web01@a", WEB_B, -ENOENT);
    assert_not_found(WEB_A, WEB_B, -ENOENT);
    assert_found(ALONE, CUCKOO, CUCKOO);
}

static void test_what_they_are_called(void **state)
{
    (void)state;
    assert_called(WEB_A, "web01@a");
    assert_called(WEB_B, "web01@b");
    assert_called(ALONE, "alone");
    assert_called(CUCKOO, ALONE "@a");
    assert_called(BOTH, "copied");
}

static void test_names_with_an_at(void **state)
{
    static const char *const more[][2] = {{"web01", WEB_A}, {"web01@b", AT}};

    (void)state;
    fleet_fixture_stop();
    fleet_fixture_define("a", more, 2);
    fleet_fixture_start(hypervisors, LINES);
    wait_for(4);
    assert_not_found("web01@b", NULL, -ENOTUNIQ);
    assert_found("web01@b@a", NULL, AT);
    assert_called(AT, "web01@b@a");
    assert_called(WEB_B, WEB_B);
}

static int find_domain(const char *typed, const char *uri, struct virt_domain **domain)
{
    return fleet_named_domain(fixture_fleet, typed, uri, domain, error, sizeof error);
}

static void test_domains(void **state)
{
    struct virt_domain *domain;

    (void)state;
    assert_int_equal(find_domain("web01", NULL, &domain), -ENOTUNIQ);
    assert_null(domain);
    assert_non_null(strstr(error, "web01@b"));
    assert_int_equal(find_domain("web01@b", NULL, &domain), 0);
    assert_string_equal(hypervisor_name(virt_domain_hypervisor(domain)), "b");
    const char *uri = hypervisor_uri(virt_domain_hypervisor(domain));
    assert_int_equal(find_domain("web01", uri, &domain), 0);
    assert_string_equal(hypervisor_name(virt_domain_hypervisor(domain)), "b");
    assert_int_equal(find_domain("copied", NULL, &domain), 0);
    assert_ptr_equal(domain, instance_domain(fleet_fixture_bmc(BOTH)));
    assert_int_equal(find_domain("copied@b", NULL, &domain), 0);
    assert_string_equal(hypervisor_name(virt_domain_hypervisor(domain)), "b");
    assert_int_equal(find_domain(ALONE, NULL, &domain), 0);
    assert_string_equal(virt_domain_name(domain), "alone");
    assert_int_equal(find_domain(NOBODYS, NULL, &domain), -ENOENT);
}

static void test_additions(void **state)
{
    struct service_addition addition = {.name = "web01", .port = 47269};

    (void)state;
    assert_int_equal(fleet_fixture_add(&addition), -ENOTUNIQ);
    assert_non_null(strstr(fleet_fixture_text(), "web01@b (" WEB_B ")"));
    addition.name = "web01@b";
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_true(instance_record(fleet_fixture_bmc(WEB_B))->is_explicit);
    assert_false(instance_record(fleet_fixture_bmc(WEB_A))->is_explicit);
    assert_string_equal(instance_record(fleet_fixture_bmc(WEB_B))->name, "web01");
}

/* A BMC made by `vbmc add` outlives its domain; the name is the new domain's. */
static void test_a_name_taken_over(void **state)
{
    static const char *const before[][2] = {{"web", WEB_A}}, *const after[][2] = {{"web", WEB_B}};
    static const char *const alone[] = {"a", NULL};
    const struct service_addition addition = {.name = "web"};

    (void)state;
    fleet_fixture_define("a", before, 1);
    fleet_fixture_start(alone, LINES);
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_int_equal(fleet_fixture_set_active(WEB_A, true), 0);
    fleet_fixture_stop();
    fleet_fixture_define("a", after, 1);
    fleet_fixture_start(alone, LINES);
    wait_for(2);
    assert_found("web", NULL, WEB_B);
    assert_called(WEB_B, "web");
    assert_called(WEB_A, WEB_A);
    assert_int_equal(fleet_fixture_delete(WEB_B), 0);
    assert_not_found("web", NULL, -ENOENT); /* that is WEB_B still, which has no BMC */
    fleet_fixture_stop();
    fleet_fixture_define("a", after, 0);
    fleet_fixture_start(alone, LINES);
    assert_found("web", NULL, WEB_A); /* nothing else is called that any more */
}

static char sections[2048];

static void add_section(void *context, const char *text)
{
    size_t used = strlen(sections);

    (void)context;
    snprintf(sections + used, sizeof sections - used, "%s\n", text);
}

/* Copies of one guest are one, and so is a domain that is meant by its name and by its UUID. */
static void test_sections(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG); /* they are logged too */
    fleet_fixture_reload(LINES "[domain web01]\nport = 47300\n[domain " WEB_A "]\n[domain copied]\n"
                               "[domain absent]\n[domain " NOBODYS "]\n[domain alone]\n");
    log_set_target(LOG_TARGET_STDERR);
    sections[0] = '\0';
    fleet_check_sections(fixture_fleet, add_section, NULL);
    assert_string_equal(
        sections,
        "[domain web01]: 2 domains have this name, and only one can have the address; write a "
        "section by UUID for each\n"
        "[domain absent]: no domain has this name\n"
        "[domain " NOBODYS "]: no domain has this UUID\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fleet_fixture_teardown)
        TEST(test_bmcs),
        TEST(test_a_name_like_a_uuid),
        TEST(test_one_bmc),
        TEST(test_what_they_are_called),
        TEST(test_names_with_an_at),
        TEST(test_domains),
        TEST(test_additions),
        TEST(test_sections),
        cmocka_unit_test_setup_teardown(test_a_name_taken_over, fleet_fixture_setup,
                                        fleet_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
