/* The bytes of one FRU: a common header, areas of fields, records (Platform Management FRU
 * Information Storage Definition v1.0, chapters 8 to 16). Writing makes them; reading takes them
 * as a client would, and trusts nothing: clients may have written them. */
#ifndef VBMC_BMC_FRU_IMAGE_H
#define VBMC_BMC_FRU_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/wire.h"

#define FRU_TEXT_MAX  63  /* bytes of one field */
#define FRU_UTF8_SIZE 192 /* of any field as text, with its terminator */

/* The byte of the common header that holds where the area is. */
enum fru_area {
    FRU_AREA_CHASSIS = 2,
    FRU_AREA_BOARD = 3,
    FRU_AREA_PRODUCT = 4,
    FRU_AREA_RECORDS = 5,
};

/* Fields of the product area in their order (chapter 12). */
enum fru_product_field {
    FRU_PRODUCT_MANUFACTURER,
    FRU_PRODUCT_NAME,
    FRU_PRODUCT_PART,
    FRU_PRODUCT_VERSION,
    FRU_PRODUCT_SERIAL,
    FRU_PRODUCT_ASSET_TAG,
    FRU_PRODUCT_FILE_ID,
};

/* ---- writing ---- */

struct fru_writer {
    struct wire_out out; /* fails when the image is full */
    size_t area;         /* where the present one began */
};

/* The image is made in `bytes`; what is not written reads 0. */
void fru_write_begin(struct fru_writer *writer, uint8_t *bytes, size_t size);
/* One area at a time. Its first bytes (version, and for all but records the length) are there. */
void fru_area_begin(struct fru_writer *writer, enum fru_area area);
/* A field of 8-bit text (type 3). UTF-8 becomes Latin-1, with '?' for what that cannot say, cut at
 * FRU_TEXT_MAX. A text of one byte gets a space: C1h would end the fields. */
void fru_put_text(struct fru_writer *writer, const char *utf8);
/* The same for bytes that are Latin-1 already. At most FRU_TEXT_MAX. */
void fru_put_latin1(struct fru_writer *writer, const uint8_t *bytes, size_t length);
/* End mark, padding, checksum. */
void fru_area_end(struct fru_writer *writer);
/* One record of the multirecord area. */
void fru_put_record(struct fru_writer *writer, uint8_t type, bool last, const uint8_t *bytes,
                    uint8_t length);
/* Ends the image. False if it was too small. */
bool fru_write_end(struct fru_writer *writer);

/* ---- reading ---- */

#define FRU_TYPE_TEXT 3

struct fru_field {
    uint8_t type; /* 0 binary, 1 BCD plus, 2 6-bit ASCII, 3 8-bit text */
    uint8_t length;
    const uint8_t *bytes; /* in the image */
};

/* A cursor behind the version and length bytes of an area, and before its checksum. 0; -ENOENT if
 * the image has no such area; -EINVAL if header, length or checksum are wrong. */
int fru_area_open(const uint8_t *image, size_t size, enum fru_area area, struct wire_in *in);
/* The next field; 0, -ENOENT at the end mark, -EINVAL where the area ends without one. */
int fru_field_next(struct wire_in *in, struct fru_field *field);
/* The next record of the multirecord area, which is opened by fru_records_open (0, -ENOENT or
 * -EINVAL as above). *last as its header says. 0, or -EINVAL. */
int fru_records_open(const uint8_t *image, size_t size, struct wire_in *in);
int fru_record_next(struct wire_in *in, uint8_t *type, bool *last, struct wire_in *data);
/* A field as UTF-8. `english`: what the language of its area means for type 3, else UCS-2. */
void fru_field_text(const struct fru_field *field, bool english, char text[FRU_UTF8_SIZE]);
/* True for the languages 0 and 25. */
bool fru_language_is_english(uint8_t language);

/* A field of the product area. 0, -ENOENT, -EINVAL. */
int fru_product_field(const uint8_t *image, size_t size, enum fru_product_field n,
                      struct fru_field *field);
/* Puts Latin-1 text into a field of the product area, which gets it if it ends before; the rest of
 * the image keeps what it says.
 * Needs an image whose product area can be read. 0; -ENOENT or -EINVAL if it cannot; -ENOSPC. */
int fru_replace_product_field(uint8_t *image, size_t size, enum fru_product_field n,
                              const uint8_t *bytes, size_t length);

/* ---- text ---- */

/* UTF-8 as Latin-1, cut at `size` bytes; '?' for control characters and what Latin-1 lacks.
 * Returns the length. */
size_t fru_latin1_of_utf8(const char *utf8, size_t utf8_length, uint8_t *bytes, size_t size);

enum fru_text_kind {
    FRU_TEXT_LATIN1,  /* fru_latin1_of_utf8 loses nothing */
    FRU_TEXT_UNICODE, /* has characters that Latin-1 lacks */
    FRU_TEXT_NONE,    /* control characters, or no UTF-8 */
};
enum fru_text_kind fru_text_kind(const char *utf8, size_t length);

#endif
