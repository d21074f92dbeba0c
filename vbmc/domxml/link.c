#include "vbmc/domxml/link.h"

#include <errno.h>
#include <string.h>

#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/internal.h"

static bool has_mac(xmlNodePtr node, const uint8_t mac[6])
{
    CLEANUP_FREE char *text = domxml_attribute(domxml_child(node, "mac"), "address");
    uint8_t own[6];

    return text && domxml_parse_mac(text, own) == 0 && memcmp(own, mac, sizeof own) == 0;
}

static xmlNodePtr find_interface(xmlNodePtr devices, const uint8_t mac[6])
{
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, "interface") && has_mac(node, mac))
            return node;
    }
    return NULL;
}

static void cleanup_buffer(xmlBufferPtr *buffer)
{
    if (*buffer)
        xmlBufferFree(*buffer);
}

static int print_node(xmlDocPtr doc, xmlNodePtr node, char **text)
{
    CLEANUP(cleanup_buffer) xmlBufferPtr buffer = xmlBufferCreate();

    if (!buffer || xmlNodeDump(buffer, doc, node, 0, 0) < 0)
        return -ENOMEM;
    *text = strdup((const char *)xmlBufferContent(buffer));
    return *text ? 0 : -ENOMEM;
}

int domxml_set_link(const char *xml, const uint8_t mac[6], bool up, char **interface)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);

    *interface = NULL;
    if (!doc)
        return -EINVAL;
    xmlNodePtr node = find_interface(domxml_child(xmlDocGetRootElement(doc), "devices"), mac);
    if (!node)
        return -ENOENT;
    xmlNodePtr link = domxml_child(node, "link");
    if (!link)
        link = xmlNewChild(node, NULL, BAD_CAST "link", NULL);
    if (!link || !xmlSetProp(link, BAD_CAST "state", BAD_CAST(up ? "up" : "down")))
        return -ENOMEM;
    return print_node(doc, node, interface);
}
