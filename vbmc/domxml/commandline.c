#include "vbmc/domxml/commandline.h"

#include <stdbool.h>
#include <string.h>

#include "vbmc/domxml/internal.h"

xmlNodePtr domxml_commandline(xmlNodePtr root)
{
    xmlNodePtr node = domxml_child(root, "commandline");

    return node && node->ns && xmlStrEqual(node->ns->href, BAD_CAST DOMXML_QEMU_NAMESPACE) ? node
                                                                                           : NULL;
}

char *domxml_copy_option(const char *options, const char *name)
{
    const char *found = strstr(options, name);

    return found ? strndup(found + strlen(name), strcspn(found + strlen(name), ",")) : NULL;
}

char *domxml_nth_argument(xmlNodePtr commandline, const char *option, unsigned n)
{
    bool next = false;

    for (xmlNodePtr node = commandline->children; node; node = node->next) {
        if (!domxml_is_element(node, "arg"))
            continue;
        if (next && n-- == 0)
            return domxml_attribute(node, "value");
        next = !next && domxml_attribute_is(node, "value", option);
    }
    return NULL;
}
