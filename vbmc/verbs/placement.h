/* What is said of where a guest is. */
#ifndef VBMC_VERBS_PLACEMENT_H
#define VBMC_VERBS_PLACEMENT_H

#include <stdbool.h>

struct control_request;
struct instance;
struct json_object;

#define VERBS_NOTE_SIZE 256
/* What deserves a remark beside a BMC's name; false: nothing does. */
bool verbs_note(const struct control_request *request, struct instance *instance,
                char note[VERBS_NOTE_SIZE]);
/* Adds what `show` says of the guest's copies: "placement" (which one counts, or why none does) and
 * "copies" ("a: off, b: on, c: not connected"). */
void verbs_add_placement(struct json_object *result, struct instance *instance);

#endif
