#include "vbmc/state/record_number.h"

#include <errno.h>

#include "vbmc/base/json.h"

int record_add_number(struct json_object *object, const char *key, int64_t value)
{
    return qmp_json_add(object, key, json_object_new_int64(value));
}

int record_append(struct json_object *array, struct json_object *item)
{
    if (array && item && json_object_array_add(array, item) == 0)
        return 0;
    json_object_put(item);
    return -ENOMEM;
}

bool record_read_number(struct json_object *object, const char *key, int64_t least, int64_t most,
                        int64_t *number)
{
    struct json_object *value;
    int64_t found;

    if (!json_object_object_get_ex(object, key, &value) || !qmp_json_integer(value, &found) ||
        found < least || found > most)
        return false;
    *number = found;
    return true;
}
