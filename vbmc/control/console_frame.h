/* What a control connection carries once the verb "console" was granted: the console of one guest,
 * as frames in both directions. The daemon has answered the request with {"ok":true,"result":{..}}
 * as any other; what follows the newline is frames, until one side closes the connection.
 *
 * A frame is a kind (1 byte), the size of its payload (3 bytes, little endian) and the payload, at
 * most CONSOLE_FRAME_MAX bytes. Who does not know a kind skips the frame.
 *
 * The arguments of the verb:
 *   - "name": the domain
 *   - "lines": how many lines of history come first; -1: all; missing: the daemon's console-replay
 *   - "log": true: only history is wanted; the port is not touched, nobody is told, nothing can be
 *     typed, there are no notices
 *   - "follow": false, with "log": CONSOLE_END follows the history there is now
 *   - "script": true: nobody is there to wait for what a guest lacks. Refused, or ended, when the
 *     running guest has no serial port that can be opened; CONSOLE_READY says when it is connected
 *   - "columns", "rows": the size of the terminal, where there is one
 *
 * Its result: "name"; "writable" (the account may type); "connected"; "opening" (not connected, but
 * about to be); "source" (a line on where the
 * bytes come from, or why they do not); "people" (who else is there, one line, may be ""). */
#ifndef VBMC_CONTROL_CONSOLE_FRAME_H
#define VBMC_CONTROL_CONSOLE_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    CONSOLE_FRAME_HEADER = 4,
    CONSOLE_FRAME_MAX = 64 * 1024,
};

enum console_frame_kind {
    /* From the daemon. */
    CONSOLE_OUTPUT = 'O',  /* what the guest wrote */
    CONSOLE_LOST = 'L',    /* 8 bytes, little endian: so many bytes are missing here */
    CONSOLE_NOTICE = 'N',  /* one line of text for people */
    CONSOLE_READY = 'C',   /* to scripts: the serial port was connected; no payload */
    CONSOLE_REPLY = 'R',   /* what became of a CONSOLE_BREAK or CONSOLE_NMI: one line, "" if done */
    CONSOLE_DROPPED = 'D', /* one line on why what was typed did not get to the guest */
    CONSOLE_END = 'E',     /* one line on why it ends, may be ""; the last frame */
    /* To the daemon. */
    CONSOLE_INPUT = 'I',   /* typed; bytes beyond what the guest takes wait in the socket */
    CONSOLE_BREAK = 'B',   /* no payload; each is answered by a CONSOLE_REPLY */
    CONSOLE_NMI = 'M',     /* no payload; the same */
    CONSOLE_HISTORY = 'H', /* 4 bytes, little endian: show so many lines again, 0 for all */
};

static inline void console_frame_put_header(uint8_t header[CONSOLE_FRAME_HEADER],
                                            enum console_frame_kind kind, size_t size)
{
    header[0] = (uint8_t)kind;
    header[1] = (uint8_t)size;
    header[2] = (uint8_t)(size >> 8);
    header[3] = (uint8_t)(size >> 16);
}

static inline size_t console_frame_size(const uint8_t header[CONSOLE_FRAME_HEADER])
{
    return (size_t)header[1] | (size_t)header[2] << 8 | (size_t)header[3] << 16;
}

#endif
