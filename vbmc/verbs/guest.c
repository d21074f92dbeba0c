#include "vbmc/verbs/guest.h"

#include <errno.h>
#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/control/sending.h"
#include "vbmc/host/host.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/virt/hypervisor.h"

/* A screen or a port that is missing is not found in the guest; the domain itself was. */
static void reply_failure(const struct bmc_ticket *ticket, int result)
{
    enum service_operation operation = (enum service_operation)ticket->numbers[0];
    char words[SERVICE_TEXT_SIZE];

    control_reply_error((struct control_request *)ticket->sink,
                        result == -EEXIST ? CONTROL_EXISTS : CONTROL_FAILED, "%s",
                        ticket->text ? ticket->text : service_explain(operation, result, words));
}

/* {"text": text} */
static struct json_object *text_result(const char *text)
{
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "text", json_object_new_string(text ? text : ""));
    return result;
}

/* ---- add-serial ---- */

static void answer_text(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        reply_failure(ticket, result);
    else
        control_reply_ok(request, text_result(ticket->text));
}

void verbs_add_serial(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (instance)
        verbs_call_then(request, SERVICE_ADD_SERIAL, instance_bmc(instance), NULL, answer_text);
}

/* ---- screenshot ---- */

static void send_picture(void *context, struct host_picture *picture)
{
    struct control_request *request = context;
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "mime", json_object_new_string(picture->mime));
    json_object_object_add(result, "size", json_object_new_int64((int64_t)picture->size));
    if (control_send(request, result, picture->bytes, picture->size)) {
        picture->bytes = NULL;
        return;
    }
    json_object_put(result);
    control_reply_error(request, CONTROL_FAILED, "too many screenshots are being sent");
}

/* A picture that was taken has been answered with. */
static void screenshot_taken(const struct bmc_ticket *ticket, int result)
{
    if (result < 0)
        reply_failure(ticket, result);
}

void verbs_screenshot(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    const union service_arguments screenshot = {.screenshot = {send_picture, request}};

    if (instance)
        verbs_call_then(request, SERVICE_SCREENSHOT, instance_bmc(instance), &screenshot,
                        screenshot_taken);
}

/* ---- dump ---- */

static void dump_goes_on(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    double share = (double)done_bytes / (double)total_bytes;

    control_progress(context, "%d%% of %llu MiB", (int)(share * 100),
                     (unsigned long long)(total_bytes >> 20));
}

void verbs_dump(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    const char *path = qmp_json_string(arguments, "file");
    const char *refused = path ? host_dump_path_problem(path) : "the request names no file";
    const union service_arguments dump = {.dump = {path, dump_goes_on, request}};

    if (refused) {
        control_reply_error(request, CONTROL_USAGE, "%s", refused);
        return;
    }
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    if (instance)
        verbs_call_then(request, SERVICE_DUMP, instance_bmc(instance), &dump, answer_text);
}
