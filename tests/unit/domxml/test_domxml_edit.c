/* Edits of a stored domain: the boot order that results, and that everything else stays, byte by
 * byte, secrets and comments included. */
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

/* What no edit may touch: names of every kind, secrets, comments, text with entities, sections. */
#define HEAD                                                                                       \
    "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' type='kvm'>\n"                \
    "  <!-- kept: a 'comment' & more -->\n"                                                        \
    "  <name>a &lt;b&gt; &amp; c</name>\n"                                                         \
    "  <metadata><v:x xmlns:v='urn:vbmc:1.0' v:a='1'><![CDATA[<os>&]]></v:x></metadata>\n"         \
    "  <os>\n"                                                                                     \
    "    <type arch='x86_64' machine='q35'>hvm</type>\n"
#define MIDDLE "  </os>\n  <devices>\n    <emulator>/usr/bin/qemu</emulator>\n"
#define TAIL                                                                                       \
    "    <graphics type='vnc' passwd='s3cret &amp; &quot;more&quot;' port='-1'/>\n"                \
    "    <?keep this?>\n"                                                                          \
    "  </devices>\n"                                                                               \
    "  <qemu:commandline><qemu:arg value='-set'/></qemu:commandline>\n"                            \
    "</domain>\n"

/* %s stands for the device's boot element. */
#define VDA                                                                                        \
    "    <disk type='file' device='disk'><source file='/img/a b'/><target dev='vda'/>%s</disk>\n"
#define VDB     "    <disk type='file' device='disk'><target dev='vdb'/>%s</disk>\n"
#define CDROM   "    <disk device='cdrom'><target dev='sda'/>%s</disk>\n"
#define NIC     "    <interface type='user'><mac address='52:54:00:00:00:01'/>%s</interface>\n"
#define NIC2    "    <interface type='user'><model type='virtio'/>%s</interface>\n"
#define HOSTDEV "    <hostdev mode='subsystem'><source/>%s</hostdev>\n"

#define DEVICES 6

/* A domain with these boot elements: those of <os>, and the order of each device (0: none). */
static void write_domain(const char *os, const unsigned orders[DEVICES], char *xml, size_t size)
{
    char boot[DEVICES][32] = {""};

    for (size_t i = 0; i < DEVICES; i++) {
        if (orders[i])
            snprintf(boot[i], sizeof boot[i], "<boot order='%u'/>", orders[i]);
    }
    snprintf(xml, size, HEAD "%s" MIDDLE VDA VDB CDROM NIC NIC2 HOSTDEV TAIL, os, boot[0], boot[1],
             boot[2], boot[3], boot[4], boot[5]);
}

/* What is left for comparing: no XML declaration, no white space between elements, one kind of
 * quotes around attributes, and with `drop` no <boot> and no <bootmenu>. */
static char *reduce(const char *xml, bool drop)
{
    char *to = malloc(strlen(xml) + 1), *end = to;
    const char *from = xml;

    if (strncmp(from, "<?xml", 5) == 0)
        from = strstr(from, "?>") + 2;
    while (*from) {
        if (drop && strncmp(from, "<boot", 5) == 0) {
            from = strstr(from, "/>") + 2;
        } else if (*from == '\n') {
            from += 1 + strspn(from + 1, " ");
        } else {
            *end++ = *from == '\'' ? '"' : *from;
            from++;
        }
    }
    *end = '\0';
    return to;
}

static void assert_same(const char *a, const char *b, bool drop)
{
    CLEANUP_FREE char *reduced_a = reduce(a, drop);
    CLEANUP_FREE char *reduced_b = reduce(b, drop);

    assert_string_equal(reduced_a, reduced_b);
}

static const struct {
    const char *os;
    unsigned orders[DEVICES];
    enum host_boot_device class;
    unsigned expected[DEVICES];
} edits[] = {
    /* vda vdb cdrom nic nic2 hostdev */
    {"", {0}, HOST_BOOT_DISK, {1}},
    {"", {0}, HOST_BOOT_NETWORK, {0, 0, 0, 1}},
    {"", {0}, HOST_BOOT_CDROM, {0, 0, 1}},
    {"    <boot dev='hd'/>\n", {0}, HOST_BOOT_NETWORK, {2, 0, 0, 1}},
    {"    <boot dev='network'/>\n    <boot dev='hd'/>\n", {0}, HOST_BOOT_DISK, {1, 0, 0, 2}},
    {"    <boot dev='cdrom'/>\n    <boot dev='hd'/>\n    <boot dev='network'/>\n",
     {0},
     HOST_BOOT_NETWORK,
     {3, 0, 2, 1}},
    {"    <boot dev='hd'/>\n", {0}, HOST_BOOT_DISK, {1}},
    {"    <boot dev='fd'/>\n    <boot dev='hd'/>\n", {0}, HOST_BOOT_CDROM, {2, 0, 1}},
    {"", {1, 2, 3, 4, 5, 6}, HOST_BOOT_NETWORK, {2, 3, 4, 1, 5, 6}},
    {"", {1, 2, 3, 4, 5, 6}, HOST_BOOT_DISK, {1, 2, 3, 4, 5, 6}},
    {"", {6, 5, 4, 3, 2, 1}, HOST_BOOT_DISK, {6, 1, 5, 4, 3, 2}},    /* vdb came before vda */
    {"", {0, 7, 0, 0, 9, 0}, HOST_BOOT_NETWORK, {0, 2, 0, 0, 1, 0}}, /* not nic, which has none */
    {"", {10, 0, 0, 0, 0, 20}, HOST_BOOT_CDROM, {2, 0, 1, 0, 0, 3}},
    {"", {0, 0, 0, 0, 0, 1}, HOST_BOOT_DISK, {1, 0, 0, 0, 0, 2}},
};

static void test_put_first_and_back(void **state)
{
    char before[4096], expected[4096];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
        CLEANUP_FREE char *edited = NULL;
        CLEANUP_FREE char *undo = NULL;
        CLEANUP_FREE char *restored = NULL;
        write_domain(edits[i].os, edits[i].orders, before, sizeof before);
        write_domain("", edits[i].expected, expected, sizeof expected);
        assert_int_equal(domxml_put_first(before, edits[i].class, &edited, &undo), 0);
        assert_same(edited, expected, false);
        assert_same(edited, before, true);
        assert_int_equal(domxml_restore_boot(edited, undo, &restored), 0);
        assert_same(restored, before, false);
    }
}

/* The same choice as of a running guest. */
static void test_put_first_what_can_boot(void **state)
{
    static const struct {
        const char *devices, *expected;
        enum host_boot_device class;
    } cases[] = {
        {"<disk device='cdrom'/><disk device='cdrom'><source file='a'/></disk>",
         "<disk device='cdrom'/><disk device='cdrom'><source file='a'/><boot order='1'/></disk>",
         HOST_BOOT_CDROM},
        {"<interface><rom bar='off'/><boot order='1'/></interface><interface/>",
         "<interface><rom bar='off'/><boot order='2'/></interface>"
         "<interface><boot order='1'/></interface>",
         HOST_BOOT_NETWORK},
        {"<interface><rom bar='off'/></interface>",
         "<interface><rom bar='off'/><boot order='1'/></interface>", HOST_BOOT_NETWORK},
    };
    char before[256], expected[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *edited = NULL;
        CLEANUP_FREE char *undo = NULL;
        CLEANUP_FREE char *restored = NULL;
        snprintf(before, sizeof before, "<domain><os/><devices>%s</devices></domain>\n",
                 cases[i].devices);
        snprintf(expected, sizeof expected, "<domain><os/><devices>%s</devices></domain>\n",
                 cases[i].expected);
        assert_int_equal(domxml_put_first(before, cases[i].class, &edited, &undo), 0);
        assert_same(edited, expected, false);
        assert_int_equal(domxml_restore_boot(edited, undo, &restored), 0);
        assert_same(restored, before, false);
    }
}

static void test_leave_out_kernel(void **state)
{
#define DEVICE "    <disk device='disk'/>\n"
    static const char with[] = HEAD "    <kernel>/k</kernel>\n    <initrd>/i</initrd>\n"
                                    "    <cmdline>console=ttyS0 'a &amp; b'</cmdline>\n"
                                    "    <boot dev='hd'/>\n" MIDDLE DEVICE TAIL;
    static const char without[] = HEAD "    <boot dev='hd'/>\n" MIDDLE DEVICE TAIL;
    CLEANUP_FREE char *edited = NULL;

    (void)state;
    assert_int_equal(domxml_leave_out_kernel(with, HOST_BOOT_DISK, &edited), 0);
    assert_same(edited, without, false);
    free(cleanup_steal_pointer(&edited));
    assert_int_equal(domxml_leave_out_kernel(without, HOST_BOOT_DISK, &edited), -ENOENT);
    assert_null(edited);
    assert_int_equal(domxml_leave_out_kernel(with, HOST_BOOT_CDROM, &edited), -ENOENT);
    assert_int_equal(domxml_leave_out_kernel("<domain/>", HOST_BOOT_DISK, &edited), -ENOENT);
    assert_int_equal(domxml_leave_out_kernel("<network/>", HOST_BOOT_DISK, &edited), -EINVAL);
    assert_null(edited);
}

static void test_nvram_path(void **state)
{
    static const struct {
        const char *os, *path;
    } cases[] = {
        {"", NULL},
        {"<nvram>/v/a_VARS.fd</nvram>", "/v/a_VARS.fd"},
        {"<nvram template='/t'>/v/b.fd</nvram>", "/v/b.fd"},
        {"<nvram template='/t'/>", NULL},
        {"<nvram type='file'><source file='/v/c.fd'/></nvram>", "/v/c.fd"},
        {"<nvram type='network'><source protocol='iscsi' name='x'/></nvram>", NULL},
    };
    char xml[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(xml, sizeof xml, "<domain><os>%s</os></domain>", cases[i].os);
        CLEANUP_FREE char *path = domxml_nvram_path(xml);
        if (cases[i].path)
            assert_string_equal(path, cases[i].path);
        else
            assert_null(path);
    }
    assert_null(domxml_nvram_path("x"));
}

/* The record is what override.c reads the class from. */
static void test_record(void **state)
{
    static const unsigned orders[DEVICES] = {0, 0, 0, 0, 3, 0};
    char xml[4096];
    CLEANUP_FREE char *edited = NULL;
    CLEANUP_FREE char *undo = NULL;

    (void)state;
    write_domain("    <boot dev='cdrom'/>\n", orders, xml, sizeof xml);
    assert_int_equal(domxml_put_first(xml, HOST_BOOT_NETWORK, &edited, &undo), 0);
    assert_string_equal(undo, "{\"device\":1,\"orders\":{\"interface #1\":3},\"os\":[\"cdrom\"],"
                              "\"touched\":[\"interface #1\",\"disk sda\"]}");
}

static void test_no_such_device(void **state)
{
    static const enum host_boot_device classes[] = {HOST_BOOT_REMOVABLE, HOST_BOOT_NONE,
                                                    HOST_BOOT_FIRMWARE_MENU};
    static const unsigned orders[DEVICES] = {1};
    char xml[4096], *edited = xml, *undo = xml;

    (void)state;
    write_domain("", orders, xml, sizeof xml);
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        assert_int_equal(domxml_put_first(xml, classes[i], &edited, &undo), -ENOENT);
        assert_null(edited);
        assert_null(undo);
    }
}

/* What others changed between edit and restoring is theirs and stays. */
static void test_restore_after_other_changes(void **state)
{
#define OTHERS(boot_z, boot_b)                                                                     \
    "    <disk device='disk'><target dev='vdz'/>" boot_z "</disk>\n"                               \
    "    <disk device='disk'><target dev='vdb'/>" boot_b "</disk>\n"
#define ORDER(n) "<boot order='" #n "'/>"
#define OS_BOOT  "    <boot dev='fd'/>\n"
    static const struct {
        const char *undo, *before, *after;
    } cases[] = {
        /* vda is gone, vdz new and with an order of its own. */
        {"{\"orders\":{\"disk vda\":4,\"disk vdb\":5},\"touched\":[\"disk vda\",\"disk vdb\"]}",
         HEAD MIDDLE OTHERS(ORDER(1), ORDER(2)) TAIL, HEAD MIDDLE OTHERS(ORDER(1), ORDER(5)) TAIL},
        /* libvirt takes orders of devices or of classes, not both. */
        {"{\"orders\":{},\"os\":[\"hd\"],\"touched\":[\"disk vdb\"]}",
         HEAD MIDDLE OTHERS(ORDER(1), ORDER(2)) TAIL, HEAD MIDDLE OTHERS(ORDER(1), "") TAIL},
        {"{\"orders\":{},\"os\":[\"fd\"],\"touched\":[\"disk vdb\"]}",
         HEAD MIDDLE OTHERS("", ORDER(2)) TAIL, HEAD OS_BOOT MIDDLE OTHERS("", "") TAIL},
        {"{\"orders\":{},\"os\":[\"hd\"],\"touched\":[\"disk vdb\"]}",
         HEAD OS_BOOT MIDDLE OTHERS("", "") TAIL, HEAD OS_BOOT MIDDLE OTHERS("", "") TAIL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *restored = NULL;
        assert_int_equal(domxml_restore_boot(cases[i].before, cases[i].undo, &restored), 0);
        assert_same(restored, cases[i].after, false);
    }
}

static void test_damaged_records(void **state)
{
    static const char *const refused[] = {"", "x", "[]", "7", "null", "\"os\""};
    static const struct {
        const char *undo;
        bool touches;
    } taken[] = {
        {"{}", false},
        {"{\"os\":7,\"orders\":[],\"touched\":{}}", false},
        {"{\"os\":{},\"orders\":null,\"touched\":[null,7,[],\"\"]}", false},
        {"{\"touched\":[\"disk vda\",\"disk vdb\"]}", true},
        {"{\"os\":[\"h\312d\",\"\\u0001\",\"tape\",null,7],\"touched\":[\"disk vda\",\"disk "
         "vdb\"]}",
         true},
        {"{\"orders\":{\"disk vda\":-1,\"disk vdb\":99999999999,\"disk sda\":\"x\"},"
         "\"touched\":[\"disk vda\",\"disk vdb\",\"disk sda\"]}",
         true},
    };
    static const unsigned orders[DEVICES] = {1, 2}, none[DEVICES] = {0};
    char xml[4096], cleared[4096], *edited;

    (void)state;
    write_domain("", orders, xml, sizeof xml);
    write_domain("", none, cleared, sizeof cleared);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_int_equal(domxml_restore_boot(xml, refused[i], &edited), -EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        CLEANUP_FREE char *restored = NULL;
        assert_int_equal(domxml_restore_boot(xml, taken[i].undo, &restored), 0);
        assert_same(restored, taken[i].touches ? cleared : xml, false);
    }
}

static void test_boot_menu(void **state)
{
    static const struct {
        const char *os, *expected;
    } cases[] = {
        {"", "    <bootmenu enable='yes' timeout='30000'/>\n"},
        {"    <bootmenu enable='no'/>\n", "    <bootmenu enable='yes' timeout='30000'/>\n"},
        {"    <bootmenu enable='no' timeout='5'/>\n",
         "    <bootmenu enable='yes' timeout='30000'/>\n"},
        {"    <boot dev='hd'/>\n",
         "    <boot dev='hd'/>\n    <bootmenu enable='yes' timeout='30000'/>\n"},
    };
    static const unsigned orders[DEVICES] = {0};
    char before[4096], expected[4096];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *edited = NULL;
        write_domain(cases[i].os, orders, before, sizeof before);
        write_domain(cases[i].expected, orders, expected, sizeof expected);
        assert_int_equal(domxml_enable_boot_menu(before, 30000, &edited), 0);
        assert_same(edited, expected, false);
    }
}

/* libvirt hands out UTF-8 without a declaration; the letters must come back as they were. */
static void test_other_alphabets(void **state)
{
    static const char xml[] = "<domain><title>B\xc3\xbcro \xe6\x9d\xb1\xe4\xba\xac</title>"
                              "<os/><devices><disk><target dev='vda'/></disk></devices></domain>";
    CLEANUP_FREE char *edited = NULL;
    CLEANUP_FREE char *undo = NULL;
    CLEANUP_FREE char *restored = NULL;

    (void)state;
    assert_int_equal(domxml_put_first(xml, HOST_BOOT_DISK, &edited, &undo), 0);
    assert_int_equal(domxml_restore_boot(edited, undo, &restored), 0);
    assert_same(restored, xml, false);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_first_and_back),
        cmocka_unit_test(test_put_first_what_can_boot),
        cmocka_unit_test(test_leave_out_kernel),
        cmocka_unit_test(test_nvram_path),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_no_such_device),
        cmocka_unit_test(test_restore_after_other_changes),
        cmocka_unit_test(test_damaged_records),
        cmocka_unit_test(test_boot_menu),
        cmocka_unit_test(test_other_alphabets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
