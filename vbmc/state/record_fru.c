/* {"asset-tag": "41534554", "images": {"0": "0100..."}}: the asset tag that a client set, and the
 * images that clients wrote by FRU device id, without the zeros at their ends. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"

static size_t used_length(const uint8_t *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return size;
}

static int add_images(const struct fru *fru, struct json_object *images)
{
    int result = 0;

    for (unsigned id = 0; result == 0 && fru_written_size((uint8_t)id) > 0; id++) {
        const uint8_t *image = fru_written(fru, (uint8_t)id);
        char key[8];
        if (!image)
            continue;
        snprintf(key, sizeof key, "%u", id);
        result =
            record_add_hex(images, key, image, used_length(image, fru_written_size((uint8_t)id)));
    }
    return result;
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();
    struct json_object *images = json_object_new_object();
    uint8_t tag[FRU_ASSET_TAG_MAX];
    int result = record ? 0 : -ENOMEM;

    if (result == 0 && bmc->fru && fru_asset_tag_is_set(bmc->fru))
        result = record_add_hex(record, "asset-tag", tag, fru_asset_tag(bmc->fru, tag));
    if (result == 0 && bmc->fru && images)
        result = add_images(bmc->fru, images);
    if (result < 0) {
        json_object_put(images);
        return NULL;
    }
    if (qmp_json_add(record, "images", images) < 0)
        return NULL;
    return cleanup_steal_pointer(&record);
}

static int decode_image(struct fru *fru, const char *key, struct json_object *value)
{
    uint8_t bytes[FRU_SIZE_MAX];
    unsigned id;
    int end;

    if (sscanf(key, "%3u%n", &id, &end) != 1 || key[end] != '\0' || id > UINT8_MAX)
        return -EINVAL;
    int length = record_read_hex(value, bytes, sizeof bytes);
    return length < 0 ? length : fru_restore_image(fru, (uint8_t)id, bytes, (size_t)length);
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    struct json_object *tag, *images = qmp_json_member(record, "images", json_type_object);
    bool is_wrong = false;

    if (!bmc->fru)
        return 0;
    fru_reset(bmc->fru);
    if (!record)
        return 0;
    if (images) {
        json_object_object_foreach(images, key, value)
        {
            is_wrong |= decode_image(bmc->fru, key, value) < 0;
        }
    }
    if (json_object_object_get_ex(record, "asset-tag", &tag)) {
        uint8_t bytes[FRU_ASSET_TAG_MAX];
        int length = record_read_hex(tag, bytes, sizeof bytes);
        is_wrong |= length < 0 || fru_restore_asset_tag(bmc->fru, bytes, (size_t)length) < 0;
    }
    return is_wrong ? -EINVAL : 0;
}

const struct record_kind record_fru = {.name = "fru", .encode = encode, .decode = decode};
