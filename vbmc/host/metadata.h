/* What an administrator decides of a guest and keeps in its domain's <metadata>, so that it follows
 * the domain: tags, and settings of its BMC.
 *
 *     <vbmc:bmc xmlns:vbmc='urn:vbmc:1.0' port='6240' redundancy='2N' interface='kcs'>
 *       <vbmc:tag key='rack' value='7'/>
 *     </vbmc:bmc>
 *
 * Anybody who may edit domains has written it: never a password. */
#ifndef VBMC_HOST_METADATA_H
#define VBMC_HOST_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_TAGS_MAX      64
#define HOST_TAG_KEY_MAX   63 /* bytes */
#define HOST_TAG_VALUE_MAX 255
#define HOST_SETTINGS_MAX  16

struct host_tag {
    char *key;
    char *value; /* of a change: NULL removes the tag */
};

struct host_metadata {
    char *text;            /* as it stands in the domain: another text, another content */
    struct host_tag *tags; /* none twice, by their keys */
    size_t tag_count;
    struct host_tag *settings; /* the attributes, which may say anything */
    size_t setting_count;
};

/* NULL is allowed. */
void host_metadata_free(struct host_metadata *metadata);
bool host_metadata_is_same(const struct host_metadata *one, const struct host_metadata *other);

/* A key is of letters, digits and . _ / -, and begins with a letter or digit; a value is UTF-8
 * without control characters, and may be empty. NULL, or what is wrong with it. */
const char *host_tag_key_problem(const char *key);
const char *host_tag_value_problem(const char *value);

/* Copies `count` tags; NULL: no memory. To be freed by host_tags_free. */
struct host_tag *host_tags_copy(const struct host_tag *tags, size_t count);
void host_tags_free(struct host_tag *tags, size_t count);
/* Sets a tag in a list with room for HOST_TAGS_MAX, whose tags are by their keys; the texts are
 * copied. -ERANGE: there are as many already; -ENOMEM. */
int host_tags_set(struct host_tag *tags, size_t *count, const char *key, const char *value);

#endif
