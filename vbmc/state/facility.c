#include "vbmc/state/facility.h"

#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/json.h"
#include "vbmc/base/log.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/supply.h"
#include "vbmc/store/document.h"

#define RECORD "facility"

static const struct uuid no_domain; /* it is of none */

#define AT(member) offsetof(struct facility, member)

static const struct {
    const char *key;
    size_t offset; /* of the bool */
} flags[] = {
    {"utility_lost", AT(utility_lost)},
    {"generator_failed", AT(generator_failed)},
    {"crac_failed", AT(crac_failed)},
};

static const struct {
    const char *key;
    size_t offset; /* of the double */
    double least, most;
} numbers[] = {
    {"battery", AT(battery), 0, 1},
    {"inlet_c", AT(inlet_c), -40, 100},
    {"generator_s", AT(generator_s), 0, 86400},
};

static const void *member_of(const struct facility *facility, size_t offset)
{
    return (const char *)facility + offset;
}

struct json_object *facility_state_encode(const struct facility *facility)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();
    struct json_object *feeds = record ? json_object_new_array() : NULL;
    int result = 0;

    if (!feeds)
        return NULL;
    for (unsigned i = 0; i < SUPPLY_FEEDS_MAX; i++) {
        char letter = (char)('A' + i);
        if (facility->feeds_down >> i & 1)
            result |= json_object_array_add(feeds, json_object_new_string_len(&letter, 1));
    }
    result |= qmp_json_add(record, "feeds_down", feeds);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        const bool *flag = member_of(facility, flags[i].offset);
        result |= qmp_json_add(record, flags[i].key, json_object_new_boolean(*flag));
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        const double *number = member_of(facility, numbers[i].offset);
        result |= qmp_json_add(record, numbers[i].key, json_object_new_double(*number));
    }
    return result ? NULL : cleanup_steal_pointer(&record);
}

static int decode_feeds(struct facility *facility, struct json_object *record)
{
    struct json_object *feeds = qmp_json_member(record, "feeds_down", json_type_array);
    int result = feeds ? 0 : -EINVAL;

    for (size_t i = 0; feeds && i < json_object_array_length(feeds); i++) {
        struct json_object *feed = json_object_array_get_idx(feeds, i);
        const char *text =
            json_object_is_type(feed, json_type_string) ? json_object_get_string(feed) : "";
        unsigned number = (unsigned)(text[0] - 'A');
        if (text[0] < 'A' || text[1] || number >= SUPPLY_FEEDS_MAX)
            result = -EINVAL;
        else
            facility->feeds_down |= (uint8_t)(1u << number);
    }
    return result;
}

/* A real number, also where it was written without a point. */
static int decode_number(struct json_object *record, const char *key, double least, double most,
                         double *number)
{
    struct json_object *member = qmp_json_member(record, key, json_type_double);

    if (!member)
        member = qmp_json_member(record, key, json_type_int);
    if (!member)
        return -EINVAL;
    double value = json_object_get_double(member);
    if (!(value >= least && value <= most))
        return -EINVAL;
    *number = value;
    return 0;
}

int facility_state_decode(struct facility *facility, struct json_object *record)
{
    int result = 0;

    facility_clear(facility);
    if (!record)
        return 0;
    if (decode_feeds(facility, record))
        result = -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        struct json_object *flag = qmp_json_member(record, flags[i].key, json_type_boolean);
        bool *target = (void *)((char *)facility + flags[i].offset);
        if (flag)
            *target = json_object_get_boolean(flag);
        else
            result = -EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        double *target = (void *)((char *)facility + numbers[i].offset);
        if (decode_number(record, numbers[i].key, numbers[i].least, numbers[i].most, target))
            result = -EINVAL;
    }
    return result;
}

/* ---- the store ---- */

int facility_state_load(struct facility *facility, struct saves_part *saved, struct store *store)
{
    CLEANUP_FREE char *text = NULL;
    int result = store_document_load(store, &no_domain, RECORD, &text);

    if (result < 0)
        return result;
    struct json_object *json = text ? json_tokener_parse(text) : NULL;
    if (facility_state_decode(facility, json) < 0 || (text && !json))
        log_warning("the stored facility is partly corrupt; ignoring the bad entries");
    saves_set_stored(saved, json);
    return 0;
}

static void *copy(void *owner)
{
    return facility_state_encode(owner);
}

static void release(void *json)
{
    json_object_put(json);
}

static int put(struct store *store, void *owner, const void *json, store_done_fn done,
               void *context)
{
    (void)owner;
    return store_document_put(
        store, &no_domain, RECORD,
        json_object_to_json_string_ext((struct json_object *)json, JSON_C_TO_STRING_PLAIN), done,
        context);
}

static bool take_back(void *owner, const void *json, bool asked)
{
    (void)asked; /* it starts with the daemon alone */
    facility_state_decode(owner, (struct json_object *)json);
    return true;
}

const struct save_kind facility_save_kind = {"state", copy, release, put, take_back};
