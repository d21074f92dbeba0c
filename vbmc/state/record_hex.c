#include "vbmc/state/record_hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"

struct json_object *record_new_hex(const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    CLEANUP_FREE char *text = malloc(2 * length + 1);

    if (!text)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    text[2 * length] = '\0';
    return json_object_new_string(text);
}

int record_add_hex(struct json_object *object, const char *key, const uint8_t *bytes, size_t length)
{
    return qmp_json_add(object, key, record_new_hex(bytes, length));
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int record_read_hex(struct json_object *value, uint8_t *bytes, size_t size)
{
    if (!json_object_is_type(value, json_type_string))
        return -EINVAL;
    const char *text = json_object_get_string(value);
    size_t digits = (size_t)json_object_get_string_len(value);
    if (digits % 2 != 0 || digits / 2 > size)
        return -EINVAL;
    for (size_t i = 0; i < digits / 2; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (int)(digits / 2);
}
