/* libFuzzer target: the frames of a console connection, as each end takes them apart.
 *
 * Files: vbmc/control/console_parser.c
 *
 * The input is a byte that says in pieces of how many bytes the rest comes, and the bytes. In one
 * piece they must mean the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/control/console_parser.h"

static const char *const ends[][2] = {{"O", "LNCRDE"}, {"I", "BMH"}}; /* vbmc, the daemon */

/* What has come, whatever the pieces: streamed bytes one by one, the others as they are. */
struct meaning {
    uint64_t sum;
    size_t frames; /* that came whole */
    int result;
};

static void take(struct meaning *meaning, const struct console_frame *frame, const char *streamed)
{
    bool is_streamed = strchr(streamed, (char)frame->kind) != NULL;

    fuzz_require(!is_streamed || frame->size > 0);
    fuzz_require(is_streamed || frame->size <= CONSOLE_PARSER_WHOLE_MAX);
    meaning->frames += !is_streamed;
    if (!is_streamed)
        meaning->sum = meaning->sum * 31 + frame->kind;
    for (size_t i = 0; i < frame->size; i++)
        meaning->sum = meaning->sum * 31 + frame->payload[i];
}

static struct meaning parse(const uint8_t *bytes, size_t size, size_t piece,
                            const char *const end[2])
{
    struct meaning meaning = {0};
    struct console_parser parser;
    struct console_frame frame;

    console_parser_init(&parser, end[0], end[1]);
    while (size > 0 && meaning.result == 0) {
        size_t now = piece && piece < size ? piece : size;
        uint8_t *copy = fuzz_copy(bytes, now);
        const uint8_t *at = copy;
        size_t left = now;
        while ((meaning.result = console_parser_next(&parser, &at, &left, &frame)) == 1)
            take(&meaning, &frame, end[0]);
        fuzz_require(meaning.result < 0 || left == 0);
        free(copy);
        bytes += now;
        size -= now;
    }
    return meaning;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        struct meaning once = parse(bytes + 1, size - 1, 0, ends[i]);
        struct meaning pieces = parse(bytes + 1, size - 1, bytes[0], ends[i]);
        fuzz_require(once.sum == pieces.sum && once.frames == pieces.frames &&
                     once.result == pieces.result);
    }
    return 0;
}
