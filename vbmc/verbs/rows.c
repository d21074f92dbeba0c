#include "vbmc/verbs/rows.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/uuid.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/view.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"

#define PART_ROWS 128 /* about a millisecond of work */

/* An answer that is being made. The BMCs are known by their UUIDs: some may go in between. */
struct answer {
    const struct verbs *verbs;
    struct json_object *arguments;
    struct control_request *request;
    verbs_fill_row_fn *fill;
    size_t next, count;
    struct listed {
        struct uuid uuid;
        bool has_plain_name;
    } bmcs[];
};

static struct answer *new_answer(const struct verbs *verbs, struct control_request *request)
{
    size_t count;
    CLEANUP_FREE struct instance **instances = verbs_visible_instances(verbs, request, &count);
    struct answer *answer =
        instances ? calloc(1, sizeof *answer + count * sizeof answer->bmcs[0]) : NULL;

    if (!answer)
        return NULL;
    answer->count = count;
    for (size_t i = 0; i < count; i++) {
        answer->bmcs[i].uuid = *instance_view(instances[i]).uuid;
        answer->bmcs[i].has_plain_name = verbs_has_plain_name(instances, count, i);
    }
    return answer;
}

static void add_row(const struct answer *answer, const struct listed *listed,
                    struct json_object *rows)
{
    struct instance *instance = bmcset_find_uuid(fleet_bmcs(answer->verbs->fleet), &listed->uuid);

    if (!instance || !verbs_may_see(answer->request, instance))
        return;
    struct json_object *row = json_object_new_object();
    verbs_add_name(answer->verbs, answer->request, instance, listed->has_plain_name, row);
    answer->fill(answer->verbs, answer->arguments, answer->request, instance, row);
    json_object_array_add(rows, row);
}

static struct json_object *make_rows(struct answer *answer, size_t most)
{
    struct json_object *rows = json_object_new_array();

    for (size_t i = 0; i < most && answer->next < answer->count; i++)
        add_row(answer, &answer->bmcs[answer->next++], rows);
    return rows;
}

static void finish(struct answer *answer, struct json_object *rows)
{
    control_reply_ok(answer->request, rows);
    free(answer);
}

static void fail(struct answer *answer)
{
    control_reply_error(answer->request, CONTROL_FAILED, "the answer cannot be sent");
    free(answer);
}

static void go_on(void *context, bool is_gone)
{
    struct answer *answer = context;
    struct json_object *rows = is_gone ? NULL : make_rows(answer, PART_ROWS);

    if (is_gone || answer->next == answer->count)
        finish(answer, rows);
    else if (!control_reply_part(answer->request, rows, go_on, answer))
        fail(answer);
}

void verbs_answer_rows(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request, verbs_fill_row_fn *fill)
{
    struct answer *answer = new_answer(verbs, request);

    if (!answer) {
        control_reply_error(request, CONTROL_FAILED, "out of memory");
        return;
    }
    answer->verbs = verbs;
    answer->arguments = arguments;
    answer->request = request;
    answer->fill = fill;
    if (control_request_takes_parts(request))
        go_on(answer, false);
    else
        finish(answer, make_rows(answer, answer->count));
}
