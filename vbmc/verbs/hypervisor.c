#include "vbmc/verbs/hypervisor.h"

#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/host/placement_map.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/verbs.h"
#include "vbmc/virt/hypervisor.h"

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

static void answer_released(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *released;

    if (result < 0) {
        verbs_refuse(request, SERVICE_DECLARE_DEAD, result, ticket->text);
        return;
    }
    released = json_object_new_object();
    if (ticket->text)
        verbs_add_text(released, "text", ticket->text);
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
        verbs_call_then(request, SERVICE_DECLARE_DEAD, NULL,
                        &(union service_arguments){.hypervisor = name}, answer_released);
}
