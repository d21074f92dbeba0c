#include "vbmc/bmc/fru.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/fru_content.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/host/host.h"
#include "vbmc/physics/supply.h"

#define PSU_FIRST  1
#define DIMM_FIRST (PSU_FIRST + SUPPLY_PSUS_MAX)
#define FRU_COUNT  (DIMM_FIRST + HOST_DIMMS_MAX)

/* IPMI 2.0, table 43-13. */
#define ENTITY_SYSTEM_BOARD  0x07
#define ENTITY_POWER_SUPPLY  0x0a
#define ENTITY_MEMORY_DEVICE 0x20

struct unit {
    uint8_t *made;    /* without the zeros at its end, until it is read; NULL: not there */
    uint8_t *written; /* NULL: no client wrote it */
    uint16_t made_size;
};

struct tag {
    uint8_t bytes[FRU_ASSET_TAG_MAX];
    size_t length;
};

struct fru {
    struct unit units[FRU_COUNT]; /* by id */
    struct tag tag;               /* what a client set */
    bool tag_is_set;
    struct tag domain_tag;
};

size_t fru_written_size(uint8_t id)
{
    if (id >= FRU_COUNT)
        return 0;
    return id == FRU_SERVER ? FRU_SERVER_SIZE : FRU_PART_SIZE;
}

struct fru *fru_new(void)
{
    static const struct uuid none;
    struct fru *fru = calloc(1, sizeof *fru);

    if (!fru)
        return NULL;
    fru_set_hardware(fru, "", &none, NULL, 0, 0);
    if (!fru->units[FRU_SERVER].made) {
        free(fru);
        return NULL;
    }
    return fru;
}

void fru_free(struct fru *fru)
{
    if (!fru)
        return;
    for (unsigned id = 0; id < FRU_COUNT; id++) {
        free(fru->units[id].made);
        free(fru->units[id].written);
    }
    free(fru);
}

/* What is generated, whole. NULL if it is not there, or there is no memory. */
static uint8_t *whole_image(struct fru *fru, unsigned id)
{
    struct unit *unit = &fru->units[id];
    size_t size = fru_written_size((uint8_t)id);

    if (!unit->made || unit->made_size == size)
        return unit->made;
    uint8_t *grown = realloc(unit->made, size);
    if (!grown)
        return NULL;
    memset(grown + unit->made_size, 0, size - unit->made_size);
    unit->made = grown;
    unit->made_size = (uint16_t)size;
    return grown;
}

/* ---- asset tag ---- */

/* DCMI 1.5, Get Asset Tag: UTF-8 is told by this in front; else the text is Latin-1. */
static const uint8_t utf8_mark[] = {0xef, 0xbb, 0xbf};

static const struct tag *present_tag(const struct fru *fru)
{
    return fru->tag_is_set ? &fru->tag : &fru->domain_tag;
}

static bool tag_equal(const struct tag *a, const struct tag *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static bool is_marked_utf8(const struct tag *tag)
{
    return tag->length >= sizeof utf8_mark && memcmp(tag->bytes, utf8_mark, sizeof utf8_mark) == 0;
}

/* The tag as FRU 0 can say it. */
static struct tag tag_for_image(const struct tag *tag)
{
    struct tag latin1 = *tag;

    if (is_marked_utf8(tag))
        latin1.length =
            fru_latin1_of_utf8((const char *)tag->bytes + sizeof utf8_mark,
                               tag->length - sizeof utf8_mark, latin1.bytes, sizeof latin1.bytes);
    return latin1;
}

static int put_tag(uint8_t *image, const struct tag *tag)
{
    const struct tag shown = tag_for_image(tag);

    return fru_replace_product_field(image, FRU_SERVER_SIZE, FRU_PRODUCT_ASSET_TAG, shown.bytes,
                                     shown.length);
}

/* In what is generated, which has room for it only when it is whole. */
static void put_generated_tag(struct fru *fru, const struct tag *tag)
{
    uint8_t *image = whole_image(fru, FRU_SERVER);

    if (image)
        put_tag(image, tag);
}

static int make_tag(const uint8_t *bytes, size_t length, struct tag *tag)
{
    if (length > sizeof tag->bytes)
        return -EINVAL;
    *tag = (struct tag){.length = length};
    if (length > 0)
        memcpy(tag->bytes, bytes, length);
    return 0;
}

size_t fru_asset_tag(const struct fru *fru, uint8_t tag[FRU_ASSET_TAG_MAX])
{
    const struct tag *present = present_tag(fru);

    memcpy(tag, present->bytes, present->length);
    return present->length;
}

/* A written image that says what would be generated is none. */
static void forget_if_same(struct fru *fru, uint8_t id)
{
    struct unit *unit = &fru->units[id];

    if (!unit->written || !whole_image(fru, id) ||
        memcmp(unit->written, unit->made, fru_written_size(id)) != 0)
        return;
    free(unit->written);
    unit->written = NULL;
    if (id == FRU_SERVER)
        fru->tag_is_set = !tag_equal(&fru->tag, &fru->domain_tag);
}

/* The tag of the server's two images, as far as the written one has any. 0 or -ENOSPC. */
static int change_tag(struct fru *fru, const struct tag *tag)
{
    struct unit *server = &fru->units[FRU_SERVER];

    if (server->written && put_tag(server->written, tag) == -ENOSPC)
        return -ENOSPC;
    put_generated_tag(fru, tag);
    fru->tag = *tag;
    fru->tag_is_set = server->written || !tag_equal(tag, &fru->domain_tag);
    forget_if_same(fru, FRU_SERVER);
    return 0;
}

int fru_set_asset_tag(struct fru *fru, const uint8_t *bytes, size_t length)
{
    struct tag tag;
    int result = make_tag(bytes, length, &tag);

    return result < 0 ? result : change_tag(fru, &tag);
}

int fru_set_asset_tag_text(struct fru *fru, const char *utf8)
{
    uint8_t bytes[FRU_ASSET_TAG_MAX + 1];
    size_t size = strlen(utf8), mark = sizeof utf8_mark;

    switch (fru_text_kind(utf8, size)) {
    case FRU_TEXT_LATIN1:
        return fru_set_asset_tag(fru, bytes, fru_latin1_of_utf8(utf8, size, bytes, sizeof bytes));
    case FRU_TEXT_UNICODE:
        if (mark + size > FRU_ASSET_TAG_MAX)
            return -EINVAL;
        memcpy(bytes, utf8_mark, mark);
        memcpy(bytes + mark, utf8, size);
        return fru_set_asset_tag(fru, bytes, mark + size);
    case FRU_TEXT_NONE:
        break;
    }
    return -EINVAL;
}

bool fru_asset_tag_is_set(const struct fru *fru)
{
    return fru->tag_is_set;
}

/* ---- devices ---- */

static void remove_unit(struct unit *unit)
{
    free(unit->made);
    unit->made = NULL;
    unit->made_size = 0;
}

/* Most of an image are zeros, and few are ever read. Without memory there is no such FRU. */
static void keep_image(struct fru *fru, unsigned id, const uint8_t *image)
{
    struct unit *unit = &fru->units[id];
    size_t size = fru_written_size((uint8_t)id);

    while (size > 1 && image[size - 1] == 0)
        size--;
    remove_unit(unit);
    unit->made = malloc(size);
    if (!unit->made)
        return;
    memcpy(unit->made, image, size);
    unit->made_size = (uint16_t)size;
}

static void make_server(struct fru *fru, const struct fru_facts *facts)
{
    uint8_t image[FRU_SERVER_SIZE];
    struct tag *tag = &fru->domain_tag;
    const char *asset = facts->hardware ? host_hardware_smbios(facts->hardware)->chassis_asset : "";

    tag->length = fru_latin1_of_utf8(asset, strlen(asset), tag->bytes, sizeof tag->bytes);
    const struct tag shown = tag_for_image(present_tag(fru));
    fru_make_server(facts, shown.bytes, shown.length, image);
    keep_image(fru, FRU_SERVER, image);
}

static void make_parts(struct fru *fru, const struct fru_facts *facts, unsigned first,
                       unsigned count, unsigned count_max,
                       void (*make)(const struct fru_facts *, unsigned, uint8_t *))
{
    for (unsigned i = 0; i < count_max; i++) {
        uint8_t image[FRU_PART_SIZE];
        if (i >= count) {
            remove_unit(&fru->units[first + i]);
            continue;
        }
        make(facts, i + 1, image);
        keep_image(fru, first + i, image);
    }
}

void fru_set_hardware(struct fru *fru, const char *domain_name, const struct uuid *uuid,
                      const struct host_hardware *hardware, unsigned psus, unsigned psu_watts)
{
    const struct fru_facts facts = {domain_name, uuid, hardware, psu_watts};

    make_server(fru, &facts);
    make_parts(fru, &facts, PSU_FIRST, psus, SUPPLY_PSUS_MAX, fru_make_psu);
    make_parts(fru, &facts, DIMM_FIRST, hardware ? hardware->dimms : 0, HOST_DIMMS_MAX,
               fru_make_dimm);
}

static const char *name_of(uint8_t id)
{
    static const char *const names[] = {
        "System", "PSU1",   "PSU2",   "PSU3",   "PSU4",   "PSU5",   "PSU6",   "DIMM1",
        "DIMM2",  "DIMM3",  "DIMM4",  "DIMM5",  "DIMM6",  "DIMM7",  "DIMM8",  "DIMM9",
        "DIMM10", "DIMM11", "DIMM12", "DIMM13", "DIMM14", "DIMM15", "DIMM16",
    };

    static_assert(ARRAY_SIZE(names) == FRU_COUNT, "each FRU has a name");
    return names[id];
}

static void describe(uint8_t id, struct fru_device *device)
{
    *device = (struct fru_device){
        .id = id,
        .name = name_of(id),
        .entity = ENTITY_SYSTEM_BOARD,
        .entity_instance = 1,
    };
    if (id >= DIMM_FIRST) {
        device->entity = ENTITY_MEMORY_DEVICE;
        device->entity_instance = (uint8_t)(id - DIMM_FIRST + 1);
    } else if (id >= PSU_FIRST) {
        device->entity = ENTITY_POWER_SUPPLY;
        device->entity_instance = (uint8_t)(id - PSU_FIRST + 1);
    }
}

int fru_next_device(const struct fru *fru, unsigned *id, struct fru_device *device)
{
    for (unsigned at = *id; at < FRU_COUNT; at++) {
        if (!fru->units[at].made)
            continue;
        *id = at + 1;
        describe((uint8_t)at, device);
        return 0;
    }
    return -ENOENT;
}

/* ---- images ---- */

size_t fru_size(const struct fru *fru, uint8_t id)
{
    return fru_image(fru, id) ? fru_written_size(id) : 0;
}

const uint8_t *fru_image(const struct fru *fru, uint8_t id)
{
    if (id >= FRU_COUNT || !fru->units[id].made)
        return NULL;
    /* What it says stays the same. */
    return fru->units[id].written ? fru->units[id].written : whole_image((struct fru *)fru, id);
}

static bool shows_tag(const struct fru_field *field, const struct tag *tag)
{
    struct tag shown = tag_for_image(tag);

    if (shown.length == 1) /* filled up, as fru_put_latin1 does */
        shown.bytes[shown.length++] = ' ';
    return field->type == FRU_TYPE_TEXT && field->length == shown.length &&
           memcmp(field->bytes, shown.bytes, shown.length) == 0;
}

/* A client may be in the midst of writing; as long as nothing can be read, the tag stays. */
static void take_tag(struct fru *fru)
{
    struct tag tag = *present_tag(fru);
    struct fru_field field;

    if (fru_product_field(fru->units[FRU_SERVER].written, FRU_SERVER_SIZE, FRU_PRODUCT_ASSET_TAG,
                          &field) < 0)
        return;
    if (!shows_tag(&field, &tag)) {
        char text[FRU_UTF8_SIZE];
        fru_field_text(&field, true, text);
        tag.length = fru_latin1_of_utf8(text, strlen(text), tag.bytes, sizeof tag.bytes);
    }
    put_generated_tag(fru, &tag);
    fru->tag = tag;
    fru->tag_is_set = true;
}

static int begin_writing(struct fru *fru, uint8_t id)
{
    struct unit *unit = &fru->units[id];

    if (unit->written)
        return 0;
    unit->written = malloc(fru_written_size(id));
    if (!unit->written)
        return -ENOMEM;
    memcpy(unit->written, unit->made, fru_written_size(id));
    return 0;
}

int fru_write(struct fru *fru, uint8_t id, size_t offset, const uint8_t *bytes, size_t length)
{
    size_t size = fru_size(fru, id);

    if (size == 0)
        return -ENOENT;
    if (offset > size || length > size - offset)
        return -ERANGE;
    if (length == 0)
        return 0;
    int result = begin_writing(fru, id);
    if (result < 0)
        return result;
    memcpy(fru->units[id].written + offset, bytes, length);
    if (id == FRU_SERVER)
        take_tag(fru);
    forget_if_same(fru, id);
    return 0;
}

/* ---- storing ---- */

const uint8_t *fru_written(const struct fru *fru, uint8_t id)
{
    return id < FRU_COUNT ? fru->units[id].written : NULL;
}

void fru_reset(struct fru *fru)
{
    for (unsigned id = 0; id < FRU_COUNT; id++) {
        free(fru->units[id].written);
        fru->units[id].written = NULL;
    }
    fru->tag_is_set = false;
    put_generated_tag(fru, &fru->domain_tag);
}

int fru_restore_image(struct fru *fru, uint8_t id, const uint8_t *bytes, size_t length)
{
    size_t size = fru_written_size(id);

    if (size == 0 || length > size)
        return -EINVAL;
    uint8_t *image = calloc(1, size);
    if (!image)
        return -ENOMEM;
    if (length > 0)
        memcpy(image, bytes, length);
    free(fru->units[id].written);
    fru->units[id].written = image;
    return 0;
}

int fru_restore_asset_tag(struct fru *fru, const uint8_t *bytes, size_t length)
{
    int result = make_tag(bytes, length, &fru->tag);

    if (result < 0)
        return result;
    fru->tag_is_set = true;
    put_generated_tag(fru, &fru->tag);
    return 0;
}
