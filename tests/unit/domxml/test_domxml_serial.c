/* The serial port in a domain's XML, as libvirt writes it and as nobody should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/serial.h"

#define DOMAIN(devices) "<domain type='kvm' id='1'><devices>" devices "</devices></domain>"
#define PTY                                                                                        \
    "<serial type='pty'><source path='/dev/pts/3'/><target type='isa-serial' port='0'/>"           \
    "<alias name='serial0'/></serial>"
#define PTY_CONSOLE                                                                                \
    "<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/>"                             \
    "<target type='serial' port='0'/><alias name='serial0'/></console>"
#define VIRTIO                                                                                     \
    "<console type='pty'><source path='/dev/pts/5'/><target type='virtio' port='1'/>"              \
    "<alias name='console1'/></console>"
#define UNIX                                                                                       \
    "<serial type='unix'><source mode='bind' path='/run/s.sock'/><alias name='serial1'/></serial>"
#define TCP(source, more)                                                                          \
    "<serial type='tcp'><source " source "/>" more "<alias name='serial2'/></serial>"

static void assert_text(const char *text, const char *expected)
{
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
}

static void test_kinds(void **state)
{
    static const struct {
        const char *xml, *alias;
        struct domxml_serial expected;
    } cases[] = {
        {DOMAIN(PTY PTY_CONSOLE),
         NULL,
         {DOMXML_SERIAL_PTY, "pty", "serial0", "/dev/pts/3", NULL, 0, false, true}},
        {DOMAIN("<serial type='pty'/>"),
         NULL,
         {DOMXML_SERIAL_PTY, "pty", NULL, NULL, NULL, 0, false, true}},
        {DOMAIN(UNIX),
         NULL,
         {DOMXML_SERIAL_UNIX, "unix", "serial1", "/run/s.sock", NULL, 0, true, true}},
        {DOMAIN(PTY PTY_CONSOLE UNIX),
         "serial1",
         {DOMXML_SERIAL_UNIX, "unix", "serial1", "/run/s.sock", NULL, 0, true, true}},
        {DOMAIN("<serial type='unix'><source mode='connect' path='/s'/></serial>"),
         NULL,
         {DOMXML_SERIAL_UNIX, "unix", NULL, "/s", NULL, 0, false, true}},
        {DOMAIN(
             TCP("mode='bind' host='127.0.0.1' service='4555' tls='no'", "<protocol type='raw'/>")),
         NULL,
         {DOMXML_SERIAL_TCP, "tcp", "serial2", NULL, "127.0.0.1", 4555, true, true}},
        {DOMAIN(TCP("mode='connect' host='::1' service='65535'", "")),
         NULL,
         {DOMXML_SERIAL_TCP, "tcp", "serial2", NULL, "::1", 65535, false, true}},
        {DOMAIN(TCP("mode='bind' host='h' service='1'", "<protocol type='telnet'/>")),
         NULL,
         {DOMXML_SERIAL_TCP, "tcp", "serial2", NULL, "h", 1, true, false}},
        {DOMAIN(TCP("mode='bind' host='h' service='1' tls='yes'", "<protocol type='raw'/>")),
         NULL,
         {DOMXML_SERIAL_TCP, "tcp", "serial2", NULL, "h", 1, true, false}},
        {DOMAIN("<serial type='file'><source path='/var/log/x'/></serial>"),
         NULL,
         {DOMXML_SERIAL_OTHER, "file", NULL, "/var/log/x", NULL, 0, false, true}},
        /* A console of its own counts where there is no serial port, or by its alias. */
        {DOMAIN(VIRTIO),
         NULL,
         {DOMXML_SERIAL_PTY, "pty", "console1", "/dev/pts/5", NULL, 0, false, true}},
        {DOMAIN(VIRTIO PTY),
         NULL,
         {DOMXML_SERIAL_PTY, "pty", "serial0", "/dev/pts/3", NULL, 0, false, true}},
        {DOMAIN(PTY PTY_CONSOLE VIRTIO),
         "console1",
         {DOMXML_SERIAL_PTY, "pty", "console1", "/dev/pts/5", NULL, 0, false, true}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct domxml_serial *expected = &cases[i].expected;
        struct domxml_serial serial;
        assert_int_equal(domxml_parse_serial(cases[i].xml, cases[i].alias, &serial), 0);
        assert_int_equal(serial.kind, expected->kind);
        assert_text(serial.type, expected->type);
        assert_text(serial.alias, expected->alias);
        assert_text(serial.path, expected->path);
        assert_text(serial.host, expected->host);
        assert_int_equal(serial.port, expected->port);
        assert_int_equal(serial.listens, expected->listens);
        assert_int_equal(serial.plain, expected->plain);
        domxml_serial_clear(&serial);
        assert_null(serial.type);
    }
}

static void test_none(void **state)
{
    static const struct {
        const char *xml, *alias;
        int expected;
    } cases[] = {
        {"", NULL, -EINVAL},
        {"<domain", NULL, -EINVAL},
        {"<network/>", NULL, -EINVAL},
        {"<domain/>", NULL, -ENOENT},
        {DOMAIN(""), NULL, -ENOENT},
        {DOMAIN(PTY_CONSOLE), NULL, -ENOENT}, /* another name of a serial port */
        {DOMAIN("<console type='pty'/>"), NULL, -ENOENT},
        {DOMAIN(PTY PTY_CONSOLE), "serial1", -ENOENT},
        {DOMAIN(PTY PTY_CONSOLE), "", -ENOENT},
        {DOMAIN("<serial type='pty'/>"), "serial0", -ENOENT},
        {"<domain><metadata>" PTY "</metadata></domain>", NULL, -ENOENT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct domxml_serial serial;
        assert_int_equal(domxml_parse_serial(cases[i].xml, cases[i].alias, &serial),
                         cases[i].expected);
        assert_null(serial.type);
    }
}

/* A socket without what is needed to open it is nothing that can be opened. */
static void test_incomplete(void **state)
{
    static const char *const texts[] = {
        DOMAIN("<serial/>"),
        DOMAIN("<serial type='unix'/>"),
        DOMAIN("<serial type='unix'><source/></serial>"),
        DOMAIN("<serial type='unix'><source mode='bind' path=''/></serial>"),
        DOMAIN("<serial type='tcp'/>"),
        DOMAIN(TCP("mode='bind' host='h'", "")),
        DOMAIN(TCP("mode='bind' service='1'", "")),
        DOMAIN(TCP("mode='bind' host='' service='1'", "")),
        DOMAIN(TCP("host='h' service=''", "")),
        DOMAIN(TCP("host='h' service='0'", "")),
        DOMAIN(TCP("host='h' service='65536'", "")),
        DOMAIN(TCP("host='h' service='99999'", "")),
        DOMAIN(TCP("host='h' service='-1'", "")),
        DOMAIN(TCP("host='h' service=' 1'", "")),
        DOMAIN(TCP("host='h' service='1x'", "")),
        DOMAIN(TCP("host='h' service='telnet'", "")),
        DOMAIN(TCP("host='h' service='18446744073709551617'", "")),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct domxml_serial serial;
        assert_int_equal(domxml_parse_serial(texts[i], NULL, &serial), 0);
        assert_int_equal(serial.kind, DOMXML_SERIAL_OTHER);
        assert_non_null(serial.type);
        assert_int_equal(serial.port == 0 || !serial.host || !serial.host[0], true);
        domxml_serial_clear(&serial);
    }
}

static void test_huge(void **state)
{
    enum { SIZE = 1000000 };
    CLEANUP_FREE char *huge = calloc(1, SIZE + 1);
    CLEANUP_FREE char *xml = NULL;
    struct domxml_serial serial;

    (void)state;
    memset(huge, 'a', SIZE);
    assert_true(asprintf(&xml,
                         "<domain><devices><serial type='%s'><source path='%s' host='%s'/>"
                         "<alias name='%s'/></serial></devices></domain>",
                         huge, huge, huge, huge) > 0);
    assert_int_equal(domxml_parse_serial(xml, NULL, &serial), 0);
    assert_int_equal(serial.kind, DOMXML_SERIAL_OTHER);
    assert_string_equal(serial.type, "");
    assert_null(serial.path);
    assert_null(serial.host);
    assert_null(serial.alias);
    domxml_serial_clear(&serial);
    CLEANUP_FREE char *list = domxml_list_serials(xml);
    assert_string_equal(list, "");
}

static void test_list(void **state)
{
    static const struct {
        const char *xml, *expected;
    } cases[] = {
        {"", NULL},
        {"<domain/>", ""},
        {DOMAIN(""), ""},
        {DOMAIN("<serial type='pty'/>"), ""},
        {DOMAIN(PTY PTY_CONSOLE UNIX VIRTIO), "serial0, serial1, console1"},
    };
    char many[60000] = "<domain><devices>";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *list = domxml_list_serials(cases[i].xml);
        assert_text(list, cases[i].expected);
    }
    for (int i = 0; i < 200; i++)
        strcat(many, UNIX);
    strcat(many, "</devices></domain>");
    CLEANUP_FREE char *list = domxml_list_serials(many);
    assert_true(strlen(list) > 100 && strlen(list) < 200);
}

static void test_add(void **state)
{
#define KEPT     "<!-- kept --><name>a &lt; b</name><metadata><x:y xmlns:x=\"z\"/></metadata>"
#define GRAPHICS "<graphics type=\"vnc\" passwd=\"s3cret &amp; more\"/>"
#define ADDED    "<serial type=\"pty\"><target port=\"0\"/></serial>"
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"<domain>" KEPT "<devices>" GRAPHICS "</devices></domain>",
         "<domain>" KEPT "<devices>" GRAPHICS ADDED
         "<console type=\"pty\"><target port=\"0\" type=\"serial\"/></console></devices></domain>"},
        {"<domain><devices><console type=\"pty\"><target type=\"virtio\"/></console></devices>"
         "</domain>",
         "<domain><devices><console type=\"pty\"><target type=\"virtio\"/></console>" ADDED
         "</devices></domain>"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *edited = NULL;
        CLEANUP_FREE char *again = NULL;
        struct domxml_serial serial;
        assert_int_equal(domxml_add_serial(cases[i].before, &edited), 0);
        const char *body = strstr(edited, "?>");
        assert_non_null(body);
        assert_int_equal(strncmp(body + 3, cases[i].after, strlen(cases[i].after)), 0);
        assert_int_equal(domxml_parse_serial(edited, NULL, &serial), 0);
        assert_int_equal(serial.kind, DOMXML_SERIAL_PTY);
        domxml_serial_clear(&serial);
        assert_int_equal(domxml_add_serial(edited, &again), -EEXIST);
        assert_null(again);
    }
}

static void test_add_refused(void **state)
{
    static const struct {
        const char *xml;
        int expected;
    } cases[] = {
        {"", -EINVAL},          {"<network><devices/></network>", -EINVAL}, {"<domain/>", -EINVAL},
        {DOMAIN(PTY), -EEXIST}, {DOMAIN("<serial type='file'/>"), -EEXIST},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *edited;
        assert_int_equal(domxml_add_serial(cases[i].xml, &edited), cases[i].expected);
        assert_null(edited);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_none),
        cmocka_unit_test(test_incomplete),  cmocka_unit_test(test_huge),
        cmocka_unit_test(test_list),        cmocka_unit_test(test_add),
        cmocka_unit_test(test_add_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
