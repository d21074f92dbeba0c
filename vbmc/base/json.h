/* Reading JSON that a server sent. json-c's getters convert between types (a string "1" reads as
 * the integer 1, an object as its text); these never do: a member that is missing or of another
 * type reads as absent. */
#ifndef VBMC_BASE_JSON_H
#define VBMC_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/cleanup.h"

struct json_object;

/* Deepest nesting taken from a server. */
#define QMP_JSON_DEPTH 32

static inline void cleanup_json_object(struct json_object **object)
{
    json_object_put(*object);
}

/* Drops the reference when the variable goes out of scope. */
#define CLEANUP_JSON CLEANUP(cleanup_json_object)

/* Parses `size` bytes that must be exactly one JSON object, UTF-8, white space around it allowed.
 * *object becomes the caller's. 0; -EPROTO if it is anything else; -ENOMEM. */
int qmp_json_parse(const char *text, size_t size, struct json_object **object);

/* The member `key` of that type, borrowed; NULL if there is none, or `object` is no object. */
struct json_object *qmp_json_member(struct json_object *object, const char *key,
                                    enum json_type type);
/* The same for a string: its text, borrowed from the object. */
const char *qmp_json_string(struct json_object *object, const char *key);
/* Reads an integer value. False if it is none, or one that does not fit: json-c clamps those to the
 * two extremes of int64_t, which are refused for that reason. */
bool qmp_json_integer(struct json_object *object, int64_t *value);

/* Adds a member, taking ownership of `value` in any case. 0; -ENOMEM, also if `value` is NULL, so
 * that the result of a json_object_new_*() can be passed unchecked. */
int qmp_json_add(struct json_object *object, const char *key, struct json_object *value);

#endif
