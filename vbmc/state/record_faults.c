/* {"faults": [{"target": "psu/1", "kind": "ac-lost", "since": 1700000000}, ...]}, in the order of
 * injection, in the words of `vbmc inject`. */
#include <errno.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/platform/inject.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_number.h"

#define TEXT_SIZE  64
#define ERROR_SIZE 256

static struct json_object *encode_fault(const struct fault *fault)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    char target[TEXT_SIZE], kind[TEXT_SIZE];

    fault_format_target(fault, target, sizeof target);
    fault_format_kind(fault, kind, sizeof kind);
    if (!object || qmp_json_add(object, "target", json_object_new_string(target)) ||
        qmp_json_add(object, "kind", json_object_new_string(kind)) ||
        qmp_json_add(object, "since", json_object_new_int64(fault->since_s)))
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *list = json_object_new_array();
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    if (!list || !record)
        return NULL;
    for (unsigned i = 0; bmc->platform && i < platform_faults(bmc->platform)->count; i++)
        if (record_append(list, encode_fault(&platform_faults(bmc->platform)->items[i])) < 0)
            return NULL;
    if (qmp_json_add(record, "faults", cleanup_steal_pointer(&list)))
        return NULL;
    return cleanup_steal_pointer(&record);
}

static int decode_fault(struct json_object *object, struct faults *faults)
{
    const char *target = qmp_json_string(object, "target");
    const char *kind = qmp_json_string(object, "kind");
    struct json_object *since = qmp_json_member(object, "since", json_type_int);
    char error[ERROR_SIZE];
    struct fault fault;

    if (!target || !kind || !since || fault_parse(target, kind, &fault, error, sizeof error) ||
        !qmp_json_integer(since, &fault.since_s) || !fault_stays(&fault))
        return -EINVAL;
    return faults_add(faults, &fault);
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    struct json_object *list = qmp_json_member(record, "faults", json_type_array);
    struct faults faults = {0};
    int result = record && !list ? -EINVAL : 0;

    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        if (decode_fault(json_object_array_get_idx(list, i), &faults))
            result = -EINVAL;
    }
    if (bmc->platform)
        platform_restore_faults(bmc->platform, &faults);
    return result;
}

const struct record_kind record_faults = {
    .name = "faults",
    .encode = encode,
    .decode = decode,
    .is_of_guest = true,
};
