/* One client on a console, as the files of it share that. Only console*.c of this room include
 * this. */
#ifndef VBMC_VERBS_CONSOLE_INTERNAL_H
#define VBMC_VERBS_CONSOLE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "sol/hub.h"
#include "sol/replay.h"
#include "vbmc/control/console_frame.h"
#include "vbmc/control/console_parser.h"
#include "vbmc/control/control.h"

#define CONSOLE_TEXT_SIZE  256
#define CONSOLE_INPUT_SIZE 4096
#define CONSOLE_LOST_SIZE  8

/* A notice, or any other frame of text, and where in the output it belongs. */
struct console_text {
    STAILQ_ENTRY(console_text) link;
    enum console_frame_kind kind;
    uint64_t position;
    char bytes[CONSOLE_TEXT_SIZE];
};

struct console_session {
    LIST_ENTRY(console_session) link; /* of those that have a stream and a reader */
    struct control_identity identity;
    uint64_t began_ms, heard_ms;
    uv_stream_t *stream;
    struct instance *instance; /* as long as the reader lives */
    unsigned restarts;         /* of its BMC when the console was opened */
    struct hub_reader *reader;
    struct replay replay;
    struct hub_writer *writer; /* NULL: who looks only */
    struct console_user *person;
    bool log;    /* history only */
    bool script; /* ends when there is no serial port, is told when there is one */
    bool may_type;
    bool told_read_only; /* typed all the same */
    bool told_disconnected;
    bool wants_history; /* asked for, and begins with the next write */
    uint32_t history_lines;

    STAILQ_HEAD(console_texts, console_text) texts;
    unsigned text_count;
    uv_write_t write;
    bool writing;
    bool ending; /* with the write that is under way */
    bool closed;
    unsigned waits; /* answers to a break or an NMI that have yet to come; they hold the memory */

    uint8_t input[CONSOLE_INPUT_SIZE]; /* as read */
    const uint8_t *unparsed;           /* in that */
    size_t unparsed_size;
    struct console_parser parser;
    const uint8_t *typed; /* in that too: what the guest has yet to take */
    size_t typed_size;

    uint8_t output[2 * (CONSOLE_FRAME_HEADER + CONSOLE_LOST_SIZE) + CONSOLE_FRAME_HEADER +
                   CONSOLE_FRAME_MAX];
};

/* ---- console_output.c ---- */

/* NULL if there is no memory, or too many are open. Released by console_session_release. */
struct console_session *console_session_new(void);
/* Takes the client from the hub and the list, and closes its connection. */
void console_session_end(struct console_session *session);
/* The same with last words, if they fit in at once: nobody waits for a client that does not read.
 */
void console_session_end_with(struct console_session *session, const char *text);
/* Frees the session if its connection is closed and nothing is to be answered to it any more. */
void console_session_release(struct console_session *session);

/* Puts a frame of text at that position of the output; it is sent by console_output_pump. */
void console_output_add(struct console_session *session, enum console_frame_kind kind,
                        uint64_t position, const char *bytes);
/* Where the output ends that the client has coming. */
uint64_t console_output_end(const struct console_session *session);
/* Says something to the client, behind the output that it has coming. */
void console_output_say(struct console_session *session, enum console_frame_kind kind,
                        const char *bytes);
/* Sends what there is, if nothing is being sent. */
void console_output_pump(struct console_session *session);
/* Makes the output begin at another place of the history. 0 or a negative error. */
int console_output_restart(struct console_session *session, enum hub_from from, size_t lines);

/* ---- console_input.c ---- */

extern const struct hub_writer_events console_input_events;

/* The client's first bytes are those behind its request. */
void console_input_init(struct console_session *session);
/* Passes on what the client has typed, and runs what else it asks for, until there is no more. */
void console_input_take(struct console_session *session);

#endif
