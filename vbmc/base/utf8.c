#include "vbmc/base/utf8.h"

#include <string.h>

#include "vbmc/base/array.h"

#define REPLACEMENT '?'

static bool is_unicode(uint32_t character)
{
    return character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
}

size_t utf8_next(const char *text, size_t length, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *bytes = (const uint8_t *)text;
    uint8_t first = bytes[0];
    size_t n = first < 0x80           ? 1
               : (first >> 5) == 0x06 ? 2
               : (first >> 4) == 0x0e ? 3
               : (first >> 3) == 0x1e ? 4
                                      : 0;

    *character = UTF8_NO_CHARACTER;
    if (n == 0 || n > length)
        return 1;
    uint32_t value = n == 1 ? first : first & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    if (value >= least[n] && is_unicode(value))
        *character = value;
    return n;
}

bool utf8_is_harmless(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } harmful[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2066, 0x2069}, {0xd800, 0xdfff}, {0x110000, UINT32_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(harmful); i++) {
        if (character >= harmful[i].first && character <= harmful[i].last)
            return false;
    }
    return true;
}

void utf8_make_harmless(char *text)
{
    size_t left = strlen(text);
    uint32_t character;

    while (left > 0) {
        size_t size = utf8_next(text, left, &character);
        if (!utf8_is_harmless(character))
            memset(text, REPLACEMENT, size);
        text += size;
        left -= size;
    }
}
