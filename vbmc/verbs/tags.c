#include "vbmc/verbs/tags.h"

#include <json-c/json.h>

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/control/control.h"
#include "vbmc/host/metadata.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/virt/hypervisor.h"

static const struct host_metadata *metadata_of(struct instance *instance)
{
    struct virt_domain *domain = instance_domain(instance);

    return domain ? virt_domain_metadata(domain) : NULL;
}

struct json_object *verbs_tags_of(struct instance *instance)
{
    const struct host_metadata *metadata = metadata_of(instance);
    struct json_object *tags = json_object_new_object();

    for (size_t i = 0; metadata && i < metadata->tag_count; i++)
        verbs_add_text(tags, metadata->tags[i].key, metadata->tags[i].value);
    return tags;
}

bool verbs_has_tags(struct instance *instance)
{
    const struct host_metadata *metadata = metadata_of(instance);

    return metadata && metadata->tag_count > 0;
}

static void list_tags(struct instance *instance, struct control_request *request)
{
    const struct host_metadata *metadata = metadata_of(instance);
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; metadata && i < metadata->tag_count; i++) {
        struct json_object *row = json_object_new_object();
        verbs_add_text(row, "key", metadata->tags[i].key);
        verbs_add_text(row, "value", metadata->tags[i].value);
        json_object_array_add(list, row);
    }
    control_reply_ok(request, list);
}

/* ---- changes ---- */

struct changes {
    struct host_tag tags[HOST_TAGS_MAX]; /* texts of the request */
    size_t count;
    const char *problem; /* NULL: none */
};

static void add_change(struct changes *changes, const char *key, const char *value)
{
    if (!changes->problem)
        changes->problem = host_tag_key_problem(key);
    if (!changes->problem && value)
        changes->problem = host_tag_value_problem(value);
    if (!changes->problem && changes->count == ARRAY_SIZE(changes->tags))
        changes->problem = "at most 64 tags are changed at once";
    if (!changes->problem)
        changes->tags[changes->count++] = (struct host_tag){(char *)key, (char *)value};
}

static void read_changes(struct changes *changes, struct json_object *set,
                         struct json_object *removed)
{
    for (size_t i = 0; removed && i < json_object_array_length(removed); i++) {
        struct json_object *key = json_object_array_get_idx(removed, i);
        if (json_object_is_type(key, json_type_string))
            add_change(changes, json_object_get_string(key), NULL);
        else
            changes->problem = "what is removed is a list of keys";
    }
    if (!set)
        return;
    json_object_object_foreach(set, key, value)
    {
        if (json_object_is_type(value, json_type_string))
            add_change(changes, key, json_object_get_string(value));
        else
            changes->problem = "the value of a tag is a text";
    }
}

void verbs_tag(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    struct json_object *set = qmp_json_member(arguments, "set", json_type_object);
    struct json_object *removed = qmp_json_member(arguments, "remove", json_type_array);
    struct instance *instance = verbs_named_instance(verbs, arguments, request);
    struct changes changes = {0};

    if (!instance)
        return;
    read_changes(&changes, set, removed);
    if (changes.problem)
        control_reply_error(request, CONTROL_USAGE, "%s", changes.problem);
    else if (changes.count)
        verbs_call(request, SERVICE_TAG, instance_bmc(instance),
                   &(union service_arguments){.tags = {changes.tags, changes.count}});
    else
        list_tags(instance, request);
}
