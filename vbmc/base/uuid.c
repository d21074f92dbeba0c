#include "vbmc/base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Dashes stand before bytes 4, 6, 8 and 10. */
static bool dash_before(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    char *p = text;

    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (dash_before(i))
            *p++ = '-';
        p += snprintf(p, 3, "%02x", uuid->bytes[i]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uuid_parse(const char *text, struct uuid *uuid)
{
    if (strlen(text) != UUID_TEXT_SIZE - 1)
        return -EINVAL;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (dash_before(i) && *text++ != '-')
            return -EINVAL;
        int high = hex_digit(text[0]), low = hex_digit(text[1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        uuid->bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return 0;
}
