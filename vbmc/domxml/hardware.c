#include "vbmc/domxml/hardware.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/domxml/inband.h"
#include "vbmc/domxml/internal.h"

#define NUMBER_DIGITS_MAX 15                   /* so that no sum or product below overflows */
#define VCPUS_MAX         65535                /* more than any hypervisor has */
#define DIMM_KIB          (UINT64_C(16) << 20) /* one module in QEMU's SMBIOS type 17 */

/* ---- texts and numbers ---- */

/* How many bytes the character has that begins here, by its first one. The text is libxml's, and so
 * is UTF-8. */
static size_t character_length(unsigned char first)
{
    if (first < 0xC0)
        return 1;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* The control characters of ASCII and of Latin-1 (U+0080 to U+009F). */
static bool is_control(const unsigned char *character)
{
    return character[0] < 0x20 || character[0] == 0x7F ||
           (character[0] == 0xC2 && character[1] < 0xA0);
}

void domxml_copy_text(char *copy, size_t size, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)(text ? text : "");
    size_t used = 0, left = strlen((const char *)bytes);

    memset(copy, 0, size);
    while (left > 0) {
        size_t length = character_length(bytes[0]);
        bool control = is_control(bytes);
        size_t needed = control ? 1 : length;
        if (length > left || used + needed >= size)
            return;
        if (control)
            copy[used] = '?';
        else
            memcpy(copy + used, bytes, length);
        used += needed;
        bytes += length;
        left -= length;
    }
}

/* The text of an element, without spaces around it; to be freed. NULL: no node, or no memory. */
static char *text_of(xmlNodePtr node)
{
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    const char *begin = (const char *)content;

    if (!content)
        return NULL;
    begin += strspn(begin, " \t\r\n");
    size_t length = strlen(begin);
    while (length > 0 && strchr(" \t\r\n", begin[length - 1]))
        length--;
    char *copy = strndup(begin, length);
    xmlFree(content);
    return copy;
}

static void copy_text_of(xmlNodePtr node, char *copy, size_t size)
{
    CLEANUP_FREE char *text = text_of(node);

    domxml_copy_text(copy, size, text);
}

static void copy_attribute(xmlNodePtr node, const char *name, char *copy, size_t size)
{
    CLEANUP_FREE char *value = domxml_attribute(node, name);

    domxml_copy_text(copy, size, value);
}

/* 0 for whatever is no number. */
static uint64_t number(const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (length == 0 || length > NUMBER_DIGITS_MAX || strspn(text, "0123456789") != length)
        return 0;
    return strtoull(text, NULL, 10);
}

/* libvirt itself writes KiB, but takes the others (its documentation of <memory>). */
static uint64_t kib_of(xmlNodePtr node)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {
        {"KiB", 1024},
        {"k", 1024},
        {"b", 1},
        {"bytes", 1},
        {"KB", 1000},
        {"MB", 1000000},
        {"M", UINT64_C(1) << 20},
        {"MiB", UINT64_C(1) << 20},
        {"GB", 1000000000},
        {"G", UINT64_C(1) << 30},
        {"GiB", UINT64_C(1) << 30},
        {"TB", UINT64_C(1000000000000)},
        {"T", UINT64_C(1) << 40},
        {"TiB", UINT64_C(1) << 40},
    };
    CLEANUP_FREE char *text = text_of(node);
    CLEANUP_FREE char *unit = domxml_attribute(node, "unit");
    uint64_t value = number(text), kib = 0;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(unit ? unit : "KiB", units[i].unit) != 0)
            continue;
        if (__builtin_mul_overflow(value, units[i].bytes, &kib))
            return 0;
        return kib / 1024;
    }
    return 0;
}

int domxml_parse_mac(const char *text, uint8_t mac[6])
{
    static const char digits[] = "0123456789abcdefABCDEF";

    if (strlen(text) != 17)
        return -EINVAL;
    for (unsigned i = 0; i < 6; i++) {
        const char *byte = text + 3 * i;
        if (strspn(byte, digits) != 2 || (i < 5 && byte[2] != ':'))
            return -EINVAL;
        mac[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return 0;
}

/* ---- processors and memory ---- */

static void read_processors(xmlNodePtr root, struct host_hardware *hardware)
{
    xmlNodePtr cpu = domxml_child(root, "cpu"), vcpu = domxml_child(root, "vcpu");
    CLEANUP_FREE char *sockets = domxml_attribute(domxml_child(cpu, "topology"), "sockets");
    CLEANUP_FREE char *current = domxml_attribute(vcpu, "current");
    CLEANUP_FREE char *most_text = text_of(vcpu);
    uint64_t most = number(most_text), plugged = number(current), count = number(sockets);

    most = most == 0 ? 1 : most > VCPUS_MAX ? VCPUS_MAX : most;
    hardware->vcpus = (unsigned)(plugged == 0 || plugged > most ? most : plugged);
    if (count > most)
        count = most;
    if (count > HOST_SOCKETS_MAX)
        count = HOST_SOCKETS_MAX;
    hardware->sockets = count == 0 ? 1 : (unsigned)count;
    copy_text_of(domxml_child(cpu, "model"), hardware->cpu_model, sizeof hardware->cpu_model);
    if (!hardware->cpu_model[0])
        copy_attribute(cpu, "mode", hardware->cpu_model, sizeof hardware->cpu_model);
}

/* <memory> is all that the guest has, hot-plugged modules included. */
static void read_memory(xmlNodePtr root, struct host_hardware *hardware)
{
    xmlNodePtr devices = domxml_child(root, "devices");
    uint64_t plugged_kib = 0, dimms = 0;

    hardware->memory_kib = kib_of(domxml_child(root, "memory"));
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (!domxml_is_element(node, "memory") || !domxml_attribute_is(node, "model", "dimm"))
            continue;
        uint64_t kib = kib_of(domxml_child(domxml_child(node, "target"), "size"));
        if (kib > hardware->memory_kib - plugged_kib)
            continue;
        plugged_kib += kib;
        dimms++;
    }
    uint64_t fixed = (hardware->memory_kib - plugged_kib + DIMM_KIB - 1) / DIMM_KIB;
    dimms += fixed == 0 ? 1 : fixed;
    hardware->dimms = dimms > HOST_DIMMS_MAX ? HOST_DIMMS_MAX : (unsigned)dimms;
}

/* ---- disks and NICs ---- */

static void read_disk(xmlNodePtr node, struct host_hardware *hardware)
{
    struct host_disk *disk = &hardware->disks[hardware->disk_count];

    copy_attribute(domxml_child(node, "target"), "dev", disk->target, sizeof disk->target);
    if (!disk->target[0])
        return;
    copy_attribute(domxml_child(node, "alias"), "name", disk->alias, sizeof disk->alias);
    copy_text_of(domxml_child(node, "serial"), disk->serial, sizeof disk->serial);
    disk->is_removable = domxml_attribute_is(node, "device", "cdrom") ||
                         domxml_attribute_is(node, "device", "floppy");
    disk->boot_device = domxml_device_class(node);
    hardware->disk_count++;
}

static void read_nic(xmlNodePtr node, struct host_hardware *hardware)
{
    struct host_nic *nic = &hardware->nics[hardware->nic_count];
    CLEANUP_FREE char *mac = domxml_attribute(domxml_child(node, "mac"), "address");
    uint8_t bytes[6];

    if (!mac || domxml_parse_mac(mac, bytes) < 0)
        return;
    memcpy(nic->mac, bytes, sizeof nic->mac);
    copy_attribute(domxml_child(node, "alias"), "name", nic->alias, sizeof nic->alias);
    nic->link_down = domxml_attribute_is(domxml_child(node, "link"), "state", "down");
    hardware->nic_count++;
}

static void read_devices(xmlNodePtr devices, struct host_hardware *hardware)
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, "disk") && hardware->disk_count < HOST_DISKS_MAX)
            read_disk(node, hardware);
        else if (domxml_is_element(node, "interface") && hardware->nic_count < HOST_NICS_MAX)
            read_nic(node, hardware);
    }
}

/* ---- <sysinfo type='smbios'> ---- */

static const struct {
    const char *block, *entry;
    size_t offset; /* in struct host_smbios; each member has HOST_TEXT_SIZE bytes */
} smbios_texts[] = {
    {"system", "manufacturer", offsetof(struct host_smbios, system_manufacturer)},
    {"system", "product", offsetof(struct host_smbios, system_product)},
    {"system", "version", offsetof(struct host_smbios, system_version)},
    {"system", "serial", offsetof(struct host_smbios, system_serial)},
    {"system", "sku", offsetof(struct host_smbios, system_sku)},
    {"baseBoard", "manufacturer", offsetof(struct host_smbios, board_manufacturer)},
    {"baseBoard", "product", offsetof(struct host_smbios, board_product)},
    {"baseBoard", "version", offsetof(struct host_smbios, board_version)},
    {"baseBoard", "serial", offsetof(struct host_smbios, board_serial)},
    {"chassis", "manufacturer", offsetof(struct host_smbios, chassis_manufacturer)},
    {"chassis", "version", offsetof(struct host_smbios, chassis_version)},
    {"chassis", "serial", offsetof(struct host_smbios, chassis_serial)},
    {"chassis", "asset", offsetof(struct host_smbios, chassis_asset)},
    {"bios", "vendor", offsetof(struct host_smbios, bios_vendor)},
    {"bios", "version", offsetof(struct host_smbios, bios_version)},
};

static xmlNodePtr find_smbios(xmlNodePtr root)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (domxml_is_element(node, "sysinfo") && domxml_attribute_is(node, "type", "smbios"))
            return node;
    }
    return NULL;
}

static xmlNodePtr find_entry(xmlNodePtr block, const char *name)
{
    for (xmlNodePtr node = block ? block->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, "entry") && domxml_attribute_is(node, "name", name))
            return node;
    }
    return NULL;
}

static void read_smbios(xmlNodePtr root, struct host_smbios *smbios)
{
    xmlNodePtr sysinfo = find_smbios(root);

    for (size_t i = 0; sysinfo && i < ARRAY_SIZE(smbios_texts); i++) {
        xmlNodePtr block = domxml_child(sysinfo, smbios_texts[i].block);
        copy_text_of(find_entry(block, smbios_texts[i].entry),
                     (char *)smbios + smbios_texts[i].offset, HOST_TEXT_SIZE);
    }
}

static bool ends_at_reset(xmlNodePtr root)
{
    xmlNodePtr node = domxml_child(root, "on_reboot");
    xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
    bool ends = text && strcmp((const char *)text, "restart") != 0;

    xmlFree(text);
    return ends;
}

int domxml_parse_hardware(const char *xml, struct host_hardware *hardware)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    memset(hardware, 0, sizeof *hardware); /* padding too: two are compared by memcmp */
    if (!doc)
        return -EINVAL;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    read_processors(root, hardware);
    read_memory(root, hardware);
    read_devices(domxml_child(root, "devices"), hardware);
    copy_attribute(domxml_child(domxml_child(root, "os"), "type"), "machine", hardware->machine,
                   sizeof hardware->machine);
    read_smbios(root, &hardware->smbios);
    hardware->ends_at_reset = ends_at_reset(root);
    domxml_read_inband(root, &hardware->inband);
    return 0;
}
