/* What the verbs share of reading arguments and of making an answer. */
#ifndef VBMC_VERBS_REPLY_H
#define VBMC_VERBS_REPLY_H

#include <stdbool.h>

#include <json-c/json.h>

#include "vbmc/control/control.h"
#include "vbmc/host/host.h"

/* Borrowed from the arguments; NULL if there is none of that name, or it is no text. */
const char *verbs_text_argument(struct json_object *arguments, const char *name);
/* False, too, if there is none of that name. */
bool verbs_flag_argument(struct json_object *arguments, const char *name);

/* NULL is JSON's null. */
void verbs_add_text(struct json_object *object, const char *key, const char *text);

/* "on", "off", ... as the verb power prints it. */
const char *verbs_state_name(enum host_power_state state);

/* What class of error the control protocol has for a result. */
enum control_code verbs_code_of_result(int result);

/* A hypervisor_done_fn whose context is the request: answers {}, or the error with `text` (NULL:
 * what errno says). */
void verbs_answer_done(void *context, int result, const char *text);

#endif
