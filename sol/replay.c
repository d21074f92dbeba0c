#include "sol/replay.h"

#include <stdbool.h>
#include <string.h>

#include "sol/hub.h"

#define ENQ 0x05
#define BEL 0x07
#define CAN 0x18
#define SUB 0x1a
#define ESC 0x1b

static bool has(const struct replay *replay, uint8_t byte)
{
    return memchr(replay->held, byte, replay->used) != NULL;
}

/* A finished CSI sequence, with its last byte held: DSR, DA, DECREQTPARM and the reports of windows
 * always ask; DECRQM, XTVERSION and the question for the keyboard's mode by their prefix. */
static bool is_csi_question(const struct replay *replay)
{
    switch (replay->held[replay->used - 1]) {
    case 'n':
    case 'c':
    case 'x':
    case 't':
        return true;
    case 'p':
        return has(replay, '$');
    case 'q':
        return has(replay, '>');
    case 'u':
        return has(replay, '?');
    default:
        return false;
    }
}

/* DECRQSS and XTGETTCAP are DCS, of which nothing else is worth seeing again; an OSC asks where its
 * value is a question mark. */
static bool is_string_question(const struct replay *replay)
{
    return replay->held[1] == 'P' || has(replay, '?');
}

static size_t pass(struct replay *replay, uint8_t *out)
{
    size_t used = replay->used;

    memcpy(out, replay->held, used);
    replay->used = 0;
    replay->state = REPLAY_TEXT;
    return used;
}

static size_t finish(struct replay *replay, bool is_question, uint8_t *out)
{
    if (is_question)
        replay->used = 0;
    return pass(replay, out);
}

/* The byte behind ESC. */
static size_t begin(struct replay *replay, uint8_t byte, uint8_t *out)
{
    switch (byte) {
    case '[':
        replay->state = REPLAY_CSI;
        return 0;
    case ']':
    case 'P':
        replay->state = REPLAY_STRING;
        return 0;
    case 'Z': /* DECID */
        return finish(replay, true, out);
    default:
        return pass(replay, out);
    }
}

static size_t go_on(struct replay *replay, uint8_t byte, uint8_t *out)
{
    switch (replay->state) {
    case REPLAY_ESCAPE:
        return begin(replay, byte, out);
    case REPLAY_CSI:
        return byte >= 0x40 && byte <= 0x7e ? finish(replay, is_csi_question(replay), out) : 0;
    case REPLAY_STRING:
        if (byte == BEL)
            return finish(replay, is_string_question(replay), out);
        if (byte == ESC)
            replay->state = REPLAY_STRING_ESCAPE;
        return 0;
    case REPLAY_STRING_ESCAPE:
        if (byte == '\\')
            return finish(replay, is_string_question(replay), out);
        return pass(replay, out); /* whatever it is, it is no string any more */
    case REPLAY_TEXT:
        break;
    }
    return 0;
}

static size_t take(struct replay *replay, uint8_t byte, uint8_t *out)
{
    if (replay->state == REPLAY_TEXT && byte != ESC) {
        *out = byte;
        return byte != ENQ;
    }
    size_t passed = 0;
    bool ends_string = replay->state >= REPLAY_STRING;
    if (byte == CAN || byte == SUB || (byte == ESC && !ends_string))
        passed = pass(replay, out); /* cut off by this byte */
    replay->held[replay->used++] = byte;
    if (byte == ESC && !ends_string) {
        replay->state = REPLAY_ESCAPE;
        return passed;
    }
    if (byte == CAN || byte == SUB || replay->used == sizeof replay->held)
        return passed + pass(replay, out + passed);
    return go_on(replay, byte, out);
}

size_t replay_filter(struct replay *replay, const uint8_t *bytes, size_t size, uint8_t *out)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++)
        used += take(replay, bytes[i], out + used);
    return used;
}

size_t replay_flush(struct replay *replay, uint8_t *out)
{
    return pass(replay, out);
}

static size_t take_ready(struct replay *replay, uint8_t *buffer, size_t max)
{
    size_t taken = replay->ready_used < max ? replay->ready_used : max;

    memcpy(buffer, replay->ready, taken);
    replay->ready_used -= taken;
    memmove(replay->ready, replay->ready + taken, replay->ready_used);
    return taken;
}

/* Old bytes, until there is no room for what came of one. How many were taken. */
static size_t read_old(struct replay *replay, const uint8_t *bytes, size_t size, uint8_t *buffer,
                       size_t max, size_t *used)
{
    size_t taken = 0;

    while (taken < size && replay->ready_used == 0 && *used < max) {
        replay->ready_used = take(replay, bytes[taken++], replay->ready);
        *used += take_ready(replay, buffer + *used, max - *used);
    }
    return taken;
}

static size_t lesser(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

size_t replay_read(struct replay *replay, struct hub_reader *reader, uint8_t *buffer, size_t max,
                   uint64_t limit)
{
    size_t used = take_ready(replay, buffer, max), size;
    const uint8_t *bytes;

    while (used < max) {
        hub_reader_peek(reader, &bytes, &size);
        uint64_t position = hub_reader_position(reader);
        if (position >= replay->until && replay->used > 0) {
            replay->ready_used = replay_flush(replay, replay->ready);
            used += take_ready(replay, buffer + used, max - used);
            continue;
        }
        size = position < limit ? lesser(size, limit - position) : 0;
        if (size == 0)
            break;
        if (position < replay->until) {
            size = lesser(size, replay->until - position);
            size = read_old(replay, bytes, size, buffer, max, &used);
        } else {
            size = lesser(size, max - used);
            memcpy(buffer + used, bytes, size);
            used += size;
        }
        hub_reader_consume(reader, size);
    }
    return used;
}
