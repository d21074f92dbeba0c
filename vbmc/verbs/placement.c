#include "vbmc/verbs/placement.h"

#include <stdio.h>

#include "vbmc/host/placement.h"
#include "vbmc/host/placement_map.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/instance/view.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

bool verbs_note(const struct control_request *request, struct instance *instance,
                char note[VERBS_NOTE_SIZE])
{
    const struct placement_decision *decided = &instance_placement(instance)->decided;

    if (instance_view(instance).is_active && !instance_is_listening(instance))
        snprintf(note, VERBS_NOTE_SIZE, "%s", instance_error(instance));
    else if (*instance_declared_problem(instance))
        snprintf(note, VERBS_NOTE_SIZE, "%s", instance_declared_problem(instance));
    else if (decided->verdict == PLACEMENT_COUNTS && !decided->also)
        return false;
    else if (decided->verdict == PLACEMENT_ABSENT || verbs_may_see_hypervisors(request))
        placement_explain(instance_placement(instance), note, VERBS_NOTE_SIZE);
    else if (decided->also)
        snprintf(note, VERBS_NOTE_SIZE, "running on more than one hypervisor");
    else
        snprintf(note, VERBS_NOTE_SIZE, "not known where it runs");
    return true;
}

static const char *state_of(const struct placement_copy *copy)
{
    return copy->hypervisor->connected ? placement_state_name(copy->state) : "not connected";
}

void verbs_add_placement(struct json_object *result, struct instance *instance)
{
    const struct placement *placement = instance_placement(instance);
    char text[VERBS_NOTE_SIZE];
    size_t used = 0;

    placement_explain(placement, text, sizeof text);
    verbs_add_text(result, "placement", text);
    text[0] = '\0';
    for (size_t i = 0; i < placement->count && used < sizeof text; i++) {
        const struct placement_copy *copy = &placement->copies[i];
        int length = snprintf(text + used, sizeof text - used, "%s%s: %s", used > 0 ? ", " : "",
                              copy->hypervisor->name, state_of(copy));
        used += length > 0 ? (size_t)length : 0;
    }
    verbs_add_text(result, "copies", text);
}
