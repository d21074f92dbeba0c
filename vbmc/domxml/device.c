/* Which of a domain's devices firmware boots from, and where it keeps its variables. */
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/domxml/internal.h"

/* <disk device='..'>: what libvirt calls disk, lun, cdrom and floppy. A disk on the USB bus that
 * says removable='on' is what a technician would plug in. */
static enum host_boot_device disk_class(xmlNodePtr disk)
{
    xmlNodePtr target = domxml_child(disk, "target");

    if (domxml_attribute_is(disk, "device", "cdrom"))
        return HOST_BOOT_CDROM;
    if (domxml_attribute_is(disk, "device", "floppy"))
        return HOST_BOOT_REMOVABLE;
    if (domxml_attribute_is(target, "bus", "usb") && domxml_attribute_is(target, "removable", "on"))
        return HOST_BOOT_REMOVABLE;
    return HOST_BOOT_DISK;
}

enum host_boot_device domxml_device_class(xmlNodePtr node)
{
    if (domxml_is_element(node, "disk"))
        return disk_class(node);
    if (domxml_is_element(node, "interface"))
        return HOST_BOOT_NETWORK;
    return HOST_BOOT_NONE;
}

/* A drive is what a medium can be taken out of. libvirt leaves <source> out of one that has none;
 * what a person writes may be empty. */
static bool has_medium(xmlNodePtr disk)
{
    static const char *const places[] = {"file", "dev", "dir", "volume", "protocol"};
    xmlNodePtr source = domxml_child(disk, "source");

    if (!domxml_attribute_is(disk, "device", "cdrom") &&
        !domxml_attribute_is(disk, "device", "floppy"))
        return true;
    if (domxml_attribute_is(domxml_child(disk, "target"), "tray", "open"))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        CLEANUP_FREE char *place = domxml_attribute(source, places[i]);
        if (place && place[0])
            return true;
    }
    return false;
}

/* UEFI has a driver of its own for a virtio NIC. */
static bool needs_no_rom(xmlNodePtr nic)
{
    xmlNodePtr os = domxml_child(xmlDocGetRootElement(nic->doc), "os");
    CLEANUP_FREE char *model = domxml_attribute(domxml_child(nic, "model"), "type");
    bool is_uefi = domxml_attribute_is(os, "firmware", "efi") ||
                   domxml_attribute_is(domxml_child(os, "loader"), "type", "pflash");

    return is_uefi && model && strncmp(model, "virtio", strlen("virtio")) == 0;
}

/* QEMU's rombar=0, or romfile= with nothing in it; without the element it has one. */
static bool has_rom(xmlNodePtr nic)
{
    xmlNodePtr rom = domxml_child(nic, "rom");

    return !domxml_attribute_is(rom, "bar", "off") && !domxml_attribute_is(rom, "enabled", "no") &&
           !domxml_attribute_is(rom, "file", "");
}

bool domxml_can_boot(xmlNodePtr device)
{
    if (domxml_is_element(device, "disk"))
        return has_medium(device);
    return has_rom(device) || needs_no_rom(device);
}

char *domxml_nvram_path(const char *xml)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    xmlNodePtr os = doc ? domxml_child(xmlDocGetRootElement(doc), "os") : NULL;
    xmlNodePtr nvram = domxml_child(os, "nvram");
    xmlNodePtr source = domxml_child(nvram, "source");

    if (!nvram)
        return NULL;
    if (source)
        return domxml_attribute(source, "file");
    xmlChar *text = xmlNodeGetContent(nvram);
    char *path = text && text[0] == '/' ? strdup((const char *)text) : NULL;
    xmlFree(text);
    return path;
}
