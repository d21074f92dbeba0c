#include "vbmc/domxml/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/internal.h"
#include "vbmc/host/metadata.h"

/* Without the blanks that stand between elements for people: edits would leave more and more. What
 * brings a DTD is no element of libvirt's. */
static xmlDocPtr open_element(const char *text)
{
    size_t size = strnlen(text, DOMXML_METADATA_MAX + 1);
    xmlDocPtr doc = NULL;

    if (size <= DOMXML_METADATA_MAX)
        doc = xmlReadMemory(text, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOBLANKS);
    if (!doc || !doc->intSubset)
        return doc;
    xmlFreeDoc(doc);
    return NULL;
}

/* ---- reading ---- */

static int read_tag(xmlNodePtr node, struct host_metadata *metadata)
{
    CLEANUP_FREE char *key = domxml_attribute(node, "key");
    CLEANUP_FREE char *value = domxml_attribute(node, "value");

    if (!key || host_tag_key_problem(key) || (value && host_tag_value_problem(value)))
        return 0;
    int result = host_tags_set(metadata->tags, &metadata->tag_count, key, value ? value : "");
    return result == -ERANGE ? 0 : result;
}

static int read_tags(xmlNodePtr root, struct host_metadata *metadata)
{
    int result = 0;

    metadata->tags = calloc(HOST_TAGS_MAX, sizeof *metadata->tags);
    if (!metadata->tags)
        return -ENOMEM;
    for (xmlNodePtr node = root->children; node && result == 0; node = node->next) {
        if (domxml_is_element(node, "tag"))
            result = read_tag(node, metadata);
    }
    /* Most domains have few. */
    size_t count = metadata->tag_count;
    struct host_tag *shrunk =
        count ? realloc(metadata->tags, count * sizeof *metadata->tags) : NULL;
    if (!count)
        free(metadata->tags);
    if (!count || shrunk)
        metadata->tags = shrunk;
    return result;
}

/* What is no key or no text is left out, as with tags. */
static int read_settings(xmlNodePtr root, struct host_metadata *metadata)
{
    int result = 0;

    if (!root->properties)
        return 0;
    metadata->settings = calloc(HOST_TAGS_MAX, sizeof *metadata->settings);
    if (!metadata->settings)
        return -ENOMEM;
    for (xmlAttrPtr attribute = root->properties; attribute && result == 0;
         attribute = attribute->next) {
        const char *key = (const char *)attribute->name;
        CLEANUP_FREE char *value = domxml_attribute(root, key);
        if (value && !host_tag_key_problem(key) && !host_tag_value_problem(value) &&
            metadata->setting_count < HOST_SETTINGS_MAX)
            result = host_tags_set(metadata->settings, &metadata->setting_count, key, value);
    }
    return result;
}

int domxml_parse_metadata(const char *text, struct host_metadata **metadata)
{
    CLEANUP_DOC xmlDocPtr doc = open_element(text);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    struct host_metadata *made = calloc(1, sizeof *made);
    int result = 0;

    *metadata = NULL;
    if (made)
        made->text = strdup(text);
    if (!made || !made->text)
        result = -ENOMEM;
    if (result == 0 && root)
        result = read_tags(root, made);
    if (result == 0 && root)
        result = read_settings(root, made);
    if (result == 0)
        *metadata = made;
    else
        host_metadata_free(made);
    return result;
}

/* ---- changing ---- */

static xmlNodePtr find_tag(xmlNodePtr root, const char *key)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (domxml_is_element(node, "tag") && domxml_attribute_is(node, "key", key))
            return node;
    }
    return NULL;
}

static int change_tag(xmlNodePtr root, const struct host_tag *change)
{
    xmlNodePtr node;

    /* One that stands there twice goes as a whole. */
    while ((node = find_tag(root, change->key))) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    if (!change->value)
        return 0;
    node = xmlNewChild(root, root->ns, BAD_CAST "tag", NULL);
    return node && xmlSetProp(node, BAD_CAST "key", BAD_CAST change->key) &&
                   xmlSetProp(node, BAD_CAST "value", BAD_CAST change->value)
               ? 0
               : -ENOMEM;
}

static size_t count_tags(xmlNodePtr root)
{
    size_t count = 0;

    for (xmlNodePtr node = root->children; node; node = node->next)
        count += domxml_is_element(node, "tag");
    return count;
}

static int print_element(xmlDocPtr doc, xmlNodePtr root, char **text)
{
    xmlBufferPtr buffer = xmlBufferCreate();

    if (buffer && xmlNodeDump(buffer, doc, root, 0, 0) >= 0)
        *text = strdup((const char *)xmlBufferContent(buffer));
    if (buffer)
        xmlBufferFree(buffer);
    return *text ? 0 : -ENOMEM;
}

int domxml_change_tags(const char *text, const struct host_tag *changes, size_t count,
                       char **edited)
{
    CLEANUP_DOC xmlDocPtr doc = open_element(text ? text : "<bmc/>");
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    int result = root ? 0 : -EINVAL;

    *edited = NULL;
    for (size_t i = 0; i < count && result == 0; i++)
        result = change_tag(root, &changes[i]);
    if (result == 0 && count_tags(root) > HOST_TAGS_MAX)
        result = -ERANGE;
    if (result == 0)
        result = print_element(doc, root, edited);
    if (result == 0 && strlen(*edited) > DOMXML_METADATA_MAX) {
        free(cleanup_steal_pointer(edited));
        result = -ERANGE;
    }
    return result;
}
