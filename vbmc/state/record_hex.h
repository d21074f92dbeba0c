/* Bytes in JSON records, as text in hexadecimal. */
#ifndef VBMC_STATE_RECORD_HEX_H
#define VBMC_STATE_RECORD_HEX_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Text "0102ff"; NULL without memory. */
struct json_object *record_new_hex(const uint8_t *bytes, size_t length);
/* Adds a member "0102ff" to the object. 0 or -ENOMEM. */
int record_add_hex(struct json_object *object, const char *key, const uint8_t *bytes,
                   size_t length);
/* Reads such a value. The length; -EINVAL if it is anything else, or longer than `size`. */
int record_read_hex(struct json_object *value, uint8_t *bytes, size_t size);

#endif
