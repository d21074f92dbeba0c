#include "vbmc/verbs/sel.h"

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/sel_text.h"

static struct json_object *list(const struct bmc *bmc, unsigned first)
{
    struct json_object *rows = json_object_new_array();
    uint8_t record[SEL_RECORD_SIZE];

    for (unsigned n = first; sel_record(bmc->sel, n, record) == 0; n++)
        json_object_array_add(rows, sel_text_row(bmc->sensors, record));
    return rows;
}

void verbs_sel(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct json_object *last = NULL, *flag = qmp_json_member(arguments, "clear", json_type_boolean);
    struct bmc *bmc = instance ? instance_bmc(instance) : NULL;
    int64_t wanted = SEL_RECORDS_MAX;

    if (!bmc)
        return;
    if (!bmc->sel) {
        control_reply_error(request, CONTROL_FAILED, "no event log for this BMC");
        return;
    }
    if (json_object_object_get_ex(arguments, "last", &last) &&
        (!qmp_json_integer(last, &wanted) || wanted < 1)) {
        control_reply_error(request, CONTROL_USAGE, "\"last\" must be a positive number");
        return;
    }
    unsigned count = sel_count(bmc->sel);
    if (flag && json_object_get_boolean(flag))
        verbs_call(request, SERVICE_SEL_CLEAR, bmc, NULL);
    else
        control_reply_ok(request, list(bmc, wanted < count ? count - (unsigned)wanted : 0));
}
