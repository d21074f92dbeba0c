#include "vbmc/verbs/inband.h"

#include <json-c/json.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/inband.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/virt/hypervisor.h"

/* One line on what is wrong, or what is so. */
static const char *note_of(struct instance *instance, const struct instance_inband *inband,
                           const char *path)
{
    bool is_on = host_power_state_is_on(bmc_power_state(instance_bmc(instance)));
    struct virt_domain *domain = instance_domain(instance);

    if (!domain)
        return "its domain is not to be seen";
    if (!hypervisor_is_local(virt_domain_hypervisor(domain)))
        return "its hypervisor is on another machine: run vbmcd there";
    if (!inband->has_device)
        return is_on ? "the running guest has none; 'vbmc inband NAME on' adds it from its next "
                       "power-on"
                     : "none; 'vbmc inband NAME on' adds it";
    if (strcmp(inband->socket, path) != 0)
        return "its QEMU looks for another BMC";
    if (inband->error[0])
        return inband->error;
    if (inband->is_connected)
        return "connected";
    return is_on
               ? "its QEMU has not connected: see AppArmor or SELinux, which must allow the socket"
               : "the guest is off";
}

static struct json_object *describe(struct instance *instance)
{
    const struct instance_inband inband = instance_inband(instance);
    struct json_object *result = json_object_new_object();
    char path[INSTANCE_INBAND_PATH_SIZE] = "";

    instance_inband_path(instance, path);
    verbs_add_text(result, "interface", inband.has_device ? inband.front_end : NULL);
    verbs_add_text(result, "socket", path);
    verbs_add_text(result, "access", inband.is_read_only ? "read-only" : "full");
    json_object_object_add(result, "listening", json_object_new_boolean(inband.is_listening));
    json_object_object_add(result, "connected", json_object_new_boolean(inband.is_connected));
    json_object_object_add(result, "requests", json_object_new_int64((int64_t)inband.requests));
    verbs_add_text(result, "note", note_of(instance, &inband, path));
    return result;
}

static void answer_text(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *answer;

    if (result < 0) {
        verbs_refuse(request, SERVICE_INBAND, result, ticket->text);
        return;
    }
    answer = json_object_new_object();
    verbs_add_text(answer, "text", ticket->text);
    control_reply_ok(request, answer);
}

void verbs_inband(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    const char *action = verbs_text_argument(arguments, "action");
    const char *front_end = verbs_text_argument(arguments, "interface");
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    union service_arguments wanted = {.inband_front_end = NULL};

    if (!instance)
        return;
    if (!action || strcmp(action, "status") == 0) {
        control_reply_ok(request, describe(instance));
        return;
    }
    if (strcmp(action, "on") == 0) {
        wanted.inband_front_end = front_end ? front_end : "kcs";
    } else if (strcmp(action, "off") != 0) {
        control_reply_error(request, CONTROL_USAGE, "expected on, off or status");
        return;
    }
    verbs_call_then(request, SERVICE_INBAND, instance_bmc(instance), &wanted, answer_text);
}
