#include "vbmc/bmc/fru_image.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/utf8.h"

#define UNIT           8 /* bytes; areas begin and end at multiples */
#define FORMAT_VERSION 0x01
#define HEADER_SIZE    8
#define HEADER_SUMMED  7
#define END_MARK       0xc1
#define TYPE_SHIFT     6
#define LENGTH_MASK    0x3f
#define RECORD_HEADER  5
#define RECORD_FORMAT  0x02
#define RECORD_LAST    0x80
#define PRODUCT_FIXED  1 /* bytes before the fields of the product area: its language */

/* What makes the sum of all bytes 0. */
static uint8_t checksum(const uint8_t *bytes, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

/* ---- text ---- */

#define REPLACEMENT '?'

static bool is_printable_latin1(uint32_t character)
{
    return (character >= 0x20 && character < 0x7f) || (character >= 0xa0 && character <= 0xff);
}

size_t fru_latin1_of_utf8(const char *utf8, size_t utf8_length, uint8_t *bytes, size_t size)
{
    size_t used = 0;

    for (size_t at = 0; at < utf8_length && used < size;) {
        uint32_t character;
        at += utf8_next(utf8 + at, utf8_length - at, &character);
        bytes[used++] = is_printable_latin1(character) ? (uint8_t)character : REPLACEMENT;
    }
    return used;
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static bool is_unicode(uint32_t character)
{
    return character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
}

enum fru_text_kind fru_text_kind(const char *utf8, size_t length)
{
    enum fru_text_kind kind = FRU_TEXT_LATIN1;

    for (size_t at = 0; at < length;) {
        uint32_t character;
        at += utf8_next(utf8 + at, length - at, &character);
        if (is_control(character) || !is_unicode(character))
            return FRU_TEXT_NONE;
        if (!is_printable_latin1(character))
            kind = FRU_TEXT_UNICODE;
    }
    return kind;
}

/* Adds a character; '?' for a control character and for what is none. */
static void put_utf8(struct wire_out *out, uint32_t character)
{
    if (is_control(character) || !is_unicode(character))
        character = REPLACEMENT;
    if (character < 0x80) {
        wire_put_u8(out, (uint8_t)character);
        return;
    }
    unsigned rest = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3; /* bytes that follow */
    wire_put_u8(out, (uint8_t)(~(0x7fU >> rest) | character >> 6 * rest));
    while (rest-- > 0)
        wire_put_u8(out, (uint8_t)(0x80 | (character >> 6 * rest & 0x3f)));
}

static void put_hex(struct wire_out *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";

    wire_put_u8(out, (uint8_t)digits[byte >> 4]);
    wire_put_u8(out, (uint8_t)digits[byte & 0x0f]);
}

/* Characters of 6 bits, packed from the low bit of the first byte (section 13.2). */
static void put_6bit(struct wire_out *out, const struct fru_field *field)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < field->length; i++) {
        bits |= (uint32_t)field->bytes[i] << held;
        for (held += 8; held >= 6; held -= 6) {
            put_utf8(out, ' ' + (bits & 0x3f));
            bits >>= 6;
        }
    }
}

bool fru_language_is_english(uint8_t language)
{
    return language == 0 || language == 25;
}

void fru_field_text(const struct fru_field *field, bool english, char text[FRU_UTF8_SIZE])
{
    static const char bcd_plus[] = "0123456789 -.???"; /* section 13.1 */
    struct wire_out out = wire_out_init(text, FRU_UTF8_SIZE - 1);
    size_t i = 0;

    switch (field->type) {
    case 0:
        for (; i < field->length; i++)
            put_hex(&out, field->bytes[i]);
        break;
    case 1:
        for (; i < field->length; i++) {
            put_utf8(&out, (uint8_t)bcd_plus[field->bytes[i] >> 4]);
            put_utf8(&out, (uint8_t)bcd_plus[field->bytes[i] & 0x0f]);
        }
        break;
    case 2:
        put_6bit(&out, field);
        break;
    default:
        for (; english && i < field->length; i++)
            put_utf8(&out, field->bytes[i]);
        for (; i + 1 < field->length; i += 2)
            put_utf8(&out, (uint32_t)field->bytes[i] | (uint32_t)field->bytes[i + 1] << 8);
    }
    text[out.pos] = '\0';
    while (out.pos > 0 && text[out.pos - 1] == ' ') /* what fills fields up */
        text[--out.pos] = '\0';
}

/* ---- writing ---- */

void fru_write_begin(struct fru_writer *writer, uint8_t *bytes, size_t size)
{
    memset(bytes, 0, size);
    *writer = (struct fru_writer){.out = wire_out_init(bytes, size)};
    wire_put_u8(&writer->out, FORMAT_VERSION);
    wire_put_zeros(&writer->out, HEADER_SIZE - 1);
}

void fru_area_begin(struct fru_writer *writer, enum fru_area area)
{
    struct wire_out *out = &writer->out;

    writer->area = out->pos;
    out->base[area] = (uint8_t)(out->pos / UNIT);
    if (area == FRU_AREA_RECORDS)
        return;
    wire_put_u8(out, FORMAT_VERSION);
    wire_put_u8(out, 0);
}

void fru_put_latin1(struct fru_writer *writer, const uint8_t *bytes, size_t length)
{
    struct wire_out *out = &writer->out;
    size_t shown = length == 1 ? 2 : length;

    wire_put_u8(out, (uint8_t)(FRU_TYPE_TEXT << TYPE_SHIFT | shown));
    wire_put_bytes(out, bytes, length);
    if (shown > length)
        wire_put_u8(out, ' ');
}

void fru_put_text(struct fru_writer *writer, const char *utf8)
{
    uint8_t bytes[FRU_TEXT_MAX];

    fru_put_latin1(writer, bytes, fru_latin1_of_utf8(utf8, strlen(utf8), bytes, sizeof bytes));
}

/* The last byte of the last unit is the checksum. */
static void end_area(struct wire_out *out, size_t area)
{
    wire_put_u8(out, END_MARK);
    while ((out->pos + 1) % UNIT != 0 && !out->failed)
        wire_put_u8(out, 0);
    wire_put_u8(out, 0);
    if (out->failed)
        return;
    out->base[area + 1] = (uint8_t)((out->pos - area) / UNIT);
    out->base[out->pos - 1] = checksum(out->base + area, out->pos - area);
}

void fru_area_end(struct fru_writer *writer)
{
    end_area(&writer->out, writer->area);
}

void fru_put_record(struct fru_writer *writer, uint8_t type, bool last, const uint8_t *bytes,
                    uint8_t length)
{
    uint8_t header[RECORD_HEADER] = {
        type,
        RECORD_FORMAT | (last ? RECORD_LAST : 0),
        length,
        checksum(bytes, length),
    };

    header[RECORD_HEADER - 1] = checksum(header, RECORD_HEADER - 1);
    wire_put_bytes(&writer->out, header, sizeof header);
    wire_put_bytes(&writer->out, bytes, length);
}

bool fru_write_end(struct fru_writer *writer)
{
    struct wire_out *out = &writer->out;

    out->base[HEADER_SUMMED] = checksum(out->base, HEADER_SUMMED);
    return !out->failed;
}

/* ---- reading ---- */

/* Where the area begins: 0, -ENOENT or -EINVAL. */
static int find_area(const uint8_t *image, size_t size, enum fru_area area, size_t *begin)
{
    if (size < HEADER_SIZE || (image[0] & 0x0f) != FORMAT_VERSION ||
        checksum(image, HEADER_SIZE) != 0)
        return -EINVAL;
    if (image[area] == 0)
        return -ENOENT;
    *begin = (size_t)image[area] * UNIT;
    return *begin < size ? 0 : -EINVAL;
}

/* The whole area, checksum included. */
static int find_whole_area(const uint8_t *image, size_t size, enum fru_area area, size_t *begin,
                           size_t *length)
{
    int result = find_area(image, size, area, begin);

    if (result < 0)
        return result;
    *length = size - *begin >= 2 ? (size_t)image[*begin + 1] * UNIT : 0;
    if (*length == 0 || *length > size - *begin || (image[*begin] & 0x0f) != FORMAT_VERSION)
        return -EINVAL;
    return checksum(image + *begin, *length) == 0 ? 0 : -EINVAL;
}

int fru_area_open(const uint8_t *image, size_t size, enum fru_area area, struct wire_in *in)
{
    size_t begin, length;
    int result = find_whole_area(image, size, area, &begin, &length);

    if (result < 0)
        return result;
    *in = wire_in_init(image + begin, length - 1);
    wire_skip(in, 2);
    return 0;
}

int fru_field_next(struct wire_in *in, struct fru_field *field)
{
    uint8_t type_length = wire_u8(in);

    if (in->failed)
        return -EINVAL;
    if (type_length == END_MARK)
        return -ENOENT;
    field->type = type_length >> TYPE_SHIFT;
    field->length = type_length & LENGTH_MASK;
    field->bytes = wire_bytes(in, field->length);
    return in->failed ? -EINVAL : 0;
}

int fru_records_open(const uint8_t *image, size_t size, struct wire_in *in)
{
    size_t begin;
    int result = find_area(image, size, FRU_AREA_RECORDS, &begin);

    if (result == 0)
        *in = wire_in_init(image + begin, size - begin);
    return result;
}

int fru_record_next(struct wire_in *in, uint8_t *type, bool *last, struct wire_in *data)
{
    const uint8_t *header = wire_bytes(in, RECORD_HEADER);

    if (!header || checksum(header, RECORD_HEADER) != 0)
        return -EINVAL;
    *type = header[0];
    *last = header[1] & RECORD_LAST;
    const uint8_t *bytes = wire_bytes(in, header[2]);
    if (!bytes || checksum(bytes, header[2]) != header[3])
        return -EINVAL;
    *data = wire_in_init(bytes, header[2]);
    return 0;
}

int fru_product_field(const uint8_t *image, size_t size, enum fru_product_field n,
                      struct fru_field *field)
{
    struct wire_in in;
    int result = fru_area_open(image, size, FRU_AREA_PRODUCT, &in);

    if (result == 0)
        wire_skip(&in, PRODUCT_FIXED);
    for (unsigned i = 0; result == 0 && i <= (unsigned)n; i++)
        result = fru_field_next(&in, field);
    return result;
}

/* ---- changing one field ---- */

#define AREA_MAX (255 * UNIT)

/* The product area with another text in one field; its fields and customs are copied as they are.
 * Returns its length, or a negative error. */
static int rewrite_product(const uint8_t *image, size_t size, enum fru_product_field n,
                           const uint8_t *bytes, size_t length, uint8_t area[AREA_MAX])
{
    struct fru_writer writer = {.out = wire_out_init(area, AREA_MAX)};
    struct fru_field field;
    struct wire_in in;
    unsigned i = 0;
    int result = fru_area_open(image, size, FRU_AREA_PRODUCT, &in);

    if (result < 0)
        return result;
    wire_put_u8(&writer.out, FORMAT_VERSION);
    wire_put_u8(&writer.out, 0);
    wire_put_u8(&writer.out, wire_u8(&in));
    for (; (result = fru_field_next(&in, &field)) == 0; i++) {
        if (i == (unsigned)n) {
            fru_put_latin1(&writer, bytes, length);
            continue;
        }
        wire_put_u8(&writer.out, (uint8_t)(field.type << TYPE_SHIFT | field.length));
        wire_put_bytes(&writer.out, field.bytes, field.length);
    }
    if (result != -ENOENT)
        return result;
    /* An 8-bit text of one byte reads as the end mark. Clients that write one cut the rest off. */
    for (; i <= (unsigned)n; i++)
        fru_put_latin1(&writer, bytes, i == (unsigned)n ? length : 0);
    end_area(&writer.out, 0);
    return writer.out.failed ? -ENOSPC : (int)writer.out.pos;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Gives an area another length: what is behind it moves, and so do the offsets in the header. What
 * is pushed out of the image has to be free. */
static int resize_area(uint8_t *image, size_t size, size_t begin, size_t from, size_t to)
{
    size_t behind = size - begin - from; /* bytes */

    if (to > from) {
        size_t growth = to - from;
        if (growth > behind || !is_zero(image + size - growth, growth))
            return -ENOSPC;
        memmove(image + begin + to, image + begin + from, behind - growth);
    } else {
        memmove(image + begin + to, image + begin + from, behind);
        memset(image + begin + to + behind, 0, from - to);
    }
    for (unsigned i = 1; i < HEADER_SUMMED - 1; i++) {
        if ((size_t)image[i] * UNIT > begin)
            image[i] = (uint8_t)(image[i] + to / UNIT - from / UNIT);
    }
    image[HEADER_SUMMED] = 0;
    image[HEADER_SUMMED] = checksum(image, HEADER_SUMMED);
    return 0;
}

int fru_replace_product_field(uint8_t *image, size_t size, enum fru_product_field n,
                              const uint8_t *bytes, size_t length)
{
    uint8_t area[AREA_MAX];
    size_t begin, present;
    int made = rewrite_product(image, size, n, bytes, length, area);

    if (made < 0)
        return made;
    int result = find_whole_area(image, size, FRU_AREA_PRODUCT, &begin, &present);
    if (result == 0)
        result = resize_area(image, size, begin, present, (size_t)made);
    if (result == 0)
        memcpy(image + begin, area, (size_t)made);
    return result;
}
