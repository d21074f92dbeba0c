#include "vbmc/verbs/sel.h"

#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/verbs/sel_text.h"
#include "vbmc/verbs/scope.h"

static void answer_cleared(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "the event log could not be cleared: %s",
                            strerror(-result));
    else
        control_reply_ok(request, NULL);
}

static void clear(struct sel *sel, struct control_request *request)
{
    const struct bmc_ticket ticket = {.done = answer_cleared, .sink = request};

    if (control_request_identity(request)->privilege < PRIVILEGE_OPERATOR)
        verbs_refuse_privilege(request, PRIVILEGE_OPERATOR);
    else
        sel_clear(sel, &ticket);
}

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
    const struct bmc *bmc = instance ? instance_bmc(instance) : NULL;
    int64_t wanted = SEL_RECORDS_MAX;

    if (!bmc)
        return;
    if (!bmc->sel) {
        control_reply_error(request, CONTROL_FAILED, "it has no event log");
        return;
    }
    if (json_object_object_get_ex(arguments, "last", &last) &&
        (!qmp_json_integer(last, &wanted) || wanted < 1)) {
        control_reply_error(request, CONTROL_USAGE, "the last how many records?");
        return;
    }
    unsigned count = sel_count(bmc->sel);
    if (flag && json_object_get_boolean(flag))
        clear(bmc->sel, request);
    else
        control_reply_ok(request, list(bmc, wanted < count ? count - (unsigned)wanted : 0));
}
