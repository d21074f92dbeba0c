#include "vbmc/domxml/inband_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/domxml/commandline.h"
#include "vbmc/domxml/internal.h"

/* By these ids what is ours is known. */
#define CHARDEV_ID "vbmc-ipmi"
#define BMC_ID     "vbmc-bmc"
#define VALUE_SIZE 320

const char *domxml_inband_device(const char *front_end)
{
    static const char *const devices[][2] = {
        {"kcs", "isa-ipmi-kcs"},
        {"bt", "isa-ipmi-bt"},
        {"pci-kcs", "pci-ipmi-kcs"},
        {"pci-bt", "pci-ipmi-bt"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        if (strcmp(devices[i][0], front_end) == 0)
            return devices[i][1];
    }
    return NULL;
}

/* ---- removing ---- */

static bool has_option(const char *value, const char *name, const char *expected)
{
    CLEANUP_FREE char *found = domxml_copy_option(value, name);

    return found && strcmp(found, expected) == 0;
}

/* Of the value of a -chardev or -device. */
static bool is_ours(const char *value)
{
    return has_option(value, ",id=", CHARDEV_ID) || has_option(value, ",id=", BMC_ID) ||
           has_option(value, ",bmc=", BMC_ID) || strstr(value, "\"bmc\":\"" BMC_ID "\"");
}

static bool is_any_bmc(const char *value)
{
    return strncmp(value, "ipmi-bmc-", 9) == 0;
}

static bool takes_value(xmlNodePtr node)
{
    return domxml_attribute_is(node, "value", "-chardev") ||
           domxml_attribute_is(node, "value", "-device");
}

static xmlNodePtr next_argument(xmlNodePtr node)
{
    while (node && !domxml_is_element(node, "arg"))
        node = node->next;
    return node;
}

static void drop(xmlNodePtr node)
{
    xmlNodePtr before = node->prev;

    if (before && before->type == XML_TEXT_NODE && xmlIsBlankNode(before)) {
        xmlUnlinkNode(before);
        xmlFreeNode(before);
    }
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

/* How many options were removed. */
static unsigned remove_ours(xmlNodePtr commandline)
{
    xmlNodePtr node = commandline ? next_argument(commandline->children) : NULL;
    unsigned removed = 0;

    while (node) {
        xmlNodePtr value = next_argument(node->next);
        CLEANUP_FREE char *text =
            takes_value(node) && value ? domxml_attribute(value, "value") : NULL;
        xmlNodePtr next = text ? next_argument(value->next) : value;
        if (text && is_ours(text)) {
            drop(value);
            drop(node);
            removed++;
        }
        node = next;
    }
    return removed;
}

static bool has_foreign_bmc(xmlNodePtr commandline)
{
    for (unsigned n = 0; commandline; n++) {
        CLEANUP_FREE char *value = domxml_nth_argument(commandline, "-device", n);
        if (!value)
            return false;
        if (is_any_bmc(value))
            return true;
    }
    return false;
}

static void drop_if_empty(xmlNodePtr commandline)
{
    for (xmlNodePtr node = commandline->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE)
            return;
    }
    drop(commandline);
}

int domxml_remove_inband(const char *xml, char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *edited = NULL;
    if (!doc)
        return -EINVAL;
    xmlNodePtr commandline = domxml_commandline(xmlDocGetRootElement(doc));
    if (remove_ours(commandline) == 0)
        return -ENOENT;
    drop_if_empty(commandline);
    return domxml_print(doc, edited);
}

/* ---- adding ---- */

static xmlNodePtr find_or_add_commandline(xmlNodePtr root)
{
    xmlNodePtr commandline = domxml_commandline(root);
    xmlNsPtr space = xmlSearchNsByHref(root->doc, root, BAD_CAST DOMXML_QEMU_NAMESPACE);

    if (commandline)
        return commandline;
    if (!space)
        space = xmlNewNs(root, BAD_CAST DOMXML_QEMU_NAMESPACE, BAD_CAST "qemu");
    return space ? xmlNewChild(root, space, BAD_CAST "commandline", NULL) : NULL;
}

static int add_argument(xmlNodePtr commandline, const char *text)
{
    xmlNodePtr node = xmlNewChild(commandline, commandline->ns, BAD_CAST "arg", NULL);

    return node && xmlSetProp(node, BAD_CAST "value", BAD_CAST text) ? 0 : -ENOMEM;
}

static int add_option(xmlNodePtr commandline, const char *option, const char *value)
{
    int result = add_argument(commandline, option);

    return result < 0 ? result : add_argument(commandline, value);
}

/* A comma in it is written twice. */
static void escape_path(const char *path, char *escaped, size_t size)
{
    size_t used = 0;

    for (; *path && used + 3 < size; path++) {
        escaped[used++] = *path;
        if (*path == ',')
            escaped[used++] = ',';
    }
    escaped[used] = '\0';
}

static int add_ours(xmlNodePtr commandline, const char *device, const char *socket, bool in_ms)
{
    char path[VALUE_SIZE / 2], value[VALUE_SIZE];

    escape_path(socket, path, sizeof path);
    snprintf(value, sizeof value, "socket,id=" CHARDEV_ID ",path=%s,%s", path,
             in_ms ? "reconnect-ms=1000" : "reconnect=1");
    int result = add_option(commandline, "-chardev", value);
    if (result == 0)
        result =
            add_option(commandline, "-device", "ipmi-bmc-extern,id=" BMC_ID ",chardev=" CHARDEV_ID);
    /* As JSON QEMU makes it behind libvirt's devices, whose PCI slots are then taken. */
    if (strncmp(device, "pci-", 4) == 0)
        snprintf(value, sizeof value, "{\"driver\":\"%s\",\"bmc\":\"" BMC_ID "\"}", device);
    else
        snprintf(value, sizeof value, "%s,bmc=" BMC_ID, device);
    return result < 0 ? result : add_option(commandline, "-device", value);
}

int domxml_add_inband(const char *xml, const char *front_end, const char *socket, bool in_ms,
                      char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    const char *device = domxml_inband_device(front_end);

    *edited = NULL;
    if (!doc || !device)
        return -EINVAL;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    remove_ours(domxml_commandline(root));
    if (has_foreign_bmc(domxml_commandline(root)))
        return -EEXIST;
    xmlNodePtr commandline = find_or_add_commandline(root);
    int result = commandline ? add_ours(commandline, device, socket, in_ms) : -ENOMEM;
    return result < 0 ? result : domxml_print(doc, edited);
}
