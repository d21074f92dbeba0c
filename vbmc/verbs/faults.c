#include "vbmc/verbs/faults.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/platform/inject.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define ERROR_SIZE 256
#define TEXT_SIZE  64

static void answer_faults(const struct platform *platform, struct control_request *request)
{
    const struct faults *faults = platform_faults(platform);
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < faults->count; i++) {
        struct json_object *row = json_object_new_object();
        time_t since = (time_t)faults->items[i].since_s;
        char text[TEXT_SIZE];
        struct tm utc;

        fault_format_target(&faults->items[i], text, sizeof text);
        verbs_add_text(row, "target", text);
        fault_format_kind(&faults->items[i], text, sizeof text);
        verbs_add_text(row, "kind", text);
        bool has_time = gmtime_r(&since, &utc) && strftime(text, sizeof text, "%FT%TZ", &utc);
        verbs_add_text(row, "since", has_time ? text : NULL);
        json_object_array_add(list, row);
    }
    control_reply_ok(request, list);
}

static void inject(struct bmc *bmc, const char *target, const char *kind,
                   struct control_request *request)
{
    char error[ERROR_SIZE] = "";
    struct fault fault;

    if (fault_parse(target, kind, &fault, error, sizeof error))
        control_reply_error(request, CONTROL_USAGE, "%s", error);
    else
        verbs_call(request, SERVICE_INJECT, bmc, &(union service_arguments){.fault = &fault});
}

static void answer_cleared(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *count;
    unsigned cleared = 0;

    if (result < 0) {
        verbs_refuse(request, SERVICE_CLEAR_FAULTS, result, ticket->text);
        return;
    }
    for (unsigned i = 0; i < ticket->data_length; i++)
        cleared |= (unsigned)ticket->data[i] << 8 * i;
    count = json_object_new_object();
    json_object_object_add(count, "cleared", json_object_new_int((int)cleared));
    control_reply_ok(request, count);
}

static void clear(struct bmc *bmc, const char *target, const char *kind,
                  struct control_request *request)
{
    char error[ERROR_SIZE] = "a kind must be given with its target";
    struct fault like = {0};
    int result = 0;

    if (target && kind)
        result = fault_parse(target, kind, &like, error, sizeof error);
    else if (target)
        result = fault_parse_target(target, &like, error, sizeof error);
    else if (kind)
        result = -EINVAL;
    if (result < 0) {
        control_reply_error(request, CONTROL_USAGE, "%s", error);
        return;
    }
    const union service_arguments arguments = {
        .clear_faults = {target ? &like : NULL, kind ? &like.kind : NULL},
    };
    verbs_call_then(request, SERVICE_CLEAR_FAULTS, bmc, &arguments, answer_cleared);
}

void verbs_inject(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    const char *target = qmp_json_string(arguments, "target");
    const char *kind = qmp_json_string(arguments, "kind");
    bool clears = verbs_flag_argument(arguments, "clear"), changes = target || kind || clears;
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    struct bmc *bmc = instance_bmc(instance);
    if (changes && !verbs_permit(request, SERVICE_INJECT))
        return;
    if (!bmc->platform)
        control_reply_error(request, CONTROL_FAILED, "no server model for this BMC");
    else if (!changes)
        answer_faults(bmc->platform, request);
    else if (clears)
        clear(bmc, target, kind, request);
    else if (!target || !kind)
        control_reply_error(request, CONTROL_USAGE, "target and kind must be given together");
    else
        inject(bmc, target, kind, request);
}
