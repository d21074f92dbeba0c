/* The hardware in a domain's XML, as libvirt writes it and as nobody should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/inband.h"
#include "vbmc/host/host.h"

static struct host_hardware hardware;

static void parse(const char *xml)
{
    memset(&hardware, 0xA5, sizeof hardware);
    assert_int_equal(domxml_parse_hardware(xml, &hardware), 0);
}

static const char live[] =
    "<domain type='kvm' id='3'>"
    "<memory unit='KiB'>37748736</memory><vcpu placement='static' current='6'>8</vcpu>"
    "<sysinfo type='smbios'>"
    "<bios><entry name='vendor'>LENOVO</entry><entry name='version'>1.2</entry></bios>"
    "<system><entry name='manufacturer'>Fedora</entry><entry name='product'>Virt-Manager</entry>"
    "<entry name='version'>0.8.2-3.fc14</entry><entry name='serial'> 32dfcb37 </entry>"
    "<entry name='sku'>UUX-9</entry><entry name='family'>Red Hat</entry></system>"
    "<baseBoard><entry name='manufacturer'>LENOVO</entry><entry name='product'>20BE0061MC</entry>"
    "<entry name='version'>0B98401 Pro</entry><entry name='serial'>W1KS427111E</entry></baseBoard>"
    "<chassis><entry name='manufacturer'>Dell Inc.</entry><entry name='version'>2.12</entry>"
    "<entry name='serial'>65X0XF2</entry><entry name='asset'>40000101</entry></chassis></sysinfo>"
    "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>"
    "<cpu mode='custom' match='exact'><model fallback='forbid'>EPYC-Rome</model>"
    "<topology sockets='2' dies='1' cores='2' threads='2'/></cpu>"
    "<devices>"
    "<disk type='file' device='disk'><target dev='vda' bus='virtio'/><serial>WD-1 </serial>"
    "<alias name='virtio-disk0'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><alias "
    "name='sata0-0-0'/></disk>"
    "<disk type='file' device='lun'><target dev='sdb'/></disk>"
    "<disk type='file' device='floppy'><target dev='fda'/></disk>"
    "<interface type='network'><mac address='52:54:00:aB:0c:01'/><alias name='net0'/></interface>"
    "<interface type='bridge'><mac address='52:54:00:00:00:02'/><link state='down'/></interface>"
    "<memory model='dimm'><target><size unit='MiB'>4096</size></target></memory>"
    "<memory model='nvdimm'><target><size unit='KiB'>1</size></target></memory>"
    "</devices></domain>";

static void test_live(void **state)
{
    (void)state;
    parse(live);
    assert_int_equal(hardware.sockets, 2);
    assert_int_equal(hardware.vcpus, 6);
    assert_int_equal(hardware.memory_kib, 37748736); /* 36 GiB, of which 4 are a module */
    assert_int_equal(hardware.dimms, 3);
    assert_int_equal(hardware.disk_count, 4);
    assert_string_equal(hardware.disks[0].target, "vda");
    assert_string_equal(hardware.disks[0].alias, "virtio-disk0");
    assert_string_equal(hardware.disks[0].serial, "WD-1");
    assert_false(hardware.disks[0].is_removable);
    assert_true(hardware.disks[1].is_removable);
    assert_false(hardware.disks[2].is_removable);
    assert_string_equal(hardware.disks[2].alias, "");
    assert_true(hardware.disks[3].is_removable);
    assert_int_equal(hardware.nic_count, 2);
    assert_memory_equal(hardware.nics[0].mac, "\x52\x54\x00\xab\x0c\x01", 6);
    assert_string_equal(hardware.nics[0].alias, "net0");
    assert_false(hardware.nics[0].link_down);
    assert_true(hardware.nics[1].link_down);
    assert_string_equal(hardware.machine, "pc-q35-7.2");
    assert_string_equal(hardware.cpu_model, "EPYC-Rome");
    assert_string_equal(hardware.emulator_version, "");
}

static void test_smbios(void **state)
{
    (void)state;
    parse(live);
    assert_string_equal(hardware.smbios.system_manufacturer, "Fedora");
    assert_string_equal(hardware.smbios.system_product, "Virt-Manager");
    assert_string_equal(hardware.smbios.system_version, "0.8.2-3.fc14");
    assert_string_equal(hardware.smbios.system_serial, "32dfcb37");
    assert_string_equal(hardware.smbios.system_sku, "UUX-9");
    assert_string_equal(hardware.smbios.board_manufacturer, "LENOVO");
    assert_string_equal(hardware.smbios.board_product, "20BE0061MC");
    assert_string_equal(hardware.smbios.board_version, "0B98401 Pro");
    assert_string_equal(hardware.smbios.board_serial, "W1KS427111E");
    assert_string_equal(hardware.smbios.chassis_manufacturer, "Dell Inc.");
    assert_string_equal(hardware.smbios.chassis_version, "2.12");
    assert_string_equal(hardware.smbios.chassis_serial, "65X0XF2");
    assert_string_equal(hardware.smbios.chassis_asset, "40000101");
    assert_string_equal(hardware.smbios.bios_vendor, "LENOVO");
    assert_string_equal(hardware.smbios.bios_version, "1.2");
    /* That of the firmware's configuration device is another thing. */
    parse("<domain><sysinfo type='fwcfg'><system><entry name='serial'>x</entry></system></sysinfo>"
          "<sysinfo type='smbios'><system><entry name='serial'>y</entry></system></sysinfo>"
          "</domain>");
    assert_string_equal(hardware.smbios.system_serial, "y");
}

/* Two readings of the same text have the same bytes, padding included. */
static void test_comparable(void **state)
{
    struct host_hardware other;

    (void)state;
    parse(live);
    memset(&other, 0, sizeof other);
    assert_int_equal(domxml_parse_hardware(live, &other), 0);
    assert_memory_equal(&hardware, &other, sizeof other);
}

static void test_least(void **state)
{
    (void)state;
    parse("<domain/>");
    assert_int_equal(hardware.sockets, 1);
    assert_int_equal(hardware.vcpus, 1);
    assert_int_equal(hardware.dimms, 1);
    assert_int_equal(hardware.memory_kib, 0);
    assert_int_equal(hardware.disk_count, 0);
    assert_int_equal(hardware.nic_count, 0);
    parse("<domain><cpu mode='host-passthrough'/><vcpu>3</vcpu></domain>");
    assert_string_equal(hardware.cpu_model, "host-passthrough");
    assert_int_equal(hardware.vcpus, 3);
}

static void test_memory(void **state)
{
    static const struct {
        const char *xml;
        uint64_t kib;
        unsigned dimms;
    } cases[] = {
        {"<memory>1024</memory>", 1024, 1},
        {"<memory unit='GiB'>16</memory>", UINT64_C(16) << 20, 1},
        {"<memory unit='KiB'>16777217</memory>", 16777217, 2},
        {"<memory unit='G'>256</memory>", UINT64_C(256) << 20, 16},
        {"<memory unit='TiB'>1</memory>", UINT64_C(1) << 30, 16},
        {"<memory unit='GB'>1</memory>", 976562, 1},
        {"<memory unit='b'>2048</memory>", 2, 1},
        {"<memory unit='parsec'>2048</memory>", 0, 1},
        {"<memory>-1</memory>", 0, 1},
        {"<memory>1e9</memory>", 0, 1},
        {"<memory>99999999999999999999</memory>", 0, 1},
        {"<memory unit='TiB'>999999999999999</memory>", 0, 1},
        /* More in modules than there is. */
        {"<memory>1024</memory><devices><memory model='dimm'><target><size>2048</size></target>"
         "</memory></devices>",
         1024, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char xml[512];
        snprintf(xml, sizeof xml, "<domain>%s</domain>", cases[i].xml);
        parse(xml);
        assert_int_equal(hardware.memory_kib, cases[i].kib);
        assert_int_equal(hardware.dimms, cases[i].dimms);
    }
}

static void test_processors(void **state)
{
    static const struct {
        const char *vcpu, *sockets;
        unsigned vcpus, expected;
    } cases[] = {
        {"<vcpu>4</vcpu>", "4", 4, 4},
        {"<vcpu>4</vcpu>", "0", 4, 1},
        {"<vcpu>4</vcpu>", "-2", 4, 1},
        {"<vcpu>4</vcpu>", "8", 4, 4},
        {"<vcpu>64</vcpu>", "16", 64, HOST_SOCKETS_MAX},
        {"<vcpu current='9'>4</vcpu>", "1", 4, 1},
        {"<vcpu>0</vcpu>", "1", 1, 1},
        {"<vcpu>99999999999</vcpu>", "99999999999", 65535, HOST_SOCKETS_MAX},
        {"<vcpu>many</vcpu>", "2", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char xml[256];
        snprintf(xml, sizeof xml,
                 "<domain>%s<cpu><topology sockets='%s' cores='1' threads='1'/></cpu></domain>",
                 cases[i].vcpu, cases[i].sockets);
        parse(xml);
        assert_int_equal(hardware.vcpus, cases[i].vcpus);
        assert_int_equal(hardware.sockets, cases[i].expected);
    }
}

static void test_too_many(void **state)
{
    enum { MANY = 200, ROW = 160 };
    CLEANUP_FREE char *xml = malloc((MANY + 1) * (size_t)ROW);
    size_t used = 0;

    (void)state;
    assert_non_null(xml);
    used += (size_t)snprintf(xml, ROW, "<domain><devices>");
    for (unsigned i = 0; i < MANY; i++)
        used += (size_t)snprintf(xml + used, ROW,
                                 "<disk><target dev='d%u'/></disk><interface><mac "
                                 "address='52:54:00:00:00:%02x'/></interface><memory "
                                 "model='dimm'/>",
                                 i, i);
    snprintf(xml + used, ROW, "</devices></domain>");
    parse(xml);
    assert_int_equal(hardware.disk_count, HOST_DISKS_MAX);
    assert_string_equal(hardware.disks[HOST_DISKS_MAX - 1].target, "d63");
    assert_int_equal(hardware.nic_count, HOST_NICS_MAX);
    assert_int_equal(hardware.dimms, HOST_DIMMS_MAX);
}

static void test_incomplete_devices(void **state)
{
    static const char *const macs[] = {
        "",
        "52:54:00:00:00",
        "52:54:00:00:00:0",
        "52:54:00:00:00:0g",
        "52:54:00:00:00:01:02",
        "52-54-00-00-00-01",
        "5:254:00:00:00:001",
        " 52:54:00:00:00:1",
    };
    uint8_t mac[6];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(macs); i++)
        assert_int_equal(domxml_parse_mac(macs[i], mac), -EINVAL);
    parse("<domain><devices><disk/><disk><target/></disk><disk><target dev=''/></disk>"
          "<disk><target dev='vdz'/></disk><interface/><interface><mac/></interface>"
          "<interface><mac address='nonsense'/></interface></devices></domain>");
    assert_int_equal(hardware.disk_count, 1);
    assert_string_equal(hardware.disks[0].target, "vdz");
    assert_int_equal(hardware.nic_count, 0);
    assert_int_equal(domxml_parse_hardware("", &hardware), -EINVAL);
    assert_int_equal(domxml_parse_hardware("<domain>", &hardware), -EINVAL);
    assert_int_equal(domxml_parse_hardware("<network/>", &hardware), -EINVAL);
    assert_int_equal(hardware.sockets, 0);
}

static void test_texts(void **state)
{
    static const struct {
        const char *text, *copy; /* of 8 bytes with the end */
    } cases[] = {
        {"", ""},
        {"1234567", "1234567"},
        {"12345678", "1234567"},
        {"a\nb\x7f\x1b", "a?b??"},
        {"\xc2\x85\xc2\xa0", "?\xc2\xa0"}, /* U+0085 is a control character, U+00A0 is none */
        {"12345\xc3\xa4", "12345\xc3\xa4"},
        {"123456\xc3\xa4", "123456"},
        {"12345\xe2\x82\xac", "12345"},
        {"123\xf0\x9f\x98\x80", "123\xf0\x9f\x98\x80"},
        {"1234\xf0\x9f\x98\x80", "1234"},
        {"1\xe2\x82", "1"}, /* ends within a character */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char copy[9], expected[9] = "";
        memset(copy, '#', sizeof copy);
        snprintf(expected, sizeof expected, "%s", cases[i].copy);
        expected[8] = '#'; /* not written to */
        domxml_copy_text(copy, 8, cases[i].text);
        assert_memory_equal(copy, expected, sizeof copy);
    }
    char copy[4] = "abc";
    domxml_copy_text(copy, sizeof copy, NULL);
    assert_memory_equal(copy, "\0\0\0\0", sizeof copy);
    /* &#10; and the like are no way round. */
    parse("<domain><os><type machine='a&#10;b&#9;c'/></os></domain>");
    assert_string_equal(hardware.machine, "a?b?c");
}

/* ---- the guest's own interface to its BMC ---- */

#define QEMU   "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
#define ARG(x) "<qemu:arg value='" x "'/>"

static void parse_arguments(const char *arguments)
{
    char xml[2048];

    snprintf(xml, sizeof xml, QEMU "<qemu:commandline>%s</qemu:commandline></domain>", arguments);
    parse(xml);
}

static void test_inband(void **state)
{
    const struct host_inband *inband = &hardware.inband;

    (void)state;
    parse(live);
    assert_false(inband->is_there);
    parse(QEMU "<qemu:commandline>" ARG("-chardev")
              ARG("socket,id=ipmi0,path=/run/vbmc/x.ipmi,reconnect=1") ARG("-device")
                  ARG("ipmi-bmc-extern,id=bmc0,chardev=ipmi0") ARG("-device") ARG(
                      "pci-ipmi-kcs,bmc=bmc0") "</qemu:commandline>"
                                               "<seclabel type='dynamic' model='dac'>"
                                               "<label>+64055:+107</label></seclabel></domain>");
    assert_true(inband->is_there);
    assert_string_equal(inband->socket, "/run/vbmc/x.ipmi");
    assert_string_equal(inband->front_end, "pci-kcs");
    assert_true(inband->has_owner);
    assert_int_equal(inband->owner, 64055);
    /* Without what it needs, or of another kind. */
    parse_arguments(ARG("-device") ARG("ipmi-bmc-extern,id=bmc0,chardev=none"));
    assert_true(inband->is_there);
    assert_string_equal(inband->socket, "");
    assert_string_equal(inband->front_end, "");
    assert_false(inband->has_owner);
    parse_arguments(ARG("-chardev") ARG("socket,id=c,path=/x,server=on,wait=off") ARG(
        "-device") ARG("ipmi-bmc-extern,id=b,chardev=c") ARG("-device") ARG("isa-ipmi-bt,bmc=b"));
    assert_string_equal(inband->socket, "");
    assert_string_equal(inband->front_end, "bt");
    parse_arguments(ARG("-device") ARG("ipmi-bmc-sim,id=bmc0") ARG("-device")
                        ARG("isa-ipmi-kcs,bmc=bmc0"));
    assert_false(inband->is_there);
    parse_arguments(ARG("-device") ARG("ipmi-bmc-externs,id=b,chardev=c"));
    assert_false(inband->is_there);
}

static void test_base_owner(void **state)
{
    uint32_t owner = 1;

    (void)state;
    assert_int_equal(
        domxml_parse_base_owner(
            "<capabilities><host><secmodel><model>apparmor</model></secmodel><secmodel>"
            "<model>dac</model><doi>0</doi><baselabel type='kvm'>+64055:+64055</baselabel>"
            "</secmodel></host></capabilities>",
            &owner),
        0);
    assert_int_equal(owner, 64055);
    assert_int_equal(domxml_parse_base_owner("<capabilities><host/></capabilities>", &owner),
                     -ENOENT);
    assert_int_equal(domxml_parse_base_owner("<host", &owner), -ENOENT);
}

/* What is kept of it: everything, in less room. */
static void test_packed(void **state)
{
    static const char *const texts[] = {live, "<domain/>"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        parse(texts[i]);
        struct host_hardware *packed = host_hardware_pack(&hardware);
        assert_non_null(packed);
        assert_true(host_hardware_size(packed) < sizeof hardware / 2);
        assert_int_equal(packed->memory_kib, hardware.memory_kib);
        assert_memory_equal(packed->disks, hardware.disks,
                            hardware.disk_count * sizeof hardware.disks[0]);
        for (unsigned n = 0; n < hardware.nic_count; n++)
            assert_memory_equal(host_hardware_nic(packed, n), host_hardware_nic(&hardware, n),
                                sizeof hardware.nics[0]);
        assert_ptr_equal(host_hardware_smbios(&hardware), &hardware.smbios);
        assert_memory_equal(host_hardware_smbios(packed), &hardware.smbios, sizeof hardware.smbios);
        free(packed);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live),       cmocka_unit_test(test_smbios),
        cmocka_unit_test(test_comparable), cmocka_unit_test(test_least),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_processors),
        cmocka_unit_test(test_too_many),   cmocka_unit_test(test_incomplete_devices),
        cmocka_unit_test(test_texts),      cmocka_unit_test(test_inband),
        cmocka_unit_test(test_base_owner), cmocka_unit_test(test_packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
