/* Takes the frames of a console connection (vbmc/control/console_frame.h) apart, as the bytes come.
 * It serves both ends: each names the kinds that it wants. */
#ifndef VBMC_CONTROL_CONSOLE_PARSER_H
#define VBMC_CONTROL_CONSOLE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/control/console_frame.h"

#define CONSOLE_PARSER_WHOLE_MAX 1024 /* bytes of a payload that is handed over whole */

/* What a frame brought. Of the streamed kinds each piece is one of these, never an empty one; of
 * the others the whole payload, cut to CONSOLE_PARSER_WHOLE_MAX. */
struct console_frame {
    enum console_frame_kind kind;
    const uint8_t *payload; /* good until the next call and as long as the input */
    size_t size;
};

struct console_parser {
    const char *streamed;
    const char *whole;
    uint8_t header[CONSOLE_FRAME_HEADER];
    size_t header_used;
    size_t left; /* of the payload */
    bool failed;
    uint8_t collected[CONSOLE_PARSER_WHOLE_MAX];
    size_t collected_size;
};

/* `streamed` and `whole` are strings of kinds, which must outlive the parser; frames of any other
 * kind are skipped. */
void console_parser_init(struct console_parser *parser, const char *streamed, const char *whole);

/* Moves `*bytes` and `*size` on to behind what was used. 1 with a frame; 0 when the bytes are used
 * up; -EMSGSIZE, from then on always, for a frame larger than CONSOLE_FRAME_MAX, after which
 * nothing that follows can be understood. */
int console_parser_next(struct console_parser *parser, const uint8_t **bytes, size_t *size,
                        struct console_frame *frame);

#endif
