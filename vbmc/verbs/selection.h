/* What `vbmc` selects BMCs by, where a command line may mean many. */
#ifndef VBMC_VERBS_SELECTION_H
#define VBMC_VERBS_SELECTION_H

struct control_request;
struct instance;
struct json_object;

/* Adds what BMCs are selected by, where the request asks for it by "select": "hypervisor" (null:
 * not known, or not for who asks) and "tags" ({KEY: VALUE, ..}), if there are any. */
void verbs_add_selection(struct json_object *row, struct json_object *arguments,
                         const struct control_request *request, struct instance *instance);

#endif
