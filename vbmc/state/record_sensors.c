/* {"slots": [{"number": 128, "key": "vda"}],
 *  "settings": [{"number": 1, "thresholds": "8580...", "hysteresis": "0101", "events": true,
 *                "scanning": true, "assertions": 2709, "deassertions": 2709}],
 *  "repository": {"added": 1700000000, "erased": 0, "digest": "8 bytes", "records": 52}}:
 * which bay a disk or a NIC has, what clients changed, and when the SDR repository did so. */
#include <errno.h>
#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"
#include "vbmc/state/record_number.h"

/* ---- writing ---- */

static struct json_object *encode_slot(const struct sensors_slot *slot)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();

    if (!object || record_add_number(object, "number", slot->number) < 0 ||
        qmp_json_add(object, "key", json_object_new_string(slot->key)) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode_settings(const struct sensor_settings *settings)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    const uint8_t hysteresis[] = {settings->positive_hysteresis, settings->negative_hysteresis};

    if (!object || record_add_number(object, "number", settings->number) < 0 ||
        record_add_hex(object, "thresholds", settings->thresholds, sizeof settings->thresholds) <
            0 ||
        record_add_hex(object, "hysteresis", hysteresis, sizeof hysteresis) < 0 ||
        qmp_json_add(object, "events", json_object_new_boolean(settings->events_on)) < 0 ||
        qmp_json_add(object, "scanning", json_object_new_boolean(settings->scanning_on)) < 0 ||
        record_add_number(object, "assertions", settings->assertion_enables) < 0 ||
        record_add_number(object, "deassertions", settings->deassertion_enables) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode_slots(const struct sensors *sensors)
{
    CLEANUP_JSON struct json_object *array = json_object_new_array();
    struct sensors_slot slot;

    for (unsigned n = 0; array && sensors_slot(sensors, n, &slot) == 0; n++)
        if (record_append(array, encode_slot(&slot)) < 0)
            return NULL;
    return cleanup_steal_pointer(&array);
}

static struct json_object *encode_all_settings(const struct sensors *sensors)
{
    CLEANUP_JSON struct json_object *array = json_object_new_array();
    struct sensor_settings settings;

    for (unsigned n = 0; array && sensors_changed_settings(sensors, n, &settings) == 0; n++)
        if (record_append(array, encode_settings(&settings)) < 0)
            return NULL;
    return cleanup_steal_pointer(&array);
}

static struct json_object *encode_repository(const struct sdr_repository *repository)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();
    uint8_t digest[sizeof repository->digest];
    struct wire_out out = wire_out_init(digest, sizeof digest);

    wire_put_u32(&out, (uint32_t)repository->digest);
    wire_put_u32(&out, (uint32_t)(repository->digest >> 32));
    if (!object || record_add_number(object, "added", repository->addition_time) < 0 ||
        record_add_number(object, "erased", repository->erase_time) < 0 ||
        record_add_hex(object, "digest", digest, sizeof digest) < 0 ||
        record_add_number(object, "records", repository->count) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    if (!record)
        return NULL;
    if (bmc->sensors && (qmp_json_add(record, "slots", encode_slots(bmc->sensors)) < 0 ||
                         qmp_json_add(record, "settings", encode_all_settings(bmc->sensors)) < 0))
        return NULL;
    if (qmp_json_add(record, "repository", encode_repository(&bmc->sdr)) < 0)
        return NULL;
    return cleanup_steal_pointer(&record);
}

/* ---- reading ---- */

static int read_bytes(struct json_object *object, const char *key, uint8_t *bytes, size_t size)
{
    struct json_object *text = qmp_json_member(object, key, json_type_string);

    return text && record_read_hex(text, bytes, size) == (int)size ? 0 : -EINVAL;
}

static int read_flag(struct json_object *object, const char *key, bool *flag)
{
    struct json_object *value = qmp_json_member(object, key, json_type_boolean);

    if (value)
        *flag = json_object_get_boolean(value);
    return value ? 0 : -EINVAL;
}

static int decode_slot(struct sensors *sensors, struct json_object *object)
{
    const char *key = qmp_json_string(object, "key");
    struct sensors_slot slot = {0};
    int64_t number;

    if (!key || !record_read_number(object, "number", 0, UINT8_MAX, &number))
        return -EINVAL;
    for (size_t i = 0; key[i]; i++) {
        if (i + 1 >= sizeof slot.key)
            return -EINVAL;
        slot.key[i] = key[i];
    }
    slot.number = (uint8_t)number;
    return sensors_restore_slot(sensors, &slot);
}

static int decode_settings(struct sensors *sensors, struct json_object *object)
{
    struct sensor_settings settings = {0};
    int64_t number, assertions, deassertions;
    uint8_t hysteresis[2];

    if (!record_read_number(object, "number", 0, UINT8_MAX, &number) ||
        !record_read_number(object, "assertions", 0, UINT16_MAX, &assertions) ||
        !record_read_number(object, "deassertions", 0, UINT16_MAX, &deassertions) ||
        read_bytes(object, "thresholds", settings.thresholds, sizeof settings.thresholds) < 0 ||
        read_bytes(object, "hysteresis", hysteresis, sizeof hysteresis) < 0 ||
        read_flag(object, "events", &settings.events_on) < 0 ||
        read_flag(object, "scanning", &settings.scanning_on) < 0)
        return -EINVAL;
    settings.number = (uint8_t)number;
    settings.positive_hysteresis = hysteresis[0];
    settings.negative_hysteresis = hysteresis[1];
    settings.assertion_enables = (uint16_t)assertions;
    settings.deassertion_enables = (uint16_t)deassertions;
    return sensors_restore_settings(sensors, &settings);
}

static int decode_repository(struct sdr_repository *repository, struct json_object *object)
{
    int64_t added, erased, records;
    uint8_t digest[sizeof repository->digest];

    if (!record_read_number(object, "added", 0, UINT32_MAX, &added) ||
        !record_read_number(object, "erased", 0, UINT32_MAX, &erased) ||
        !record_read_number(object, "records", 0, UINT16_MAX, &records) ||
        read_bytes(object, "digest", digest, sizeof digest) < 0)
        return -EINVAL;
    struct wire_in in = wire_in_init(digest, sizeof digest);
    repository->digest = wire_u32(&in);
    repository->digest |= (uint64_t)wire_u32(&in) << 32;
    repository->addition_time = (uint32_t)added;
    repository->erase_time = (uint32_t)erased;
    repository->count = (uint16_t)records;
    return 0;
}

static bool decode_each(struct bmc *bmc, struct json_object *array,
                        int (*decode_one)(struct sensors *sensors, struct json_object *object))
{
    bool is_wrong = false;

    for (size_t i = 0; array && i < json_object_array_length(array); i++)
        is_wrong |= decode_one(bmc->sensors, json_object_array_get_idx(array, i)) < 0;
    return is_wrong;
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    struct json_object *slots = qmp_json_member(record, "slots", json_type_array);
    struct json_object *settings = qmp_json_member(record, "settings", json_type_array);
    struct json_object *repository = qmp_json_member(record, "repository", json_type_object);

    if (!bmc->sensors)
        return 0;
    sensors_forget_settings(bmc->sensors);
    if (!record)
        return 0;
    bool is_wrong = decode_each(bmc, slots, decode_slot);
    is_wrong |= decode_each(bmc, settings, decode_settings);
    is_wrong |= !repository || decode_repository(&bmc->sdr, repository) < 0;
    return is_wrong ? -EINVAL : 0;
}

const struct record_kind record_sensors = {.name = "sensors", .encode = encode, .decode = decode};
