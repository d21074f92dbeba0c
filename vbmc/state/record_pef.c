/* {"parameters": ["0101", "0601c00110...", ...]}: of each PEF configuration parameter that is not
 * as the defaults have it, its number and the data with which it is set (IPMI 2.0, table 30-5). */
#include <errno.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"
#include "vbmc/state/record_number.h"

static int add_parameters(struct json_object *list, const struct pef *pef)
{
    uint8_t bytes[1 + PEF_PARAMETER_MAX];
    int size;

    for (unsigned n = 0; (size = pef_changed_parameter(pef, n, bytes)) >= 0; n++)
        if (size > 0 && record_append(list, record_new_hex(bytes, (size_t)size)) < 0)
            return -ENOMEM;
    return 0;
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();
    struct json_object *list = json_object_new_array();

    if (!record || !list || add_parameters(list, &bmc->pef) < 0) {
        json_object_put(list);
        return NULL;
    }
    if (qmp_json_add(record, "parameters", list) < 0)
        return NULL;
    return cleanup_steal_pointer(&record);
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    uint8_t bytes[1 + PEF_PARAMETER_MAX];
    bool is_wrong = false;

    pef_reset_parameters(&bmc->pef);
    if (!record)
        return 0;
    struct json_object *list = qmp_json_member(record, "parameters", json_type_array);
    if (!list)
        return -EINVAL;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        int size = record_read_hex(json_object_array_get_idx(list, i), bytes, sizeof bytes);
        is_wrong |= size < 0 || pef_restore_parameter(&bmc->pef, bytes, (size_t)size) < 0;
    }
    return is_wrong ? -EINVAL : 0;
}

const struct record_kind record_pef = {.name = "pef", .encode = encode, .decode = decode};
