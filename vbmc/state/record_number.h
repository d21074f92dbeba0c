/* Numbers in JSON records, and lists. */
#ifndef VBMC_STATE_RECORD_NUMBER_H
#define VBMC_STATE_RECORD_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/* Adds a member to the object. 0 or -ENOMEM. */
int record_add_number(struct json_object *object, const char *key, int64_t value);
/* Adds `item` (NULL: there was no memory for it) to the array (NULL: the same), and takes it over
 * in any case. 0 or -ENOMEM. */
int record_append(struct json_object *array, struct json_object *item);
/* False, and nothing changed, unless the member is an integer from `least` to `most`. */
bool record_read_number(struct json_object *object, const char *key, int64_t least, int64_t most,
                        int64_t *number);

#endif
