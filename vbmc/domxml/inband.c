#include "vbmc/domxml/inband.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "vbmc/base/array.h"
#include "vbmc/domxml/commandline.h"
#include "vbmc/host/host.h"
#include "vbmc/domxml/internal.h"

#define BMC_DEVICE "ipmi-bmc-extern"

/* Of `options`, "TYPE,name=value,..": whether it is of that type. */
static bool is_type(const char *options, const char *type)
{
    size_t length = strlen(type);

    return strncmp(options, type, length) == 0 && (options[length] == ',' || !options[length]);
}

/* The options of the -device or -chardev of that type whose option `name` is `value` (NULL: any);
 * to be freed. */
static char *find_options(xmlNodePtr commandline, const char *option, const char *type,
                          const char *name, const char *value)
{
    for (unsigned n = 0;; n++) {
        CLEANUP_FREE char *options = domxml_nth_argument(commandline, option, n);
        if (!options)
            return NULL;
        CLEANUP_FREE char *found = domxml_copy_option(options, name);
        if (is_type(options, type) && found && (!value || strcmp(found, value) == 0))
            return cleanup_steal_pointer(&options);
    }
}

/* A -device in JSON, as `vbmc inband` writes those on a PCI bus. */
static bool has_json_device(xmlNodePtr commandline, const char *driver, const char *bmc)
{
    char wanted[2][128];

    snprintf(wanted[0], sizeof wanted[0], "\"driver\":\"%s\"", driver);
    snprintf(wanted[1], sizeof wanted[1], "\"bmc\":\"%.64s\"", bmc);
    for (unsigned n = 0;; n++) {
        CLEANUP_FREE char *value = domxml_nth_argument(commandline, "-device", n);
        if (!value)
            return false;
        if (value[0] == '{' && strstr(value, wanted[0]) && strstr(value, wanted[1]))
            return true;
    }
}

static void read_front_end(xmlNodePtr commandline, const char *bmc, struct host_inband *inband)
{
    static const char *const front_ends[][2] = {
        {"kcs", "isa-ipmi-kcs"},   {"bt", "isa-ipmi-bt"},   {"pci-kcs", "pci-ipmi-kcs"},
        {"pci-bt", "pci-ipmi-bt"}, {"smbus", "smbus-ipmi"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(front_ends); i++) {
        CLEANUP_FREE char *found =
            find_options(commandline, "-device", front_ends[i][1], ",bmc=", bmc);
        if (found || has_json_device(commandline, front_ends[i][1], bmc))
            snprintf(inband->front_end, sizeof inband->front_end, "%s", front_ends[i][0]);
    }
}

/* "+64055:+107", as libvirt writes the user and group that QEMU runs as. */
static bool read_label(xmlNodePtr label, uint32_t *owner)
{
    xmlChar *text = label ? xmlNodeGetContent(label) : NULL;
    unsigned uid, gid;
    char end;
    bool is_one = text && sscanf((const char *)text, "+%9u:+%9u%c", &uid, &gid, &end) == 2;

    if (is_one)
        *owner = uid;
    xmlFree(text);
    return is_one;
}

static bool has_text(xmlNodePtr node, const char *expected)
{
    xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
    bool is_same = text && strcmp((const char *)text, expected) == 0;

    xmlFree(text);
    return is_same;
}

int domxml_parse_base_owner(const char *capabilities, uint32_t *owner)
{
    CLEANUP_DOC xmlDocPtr doc =
        xmlReadMemory(capabilities, (int)strnlen(capabilities, DOMXML_SIZE_MAX), NULL, NULL,
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr host = doc ? domxml_child(xmlDocGetRootElement(doc), "host") : NULL;

    for (xmlNodePtr node = host ? host->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, "secmodel") && has_text(domxml_child(node, "model"), "dac") &&
            read_label(domxml_child(node, "baselabel"), owner))
            return 0;
    }
    return -ENOENT;
}

static void read_owner(xmlNodePtr root, struct host_inband *inband)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (!domxml_is_element(node, "seclabel") || !domxml_attribute_is(node, "model", "dac"))
            continue;
        inband->has_owner = read_label(domxml_child(node, "label"), &inband->owner);
    }
}

void domxml_read_inband(xmlNodePtr root, struct host_inband *inband)
{
    xmlNodePtr commandline = domxml_commandline(root);
    CLEANUP_FREE char *device =
        commandline ? find_options(commandline, "-device", BMC_DEVICE, ",chardev=", NULL) : NULL;
    CLEANUP_FREE char *id = device ? domxml_copy_option(device, ",id=") : NULL;
    CLEANUP_FREE char *chardev = device ? domxml_copy_option(device, ",chardev=") : NULL;
    CLEANUP_FREE char *options =
        chardev ? find_options(commandline, "-chardev", "socket", ",id=", chardev) : NULL;
    CLEANUP_FREE char *path = options ? domxml_copy_option(options, ",path=") : NULL;

    if (!device)
        return;
    inband->is_there = true;
    if (path && strlen(path) < sizeof inband->socket && !strstr(options, ",server"))
        memcpy(inband->socket, path, strlen(path));
    if (id)
        read_front_end(commandline, id, inband);
    read_owner(root, inband);
}
