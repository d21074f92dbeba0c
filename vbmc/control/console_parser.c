#include "vbmc/control/console_parser.h"

#include <errno.h>
#include <string.h>

enum treatment { STREAM, COLLECT, SKIP };

void console_parser_init(struct console_parser *parser, const char *streamed, const char *whole)
{
    *parser = (struct console_parser){.streamed = streamed, .whole = whole};
}

static enum treatment treatment_of(const struct console_parser *parser)
{
    char kind = (char)parser->header[0];

    if (kind && strchr(parser->streamed, kind))
        return STREAM;
    return kind && strchr(parser->whole, kind) ? COLLECT : SKIP;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* True once the header is whole. */
static bool read_header(struct console_parser *parser, const uint8_t **bytes, size_t *size)
{
    size_t taken = smaller(CONSOLE_FRAME_HEADER - parser->header_used, *size);

    if (taken)
        memcpy(parser->header + parser->header_used, *bytes, taken);
    parser->header_used += taken;
    *bytes += taken;
    *size -= taken;
    if (parser->header_used < CONSOLE_FRAME_HEADER)
        return false;
    parser->left = console_frame_size(parser->header);
    parser->collected_size = 0;
    parser->failed = parser->left > CONSOLE_FRAME_MAX;
    return true;
}

static void collect(struct console_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t room = CONSOLE_PARSER_WHOLE_MAX - parser->collected_size;

    if (smaller(size, room))
        memcpy(parser->collected + parser->collected_size, bytes, smaller(size, room));
    parser->collected_size += smaller(size, room);
}

int console_parser_next(struct console_parser *parser, const uint8_t **bytes, size_t *size,
                        struct console_frame *frame)
{
    for (;;) {
        if (parser->failed)
            return -EMSGSIZE;
        if (parser->header_used < CONSOLE_FRAME_HEADER) {
            if (!read_header(parser, bytes, size))
                return 0;
            continue;
        }
        enum treatment treatment = treatment_of(parser);
        const uint8_t *piece = *bytes;
        size_t taken = smaller(parser->left, *size);
        *bytes += taken;
        *size -= taken;
        parser->left -= taken;
        if (treatment == COLLECT)
            collect(parser, piece, taken);
        if (parser->left == 0)
            parser->header_used = 0;
        *frame = (struct console_frame){
            .kind = parser->header[0],
            .payload = treatment == COLLECT ? parser->collected : piece,
            .size = treatment == COLLECT ? parser->collected_size : taken,
        };
        if (treatment == STREAM && taken)
            return 1;
        if (treatment == COLLECT && parser->left == 0)
            return 1;
        if (parser->left)
            return 0;
    }
}
