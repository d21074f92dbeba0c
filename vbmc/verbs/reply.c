#include "vbmc/verbs/reply.h"

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

void verbs_put(struct json_object *object, const char *key, struct json_object *value)
{
    json_object_object_add_ex(object, key, value,
                              JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

void verbs_put_text(struct json_object *object, const char *key, const char *text)
{
    verbs_put(object, key, text ? json_object_new_string(text) : NULL);
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
