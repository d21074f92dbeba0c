#include "vbmc/domxml/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

xmlDocPtr domxml_open(const char *xml)
{
    size_t size = strnlen(xml, DOMXML_SIZE_MAX + 1);

    if (size > DOMXML_SIZE_MAX)
        return NULL;
    xmlDocPtr doc = xmlReadMemory(xml, (int)size, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;

    if (root && xmlStrEqual(root->name, BAD_CAST "domain"))
        return doc;
    if (doc)
        xmlFreeDoc(doc);
    return NULL;
}

int domxml_print(xmlDocPtr doc, char **text)
{
    xmlChar *dumped = NULL;
    int size = 0;

    xmlDocDumpMemoryEnc(doc, &dumped, &size, "UTF-8");
    if (!dumped)
        return -ENOMEM;
    *text = strdup((const char *)dumped);
    xmlFree(dumped);
    return *text ? 0 : -ENOMEM;
}

bool domxml_is_element(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name);
}

xmlNodePtr domxml_child(xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, name))
            return node;
    }
    return NULL;
}

char *domxml_attribute(xmlNodePtr node, const char *name)
{
    xmlChar *value = node ? xmlGetProp(node, BAD_CAST name) : NULL;
    char *copy = value ? strdup((const char *)value) : NULL;

    xmlFree(value);
    return copy;
}

bool domxml_attribute_is(xmlNodePtr node, const char *name, const char *expected)
{
    CLEANUP_FREE char *value = domxml_attribute(node, name);

    return value && strcmp(value, expected) == 0;
}
