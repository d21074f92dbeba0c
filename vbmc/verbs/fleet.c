#include "vbmc/verbs/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/addition.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

void verbs_add(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    int64_t port = 0;
    struct service_addition addition = {
        .name = verbs_text_argument(arguments, "name"),
        .username = verbs_text_argument(arguments, "username"),
        .password = verbs_text_argument(arguments, "password"),
        .address = verbs_text_argument(arguments, "address"),
        .uri = verbs_text_argument(arguments, "libvirt_uri"),
        .sasl_username = verbs_text_argument(arguments, "libvirt_sasl_username"),
        .sasl_password = verbs_text_argument(arguments, "libvirt_sasl_password"),
    };
    struct json_object *number = qmp_json_member(arguments, "port", json_type_int);

    (void)verbs;
    if (number && (!qmp_json_integer(number, &port) || port < 1 || port > UINT16_MAX)) {
        control_reply_error(request, CONTROL_USAGE, "a port is a number from 1 to 65535");
        return;
    }
    addition.port = (uint16_t)port;
    if (!addition.name) {
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    if (!addition.sasl_username != !addition.sasl_password) {
        control_reply_error(request, CONTROL_USAGE,
                            "a SASL user name and its password must be given together");
        return;
    }
    verbs_call(request, SERVICE_ADD, NULL, &(union service_arguments){.addition = &addition});
}

/* One request names several BMCs: answered when the last is done, with the first error. */
struct several {
    struct control_request *request;
    enum service_operation operation;
    size_t left;
    int result;
    char text[FLEET_NAME_ERROR_SIZE];
};

static void note_done(struct several *several, int result, const char *text)
{
    char words[SERVICE_TEXT_SIZE];

    if (result < 0 && several->result == 0) {
        several->result = result;
        snprintf(several->text, sizeof several->text, "%s",
                 text ? text : service_explain(several->operation, result, words));
    }
    if (--several->left > 0)
        return;
    if (several->result < 0)
        verbs_refuse(several->request, several->operation, several->result, several->text);
    else
        control_reply_ok(several->request, NULL);
    free(several);
}

static void one_done(const struct bmc_ticket *ticket, int result)
{
    note_done((struct several *)ticket->sink, result, ticket->text);
}

static void call_for_one(struct several *several, struct instance *instance)
{
    const struct caller caller = verbs_caller(control_request_identity(several->request));
    const struct bmc_ticket ticket = {.done = one_done, .sink = several};
    const struct service_call call = {&caller, instance_bmc(instance), &ticket};
    int result = service_call(several->operation, &call, NULL);

    if (result != -EINPROGRESS)
        note_done(several, result, NULL);
}

static void call_for_each(const struct verbs *verbs, struct json_object *arguments,
                          struct control_request *request, enum service_operation operation)
{
    struct json_object *names = qmp_json_member(arguments, "names", json_type_array);
    struct json_object *only = qmp_json_member(arguments, "name", json_type_string);
    size_t count = names ? json_object_array_length(names) : only ? 1 : 0;
    struct several *several = calloc(1, sizeof *several);

    if (count == 0 || !several) {
        free(several);
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    several->request = request;
    several->operation = operation;
    several->left = count + 1; /* ours: an action may be done at once */
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = names ? json_object_array_get_idx(names, i) : only;
        const char *name =
            json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
        char text[FLEET_NAME_ERROR_SIZE];
        struct instance *instance = verbs_find_named(verbs, name, request, text);
        if (instance)
            call_for_one(several, instance);
        else
            note_done(several, -ENOENT, text);
    }
    note_done(several, 0, NULL);
}

void verbs_delete(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    call_for_each(verbs, arguments, request, SERVICE_DELETE);
}

void verbs_start(const struct verbs *verbs, struct json_object *arguments,
                 struct control_request *request)
{
    call_for_each(verbs, arguments, request, SERVICE_START);
}

void verbs_stop(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    call_for_each(verbs, arguments, request, SERVICE_STOP);
}
