#include "vbmc/domxml/serial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/domxml/internal.h"

#define ATTRIBUTE_MAX 4096 /* PATH_MAX; longer ones stand for nothing that exists */
#define LIST_MAX      200

static char *short_attribute(xmlNodePtr node, const char *name)
{
    char *value = domxml_attribute(node, name);

    if (value && strlen(value) > ATTRIBUTE_MAX) {
        free(value);
        return NULL;
    }
    return value;
}

/* libvirt lists a serial port a second time as <console><target type='serial'/>. */
static bool is_own_console(xmlNodePtr node)
{
    xmlNodePtr target = domxml_child(node, "target");

    return domxml_is_element(node, "console") && target &&
           xmlHasProp(target, BAD_CAST "type") != NULL &&
           !domxml_attribute_is(target, "type", "serial");
}

static bool has_alias(xmlNodePtr node, const char *alias)
{
    return domxml_attribute_is(domxml_child(node, "alias"), "name", alias);
}

static xmlNodePtr find(xmlNodePtr devices, const char *alias)
{
    xmlNodePtr console = NULL;

    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        bool is_serial = domxml_is_element(node, "serial");
        if (!is_serial && !is_own_console(node))
            continue;
        if (alias ? has_alias(node, alias) : is_serial)
            return node;
        if (!alias && !console)
            console = node;
    }
    return console;
}

static uint16_t read_port(xmlNodePtr source)
{
    CLEANUP_FREE char *text = short_attribute(source, "service");
    size_t length = text ? strlen(text) : 0;

    if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
        return 0;
    unsigned long port = strtoul(text, NULL, 10);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void read_source(xmlNodePtr node, struct domxml_serial *serial)
{
    xmlNodePtr source = domxml_child(node, "source");
    xmlNodePtr protocol = domxml_child(node, "protocol");
    bool is_raw = !protocol || !xmlHasProp(protocol, BAD_CAST "type") ||
                  domxml_attribute_is(protocol, "type", "raw");

    serial->path = short_attribute(source, "path");
    serial->host = short_attribute(source, "host");
    serial->port = read_port(source);
    serial->listens = domxml_attribute_is(source, "mode", "bind");
    serial->plain = is_raw && !domxml_attribute_is(source, "tls", "yes");
}

static enum domxml_serial_kind kind_of(const struct domxml_serial *serial)
{
    if (strcmp(serial->type, "pty") == 0)
        return DOMXML_SERIAL_PTY;
    if (strcmp(serial->type, "unix") == 0 && serial->path && serial->path[0])
        return DOMXML_SERIAL_UNIX;
    if (strcmp(serial->type, "tcp") == 0 && serial->host && serial->host[0] && serial->port != 0)
        return DOMXML_SERIAL_TCP;
    return DOMXML_SERIAL_OTHER;
}

int domxml_parse_serial(const char *xml, const char *alias, struct domxml_serial *serial)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *serial = (struct domxml_serial){.kind = DOMXML_SERIAL_OTHER};
    if (!doc)
        return -EINVAL;
    xmlNodePtr node = find(domxml_child(xmlDocGetRootElement(doc), "devices"), alias);
    if (!node)
        return -ENOENT;
    serial->type = short_attribute(node, "type");
    if (!serial->type)
        serial->type = strdup("");
    if (!serial->type)
        return -ENOMEM;
    serial->alias = short_attribute(domxml_child(node, "alias"), "name");
    read_source(node, serial);
    serial->kind = kind_of(serial);
    return 0;
}

void domxml_serial_clear(struct domxml_serial *serial)
{
    free(serial->type);
    free(serial->alias);
    free(serial->path);
    free(serial->host);
    *serial = (struct domxml_serial){.kind = DOMXML_SERIAL_OTHER};
}

char *domxml_list_serials(const char *xml)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    xmlNodePtr devices = doc ? domxml_child(xmlDocGetRootElement(doc), "devices") : NULL;
    char list[LIST_MAX] = "";
    size_t used = 0;

    if (!doc)
        return NULL;
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        bool counts = domxml_is_element(node, "serial") || is_own_console(node);
        CLEANUP_FREE char *alias =
            counts ? short_attribute(domxml_child(node, "alias"), "name") : NULL;
        if (!alias || strlen(alias) + 2 >= sizeof list - used)
            continue;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", alias);
    }
    return strdup(list);
}

int domxml_add_serial(const char *xml, char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *edited = NULL;
    xmlNodePtr devices = doc ? domxml_child(xmlDocGetRootElement(doc), "devices") : NULL;
    if (!devices)
        return -EINVAL;
    if (domxml_child(devices, "serial"))
        return -EEXIST;
    bool has_console = domxml_child(devices, "console") != NULL;
    static const char *const names[] = {"serial", "console"};
    for (size_t i = 0; i < (has_console ? 1 : ARRAY_SIZE(names)); i++) {
        xmlNodePtr node = xmlNewChild(devices, NULL, BAD_CAST names[i], NULL);
        xmlNodePtr target = node ? xmlNewChild(node, NULL, BAD_CAST "target", NULL) : NULL;
        if (!target || !xmlSetProp(node, BAD_CAST "type", BAD_CAST "pty") ||
            !xmlSetProp(target, BAD_CAST "port", BAD_CAST "0") ||
            (i == 1 && !xmlSetProp(target, BAD_CAST "type", BAD_CAST "serial")))
            return -ENOMEM;
    }
    return domxml_print(doc, edited);
}
