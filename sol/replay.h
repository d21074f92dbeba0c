/* Takes out of a guest's old output what would make a terminal answer: questions for the cursor's
 * place, the terminal's kind, its colours and settings. They were asked of another terminal, long
 * ago; an answer now would be typed into the guest. (ECMA-48: DSR, DA, DCS, OSC; xterm's control
 * sequences.) */
#ifndef SOL_REPLAY_H
#define SOL_REPLAY_H

#include <stddef.h>
#include <stdint.h>

/* The longest sequence that is recognised; a longer one passes as it is. */
#define REPLAY_HELD_MAX 128

enum replay_state {
    REPLAY_TEXT,
    REPLAY_ESCAPE, /* behind ESC */
    REPLAY_CSI,
    REPLAY_STRING,        /* OSC or DCS, until BEL or ST */
    REPLAY_STRING_ESCAPE, /* behind an ESC in that: the first half of ST */
};

struct hub_reader;

/* Zeroed: at the beginning of a text. */
struct replay {
    enum replay_state state;
    uint8_t held[REPLAY_HELD_MAX]; /* the sequence so far */
    size_t used;
    /* For replay_read: what is before this position of the reader is old. */
    uint64_t until;
    uint8_t ready[REPLAY_HELD_MAX + 1]; /* filtered, and waiting for room */
    size_t ready_used;
};

/* Reads as hub_reader_peek and hub_reader_consume do, up to position `limit`, and filters what is
 * old. How many bytes; less than `max` when the reader has no more or is at the limit. */
size_t replay_read(struct replay *replay, struct hub_reader *reader, uint8_t *buffer, size_t max,
                   uint64_t limit);

/* Filters `size` bytes; at most size + REPLAY_HELD_MAX come out. How many. */
size_t replay_filter(struct replay *replay, const uint8_t *bytes, size_t size, uint8_t *out);
/* The end of the old output: what is held of an unfinished sequence, at most REPLAY_HELD_MAX. */
size_t replay_flush(struct replay *replay, uint8_t *out);

#endif
