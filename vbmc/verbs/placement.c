/* What administrators are told of the hypervisors and of where guests are, and what they say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/verbs/internal.h"

bool verbs_note(const struct control_request *request, struct instance *instance,
                char note[VERBS_NOTE_SIZE])
{
    const struct placement_decision *decided = &instance_placement(instance)->decided;

    if (instance_record(instance)->active && !instance_is_listening(instance))
        snprintf(note, VERBS_NOTE_SIZE, "%s", instance_error(instance));
    else if (decided->verdict == PLACEMENT_COUNTS && !decided->also)
        return false;
    else if (decided->verdict == PLACEMENT_ABSENT || verbs_may_see_hypervisors(request))
        placement_explain(instance_placement(instance), note, VERBS_NOTE_SIZE);
    else if (decided->also)
        snprintf(note, VERBS_NOTE_SIZE, "running on more than one hypervisor");
    else
        snprintf(note, VERBS_NOTE_SIZE, "it is not known where it runs");
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

/* ---- hypervisor ---- */

static const char *error_of(const struct verbs *verbs, const struct placement_hypervisor *place)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        if (strcmp(hypervisor_uri(hypervisor), place->uri) == 0)
            return hypervisor_error(hypervisor);
    }
    return "";
}

static void list_hypervisors(const struct verbs *verbs, struct control_request *request)
{
    const struct placement_hypervisor *place = fleet_placement_map(verbs->fleet)->first;
    struct json_object *list = json_object_new_array();

    for (; place; place = place->next) {
        struct json_object *row = json_object_new_object();
        int waiting = (int)fleet_count_waiting(verbs->fleet, place);
        if (place->removed && waiting == 0) {
            json_object_put(row);
            continue;
        }
        verbs_add_text(row, "name", place->name);
        verbs_add_text(row, "uri", place->uri);
        verbs_add_text(row, "state",
                       place->connected ? "connected"
                       : place->dead    ? "declared dead"
                       : place->removed ? "removed"
                                        : "disconnected");
        json_object_object_add(row, "waiting", json_object_new_int(waiting));
        verbs_add_text(row, "error", error_of(verbs, place));
        json_object_array_add(list, row);
    }
    control_reply_ok(request, list);
}

static void answer(void *context, int result, const char *text)
{
    struct control_request *request = context;
    struct json_object *released = result < 0 ? NULL : json_object_new_object();

    if (released && text)
        verbs_add_text(released, "text", text);
    if (result < 0)
        control_reply_error(request, result == -ENOENT ? CONTROL_NOT_FOUND : CONTROL_FAILED, "%s",
                            text ? text : strerror(-result));
    else
        control_reply_ok(request, released);
}

void verbs_hypervisor(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    const char *name = qmp_json_string(arguments, "name");
    const char *action = qmp_json_string(arguments, "action");

    if (!name && !action)
        list_hypervisors(verbs, request);
    else if (!name || !action || strcmp(action, "declare-dead") != 0)
        control_reply_error(request, CONTROL_USAGE,
                            "the request needs the name of a hypervisor and 'declare-dead'");
    else
        fleet_declare_dead(verbs->fleet, name, answer, request);
}
