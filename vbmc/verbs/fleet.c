#include "vbmc/verbs/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

void verbs_add(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    int64_t port = 0;
    struct fleet_addition addition = {
        .name = verbs_text_argument(arguments, "name"),
        .username = verbs_text_argument(arguments, "username"),
        .password = verbs_text_argument(arguments, "password"),
        .address = verbs_text_argument(arguments, "address"),
        .uri = verbs_text_argument(arguments, "libvirt_uri"),
        .sasl_username = verbs_text_argument(arguments, "libvirt_sasl_username"),
        .sasl_password = verbs_text_argument(arguments, "libvirt_sasl_password"),
    };
    struct json_object *number = qmp_json_member(arguments, "port", json_type_int);

    if (number && (!qmp_json_integer(number, &port) || port < 1 || port > UINT16_MAX)) {
        control_reply_error(request, CONTROL_USAGE, "a port is 1 to 65535");
        return;
    }
    addition.port = (uint16_t)port;
    if (!addition.name) {
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    if (!addition.sasl_username != !addition.sasl_password) {
        control_reply_error(request, CONTROL_USAGE, "a SASL user name and password come together");
        return;
    }
    fleet_add(verbs->fleet, &addition, verbs_answer_done, request);
}

/* One request names several BMCs: answered when the last is done, with the first error. */
struct several {
    struct control_request *request;
    size_t left;
    int result;
    char text[FLEET_NAME_ERROR_SIZE];
};

static void one_done(void *context, int result, const char *text)
{
    struct several *several = context;

    if (result < 0 && several->result == 0) {
        several->result = result;
        snprintf(several->text, sizeof several->text, "%s", text ? text : strerror(-result));
    }
    if (--several->left > 0)
        return;
    verbs_answer_done(several->request, several->result, several->text);
    free(several);
}

typedef void one_action(const struct verbs *verbs, struct instance *instance,
                        struct several *several);

static void for_each_named(const struct verbs *verbs, struct json_object *arguments,
                           struct control_request *request, one_action *action)
{
    struct json_object *names = qmp_json_member(arguments, "names", json_type_array);
    size_t count = names ? json_object_array_length(names) : 0;
    struct several *several = calloc(1, sizeof *several);

    if (count == 0 || !several) {
        free(several);
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    several->request = request;
    several->left = count + 1; /* ours: an action may be done at once */
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(names, i);
        const char *name =
            json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
        char text[FLEET_NAME_ERROR_SIZE];
        struct instance *instance = verbs_find_named(verbs, name, request, text);
        if (instance) {
            action(verbs, instance, several);
            continue;
        }
        one_done(several, -ENOENT, text);
    }
    one_done(several, 0, NULL);
}

static void delete_one(const struct verbs *verbs, struct instance *instance,
                       struct several *several)
{
    fleet_delete(verbs->fleet, instance, one_done, several);
}

static void start_one(const struct verbs *verbs, struct instance *instance, struct several *several)
{
    fleet_set_active(verbs->fleet, instance, true, one_done, several);
}

static void stop_one(const struct verbs *verbs, struct instance *instance, struct several *several)
{
    fleet_set_active(verbs->fleet, instance, false, one_done, several);
}

void verbs_delete(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    for_each_named(verbs, arguments, request, delete_one);
}

void verbs_start(const struct verbs *verbs, struct json_object *arguments,
                 struct control_request *request)
{
    for_each_named(verbs, arguments, request, start_one);
}

void verbs_stop(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    for_each_named(verbs, arguments, request, stop_one);
}
