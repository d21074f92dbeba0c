/* Adding QEMU's ipmi-bmc-extern to a definition, and taking it away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/inband_edit.h"
#include "vbmc/host/host.h"

#define SPACE  " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
#define SOCKET "/run/vbmc/11111111-2222-4333-8444-555555555555.ipmi"

static struct host_hardware hardware;

static void expect_device(const char *xml, const char *front_end)
{
    assert_int_equal(domxml_parse_hardware(xml, &hardware), 0);
    assert_true(hardware.inband.is_there);
    assert_string_equal(hardware.inband.front_end, front_end);
    assert_string_equal(hardware.inband.socket, SOCKET);
}

/* What libvirt makes of the text is the same; here it is compared as it is printed. */
static void expect_back(const char *xml)
{
    CLEANUP_FREE char *before = NULL, *with = NULL, *other = NULL, *without = NULL, *again = NULL;

    assert_int_equal(domxml_add_inband(xml, "kcs", SOCKET, false, &with), 0);
    expect_device(with, "kcs");
    assert_non_null(strstr(with, ",reconnect=1\""));
    assert_int_equal(domxml_add_inband(with, "pci-bt", SOCKET, true, &other), 0); /* replaced */
    expect_device(other, "pci-bt");
    assert_non_null(strstr(other, ",reconnect-ms=1000\""));
    assert_null(strstr(other, "isa-ipmi-kcs"));
    assert_non_null(strstr(other, "driver&quot;:&quot;pci-ipmi-bt&quot;"));
    assert_int_equal(domxml_remove_inband(other, &without), 0);
    assert_null(strstr(without, "vbmc-"));
    assert_int_equal(domxml_remove_inband(without, &again), -ENOENT);
    assert_int_equal(domxml_add_inband(xml, "bt", SOCKET, false, &before), 0);
    free(cleanup_steal_pointer(&with));
    assert_int_equal(domxml_remove_inband(before, &with), 0);
    assert_string_equal(with, without);
}

static void test_round(void **state)
{
    CLEANUP_FREE char *with = NULL, *without = NULL;

    (void)state;
    expect_back("<domain><name>a</name><devices/></domain>");
    expect_back("<domain" SPACE "><name>a</name></domain>");
    /* Arguments of others stay, whatever is between. */
    const char *xml = "<domain" SPACE "><qemu:commandline><qemu:arg value='-device'/>"
                      "<qemu:arg value='isa-debugcon,chardev=seabios'/><!-- mine -->"
                      "<qemu:env name='A' value='b'/></qemu:commandline></domain>";
    expect_back(xml);
    assert_int_equal(domxml_add_inband(xml, "kcs", SOCKET, false, &with), 0);
    assert_int_equal(domxml_remove_inband(with, &without), 0);
    assert_non_null(strstr(without, "<qemu:arg value=\"-device\"/>"
                                    "<qemu:arg value=\"isa-debugcon,chardev=seabios\"/>"
                                    "<!-- mine --><qemu:env name=\"A\" value=\"b\"/>"
                                    "</qemu:commandline>"));
}

static void test_refused(void **state)
{
    CLEANUP_FREE char *edited = NULL;

    (void)state;
    assert_int_equal(domxml_add_inband("<domain" SPACE "><qemu:commandline>"
                                       "<qemu:arg value='-device'/>"
                                       "<qemu:arg value='ipmi-bmc-sim,id=bmc0'/>"
                                       "</qemu:commandline></domain>",
                                       "kcs", SOCKET, false, &edited),
                     -EEXIST);
    assert_null(edited);
    assert_int_equal(domxml_add_inband("<domain/>", "smbus", SOCKET, false, &edited), -EINVAL);
    assert_int_equal(domxml_add_inband("<network/>", "kcs", SOCKET, false, &edited), -EINVAL);
    assert_int_equal(domxml_remove_inband("<domain/>", &edited), -ENOENT);
    assert_int_equal(domxml_remove_inband("<domain", &edited), -EINVAL);
    /* An argument that is cut off. */
    assert_int_equal(domxml_remove_inband("<domain" SPACE "><qemu:commandline>"
                                          "<qemu:arg value='-device'/></qemu:commandline></domain>",
                                          &edited),
                     -ENOENT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
