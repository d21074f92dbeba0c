#include "vbmc/cli/members.h"

#include <json-c/json.h>
#include <stddef.h>

struct json_object *cli_member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &value);
    return value;
}

const char *cli_member_text(struct json_object *object, const char *key)
{
    struct json_object *value = cli_member(object, key);

    return value ? json_object_get_string(value) : "";
}

void cli_add_text(struct json_object *object, const char *key, const char *text)
{
    if (text)
        json_object_object_add(object, key, json_object_new_string(text));
}
