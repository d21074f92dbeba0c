#include "vbmc/verbs/list.h"

#include <json-c/json.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/users.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/view.h"
#include "vbmc/verbs/health.h"
#include "vbmc/verbs/lan.h"
#include "vbmc/verbs/placement.h"
#include "vbmc/verbs/power.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/rows.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/selection.h"
#include "vbmc/verbs/tags.h"
#include "vbmc/verbs/verbs.h"
#include "vbmc/virt/hypervisor.h"

const char *verbs_status_of(struct instance *instance)
{
    const struct instance_view view = instance_view(instance);

    if (!view.is_active)
        return "down";
    return instance_is_listening(instance) ? "running" : "error";
}

/* Where the BMC is, or is to be. Where there is no place for it, what it had or is to have. */
static void add_place(const struct verbs *verbs, struct json_object *object,
                      struct instance *instance)
{
    const struct instance_view view = instance_view(instance);
    const union endpoint_address *place = instance_address(instance);
    bool is_known = place->any.sa_family != AF_UNSPEC;
    char text[ENDPOINT_TEXT_SIZE];

    endpoint_address_format_host(place, text);
    if (is_known)
        verbs_put_text(object, "address", text);
    else
        verbs_put_text(object, "address",
                       view.address ? view.address : fleet_default_address(verbs->fleet));
    verbs_put(object, "port",
              json_object_new_int(is_known ? endpoint_address_port(place) : view.port));
}

static void fill_row(const struct verbs *verbs, struct json_object *arguments,
                     const struct control_request *request, struct instance *instance,
                     struct json_object *row)
{
    char note[VERBS_NOTE_SIZE];

    verbs_put_text(row, "status", verbs_status_of(instance));
    add_place(verbs, row, instance);
    if (!fleet_is_openstack(verbs->fleet) || verbs_flag_argument(arguments, "power"))
        verbs_put_text(row, "power", verbs_state_name(bmc_power_state(instance_bmc(instance))));
    if (verbs_note(request, instance, note))
        verbs_put_text(row, "note", note);
    verbs_add_selection(row, arguments, request, instance);
}

void verbs_list(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    verbs_answer_rows(verbs, arguments, request, fill_row);
}

void verbs_show(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    const struct instance_view view = instance_view(instance);
    struct virt_domain *domain = instance_domain(instance);
    const char *user = instance_bmc(instance)->users.by_id[USER_ID_FIRST].name;
    const char *uri = view.uri, *sasl_username = view.sasl_username;
    char note[VERBS_NOTE_SIZE];
    CLEANUP_FREE char *name = fleet_name_of(verbs->fleet, instance, verbs_only_bmc_of(request));
    if (!uri && domain)
        uri = hypervisor_uri(virt_domain_hypervisor(domain));
    if (!verbs_may_see_hypervisors(request))
        uri = sasl_username = NULL;
    struct json_object *result = json_object_new_object();
    json_object_object_add(result, "active", json_object_new_boolean(view.is_active));
    add_place(verbs, result, instance);
    verbs_add_text(result, "domain_name", name ? name : view.name);
    if (verbs_may_see_hypervisors(request))
        verbs_add_placement(result, instance);
    verbs_add_text(result, "libvirt_sasl_password", view.has_sasl_password ? "***" : NULL);
    verbs_add_text(result, "libvirt_sasl_username", sasl_username);
    verbs_add_text(result, "libvirt_uri", uri);
    verbs_add_text(result, "password", "***");
    verbs_add_text(result, "status", verbs_status_of(instance));
    json_object_object_add(result, "tags", verbs_tags_of(instance));
    verbs_add_text(result, "username", user[0] ? user : NULL);
    verbs_add_locked_out(result, request, instance_bmc(instance));
    verbs_add_health(result, instance);
    verbs_add_watchdog(result, instance_bmc(instance));
    verbs_add_boot_device(result, instance_bmc(instance));
    if (verbs_note(request, instance, note))
        verbs_add_text(result, "note", note);
    control_reply_ok(request, result);
}
