/* Known-answer vectors: tests/unit/vectors.json, or the file that VBMC_VECTORS names. Everything
 * here fails the running cmocka test when the file does not hold what is asked for. */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/* The whole file; release with json_object_put. */
struct json_object *vectors_load(void);
/* What a JSON pointer ("/asf/ping_tag_2a") leads to; borrowed. */
struct json_object *vectors_at(struct json_object *from, const char *pointer);
/* The n-th element of the array there; borrowed. */
struct json_object *vectors_item(struct json_object *from, const char *pointer, size_t n);
size_t vectors_count(struct json_object *from, const char *pointer);
const char *vectors_text(struct json_object *from, const char *pointer);
int vectors_number(struct json_object *from, const char *pointer);
/* Decodes the hex string there; returns the number of bytes. */
size_t vectors_bytes(struct json_object *from, const char *pointer, uint8_t *bytes, size_t size);

#endif
