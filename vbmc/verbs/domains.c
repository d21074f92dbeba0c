#include "vbmc/verbs/domains.h"

#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"
#include "vbmc/virt/hypervisor.h"

void verbs_discover(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    struct json_object *list = json_object_new_array();
    struct hypervisor *hypervisor = NULL;

    (void)arguments;
    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(hypervisor, domain))) {
            const struct host_domain *host = virt_domain_host(domain);
            const char *why = fleet_why_none(verbs->fleet, domain);
            struct json_object *row = json_object_new_object();
            verbs_add_text(row, "domain_name", host->name);
            verbs_add_text(row, "hypervisor", hypervisor_name(hypervisor));
            verbs_add_text(row, "state", verbs_state_name(host->state));
            json_object_object_add(row, "bmc", json_object_new_boolean(!why));
            verbs_add_text(row, "reason", why ? why : "");
            json_object_array_add(list, row);
        }
    }
    control_reply_ok(request, list);
}

static struct hypervisor *embedded_hypervisor(const struct verbs *verbs, const char *name)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        if (name ? strcmp(hypervisor_name(hypervisor), name) == 0
                 : hypervisor_is_embedded(hypervisor))
            return hypervisor;
    }
    return NULL;
}

void verbs_define(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    const char *xml = verbs_text_argument(arguments, "xml");
    const char *name = verbs_text_argument(arguments, "hypervisor");
    struct hypervisor *hypervisor = embedded_hypervisor(verbs, name);

    if (!xml)
        control_reply_error(request, CONTROL_USAGE, "the request has no XML");
    else if (!hypervisor && name)
        control_reply_error(request, CONTROL_NOT_FOUND, "no hypervisor is called %s", name);
    else if (!hypervisor || !hypervisor_is_embedded(hypervisor))
        control_reply_error(request, CONTROL_FAILED,
                            "only domains of qemu:///embed are defined here; use virsh define");
    else
        verbs_call(request, SERVICE_DEFINE, NULL,
                   &(union service_arguments){.define = {hypervisor, xml}});
}

static void undefine_done(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *object = result == 0 ? json_object_new_object() : NULL;

    if (result < 0) {
        verbs_refuse(request, SERVICE_UNDEFINE, result, ticket->text);
        return;
    }
    verbs_add_text(object, "text", ticket->text);
    control_reply_ok(request, object);
}

void verbs_undefine(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    struct json_object *keep = qmp_json_member(arguments, "keep_nvram", json_type_boolean);
    struct virt_domain *domain = verbs_named_domain(verbs, arguments, request);

    if (!domain)
        return;
    const union service_arguments undefine = {
        .undefine = {domain, virt_domain_name(domain), keep && json_object_get_boolean(keep)},
    };
    if (!hypervisor_is_embedded(virt_domain_hypervisor(domain)))
        control_reply_error(request, CONTROL_FAILED,
                            "only domains of qemu:///embed are undefined here; use virsh");
    else
        verbs_call_then(request, SERVICE_UNDEFINE, NULL, &undefine, undefine_done);
}

static void answer_xml(void *context, int result, const char *text)
{
    struct control_request *request = context;

    if (result < 0) {
        verbs_refuse(context, SERVICE_VIEW_FLEET, result, text);
        return;
    }
    struct json_object *object = json_object_new_object();
    verbs_add_text(object, "xml", text);
    control_reply_ok(request, object);
}

void verbs_dumpxml(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    struct virt_domain *domain = verbs_named_domain(verbs, arguments, request);

    if (domain)
        hypervisor_dump_xml(domain, verbs_flag_argument(arguments, "inactive"), answer_xml,
                            request);
}
