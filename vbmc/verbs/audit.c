#include "vbmc/verbs/audit.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "vbmc/base/audit.h"
#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/view.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"

#define LAST_DEFAULT 100

static void on_listed(void *context, int result, const struct audit_record *records, size_t count)
{
    struct control_request *request = context;

    if (result < 0) {
        control_reply_error(request, CONTROL_FAILED, "the audit trail cannot be read: %s",
                            strerror(-result));
        return;
    }
    struct json_object *rows = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(rows, audit_json(&records[i]));
    control_reply_ok(request, rows);
}

/* Which BMC it is about: the one that exists for the account, the named one, or all. False after an
 * error was answered. */
static bool set_bmc(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request, struct audit_query *query)
{
    const char *name = verbs_text_argument(arguments, "name");
    const struct uuid *only = verbs_only_bmc_of(request);

    if (name && !only && uuid_parse(name, &query->uuid) == 0) {
        query->has_bmc = true;
        return true;
    }
    if (name) {
        struct instance *instance = verbs_named_instance(verbs, arguments, request);
        query->has_bmc = instance != NULL;
        if (instance)
            query->uuid = *instance_view(instance).uuid;
        return query->has_bmc;
    }
    query->has_bmc = only != NULL;
    if (only)
        query->uuid = *only;
    return true;
}

/* An integer of at least `least`; where it is not given, the value stays. */
static bool read_number(struct json_object *arguments, const char *name, int64_t least,
                        int64_t *value)
{
    struct json_object *number = NULL;

    return !json_object_object_get_ex(arguments, name, &number) ||
           (qmp_json_integer(number, value) && *value >= least);
}

void verbs_audit(const struct verbs *verbs, struct json_object *arguments,
                 struct control_request *request)
{
    struct audit_query query = {0};
    int64_t last = LAST_DEFAULT, since_s = 0;

    if (!read_number(arguments, "last", 1, &last) || last > AUDIT_LIST_MAX) {
        control_reply_error(request, CONTROL_USAGE, "\"last\" must be a number from 1 to %d",
                            AUDIT_LIST_MAX);
        return;
    }
    if (!read_number(arguments, "since", 0, &since_s) || since_s > INT64_MAX / 1000) {
        control_reply_error(request, CONTROL_USAGE, "\"since\" must be seconds since 1970");
        return;
    }
    if (!set_bmc(verbs, arguments, request, &query))
        return;
    query.last = (unsigned)last;
    query.since_ms = since_s * 1000;
    fleet_list_audit(verbs->fleet, &query, on_listed, request);
}
