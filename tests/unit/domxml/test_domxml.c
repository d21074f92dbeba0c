/* Domain XML: what is read of a running domain, and that edits change what they should and nothing
 * else. */
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
#include "vbmc/domxml/domxml.h"
#include "vbmc/domxml/internal.h"

#define QEMU_NS "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"

/* What no edit may touch: names of every kind, secrets, comments, text with entities, sections. */
#define HEAD                                                                                       \
    "<domain type='kvm' id='7' " QEMU_NS ">\n"                                                     \
    "  <!-- kept: <boot order='9'/> -->\n"                                                         \
    "  <name>a &lt;b&gt; &amp; c</name>\n"                                                         \
    "  <metadata><v:x xmlns:v='urn:vbmc:1.0' v:boot='1'><![CDATA[<os>]]></v:x></metadata>\n"
#define TAIL                                                                                       \
    "  <qemu:commandline><qemu:arg value='-set'/><qemu:arg value='a=&quot;b&quot;'/>"              \
    "</qemu:commandline>\n"                                                                        \
    "</domain>\n"
#define SECRET                                                                                     \
    "    <graphics type='vnc' passwd='s3cret &amp; more' port='-1'/>\n"                            \
    "    <?keep this?>\n"

#define DISK(dev, boot)                                                                            \
    "    <disk type='file' device='disk'><source file='/img/" dev "'/>" boot "<target dev='" dev   \
    "' bus='virtio'/><alias name='virtio-" dev "'/></disk>\n"
#define CDROM(dev, boot)                                                                           \
    "    <disk type='file' device='cdrom'>" boot "<target dev='" dev "' bus='sata'/>"              \
    "<alias name='sata-" dev "'/></disk>\n"
#define FLOPPY                                                                                     \
    "    <disk type='file' device='floppy'><target dev='fda' bus='fdc'/>"                          \
    "<alias name='fdc0-0-0'/></disk>\n"
#define NIC(mac, boot)                                                                             \
    "    <interface type='network'><mac address='52:54:00:00:00:" mac "'/>" boot                   \
    "<alias name='net" mac "'/></interface>\n"

/* ---- reading ---- */

static const char live_xml[] = HEAD "  <devices>\n" DISK("vda", "") DISK("vdb", "<boot order='3'/>")
    DISK("vdc", "<boot order='1'/>") CDROM("sda", "") FLOPPY NIC("01", "")
        NIC("02", "<boot order='2'/>") "    <disk device='disk'><target dev='sdb' bus='usb' "
                                       "removable='on'/></disk>\n"
                                       "    <disk device='lun'><target dev='sdc' bus='usb' "
                                       "removable='off'/></disk>\n"
                                       "    <hostdev mode='subsystem'><boot order='4'/></hostdev>\n"
                                       "    <controller type='usb'/>\n"
                                       "  </devices>\n"
                                       "  <devices><disk device='disk'/></devices>\n" TAIL;

static void test_live(void **state)
{
    static const struct {
        const char *alias;
        enum host_boot_device class;
        unsigned order;
    } expected[] = {
        {"virtio-vda", HOST_BOOT_DISK, 0},
        {"virtio-vdb", HOST_BOOT_DISK, 3},
        {"virtio-vdc", HOST_BOOT_DISK, 1},
        {"sata-sda", HOST_BOOT_CDROM, 0},
        {"fdc0-0-0", HOST_BOOT_REMOVABLE, 0},
        {"net01", HOST_BOOT_NETWORK, 0},
        {"net02", HOST_BOOT_NETWORK, 2},
        {NULL, HOST_BOOT_REMOVABLE, 0},
        {NULL, HOST_BOOT_DISK, 0},
    };
    struct domxml_live live;

    (void)state;
    assert_int_equal(domxml_parse_live(live_xml, &live), 0);
    assert_int_equal(live.device_count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < live.device_count; i++) {
        assert_int_equal(live.devices[i].class, expected[i].class);
        assert_int_equal(live.devices[i].order, expected[i].order);
        if (expected[i].alias)
            assert_string_equal(live.devices[i].alias, expected[i].alias);
        else
            assert_null(live.devices[i].alias);
    }
    assert_null(live.qmp_socket);
    assert_ptr_equal(domxml_first_device(&live, HOST_BOOT_DISK), &live.devices[2]);
    assert_ptr_equal(domxml_first_device(&live, HOST_BOOT_NETWORK), &live.devices[6]);
    assert_ptr_equal(domxml_first_device(&live, HOST_BOOT_CDROM), &live.devices[3]);
    assert_ptr_equal(domxml_first_device(&live, HOST_BOOT_REMOVABLE), &live.devices[7]);
    assert_null(domxml_first_device(&live, HOST_BOOT_FIRMWARE_MENU));
    assert_null(domxml_first_device(&live, HOST_BOOT_NONE));
    domxml_live_clear(&live);
}

/* Devices of a kind, and which of them is chosen. */
static const struct {
    const char *os, *devices;
    enum host_boot_device class;
    const char *alias;
} choices[] = {
#define DEVICE(name, alias, inside) "<" name "><alias name='" alias "'/>" inside "</" name ">"
#define DRIVE(kind, alias, inside)                                                                 \
    "<disk device='" kind "'><alias name='" alias "'/>" inside "</disk>"
#define MEDIUM "<source file='/img/a.iso'/>"
    {"", DRIVE("cdrom", "a", "") DRIVE("cdrom", "b", MEDIUM), HOST_BOOT_CDROM, "b"},
    {"", DRIVE("cdrom", "a", "<source/>") DRIVE("cdrom", "b", "<source dev='/dev/sr0'/>"),
     HOST_BOOT_CDROM, "b"},
    {"", DRIVE("cdrom", "a", "<source file=''/>") DRIVE("cdrom", "b", "<source volume='v'/>"),
     HOST_BOOT_CDROM, "b"},
    {"", DRIVE("cdrom", "a", "") DRIVE("cdrom", "b", "<source protocol='http'/>"), HOST_BOOT_CDROM,
     "b"},
    {"", DRIVE("cdrom", "a", MEDIUM "<target tray='open'/>") DRIVE("cdrom", "b", MEDIUM),
     HOST_BOOT_CDROM, "b"},
    /* An order counts among those that can boot, and among all if none can. */
    {"",
     DRIVE("cdrom", "a", "<boot order='1'/>") DRIVE("cdrom", "b", MEDIUM)
         DRIVE("cdrom", "c", MEDIUM "<boot order='2'/>"),
     HOST_BOOT_CDROM, "c"},
    {"", DRIVE("cdrom", "a", "") DRIVE("cdrom", "b", "<boot order='3'/>"), HOST_BOOT_CDROM, "b"},
    {"", DRIVE("cdrom", "a", "") DRIVE("cdrom", "b", ""), HOST_BOOT_CDROM, "a"},
    {"", DRIVE("floppy", "a", "") DRIVE("floppy", "b", MEDIUM), HOST_BOOT_REMOVABLE, "b"},
    {"", DRIVE("floppy", "a", "") DRIVE("disk", "b", "<target bus='usb' removable='on'/>"),
     HOST_BOOT_REMOVABLE, "b"},
    {"", DRIVE("disk", "a", "") DRIVE("disk", "b", MEDIUM), HOST_BOOT_DISK, "a"},
#define ROM_NIC(alias, rom) DEVICE("interface", alias, "<model type='virtio'/>" rom)
    {"", ROM_NIC("a", "<rom bar='off'/>") ROM_NIC("b", ""), HOST_BOOT_NETWORK, "b"},
    {"", ROM_NIC("a", "<rom enabled='no'/>") ROM_NIC("b", "<rom bar='on'/>"), HOST_BOOT_NETWORK,
     "b"},
    {"", ROM_NIC("a", "<rom file=''/>") ROM_NIC("b", "<rom file='/a.rom'/>"), HOST_BOOT_NETWORK,
     "b"},
    {"", ROM_NIC("a", "<rom bar='off'/>") ROM_NIC("b", "<rom enabled='no'/>"), HOST_BOOT_NETWORK,
     "a"},
    /* UEFI boots from a virtio NIC without one, and from no other. */
    {"<os firmware='efi'/>", ROM_NIC("a", "<rom bar='off'/>") ROM_NIC("b", ""), HOST_BOOT_NETWORK,
     "a"},
    {"<os><loader type='pflash'>f</loader></os>", ROM_NIC("a", "<rom bar='off'/>") ROM_NIC("b", ""),
     HOST_BOOT_NETWORK, "a"},
    {"<os firmware='efi'/>",
     DEVICE("interface", "a", "<model type='e1000'/><rom bar='off'/>") ROM_NIC("b", ""),
     HOST_BOOT_NETWORK, "b"},
};

static void test_what_can_boot(void **state)
{
    struct domxml_live live;
    char xml[1024];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
        snprintf(xml, sizeof xml, "<domain>%s<devices>%s</devices></domain>", choices[i].os,
                 choices[i].devices);
        assert_int_equal(domxml_parse_live(xml, &live), 0);
        const struct domxml_device *device = domxml_first_device(&live, choices[i].class);
        if (!device || strcmp(device->alias, choices[i].alias) != 0)
            fail_msg("%s is chosen of %s", device ? device->alias : "nothing", xml);
        domxml_live_clear(&live);
    }
}

static void test_orders(void **state)
{
    static const struct {
        const char *text;
        unsigned order;
    } cases[] = {
        {"1", 1}, {"10000", 10000}, {"10001", 0}, {"0", 0},
        {"", 0},  {"-1", 0},        {"two", 0},   {"99999999999999999999999", 0},
    };
    char xml[256];
    struct domxml_live live;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(xml, sizeof xml,
                 "<domain><devices><disk><boot order='%s'/></disk></devices></domain>",
                 cases[i].text);
        assert_int_equal(domxml_parse_live(xml, &live), 0);
        assert_int_equal(live.device_count, 1);
        assert_int_equal(live.devices[0].order, cases[i].order);
        domxml_live_clear(&live);
    }
}

#define ARG(value) "<qemu:arg value='" value "'/>"

static void test_qmp_sockets(void **state)
{
    static const struct {
        const char *arguments, *path;
    } cases[] = {
        {ARG("-qmp") ARG("unix:/run/q,server=on,wait=off"), "/run/q"},
        {ARG("-qmp") ARG("unix:/run/q,server,nowait"), "/run/q"},
        {ARG("-chardev") ARG("socket,id=q,path=/run/q,server=on,wait=off") ARG("-mon")
             ARG("chardev=q,mode=control"),
         "/run/q"},
        {ARG("-chardev") ARG("socket,path=/run/q,id=q,server,nowait") ARG("-mon")
             ARG("mode=control,chardev=q"),
         "/run/q"},
        {ARG("-device") ARG("edu") ARG("-qmp") ARG("unix:/run/q,server"), "/run/q"},
        /* Another character device between the two. */
        {ARG("-chardev") ARG("socket,id=q,path=/run/q,server=on") ARG("-chardev") ARG(
             "socket,id=serial,path=/run/s,server=on") ARG("-mon") ARG("chardev=q,mode=control"),
         "/run/q"},
        /* A console for people is none; nor is one that QEMU connects to. */
        {ARG("-chardev") ARG("socket,id=q,path=/run/q,server=on") ARG("-mon")
             ARG("chardev=q,mode=readline"),
         NULL},
        {ARG("-qmp") ARG("unix:/run/q"), NULL},
        {ARG("-qmp") ARG("tcp:127.0.0.1:4444,server=on"), NULL},
        {ARG("-mon") ARG("chardev=q,mode=control"), NULL},
        {ARG("-chardev") ARG("socket,id=other,path=/run/q,server=on") ARG("-mon")
             ARG("chardev=q,mode=control"),
         NULL},
        {ARG("-qmp"), NULL},
        {"<qemu:arg/>" ARG("unix:/run/q,server=on"), NULL},
        {"", NULL},
    };
    char xml[2048];
    struct domxml_live live;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(xml, sizeof xml,
                 "<domain " QEMU_NS "><devices/><qemu:commandline>%s</qemu:commandline></domain>",
                 cases[i].arguments);
        assert_int_equal(domxml_parse_live(xml, &live), 0);
        if (!live.qmp_socket != !cases[i].path)
            fail_msg("case %zu: %s", i, live.qmp_socket ? live.qmp_socket : "none");
        if (cases[i].path)
            assert_string_equal(live.qmp_socket, cases[i].path);
        domxml_live_clear(&live);
    }
}

/* Elements of that name in another namespace say nothing. */
static void test_foreign_commandline(void **state)
{
    static const char *const roots[] = {"<domain><commandline>",
                                        "<domain xmlns='urn:x'><commandline>"};
    char xml[512];
    struct domxml_live live;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        snprintf(xml, sizeof xml,
                 "%s<arg value='-qmp'/><arg value='unix:/q,server'/></commandline></domain>",
                 roots[i]);
        assert_int_equal(domxml_parse_live(xml, &live), 0);
        assert_null(live.qmp_socket);
        domxml_live_clear(&live);
    }
}

/* ---- hostile XML ---- */

static void test_no_domain(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "<",
        "<domain",
        "<domain><devices></domain>",
        "<domains/>",
        "<a><domain/></a>",
        "<domain/><domain/>",
        "<domain a='1' a='2'/>",
        "<domain>&nothing;</domain>",
    };
    struct domxml_live live;
    char *edited, *undo;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(domxml_parse_live(texts[i], &live), -EINVAL);
        domxml_live_clear(&live);
        assert_int_equal(domxml_put_first(texts[i], HOST_BOOT_DISK, &edited, &undo), -EINVAL);
        assert_int_equal(domxml_restore_boot(texts[i], "{}", &edited), -EINVAL);
        assert_int_equal(domxml_enable_boot_menu(texts[i], 1, &edited), -EINVAL);
    }
}

static void test_missing_elements(void **state)
{
    static const char *const texts[] = {"<domain/>", "<domain><os/></domain>",
                                        "<domain><devices/></domain>"};
    struct domxml_live live;
    char *edited, *undo;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(domxml_parse_live(texts[i], &live), 0);
        assert_int_equal(live.device_count, 0);
        assert_int_equal(domxml_put_first(texts[i], HOST_BOOT_DISK, &edited, &undo), -EINVAL);
        assert_null(edited);
        assert_null(undo);
        assert_int_equal(domxml_restore_boot(texts[i], "{}", &edited), -EINVAL);
    }
    assert_int_equal(domxml_enable_boot_menu(texts[2], 1, &edited), -EINVAL);
}

/* A billion laughs, in an element and in the attributes that are read; and a file. */
static void test_entities(void **state)
{
    static const char bomb[] =
        "<!DOCTYPE domain [<!ENTITY a 'ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha'>"
        "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
        "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>"
        "<!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
        "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>"
        "<!ENTITY file SYSTEM 'file:///etc/passwd'>]>";
    static const char *const bodies[] = {
        "<domain><name>&g;</name><os/><devices><disk/></devices></domain>",
        "<domain><os/><devices><disk><alias name='&g;'/></disk></devices></domain>",
        "<domain><os/><devices><disk><boot order='&g;'/></disk></devices></domain>",
        "<domain><os/><devices><disk><alias name='x'/>&file;</disk></devices></domain>",
    };
    char xml[4096];
    struct domxml_live live;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        CLEANUP_FREE char *edited = NULL;
        CLEANUP_FREE char *undo = NULL;
        snprintf(xml, sizeof xml, "%s%s", bomb, bodies[i]);
        if (domxml_parse_live(xml, &live) == 0 && live.device_count == 1 && live.devices[0].alias)
            assert_true(strlen(live.devices[0].alias) < 100000);
        domxml_live_clear(&live);
        if (domxml_put_first(xml, HOST_BOOT_DISK, &edited, &undo) == 0) {
            assert_true(strlen(edited) < 100000);
            assert_null(strstr(edited, "root:"));
        }
    }
}

/* A domain with that much white space, or that many elements in each other. */
static int parse_padded(size_t spaces, size_t levels)
{
    static const char head[] = "<domain><os/>", tail[] = "</domain>";
    CLEANUP_FREE char *xml = malloc(sizeof head + spaces + levels * 7 + sizeof tail);
    struct domxml_live live = {0};
    char *end = xml;

    assert_non_null(xml);
    end = stpcpy(end, head);
    memset(end, ' ', spaces);
    end += spaces;
    for (size_t i = 0; i < levels; i++)
        end = stpcpy(end, "<a>");
    for (size_t i = 0; i < levels; i++)
        end = stpcpy(end, "</a>");
    stpcpy(end, tail);
    int result = domxml_parse_live(xml, &live);
    domxml_live_clear(&live);
    return result;
}

static void test_bounds(void **state)
{
    const size_t around = strlen("<domain><os/></domain>");

    (void)state;
    assert_int_equal(parse_padded(DOMXML_SIZE_MAX - around, 0), 0);
    assert_int_equal(parse_padded(DOMXML_SIZE_MAX - around + 1, 0), -EINVAL);
    assert_int_equal(parse_padded(0, 200), 0);
    assert_int_equal(parse_padded(0, 300), -EINVAL);
    assert_int_equal(parse_padded(0, 500000), -EINVAL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),        cmocka_unit_test(test_live),
        cmocka_unit_test(test_what_can_boot), cmocka_unit_test(test_orders),
        cmocka_unit_test(test_qmp_sockets),   cmocka_unit_test(test_foreign_commandline),
        cmocka_unit_test(test_no_domain),     cmocka_unit_test(test_missing_elements),
        cmocka_unit_test(test_entities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
