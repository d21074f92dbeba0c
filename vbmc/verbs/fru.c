#include "vbmc/verbs/fru.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/fru_fields.h"
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

static void answer_saved(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "it could not be stored: %s",
                            strerror(-result));
    else
        control_reply_ok(request, NULL);
}

static void set_asset_tag(struct bmc *bmc, const char *tag, struct control_request *request)
{
    const struct bmc_ticket ticket = {.done = answer_saved, .sink = request};

    switch (fru_set_asset_tag_text(bmc->fru, tag)) {
    case 0:
        bmc->hooks->changed(bmc, BMC_PART_FRU, &ticket);
        break;
    case -ENOSPC:
        control_reply_error(request, CONTROL_FAILED,
                            "the FRU that a client wrote has no room for it");
        break;
    default:
        control_reply_error(request, CONTROL_USAGE,
                            "an asset tag is printable text of at most %d bytes (%d of UTF-8)",
                            FRU_ASSET_TAG_MAX, FRU_ASSET_TAG_MAX - 3);
    }
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
        control_reply_error(request, CONTROL_FAILED, "it has no FRU inventory");
        return;
    }
    if (tag) {
        if (control_request_identity(request)->privilege < PRIVILEGE_OPERATOR)
            verbs_refuse_privilege(request, PRIVILEGE_OPERATOR);
        else if (strlen(json_object_get_string(tag)) != (size_t)json_object_get_string_len(tag))
            control_reply_error(request, CONTROL_USAGE, "the asset tag has a zero byte");
        else
            set_asset_tag(bmc, json_object_get_string(tag), request);
        return;
    }
    struct json_object *rows = json_object_new_array();
    fru_fields(bmc->fru, add_field, rows);
    control_reply_ok(request, rows);
}
