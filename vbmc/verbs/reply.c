#include "vbmc/verbs/reply.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/json.h"

const char *verbs_text_argument(struct json_object *arguments, const char *name)
{
    return qmp_json_string(arguments, name);
}

bool verbs_flag_argument(struct json_object *arguments, const char *name)
{
    struct json_object *flag = qmp_json_member(arguments, name, json_type_boolean);

    return flag && json_object_get_boolean(flag);
}

void verbs_add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

static const char *const state_names[] = {
    [HOST_POWER_UNKNOWN] = "unknown",
    [HOST_POWER_OFF] = "off",
    [HOST_POWER_RUNNING] = "on",
    [HOST_POWER_PAUSED] = "on (paused)",
    [HOST_POWER_SUSPENDED] = "on (suspended)",
    [HOST_POWER_CRASHED] = "on (crashed)",
};

const char *verbs_state_name(enum host_power_state state)
{
    return state_names[state];
}

enum control_code verbs_code_of_result(int result)
{
    switch (result) {
    case -EEXIST:
        return CONTROL_EXISTS;
    case -ENOENT:
    case -ENOTUNIQ:
        return CONTROL_NOT_FOUND;
    case -EDOM:
        return CONTROL_USAGE;
    default:
        return CONTROL_FAILED;
    }
}

void verbs_answer_done(void *context, int result, const char *text)
{
    struct control_request *request = context;

    if (result < 0)
        control_reply_error(request, verbs_code_of_result(result), "%s",
                            text ? text : strerror(-result));
    else
        control_reply_ok(request, NULL);
}
