#include <json-c/json_pointer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vectors.h"

struct json_object *vectors_load(void)
{
    const char *path = getenv("VBMC_VECTORS");
    struct json_object *root = json_object_from_file(path ? path : "tests/unit/vectors.json");

    if (!root)
        fail_msg("vectors: %s", json_util_get_last_err());
    return root;
}

struct json_object *vectors_at(struct json_object *from, const char *pointer)
{
    struct json_object *found = NULL;

    if (json_pointer_get(from, pointer, &found) != 0 || !found)
        fail_msg("vectors: nothing at %s", pointer);
    return found;
}

struct json_object *vectors_item(struct json_object *from, const char *pointer, size_t n)
{
    struct json_object *found = json_object_array_get_idx(vectors_at(from, pointer), n);

    assert_non_null(found);
    return found;
}

size_t vectors_count(struct json_object *from, const char *pointer)
{
    return json_object_array_length(vectors_at(from, pointer));
}

const char *vectors_text(struct json_object *from, const char *pointer)
{
    return json_object_get_string(vectors_at(from, pointer));
}

int vectors_number(struct json_object *from, const char *pointer)
{
    return json_object_get_int(vectors_at(from, pointer));
}

size_t vectors_bytes(struct json_object *from, const char *pointer, uint8_t *bytes, size_t size)
{
    const char *text = vectors_text(from, pointer);
    size_t length = strlen(text) / 2;

    assert_true(strlen(text) % 2 == 0 && length <= size);
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
        bytes[i] = (uint8_t)value;
    }
    return length;
}
