/* libFuzzer target: bytes of a guest, and names of others, on their way to somebody's terminal.
 *
 * Files: vbmc/term/escape.c vbmc/term/screen.c vbmc/term/text.c vbmc/term/output.c sol/replay.c
 *
 * The input is a byte that says in pieces of how many bytes the rest comes (0: in one), and the
 * bytes. What is printed as text must hold no control character; what a terminal is put back with,
 * and what of old output is shown again, must not depend on the pieces. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sol/replay.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/term/escape.h"
#include "vbmc/term/output.h"
#include "vbmc/term/screen.h"
#include "vbmc/term/text.h"

static void print_text(const char *text, size_t size)
{
    CLEANUP_FREE char *shown = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&shown, &length);

    fuzz_require(out != NULL);
    cli_text_print(text, text + size, out);
    fclose(out);
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)shown[i];
        fuzz_require(byte >= 0x20 && byte != 0x7f);
        fuzz_require(byte != 0xc2 || (uint8_t)shown[i + 1] >= 0xa0); /* C1 */
    }
    fuzz_require(cli_text_width(text, text + size) == cli_text_width(shown, shown + length));
}

static void type_keys(const uint8_t *bytes, size_t size)
{
    struct cli_escape escape = {0};
    const uint8_t *send;
    size_t send_size, before = size;

    while (cli_escape_next(&escape, &bytes, &size, &send, &send_size) != CLI_ESCAPE_NOTHING) {
        fuzz_require(size < before);
        before = size;
    }
    fuzz_require(size == 0);
}

/* `size` must be at most the room that an output has. */
static void show_output(int fd, const uint8_t *bytes, size_t size, const char *text)
{
    struct cli_output *output = cli_output_new(fd, fd, true);
    char reset[CLI_SCREEN_RESET_MAX];

    fuzz_require(output != NULL);
    size = size < cli_output_room(output) ? size : cli_output_room(output);
    cli_output_put(output, bytes, size);
    cli_output_show_menu(output, CLI_ESCAPE_MENU);
    cli_output_tell(output, text);
    cli_output_hide_menu(output);
    fuzz_require(cli_output_write(output) == 0 && cli_output_is_empty(output));
    fuzz_require(cli_screen_reset(cli_output_screen(output), reset) <= sizeof reset);
    cli_output_free(output);
}

struct shown {
    size_t used;
    size_t reset_size;
    char reset[CLI_SCREEN_RESET_MAX];
    uint8_t *replayed; /* as large as what can come */
};

static void show_in_pieces(const uint8_t *bytes, size_t size, size_t piece, struct shown *shown)
{
    struct cli_screen screen = {0};
    struct replay replay = {0};

    shown->used = 0;
    for (size_t at = 0; at < size;) {
        size_t now = piece && piece < size - at ? piece : size - at;
        uint8_t *copy = fuzz_copy(bytes + at, now);
        cli_screen_feed(&screen, copy, now);
        shown->used += replay_filter(&replay, copy, now, shown->replayed + shown->used);
        free(copy);
        at += now;
    }
    shown->used += replay_flush(&replay, shown->replayed + shown->used);
    fuzz_require(shown->used <= size);
    shown->reset_size = cli_screen_reset(&screen, shown->reset);
}

static void show(const uint8_t *bytes, size_t size, size_t piece)
{
    struct shown once, pieces;

    once.replayed = fuzz_copy(NULL, 0);
    pieces.replayed = fuzz_copy(NULL, 0);
    once.replayed = realloc(once.replayed, size + REPLAY_HELD_MAX);
    pieces.replayed = realloc(pieces.replayed, size + REPLAY_HELD_MAX);
    show_in_pieces(bytes, size, 0, &once);
    show_in_pieces(bytes, size, piece, &pieces);
    fuzz_require(once.used == pieces.used && once.reset_size == pieces.reset_size);
    fuzz_require(memcmp(once.replayed, pieces.replayed, once.used) == 0);
    fuzz_require(memcmp(once.reset, pieces.reset, once.reset_size) == 0);
    free(once.replayed);
    free(pieces.replayed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int nowhere = -1;

    if (size < 1)
        return 0;
    if (nowhere < 0) {
        cli_text_init();
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    uint8_t *copy = fuzz_copy(bytes + 1, size - 1);
    CLEANUP_FREE char *text = fuzz_text(bytes + 1, size - 1);
    print_text((char *)copy, size - 1);
    type_keys(copy, size - 1);
    show(copy, size - 1, bytes[0]);
    show_output(nowhere, copy, size - 1, text);
    free(copy);
    return 0;
}
