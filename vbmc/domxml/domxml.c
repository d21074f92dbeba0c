#include "vbmc/domxml/domxml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libxml/tree.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/commandline.h"
#include "vbmc/domxml/internal.h"

#define ORDER_MAX 10000

static unsigned boot_order(xmlNodePtr device)
{
    CLEANUP_FREE char *value = domxml_attribute(domxml_child(device, "boot"), "order");
    unsigned long order = value ? strtoul(value, NULL, 10) : 0;

    return order <= ORDER_MAX ? (unsigned)order : 0;
}

/* qemu:arg values name a second QMP monitor as "-qmp unix:PATH,server=on,..", or as "-chardev
 * socket,id=ID,path=PATH,.." with "-mon chardev=ID,mode=control". */
static bool is_server(const char *value)
{
    return strstr(value, ",server") != NULL;
}

/* The path of the listening socket that a character device of that id is; to be freed. */
static char *chardev_path(xmlNodePtr commandline, const char *id)
{
    for (unsigned n = 0;; n++) {
        CLEANUP_FREE char *value = domxml_nth_argument(commandline, "-chardev", n);
        CLEANUP_FREE char *own_id = value ? domxml_copy_option(value, ",id=") : NULL;
        if (!value)
            return NULL;
        if (own_id && strcmp(own_id, id) == 0)
            return strncmp(value, "socket,", 7) == 0 && is_server(value)
                       ? domxml_copy_option(value, ",path=")
                       : NULL;
    }
}

static char *find_qmp_socket(xmlNodePtr commandline)
{
    for (unsigned n = 0;; n++) {
        CLEANUP_FREE char *value = domxml_nth_argument(commandline, "-qmp", n);
        if (!value)
            break;
        if (strncmp(value, "unix:", 5) == 0 && is_server(value))
            return strndup(value + 5, strcspn(value + 5, ","));
    }
    for (unsigned n = 0;; n++) {
        CLEANUP_FREE char *value = domxml_nth_argument(commandline, "-mon", n);
        CLEANUP_FREE char *id = value ? domxml_copy_option(value, "chardev=") : NULL;
        char *path = id && strstr(value, "mode=control") ? chardev_path(commandline, id) : NULL;
        if (!value || path)
            return path;
    }
}

static void read_qmp_socket(xmlNodePtr root, struct domxml_live *live)
{
    xmlNodePtr commandline = domxml_commandline(root);

    if (commandline)
        live->qmp_socket = find_qmp_socket(commandline);
}

static int add_device(struct domxml_live *live, xmlNodePtr node, enum host_boot_device class)
{
    struct domxml_device *grown =
        realloc(live->devices, (live->device_count + 1) * sizeof *live->devices);

    if (!grown)
        return -ENOMEM;
    live->devices = grown;
    live->devices[live->device_count++] = (struct domxml_device){
        .alias = domxml_attribute(domxml_child(node, "alias"), "name"),
        .class = class,
        .order = boot_order(node),
        .can_boot = domxml_can_boot(node),
    };
    return 0;
}

int domxml_parse_live(const char *xml, struct domxml_live *live)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *live = (struct domxml_live){0};
    if (!doc)
        return -EINVAL;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr devices = domxml_child(root, "devices");
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        enum host_boot_device class = domxml_device_class(node);
        if (class != HOST_BOOT_NONE && add_device(live, node, class) < 0) {
            domxml_live_clear(live);
            return -ENOMEM;
        }
    }
    read_qmp_socket(root, live);
    return 0;
}

void domxml_live_clear(struct domxml_live *live)
{
    for (size_t i = 0; i < live->device_count; i++)
        free(live->devices[i].alias);
    free(live->devices);
    free(live->qmp_socket);
    *live = (struct domxml_live){0};
}

/* Whether firmware tries `device` before `other`, which comes before it in the document. */
static bool is_tried_before(const struct domxml_device *device, const struct domxml_device *other)
{
    if (device->can_boot != other->can_boot)
        return device->can_boot;
    return device->order != 0 && (other->order == 0 || device->order < other->order);
}

const struct domxml_device *domxml_first_device(const struct domxml_live *live,
                                                enum host_boot_device class)
{
    const struct domxml_device *first = NULL;

    for (size_t i = 0; i < live->device_count; i++) {
        const struct domxml_device *device = &live->devices[i];
        if (device->class == class && (!first || is_tried_before(device, first)))
            first = device;
    }
    return first;
}

/* A name for a device that survives edits of other devices: its target, its MAC address, else its
 * place among its kind. */
static char *device_key(xmlNodePtr device)
{
    CLEANUP_FREE char *target = domxml_attribute(domxml_child(device, "target"), "dev");
    CLEANUP_FREE char *mac = domxml_attribute(domxml_child(device, "mac"), "address");
    const char *name = (const char *)device->name;
    char *key = NULL;
    int place = 0;

    for (xmlNodePtr node = device->prev; node; node = node->prev)
        place += domxml_is_element(node, name);
    if (domxml_is_element(device, "disk") && target)
        return asprintf(&key, "%s %s", name, target) < 0 ? NULL : key;
    if (mac)
        return asprintf(&key, "%s %s", name, mac) < 0 ? NULL : key;
    return asprintf(&key, "%s #%d", name, place) < 0 ? NULL : key;
}

static void remove_node(xmlNodePtr node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

static void set_order(xmlNodePtr device, unsigned order)
{
    xmlNodePtr boot = domxml_child(device, "boot");
    char text[16];

    if (order == 0) {
        if (boot)
            remove_node(boot);
        return;
    }
    if (!boot)
        boot = xmlNewChild(device, NULL, BAD_CAST "boot", NULL);
    snprintf(text, sizeof text, "%u", order);
    xmlSetProp(boot, BAD_CAST "order", BAD_CAST text);
}

/* Takes the <boot> elements out of <os> and lists their classes. */
static struct json_object *take_os_boot(xmlNodePtr os)
{
    struct json_object *list = json_object_new_array();
    xmlNodePtr boot;

    while ((boot = domxml_child(os, "boot"))) {
        CLEANUP_FREE char *dev = domxml_attribute(boot, "dev");
        json_object_array_add(list, json_object_new_string(dev ? dev : "hd"));
        remove_node(boot);
    }
    return list;
}

static enum host_boot_device class_of_os_boot(const char *dev)
{
    static const struct {
        const char *dev;
        enum host_boot_device class;
    } classes[] = {
        {"hd", HOST_BOOT_DISK},
        {"network", HOST_BOOT_NETWORK},
        {"cdrom", HOST_BOOT_CDROM},
        {"fd", HOST_BOOT_REMOVABLE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (strcmp(dev, classes[i].dev) == 0)
            return classes[i].class;
    }
    return HOST_BOOT_NONE;
}

/* The devices in the order in which firmware tries them. */
struct sequence {
    xmlNodePtr *nodes;
    size_t count;
};

static void cleanup_sequence(struct sequence *sequence)
{
    free(sequence->nodes);
}

static bool sequence_has(const struct sequence *sequence, xmlNodePtr node)
{
    for (size_t i = 0; i < sequence->count; i++) {
        if (sequence->nodes[i] == node)
            return true;
    }
    return false;
}

static void append_by_order(struct sequence *sequence, xmlNodePtr devices)
{
    unsigned last = 0;

    for (;;) {
        xmlNodePtr next = NULL;
        for (xmlNodePtr node = devices->children; node; node = node->next) {
            unsigned order = node->type == XML_ELEMENT_NODE ? boot_order(node) : 0;
            if (order > last && (!next || order < boot_order(next)))
                next = node;
        }
        if (!next)
            return;
        last = boot_order(next);
        sequence->nodes[sequence->count++] = next;
    }
}

static void append_first_of_class(struct sequence *sequence, xmlNodePtr devices,
                                  enum host_boot_device class)
{
    for (xmlNodePtr node = devices->children; node; node = node->next) {
        if (class != HOST_BOOT_NONE && domxml_device_class(node) == class) {
            if (!sequence_has(sequence, node))
                sequence->nodes[sequence->count++] = node;
            return;
        }
    }
}

static void append_os_boot(struct sequence *sequence, xmlNodePtr devices, struct json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *dev = json_object_get_string(json_object_array_get_idx(list, i));
        append_first_of_class(sequence, devices, class_of_os_boot(dev));
    }
}

/* The device of a class that comes first in the sequence or else in the document; with `can_boot`
 * the first of those that can. NULL if there is none. */
static xmlNodePtr find_first(const struct sequence *sequence, xmlNodePtr devices,
                             enum host_boot_device class, bool can_boot)
{
    if (class == HOST_BOOT_NONE)
        return NULL;
    for (size_t i = 0; i < sequence->count; i++) {
        xmlNodePtr node = sequence->nodes[i];
        if (domxml_device_class(node) == class && (!can_boot || domxml_can_boot(node)))
            return node;
    }
    for (xmlNodePtr node = devices->children; node; node = node->next) {
        if (domxml_device_class(node) == class && (!can_boot || domxml_can_boot(node)))
            return node;
    }
    return NULL;
}

/* Moves the device of a class that domxml_first_device names to the front; one that was in no order
 * joins there. */
static int move_to_front(struct sequence *sequence, xmlNodePtr devices, enum host_boot_device class)
{
    xmlNodePtr chosen = find_first(sequence, devices, class, true);
    size_t i = 0;

    if (!chosen)
        chosen = find_first(sequence, devices, class, false);
    if (!chosen)
        return -ENOENT;
    while (i < sequence->count && sequence->nodes[i] != chosen)
        i++;
    if (i == sequence->count)
        sequence->count++;
    memmove(&sequence->nodes[1], &sequence->nodes[0], i * sizeof sequence->nodes[0]);
    sequence->nodes[0] = chosen;
    return 0;
}

static struct json_object *list_orders(xmlNodePtr devices)
{
    struct json_object *orders = json_object_new_object();

    for (xmlNodePtr node = devices->children; node; node = node->next) {
        unsigned order = node->type == XML_ELEMENT_NODE ? boot_order(node) : 0;
        CLEANUP_FREE char *key = order ? device_key(node) : NULL;
        if (key)
            json_object_object_add(orders, key, json_object_new_int((int)order));
    }
    return orders;
}

int domxml_put_first(const char *xml, enum host_boot_device class, char **edited, char **undo)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    CLEANUP_JSON struct json_object *record = json_object_new_object();
    CLEANUP(cleanup_sequence) struct sequence sequence = {0};

    *edited = *undo = NULL;
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlNodePtr devices = domxml_child(root, "devices"), os = domxml_child(root, "os");
    if (!devices || !os)
        return -EINVAL;
    sequence.nodes = calloc(xmlChildElementCount(devices) + 1, sizeof(xmlNodePtr));
    if (!sequence.nodes || !record)
        return -ENOMEM;
    json_object_object_add(record, "device", json_object_new_int((int)class));
    json_object_object_add(record, "orders", list_orders(devices));
    struct json_object *os_boot = take_os_boot(os);
    json_object_object_add(record, "os", os_boot);
    append_by_order(&sequence, devices);
    append_os_boot(&sequence, devices, os_boot);
    if (move_to_front(&sequence, devices, class) < 0)
        return -ENOENT;
    struct json_object *touched = json_object_new_array();
    json_object_object_add(record, "touched", touched);
    for (size_t i = 0; i < sequence.count; i++) {
        CLEANUP_FREE char *key = device_key(sequence.nodes[i]);
        set_order(sequence.nodes[i], (unsigned)i + 1);
        json_object_array_add(touched, json_object_new_string(key ? key : ""));
    }
    *undo = strdup(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN));
    if (!*undo)
        return -ENOMEM;
    return domxml_print(doc, edited);
}

static bool record_touched(struct json_object *record, const char *key)
{
    struct json_object *touched = qmp_json_member(record, "touched", json_type_array);

    for (size_t i = 0; touched && i < json_object_array_length(touched); i++) {
        const char *other = json_object_get_string(json_object_array_get_idx(touched, i));
        if (other && strcmp(other, key) == 0)
            return true;
    }
    return false;
}

/* Gives a device that we had touched its order back. Returns true if it has an order then. */
static bool restore_order(struct json_object *record, xmlNodePtr device)
{
    CLEANUP_FREE char *key = device_key(device);
    struct json_object *orders = qmp_json_member(record, "orders", json_type_object);
    int64_t order = 0;

    if (!key || !record_touched(record, key))
        return boot_order(device) != 0; /* another's: it was given one meanwhile */
    qmp_json_integer(qmp_json_member(orders, key, json_type_int), &order);
    set_order(device, order > 0 && order <= ORDER_MAX ? (unsigned)order : 0);
    return order > 0;
}

/* Only libvirt's words: the record may be damaged, and not every text can stand in XML. */
static void restore_os_boot(struct json_object *record, xmlNodePtr os)
{
    struct json_object *list = qmp_json_member(record, "os", json_type_array);

    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        const char *dev = json_object_get_string(json_object_array_get_idx(list, i));
        if (!dev || class_of_os_boot(dev) == HOST_BOOT_NONE)
            continue;
        xmlNodePtr boot = xmlNewChild(os, NULL, BAD_CAST "boot", NULL);
        xmlSetProp(boot, BAD_CAST "dev", BAD_CAST dev);
    }
}

int domxml_restore_boot(const char *xml, const char *undo, char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    CLEANUP_JSON struct json_object *record = json_tokener_parse(undo);
    bool has_orders = false;

    *edited = NULL;
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlNodePtr devices = domxml_child(root, "devices"), os = domxml_child(root, "os");
    if (!devices || !os || !json_object_is_type(record, json_type_object))
        return -EINVAL;
    for (xmlNodePtr node = devices->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && restore_order(record, node))
            has_orders = true;
    }
    /* libvirt takes the one kind of order or the other. */
    if (!has_orders && !domxml_child(os, "boot"))
        restore_os_boot(record, os);
    return domxml_print(doc, edited);
}

int domxml_enable_boot_menu(const char *xml, unsigned menu_ms, char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    char timeout[16];

    *edited = NULL;
    xmlNodePtr os = doc ? domxml_child(xmlDocGetRootElement(doc), "os") : NULL;
    if (!os)
        return -EINVAL;
    xmlNodePtr menu = domxml_child(os, "bootmenu");
    if (!menu)
        menu = xmlNewChild(os, NULL, BAD_CAST "bootmenu", NULL);
    snprintf(timeout, sizeof timeout, "%u", menu_ms);
    xmlSetProp(menu, BAD_CAST "enable", BAD_CAST "yes");
    xmlSetProp(menu, BAD_CAST "timeout", BAD_CAST timeout);
    return domxml_print(doc, edited);
}

static bool has_class(xmlNodePtr devices, enum host_boot_device class)
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (domxml_device_class(node) == class)
            return true;
    }
    return false;
}

int domxml_leave_out_kernel(const char *xml, enum host_boot_device class, char **edited)
{
    static const char *const elements[] = {"kernel", "initrd", "cmdline", "shim"};
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *edited = NULL;
    if (!doc)
        return -EINVAL;
    xmlNodePtr root = xmlDocGetRootElement(doc), os = domxml_child(root, "os");
    if (!domxml_child(os, "kernel") || !has_class(domxml_child(root, "devices"), class))
        return -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        xmlNodePtr node = domxml_child(os, elements[i]);
        if (node)
            remove_node(node);
    }
    return domxml_print(doc, edited);
}
