/* {"system-name": {"encoding": 0, "text": "6e616d65"}, ...}: of those that were set, with their
 * text in hexadecimal. */
#include <errno.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/system_info.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"

static const char *const keys[SYSTEM_INFO_COUNT] = {
    [SYSTEM_INFO_FIRMWARE_VERSION] = "firmware-version", [SYSTEM_INFO_SYSTEM_NAME] = "system-name",
    [SYSTEM_INFO_PRIMARY_OS_NAME] = "primary-os-name",   [SYSTEM_INFO_BMC_URL] = "bmc-url",
    [SYSTEM_INFO_HYPERVISOR_URL] = "hypervisor-url",
};

static struct json_object *encode_text(const struct system_info_text *text)
{
    CLEANUP_JSON struct json_object *object = json_object_new_object();

    if (!object || qmp_json_add(object, "encoding", json_object_new_int64(text->encoding)) < 0 ||
        record_add_hex(object, "text", text->bytes, text->length) < 0)
        return NULL;
    return cleanup_steal_pointer(&object);
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    for (unsigned i = 0; record && i < SYSTEM_INFO_COUNT; i++) {
        const struct system_info_text *text = bmc->system_info.texts[i];
        if (text && keys[i] && qmp_json_add(record, keys[i], encode_text(text)) < 0)
            return NULL;
    }
    return cleanup_steal_pointer(&record);
}

static int decode_text(struct json_object *object, struct system_info_text *text)
{
    struct json_object *encoding = qmp_json_member(object, "encoding", json_type_int);
    struct json_object *bytes = qmp_json_member(object, "text", json_type_string);
    int64_t value;
    int length = bytes ? record_read_hex(bytes, text->bytes, SYSTEM_INFO_TEXT_MAX) : -EINVAL;

    if (length < 0 || !encoding || !qmp_json_integer(encoding, &value) || value < 0 ||
        value > SYSTEM_INFO_UCS2)
        return -EINVAL;
    text->encoding = (uint8_t)value;
    text->length = (uint8_t)length;
    return 0;
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    bool is_wrong = false;

    for (unsigned i = 0; i < SYSTEM_INFO_COUNT; i++) {
        struct json_object *value = NULL;
        struct system_info_text text = {0};
        if (!keys[i])
            continue;
        bool is_there = record && json_object_object_get_ex(record, keys[i], &value);
        bool is_good = is_there && decode_text(value, &text) == 0;
        is_wrong |= is_there && !is_good;
        is_wrong |= system_info_restore(&bmc->system_info, i, is_good ? &text : NULL) < 0;
    }
    return is_wrong ? -EINVAL : 0;
}

const struct record_kind record_system_info = {
    .name = "system-info",
    .encode = encode,
    .decode = decode,
};
