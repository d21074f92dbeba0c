#include "vbmc/verbs/fru.h"

#include <json-c/json.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/fru_fields.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/scope.h"

static void add_field(void *context, const struct fru_device *device, const char *area,
                      const char *field, const char *text)
{
    struct json_object *row = json_object_new_object();

    json_object_object_add(row, "id", json_object_new_int(device->id));
    json_object_object_add(row, "device", json_object_new_string(device->name));
    json_object_object_add(row, "area", json_object_new_string(area));
    json_object_object_add(row, "field", json_object_new_string(field));
    json_object_object_add(row, "value", json_object_new_string(text));
    json_object_array_add(context, row);
}

void verbs_fru(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    struct json_object *tag = qmp_json_member(arguments, "asset_tag", json_type_string);
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct bmc *bmc = instance ? instance_bmc(instance) : NULL;

    if (!bmc)
        return;
    if (!bmc->fru) {
        control_reply_error(request, CONTROL_FAILED, "no FRU inventory for this BMC");
        return;
    }
    if (tag) {
        const char *text = json_object_get_string(tag);
        if (!verbs_permit(request, SERVICE_ASSET_TAG))
            return;
        if (strlen(text) != (size_t)json_object_get_string_len(tag))
            control_reply_error(request, CONTROL_USAGE, "the asset tag contains a zero byte");
        else
            verbs_call(request, SERVICE_ASSET_TAG, bmc,
                       &(union service_arguments){
                           .asset_tag = {.bytes = (const uint8_t *)text, .is_text = true}});
        return;
    }
    struct json_object *rows = json_object_new_array();
    fru_fields(bmc->fru, add_field, rows);
    control_reply_ok(request, rows);
}
