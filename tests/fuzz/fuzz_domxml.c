/* libFuzzer target: the XML of a domain, which anybody may have written, and behind a NUL the
 * record of a boot override, as it comes back from the store.
 *
 * Files: vbmc/domxml/domxml.c vbmc/domxml/device.c vbmc/domxml/hardware.c vbmc/domxml/internal.c
 * vbmc/domxml/link.c vbmc/domxml/metadata.c vbmc/domxml/serial.c vbmc/host/metadata.c
 *
 * What an edit gives must be a domain again. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/link.h"
#include "vbmc/domxml/metadata.h"
#include "vbmc/domxml/serial.h"
#include "vbmc/host/host.h"
#include "vbmc/host/metadata.h"

static const enum host_boot_device devices[] = {
    HOST_BOOT_NETWORK,
    HOST_BOOT_DISK,
    HOST_BOOT_CDROM,
    HOST_BOOT_REMOVABLE,
};

/* Takes the edited XML over. */
static void check_edit(int result, char *edited)
{
    struct domxml_live live;

    fuzz_require(result <= 0);
    if (result < 0)
        return;
    fuzz_require(domxml_parse_live(edited, &live) == 0);
    domxml_live_clear(&live);
    free(edited);
}

static void restore(const char *xml, const char *undo)
{
    char *edited = NULL;
    int result = domxml_restore_boot(xml, undo, &edited);

    check_edit(result, edited);
}

static void read_all(const char *xml)
{
    struct domxml_live live;
    struct domxml_serial serial;
    struct host_hardware hardware;

    if (domxml_parse_live(xml, &live) == 0) {
        for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
            domxml_first_device(&live, devices[i]);
        domxml_live_clear(&live);
    }
    if (domxml_parse_hardware(xml, &hardware) == 0) {
        fuzz_require(hardware.sockets >= 1 && hardware.sockets <= HOST_SOCKETS_MAX);
        fuzz_require(hardware.dimms >= 1 && hardware.dimms <= HOST_DIMMS_MAX);
        fuzz_require(hardware.disk_count <= HOST_DISKS_MAX);
        fuzz_require(hardware.nic_count <= HOST_NICS_MAX);
        for (unsigned i = 0; i < hardware.disk_count; i++)
            fuzz_require(memchr(hardware.disks[i].target, '\0', sizeof hardware.disks[i].target));
    }
    domxml_parse_serial(xml, NULL, &serial);
    domxml_serial_clear(&serial);
    domxml_parse_serial(xml, "serial0", &serial);
    domxml_serial_clear(&serial);
    free(domxml_list_serials(xml));
    free(domxml_nvram_path(xml));
}

static void edit_all(const char *xml)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, 1};
    char *edited = NULL, *undo = NULL;
    int result;

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        result = domxml_put_first(xml, devices[i], &edited, &undo);
        if (result == 0) {
            restore(edited, undo);
            free(undo);
        }
        check_edit(result, edited);
    }
    result = domxml_enable_boot_menu(xml, UINT16_MAX, &edited);
    check_edit(result, edited);
    result = domxml_leave_out_kernel(xml, HOST_BOOT_DISK, &edited);
    check_edit(result, edited);
    result = domxml_add_serial(xml, &edited);
    check_edit(result, edited);
    if (domxml_set_link(xml, mac, false, &edited) == 0)
        free(edited);
}

/* An edited element has the tag that was set, and can be read again. */
static void change_tags(const char *xml)
{
    static const struct host_tag changes[] = {{(char *)"rack", (char *)"7"},
                                              {(char *)"role", NULL}};
    struct host_metadata *metadata = NULL;
    CLEANUP_FREE char *edited = NULL;
    bool found = false;

    fuzz_require(domxml_parse_metadata(xml, &metadata) == 0 &&
                 metadata->tag_count <= HOST_TAGS_MAX);
    host_metadata_free(metadata);
    if (domxml_change_tags(xml, changes, 2, &edited) < 0)
        return;
    fuzz_require(domxml_parse_metadata(edited, &metadata) == 0);
    for (size_t i = 0; i < metadata->tag_count; i++) {
        fuzz_require(strcmp(metadata->tags[i].key, "role") != 0);
        found |= strcmp(metadata->tags[i].key, "rack") == 0;
    }
    fuzz_require(found);
    host_metadata_free(metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP_FREE char *xml = fuzz_text(bytes, size);
    size_t used = strlen(xml);

    read_all(xml);
    edit_all(xml);
    change_tags(xml);
    if (used < size) {
        CLEANUP_FREE char *undo = fuzz_text(bytes + used + 1, size - used - 1);
        restore(xml, undo);
    }
    return 0;
}
