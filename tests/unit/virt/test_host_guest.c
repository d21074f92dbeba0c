/* What one does with a guest that hangs, on libvirt's test driver: breaks, pictures, dumps, and
 * adding a serial port. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/virt/dump.h"

static void expect(int result, const char *word)
{
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, result);
    if (!strstr(virt_fixture.text, word))
        fail_msg("'%s' is not in '%s'", word, virt_fixture.text);
}

static void define(const char *more)
{
    virDomainFree(virt_fixture_define(more));
    TURN_UNTIL(virt_fixture_is_there);
}

static void define_running(void)
{
    virDomainFree(virt_fixture_define_running());
}

/* ---- break ---- */

static void send_break(void)
{
    struct host_domain *host = virt_domain_host(virt_fixture.guest);

    host_send_break(host, "serial0", virt_fixture_done, &virt_fixture);
}

static void test_break(void **state)
{
    (void)state;
    define("");
    send_break();
    expect(-EINVAL, "the guest is off");
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    send_break();
    expect(-ENOTSUP, "no way to send a break");
}

static void test_break_cancelled(void **state)
{
    (void)state;
    define_running();
    struct host_domain *host = virt_domain_host(virt_fixture.guest);
    send_break();
    host_cancel(host, &virt_fixture);
    host_power(host, HOST_POWER_ACTION_DOWN, 0, virt_fixture_done, NULL); /* is behind it */
    expect(0, "");
}

static void test_break_and_vanish(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    send_break();
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(virDomainUndefine(domain), 0);
    TURN_UNTIL_ENDED(1);
    assert_true(virt_fixture.result < 0);
    TURN_UNTIL(virt_fixture_is_gone);
    virDomainFree(domain);
}

/* ---- adding a serial port ---- */

static void add_serial(void)
{
    hypervisor_add_serial(virt_fixture.guest, virt_fixture_done, NULL);
}

static void test_add_serial(void **state)
{
    (void)state;
    define("<devices><graphics type='vnc' passwd='s3cret'/></devices>");
    add_serial();
    expect(0, "from its next start on");
    assert_null(strstr(virt_fixture.text, "off and on"));
    virDomainPtr domain =
        virDomainLookupByUUIDString(virt_fixture.other, "12345678-9abc-4def-8123-456789abcdef");
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE);
    assert_non_null(strstr(xml, "<serial type='pty'"));
    assert_non_null(strstr(xml, "passwd='s3cret'"));
    virDomainFree(domain);
    add_serial();
    expect(-EEXIST, "already");
}

static void test_add_serial_running(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define("<devices/>"));
    TURN_UNTIL(virt_fixture_is_there);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    add_serial();
    expect(0, "power it off and on");
}

static void test_add_serial_transient(void **state)
{
    virDomainPtr domain = virt_fixture_create_transient();

    (void)state;
    add_serial();
    expect(-ENOTSUP, "guest is transient");
    virDomainDestroy(domain);
    virDomainFree(domain);
}

static void test_add_serial_gone(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    TURN_UNTIL(virt_fixture_is_there);
    assert_int_equal(virDomainUndefine(domain), 0);
    add_serial();
    expect(-ENODEV, "");
    virDomainFree(domain);
}

/* ---- pictures ---- */

static char mime[HOST_PICTURE_MIME_SIZE];
static uint8_t first_bytes[8];

static void on_picture(void *context, int result, struct host_picture *picture, const char *text)
{
    mime[0] = '\0';
    if (picture) {
        assert_true(picture->size > sizeof first_bytes);
        memcpy(first_bytes, picture->bytes, sizeof first_bytes);
        snprintf(mime, sizeof mime, "%s", picture->mime);
    }
    virt_fixture_done(context, result, text);
}

/* The test driver has one picture for all, on or off. */
static void test_screenshot(void **state)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    (void)state;
    define_running();
    host_screenshot(virt_domain_host(virt_fixture.guest), on_picture, NULL);
    expect(0, "");
    assert_string_equal(mime, "image/png");
    assert_memory_equal(first_bytes, png, sizeof png);
}

/* One at a time: a guest that hangs takes no more than one thread. */
static void test_screenshot_while_another_is_taken(void **state)
{
    (void)state;
    define_running();
    struct host_domain *host = virt_domain_host(virt_fixture.guest);
    host_screenshot(host, on_picture, NULL);
    host_screenshot(host, on_picture, NULL);
    assert_int_equal(virt_fixture.ended, 1); /* the second one, at once */
    assert_int_equal(virt_fixture.result, -EBUSY);
    assert_non_null(strstr(virt_fixture.text, "being taken already"));
    TURN_UNTIL_ENDED(2);
    assert_int_equal(virt_fixture.result, 0);
    host_screenshot(host, on_picture, NULL);
    expect(0, "");
}

static void test_screenshot_failures(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    TURN_UNTIL(virt_fixture_is_there);
    assert_int_equal(virDomainUndefine(domain), 0);
    host_screenshot(virt_domain_host(virt_fixture.guest), on_picture, NULL);
    expect(-ENODEV, "");
    virDomainFree(domain);
    TURN_UNTIL(virt_fixture_is_gone);
    define_running();
    host_screenshot(virt_domain_host(virt_fixture.guest), on_picture, NULL);
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 1);
}

/* ---- dumps ---- */

static void on_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)context;
    assert_true(total_bytes > 0);
    (void)done_bytes;
}

static void dump(const char *path)
{
    host_dump(virt_domain_host(virt_fixture.guest), path, on_progress, virt_fixture_done, NULL);
}

static void test_paths(void **state)
{
    char folder[] = "/tmp/vbmc-test-XXXXXX", file[64], link[64], inner[64], absent[64],
         longest[5000];
    int result;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(inner, sizeof inner, "%s/inner", folder);
    snprintf(absent, sizeof absent, "%s/absent", folder);
    fclose(fopen(file, "w"));
    assert_int_equal(symlink("/nonexistent", link), 0);
    memset(longest, '/', sizeof longest - 2);
    longest[sizeof longest - 2] = 'x';
    longest[sizeof longest - 1] = '\0';
    const struct {
        const char *path;
        int local, remote; /* results; 0: nothing against it */
    } cases[] = {
        {"", -EINVAL, -EINVAL},
        {"file", -EINVAL, -EINVAL},
        {"./file", -EINVAL, -EINVAL},
        {"/", -EINVAL, -EINVAL},
        {"/tmp/", -EINVAL, -EINVAL},
        {"/tmp/a\nb", -EINVAL, -EINVAL},
        {"/tmp/\033x", -EINVAL, -EINVAL},
        {longest, -EINVAL, -EINVAL},
        {"/tmp", -EEXIST, 0},
        {file, -EEXIST, 0},
        {link, -EEXIST, 0},
        {"/dev/null", -EEXIST, 0},
        {absent, 0, 0},
        {"/nonexistent/file", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *refused = dump_check_path(cases[i].path, true, &result);
        assert_int_equal(refused ? result : 0, cases[i].local);
        refused = dump_check_path(cases[i].path, false, &result);
        assert_int_equal(refused ? result : 0, cases[i].remote);
    }
    assert_int_equal(mkdir(inner, 0700), 0);
    strcat(inner, "/file");
    assert_null(dump_check_path(inner, true, &result));
    *strrchr(inner, '/') = '\0';
    chmod(inner, 0777);
    strcat(inner, "/file");
    assert_non_null(dump_check_path(inner, true, &result));
    assert_int_equal(result, -EINVAL);
    *strrchr(inner, '/') = '\0';
    chmod(inner, 01777);
    strcat(inner, "/file");
    assert_null(dump_check_path(inner, true, &result));
    *strrchr(inner, '/') = '\0';
    rmdir(inner);
    unlink(file);
    unlink(link);
    rmdir(folder);
}

/* The test driver cannot write a guest's memory, and says so at once. */
static void test_dump_refused(void **state)
{
    (void)state;
    define_running();
    dump("/nonexistent/vbmc");
    TURN_UNTIL_ENDED(1);
    assert_true(virt_fixture.result < 0);
    assert_string_not_equal(virt_fixture.text, "");
    dump("/dev/null");
    expect(-EEXIST, "exists already");
    dump("/dev/null");
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 1);
}

static unsigned there;

static bool are_there(void)
{
    return virt_fixture.appeared >= there;
}

/* One of a guest, and two of a hypervisor: the others are refused at once. */
static void test_dumps_at_once(void **state)
{
    static const char xml[] = "<domain type='test'><name>other%u</name><memory>1024</memory>"
                              "<os><type>hvm</type></os></domain>";
    virDomainPtr others[DUMPS_MAX];
    char text[256];

    (void)state;
    define_running();
    there = virt_fixture.appeared + DUMPS_MAX;
    for (unsigned i = 0; i < DUMPS_MAX; i++) {
        snprintf(text, sizeof text, xml, i);
        others[i] = virDomainCreateXML(virt_fixture.other, text, 0);
        assert_non_null(others[i]);
    }
    TURN_UNTIL(are_there);
    dump("/dev/null");
    dump("/dev/null");
    assert_int_equal(virt_fixture.ended, 1);
    assert_int_equal(virt_fixture.result, -EBUSY);
    assert_non_null(strstr(virt_fixture.text, "its memory is being dumped"));
    struct virt_domain *domain = NULL;
    while ((domain = hypervisor_next_domain(virt_fixture.hypervisor, domain))) {
        if (strncmp(virt_domain_name(domain), "other", 5) == 0)
            host_dump(virt_domain_host(domain), "/dev/null", on_progress, virt_fixture_done, NULL);
    }
    assert_int_equal(virt_fixture.ended, 2);
    assert_int_equal(virt_fixture.result, -EBUSY);
    assert_non_null(strstr(virt_fixture.text, "two memory dumps"));
    TURN_UNTIL_ENDED(DUMPS_MAX + 2);
    dump("/dev/null");
    expect(-EEXIST, "exists already");
    for (unsigned i = 0; i < DUMPS_MAX; i++) {
        virDomainDestroy(others[i]);
        virDomainFree(others[i]);
    }
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, virt_fixture_setup, virt_fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_break),
        TEST(test_break_cancelled),
        TEST(test_break_and_vanish),
        TEST(test_add_serial),
        TEST(test_add_serial_running),
        TEST(test_add_serial_transient),
        TEST(test_add_serial_gone),
        TEST(test_screenshot),
        TEST(test_screenshot_while_another_is_taken),
        TEST(test_screenshot_failures),
        cmocka_unit_test(test_paths),
        TEST(test_dump_refused),
        TEST(test_dumps_at_once),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
