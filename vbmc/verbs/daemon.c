#include "vbmc/verbs/daemon.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/base/version.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/list.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/verbs.h"
#include "vbmc/virt/hypervisor.h"

static void add_note(void *notes, const char *text)
{
    json_object_array_add(notes, json_object_new_string(text));
}

/* What the configuration says in vain, if anything, as "notes": for who has just written it, and
 * for doctor. */
static void add_notes(const struct verbs *verbs, struct json_object *result)
{
    struct json_object *notes = json_object_new_array();

    if (!fleet_waits_for(verbs->fleet)) /* it knows no domains */
        fleet_check_sections(verbs->fleet, add_note, notes);
    if (json_object_array_length(notes) > 0)
        json_object_object_add(result, "notes", notes);
    else
        json_object_put(notes);
}

struct reloading {
    const struct verbs *verbs;
    struct control_request *request;
};

static void reloaded(const struct bmc_ticket *ticket, int result)
{
    struct reloading reloading = *(const struct reloading *)ticket->sink;

    free((struct reloading *)ticket->sink);
    if (result < 0) {
        verbs_refuse(reloading.request, SERVICE_RELOAD, ticket->text ? -EINVAL : result,
                     ticket->text);
        return;
    }
    struct json_object *notes = json_object_new_object();
    add_notes(reloading.verbs, notes);
    control_reply_ok(reloading.request, notes);
}

void verbs_reload(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    struct reloading *reloading = malloc(sizeof *reloading);
    const struct bmc_ticket ticket = {.done = reloaded, .sink = reloading};
    const struct caller caller = verbs_caller(control_request_identity(request));
    const struct service_call call = {.caller = &caller, .ticket = &ticket};

    (void)arguments;
    if (!reloading) {
        verbs_refuse(request, SERVICE_RELOAD, -ENOMEM, NULL);
        return;
    }
    *reloading = (struct reloading){verbs, request};
    int result = service_call(SERVICE_RELOAD, &call, NULL);
    if (result != -EINPROGRESS)
        bmc_ticket_finish(&ticket, result);
}

void verbs_status(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    const struct bmcset *set = fleet_bmcs(verbs->fleet);
    struct json_object *result = json_object_new_object();
    struct json_object *hypervisors = json_object_new_array();
    struct hypervisor *hypervisor = NULL;
    const char *waits_for = fleet_waits_for(verbs->fleet);
    int running = 0;

    (void)arguments;
    for (size_t i = 0; i < set->count; i++)
        running += strcmp(verbs_status_of(set->instances[i]), "running") == 0;
    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        struct json_object *row = json_object_new_object();
        verbs_add_text(row, "name", hypervisor_name(hypervisor));
        verbs_add_text(row, "uri", hypervisor_uri(hypervisor));
        bool is_connected = hypervisor_is_up(hypervisor) || hypervisor_is_held(hypervisor);
        verbs_add_text(row, "state", is_connected ? "connected" : "disconnected");
        if (hypervisor_error(hypervisor)[0])
            verbs_add_text(row, "error", hypervisor_error(hypervisor));
        json_object_array_add(hypervisors, row);
    }
    verbs_add_text(result, "version", VBMC_VERSION);
    verbs_add_text(result, "log", log_place());
    verbs_add_text(result, "role", waits_for ? "standby" : "active");
    if (waits_for)
        verbs_add_text(result, "waits_for", waits_for);
    json_object_object_add(result, "bmcs", json_object_new_int((int)set->count));
    json_object_object_add(result, "running", json_object_new_int(running));
    json_object_object_add(result, "hypervisors", hypervisors);
    add_notes(verbs, result);
    control_reply_ok(request, result);
}

/* For who was handed a connection and cannot open another. */
void verbs_connect(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    (void)verbs;
    (void)arguments;
    control_reply_connection(request);
}
