/* Tags in the metadata of libvirt's domains: changed in the stored definition and the running one,
 * and seen when others change them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/host/metadata.h"

#define UUID "12345678-9abc-4def-8123-456789abcdef"

static const struct host_tag rack[] = {{(char *)"rack", (char *)"7"}};

static const char *tag_of(const char *key)
{
    const struct host_metadata *metadata = virt_domain_metadata(virt_fixture.guest);

    for (size_t i = 0; metadata && i < metadata->tag_count; i++) {
        if (strcmp(metadata->tags[i].key, key) == 0)
            return metadata->tags[i].value;
    }
    return "none";
}

static void expect_in(virDomainPtr domain, unsigned flags, const char *text)
{
    CLEANUP_FREE char *found =
        virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "urn:vbmc:1.0", flags);

    assert_non_null(found);
    assert_non_null(strstr(found, text));
}

static void test_off(void **state)
{
    const struct host_tag changes[] = {{(char *)"role", (char *)"<db>"}, {(char *)"rack", NULL}};
    virDomainPtr domain = virt_fixture_define("<metadata><x xmlns='urn:other'/></metadata>");

    (void)state;
    TURN_UNTIL(virt_fixture_is_there);
    assert_null(virt_domain_metadata(virt_fixture.guest));
    hypervisor_change_tags(virt_fixture.guest, rack, 1, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    assert_string_equal(tag_of("rack"), "7"); /* before it is answered */
    expect_in(domain, VIR_DOMAIN_AFFECT_CONFIG, "value=\"7\"");
    hypervisor_change_tags(virt_fixture.guest, changes, 2, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_string_equal(tag_of("rack"), "none");
    assert_string_equal(tag_of("role"), "<db>");
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, 0);
    assert_non_null(strstr(xml, "urn:other"));
    virDomainFree(domain);
}

static void test_running(void **state)
{
    virDomainPtr domain = virt_fixture_define_running();

    (void)state;
    hypervisor_change_tags(virt_fixture.guest, rack, 1, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    assert_string_equal(tag_of("rack"), "7");
    expect_in(domain, VIR_DOMAIN_AFFECT_CONFIG, "rack");
    expect_in(domain, VIR_DOMAIN_AFFECT_LIVE, "rack");
    virDomainFree(domain);
}

static void test_transient(void **state)
{
    virDomainPtr domain = virt_fixture_create_transient();

    (void)state;
    hypervisor_change_tags(virt_fixture.guest, rack, 1, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    assert_string_equal(tag_of("rack"), "7");
    expect_in(domain, VIR_DOMAIN_AFFECT_LIVE, "rack");
    virDomainDestroy(domain);
    virDomainFree(domain);
}

/* None of those asked for at once is lost. */
static void test_at_once(void **state)
{
    virDomainPtr domain = virt_fixture_define("");
    char key[16];

    (void)state;
    TURN_UNTIL(virt_fixture_is_there);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        const struct host_tag tag = {key, (char *)"x"};
        hypervisor_change_tags(virt_fixture.guest, &tag, 1, virt_fixture_done, NULL);
    }
    TURN_UNTIL_ENDED(20);
    assert_int_equal(virt_domain_metadata(virt_fixture.guest)->tag_count, 20);
    virDomainFree(domain);
}

/* Those that wait when the hypervisor is stopped are answered. */
static void test_stop(void **state)
{
    virDomainPtr domain = virt_fixture_define("");

    (void)state;
    TURN_UNTIL(virt_fixture_is_there);
    for (int i = 0; i < 5; i++)
        hypervisor_change_tags(virt_fixture.guest, rack, 1, virt_fixture_done, NULL);
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 5);
    virDomainFree(domain);
}

static void test_gone(void **state)
{
    virDomainPtr domain = virt_fixture_define("");

    (void)state;
    TURN_UNTIL(virt_fixture_is_there);
    assert_int_equal(virDomainUndefine(domain), 0);
    hypervisor_change_tags(virt_fixture.guest, rack, 1, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, -ENODEV);
    virDomainFree(domain);
}

static bool is_rack_8(void)
{
    return strcmp(tag_of("rack"), "8") == 0;
}

static void test_by_others(void **state)
{
    virDomainPtr domain = virt_fixture_define("<metadata><v:bmc xmlns:v='urn:vbmc:1.0'>"
                                              "<v:tag key='rack' value='7'/></v:bmc></metadata>");

    (void)state;
    TURN_UNTIL(virt_fixture_is_there);
    assert_string_equal(tag_of("rack"), "7");
    assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                                          "<bmc><tag key='rack' value='8'/></bmc>", "vbmc",
                                          "urn:vbmc:1.0", 0),
                     0);
    TURN_UNTIL(is_rack_8);
    assert_int_equal(virt_fixture.events[HOST_EVENT_TAGGED], 1);
    virDomainFree(domain);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, virt_fixture_setup, virt_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_off),  TEST(test_running), TEST(test_transient), TEST(test_at_once),
        TEST(test_stop), TEST(test_gone),    TEST(test_by_others),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
