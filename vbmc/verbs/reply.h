/* What the verbs share of reading arguments and of making an answer. */
#ifndef VBMC_VERBS_REPLY_H
#define VBMC_VERBS_REPLY_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct json_object;

/* Borrowed from the arguments; NULL if there is none of that name, or it is no text. */
const char *verbs_text_argument(struct json_object *arguments, const char *name);
/* False, too, if there is none of that name. */
bool verbs_flag_argument(struct json_object *arguments, const char *name);

/* NULL is JSON's null. */
void verbs_add_text(struct json_object *object, const char *key, const char *text);

/* For rows of which there are many: `key`, a literal, is new to the object, so json-c neither looks
 * for it nor copies it. */
void verbs_put(struct json_object *object, const char *key, struct json_object *value);
void verbs_put_text(struct json_object *object, const char *key, const char *text);

/* "on", "off", ... as the verb power prints it. */
const char *verbs_state_name(enum host_power_state state);

#endif
