/* What the files that read and edit domain XML share. */
#ifndef VBMC_DOMXML_INTERNAL_H
#define VBMC_DOMXML_INTERNAL_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/host/host.h"

static inline void domxml_cleanup_doc(xmlDocPtr *doc)
{
    if (*doc)
        xmlFreeDoc(*doc);
}

#define CLEANUP_DOC CLEANUP(domxml_cleanup_doc)

/* Twice what libvirt hands over by the network (VIR_NET_MESSAGE_STRING_MAX). */
#define DOMXML_SIZE_MAX ((size_t)8 * 1024 * 1024)

/* Parses without network access, external entities or DTDs. NULL unless the text is well formed,
 * within DOMXML_SIZE_MAX and what libxml2 allows (256 levels, no entities that grow), and its root
 * is <domain>; to be freed by xmlFreeDoc. */
xmlDocPtr domxml_open(const char *xml);
/* The document as UTF-8 text, to be freed. 0 or -ENOMEM. */
int domxml_print(xmlDocPtr doc, char **text);

bool domxml_is_element(xmlNodePtr node, const char *name);
/* The first child element of that name; NULL if there is none, or no parent. */
xmlNodePtr domxml_child(xmlNodePtr parent, const char *name);
/* The value of an attribute, which the caller frees with free; NULL if there is none, or no node.
 */
char *domxml_attribute(xmlNodePtr node, const char *name);
bool domxml_attribute_is(xmlNodePtr node, const char *name, const char *expected);

/* device.c: what the child of <devices> is to firmware; HOST_BOOT_NONE: nothing that boots.
 */
enum host_boot_device domxml_device_class(xmlNodePtr node);
/* Whether firmware could boot from such a device as it is now: a drive that holds a medium, a NIC
 * that has a boot ROM or needs none. */
bool domxml_can_boot(xmlNodePtr device);

#endif
