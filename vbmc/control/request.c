#include "vbmc/control/internal.h"

#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"

#define JSON_DEPTH_MAX 16

/* What a request is about, for the log: never a password. */
static const char *request_subject(struct json_object *arguments)
{
    struct json_object *value;

    if (json_object_object_get_ex(arguments, "name", &value) &&
        json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    if (json_object_object_get_ex(arguments, "names", &value) &&
        json_object_is_type(value, json_type_array))
        return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    return "";
}

static const char *request_action(struct json_object *arguments)
{
    struct json_object *value;

    if (json_object_object_get_ex(arguments, "action", &value) &&
        json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    return "";
}

void control_request_log(const struct control_request *request, const struct client *client)
{
    const struct control_identity *identity = &client->identity;
    const char *subject = request_subject(request->arguments);
    const char *action = request_action(request->arguments);
    char pid[24] = "";

    if (identity->pid > 0)
        snprintf(pid, sizeof pid, ", pid %d", (int)identity->pid);
    log_debug("control: %s%s%s%s asks for %s%s%.400s%s%.20s", identity->account,
              identity->address[0] ? " at " : "", identity->address, pid, request->verb,
              *subject ? " " : "", subject, *action ? " " : "", action);
}

static int refuse_nul(json_object *object, int flags, json_object *parent, const char *key,
                      size_t *index, void *context)
{
    (void)parent, (void)key, (void)index;
    if (flags == JSON_C_VISIT_SECOND || !json_object_is_type(object, json_type_string))
        return JSON_C_VISIT_RETURN_CONTINUE;
    if (memchr(json_object_get_string(object), '\0', (size_t)json_object_get_string_len(object)) ==
        NULL)
        return JSON_C_VISIT_RETURN_CONTINUE;
    *(bool *)context = true;
    return JSON_C_VISIT_RETURN_STOP;
}

static struct json_object *parse_json(const char *line, size_t length)
{
    struct json_tokener *tokener;

    if (memchr(line, '\0', length)) /* where json-c would take the line to end */
        return NULL;
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, line, (int)length);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

static bool verb_valid(struct json_object *verb)
{
    if (!json_object_is_type(verb, json_type_string))
        return false;
    const char *text = json_object_get_string(verb);
    size_t length = (size_t)json_object_get_string_len(verb);
    return length > 0 && length < CONTROL_VERB_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz-") == length;
}

struct control_request *control_request_parse(const char *line, size_t length, const char **reason)
{
    struct json_object *verb, *arguments = NULL;
    bool has_nul = false;
    struct json_object *object = parse_json(line, length);
    struct control_request *request = NULL;

    if (!json_object_is_type(object, json_type_object))
        *reason = "a request is one JSON object on one line";
    else if (!json_object_object_get_ex(object, "verb", &verb) || !verb_valid(verb))
        *reason = "a request needs a \"verb\" of lower case letters";
    else if (json_object_object_get_ex(object, "arguments", &arguments) &&
             !json_object_is_type(arguments, json_type_object))
        *reason = "\"arguments\" is a JSON object";
    else if (json_c_visit(object, 0, refuse_nul, &has_nul) < 0 || has_nul)
        *reason = "a string holds a NUL character";
    else if (!(request = calloc(1, sizeof *request)))
        *reason = "out of memory";
    if (request) {
        snprintf(request->verb, sizeof request->verb, "%s", json_object_get_string(verb));
        request->takes_parts = json_object_get_boolean(json_object_object_get(object, "parts"));
        request->arguments = arguments ? json_object_get(arguments) : json_object_new_object();
    }
    json_object_put(object);
    return request;
}
