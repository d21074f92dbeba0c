#include "vbmc/base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

static void cleanup_tokener(struct json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

int qmp_json_parse(const char *text, size_t size, struct json_object **object)
{
    CLEANUP(cleanup_tokener) struct json_tokener *tokener = NULL;
    CLEANUP_JSON struct json_object *parsed = NULL;

    *object = NULL;
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t' || text[size - 1] == '\r' ||
                        text[size - 1] == '\n'))
        size--;
    if (size == 0 || size > INT_MAX)
        return -EPROTO;

    tokener = json_tokener_new_ex(QMP_JSON_DEPTH);
    if (!tokener)
        return -ENOMEM;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    parsed = json_tokener_parse_ex(tokener, text, (int)size);
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        json_tokener_get_parse_end(tokener) != size ||
        !json_object_is_type(parsed, json_type_object))
        return -EPROTO;
    *object = json_object_get(parsed);
    return 0;
}

struct json_object *qmp_json_member(struct json_object *object, const char *key,
                                    enum json_type type)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

const char *qmp_json_string(struct json_object *object, const char *key)
{
    struct json_object *member = qmp_json_member(object, key, json_type_string);

    return member ? json_object_get_string(member) : NULL;
}

bool qmp_json_integer(struct json_object *object, int64_t *value)
{
    int64_t number;

    if (!json_object_is_type(object, json_type_int))
        return false;
    number = json_object_get_int64(object);
    if (number == INT64_MAX || number == INT64_MIN)
        return false;
    *value = number;
    return true;
}

int qmp_json_add(struct json_object *object, const char *key, struct json_object *value)
{
    if (!value)
        return -ENOMEM;
    if (json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}
