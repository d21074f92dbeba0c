/* libFuzzer target: what clients write into a server's inventory and event log, and how it is shown
 * and changed then.
 *
 * Files: vbmc/bmc/fru.c vbmc/bmc/fru_fields.c vbmc/bmc/fru_image.c vbmc/verbs/sel_text.c
 *
 * The input is a byte that says what the rest is: an image of a FRU of that id, to be kept as it is
 * (0x80: with header and checksums made right), an asset tag (0x40), or records of the event log
 * (0x20), one after the other. */
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/fru_fields.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/host/host.h"
#include "vbmc/verbs/sel_text.h"

#define ID_MASK    0x1f
#define SEL        0x20
#define ASSET_TAG  0x40
#define MADE_RIGHT 0x80

static void on_field(void *context, const struct fru_device *device, const char *area,
                     const char *field, const char *text)
{
    struct json_object *value = json_object_new_string(text);
    const char *json = json_object_to_json_string(value);
    enum json_tokener_error error;

    (void)context;
    fuzz_require(device->name && area && field);
    /* Valid UTF-8, as it goes into an answer. */
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *parsed = json_tokener_parse_ex(tokener, json, (int)strlen(json) + 1);
    error = json_tokener_get_error(tokener);
    fuzz_require(error == json_tokener_success);
    json_object_put(parsed);
    json_tokener_free(tokener);
    json_object_put(value);
}

static uint8_t zero_sum(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

/* The common header, and each area's last byte where its length says it is (chapters 8 and 10). */
static void make_right(uint8_t *image, size_t size)
{
    if (size < 8)
        return;
    for (size_t i = FRU_AREA_CHASSIS; i <= FRU_AREA_PRODUCT; i++) {
        size_t at = image[i] * (size_t)8;
        if (at < 8 || at + 1 >= size || image[at + 1] == 0 || at + image[at + 1] * (size_t)8 > size)
            continue;
        size_t last = at + image[at + 1] * (size_t)8 - 1;
        image[at] = 1;
        image[last] = 0;
        image[last] = zero_sum(image + at, last - at);
    }
    for (size_t at = image[FRU_AREA_RECORDS] * (size_t)8; at >= 8 && at + 5 <= size;) {
        size_t length = image[at + 2];
        if (at + 5 + length > size)
            break;
        image[at + 3] = zero_sum(image + at + 5, length);
        image[at + 4] = zero_sum(image + at, 4);
        if (image[at + 1] & 0x80)
            break;
        at += 5 + length;
    }
    image[0] = 1;
    image[7] = zero_sum(image, 7);
}

static void keep_image(struct fru *fru, uint8_t id, const uint8_t *bytes, size_t size, bool right)
{
    CLEANUP_FREE uint8_t *image = fuzz_copy(bytes, size);
    uint8_t tag[FRU_ASSET_TAG_MAX];

    size_t room = fru_size(fru, id);
    size = size < room ? size : room;
    if (right)
        make_right(image, size);
    int result = fru_write(fru, id, 0, image, size);
    fuzz_require(result == (room ? 0 : -ENOENT));
    fru_fields(fru, on_field, NULL);
    size_t length = fru_asset_tag(fru, tag);
    fuzz_require(length <= sizeof tag);
    if (fru_set_asset_tag(fru, tag, length) == 0)
        fuzz_require(fru_asset_tag(fru, tag) == length);
    fru_set_asset_tag_text(fru, "rack 7, \xe2\x82\xac");
    fru_fields(fru, on_field, NULL);
}

static void set_tag(struct fru *fru, const uint8_t *bytes, size_t size)
{
    CLEANUP_FREE char *text = fuzz_text(bytes, size);
    uint8_t tag[FRU_ASSET_TAG_MAX];

    if (fru_set_asset_tag(fru, bytes, size) == 0)
        fuzz_require(fru_asset_tag(fru, tag) == size && memcmp(tag, bytes, size) == 0);
    fru_fields(fru, on_field, NULL);
    fru_set_asset_tag_text(fru, text);
    fru_fields(fru, on_field, NULL);
}

static void show_records(const uint8_t *bytes, size_t size)
{
    for (; size >= SEL_RECORD_SIZE; bytes += SEL_RECORD_SIZE, size -= SEL_RECORD_SIZE) {
        struct json_object *row = sel_text_row(NULL, bytes);
        fuzz_require(row != NULL);
        json_object_to_json_string(row);
        json_object_put(row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct uuid uuid = {{1, 2, 3}};
    struct host_hardware hardware = {.sockets = 1, .vcpus = 1, .dimms = 2, .memory_kib = 1 << 25};

    if (size < 1)
        return 0;
    struct fru *fru = fru_new();
    fuzz_require(fru != NULL);
    fru_set_hardware(fru, "guest", &uuid, &hardware, 2, 500);
    if (bytes[0] & SEL)
        show_records(bytes + 1, size - 1);
    else if (bytes[0] & ASSET_TAG)
        set_tag(fru, bytes + 1, size - 1);
    else
        keep_image(fru, bytes[0] & ID_MASK, bytes + 1, size - 1, bytes[0] & MADE_RIGHT);
    fru_free(fru);
    return 0;
}
