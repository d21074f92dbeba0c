/* The verb "tag": what an administrator has written beside a guest. */
#ifndef VBMC_VERBS_TAGS_H
#define VBMC_VERBS_TAGS_H

#include <stdbool.h>

#include "vbmc/verbs/verb.h"

struct instance;
struct json_object;

/* tag {"name"}: a list of {"key", "value"}, by key. tag {"name", ["set": {KEY: VALUE, ..}],
 * ["remove": [KEY, ..]]}: changes them in the domain's metadata; what is not there is removed. */
verbs_run verbs_tag;

bool verbs_has_tags(struct instance *instance);
/* {KEY: VALUE, ..}; empty if there are none, or the guest's domain is not there. */
struct json_object *verbs_tags_of(struct instance *instance);

#endif
