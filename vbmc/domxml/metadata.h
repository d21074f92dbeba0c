/* The element of ours in a domain's <metadata>, as libvirt hands it out and takes it: by itself. */
#ifndef VBMC_DOMXML_METADATA_H
#define VBMC_DOMXML_METADATA_H

#include <stddef.h>

struct host_metadata;
struct host_tag;

#define DOMXML_METADATA_MAX (64 * 1024) /* bytes; of longer ones nothing is read */

/* Reads the element, whatever its name. What cannot be a tag, or is one too many, is left out; of
 * two with one key the last counts. 0, or -ENOMEM: *metadata is to be freed by host_metadata_free.
 */
int domxml_parse_metadata(const char *text, struct host_metadata **metadata);

/* The element with its tags changed, to be freed; all else in it stays. NULL for `text`: there is
 * none yet. 0; -ERANGE: there would be more than HOST_TAGS_MAX; -EINVAL: it is too long, or no XML;
 * -ENOMEM. */
int domxml_change_tags(const char *text, const struct host_tag *changes, size_t count,
                       char **edited);

#endif
