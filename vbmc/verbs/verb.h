/* What a verb is. */
#ifndef VBMC_VERBS_VERB_H
#define VBMC_VERBS_VERB_H

struct control_request;
struct json_object;
struct verbs;

/* Answers the request, at once or later; `arguments` are borrowed for the call. */
typedef void verbs_run(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request);

#endif
