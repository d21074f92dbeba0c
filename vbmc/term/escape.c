#include "vbmc/term/escape.h"

#include <string.h>

#include "vbmc/base/array.h"

static const uint8_t literal = CLI_ESCAPE_KEY;

static const struct {
    uint8_t key;
    enum cli_escape_event event;
} menu[] = {
    {'q', CLI_ESCAPE_LEAVE},   {'b', CLI_ESCAPE_BREAK}, {'n', CLI_ESCAPE_NMI},
    {'h', CLI_ESCAPE_HISTORY}, {']', CLI_ESCAPE_SEND},  {CLI_ESCAPE_KEY, CLI_ESCAPE_SEND},
};

static void skip(const uint8_t **bytes, size_t *size, uint8_t least, uint8_t most)
{
    while (*size && **bytes >= least && **bytes <= most) {
        ++*bytes;
        --*size;
    }
}

static void skip_one(const uint8_t **bytes, size_t *size)
{
    if (*size) {
        ++*bytes;
        --*size;
    }
}

/* ESC [ parameters final, ESC O final, ESC character (Alt); or what continues a UTF-8 character. */
static void skip_rest_of_key(uint8_t first, const uint8_t **bytes, size_t *size)
{
    if (first == 0x1b && *size) {
        uint8_t second = **bytes;
        skip_one(bytes, size);
        if (second == '[')
            skip(bytes, size, 0x20, 0x3f);
        if (second == '[' || second == 'O')
            skip_one(bytes, size);
    } else if (first >= 0xc0) {
        skip(bytes, size, 0x80, 0xbf);
    }
}

static enum cli_escape_event choose(const uint8_t **bytes, size_t *size, const uint8_t **send,
                                    size_t *send_size)
{
    uint8_t key = **bytes;

    skip_one(bytes, size);
    for (size_t i = 0; i < ARRAY_SIZE(menu); i++) {
        if (menu[i].key != key)
            continue;
        *send = &literal;
        *send_size = 1;
        return menu[i].event;
    }
    skip_rest_of_key(key, bytes, size);
    return CLI_ESCAPE_CLOSED;
}

enum cli_escape_event cli_escape_next(struct cli_escape *escape, const uint8_t **bytes,
                                      size_t *size, const uint8_t **send, size_t *send_size)
{
    if (*size == 0)
        return CLI_ESCAPE_NOTHING;
    if (escape->is_open) {
        escape->is_open = false;
        return choose(bytes, size, send, send_size);
    }
    if (**bytes == CLI_ESCAPE_KEY) {
        skip_one(bytes, size);
        escape->is_open = true;
        return CLI_ESCAPE_OPENED;
    }
    const uint8_t *found = memchr(*bytes, CLI_ESCAPE_KEY, *size);
    *send = *bytes;
    *send_size = found ? (size_t)(found - *bytes) : *size;
    *bytes += *send_size;
    *size -= *send_size;
    return CLI_ESCAPE_SEND;
}
