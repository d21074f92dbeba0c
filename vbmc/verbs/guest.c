#include "vbmc/verbs/guest.h"

#include <errno.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/control/sending.h"
#include "vbmc/host/host.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/scope.h"

/* The domain of the BMC that the request names, for that operation; NULL after an error was
 * answered. */
static struct virt_domain *named_domain(const struct verbs *verbs, struct json_object *arguments,
                                        struct control_request *request,
                                        enum service_operation operation,
                                        const union service_arguments *what)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct virt_domain *domain = instance ? instance_domain(instance) : NULL;

    if (instance && !domain)
        verbs_refuse(request, operation, -EHOSTUNREACH, NULL);
    return domain && verbs_admit(request, operation, instance_bmc(instance), what) ? domain : NULL;
}

/* A screen or a port that is missing is not found in the guest; the domain itself was. */
static void reply_failure(struct control_request *request, enum service_operation operation,
                          int result, const char *text)
{
    char words[SERVICE_TEXT_SIZE];

    control_reply_error(request, result == -EEXIST ? CONTROL_EXISTS : CONTROL_FAILED, "%s",
                        text ? text : service_explain(operation, result, words));
}

/* {"text": text} */
static struct json_object *text_result(const char *text)
{
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "text", json_object_new_string(text ? text : ""));
    return result;
}

/* ---- add-serial ---- */

static void serial_added(void *context, int result, const char *text)
{
    if (result < 0)
        reply_failure(context, SERVICE_ADD_SERIAL, result, text);
    else
        control_reply_ok(context, text_result(text));
}

void verbs_add_serial(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct virt_domain *domain = named_domain(verbs, arguments, request, SERVICE_ADD_SERIAL, NULL);

    if (domain)
        hypervisor_add_serial(domain, serial_added, request);
}

/* ---- screenshot ---- */

static void send_picture(struct control_request *request, struct host_picture *picture)
{
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

static void screenshot_taken(void *context, int result, struct host_picture *picture,
                             const char *text)
{
    if (result < 0)
        reply_failure(context, SERVICE_SCREENSHOT, result, text);
    else
        send_picture(context, picture);
}

void verbs_screenshot(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    struct virt_domain *domain = named_domain(verbs, arguments, request, SERVICE_SCREENSHOT, NULL);

    if (domain)
        host_screenshot(virt_domain_host(domain), screenshot_taken, request);
}

/* ---- dump ---- */

static void dump_goes_on(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    double share = (double)done_bytes / (double)total_bytes;

    control_progress(context, "%d%% of %llu MiB", (int)(share * 100),
                     (unsigned long long)(total_bytes >> 20));
}

static void dump_done(void *context, int result, const char *text)
{
    if (result < 0)
        reply_failure(context, SERVICE_DUMP, result, text);
    else
        control_reply_ok(context, text_result(text));
}

void verbs_dump(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    const char *path = qmp_json_string(arguments, "file");
    const char *refused = path ? host_dump_path_problem(path) : "the request names no file";

    if (refused) {
        control_reply_error(request, CONTROL_USAGE, "%s", refused);
        return;
    }
    struct virt_domain *domain = named_domain(verbs, arguments, request, SERVICE_DUMP,
                                              &(union service_arguments){.path = path});
    if (domain)
        host_dump(virt_domain_host(domain), path, dump_goes_on, dump_done, request);
}
