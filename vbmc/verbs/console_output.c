/* Output goes out in one write at a time, made when the one before has left: as much as one frame
 * holds, cut where a notice belongs. What the client does not read stays in the hub's scrollback,
 * where it is lost when it gets too old; nobody else waits for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/instance.h"
#include "vbmc/verbs/console_internal.h"

#define SESSIONS_MAX 512
#define TEXTS_MAX    64 /* that wait for a client which does not read */

static unsigned session_count;

static void restart_at_history(struct console_session *session);

/* ---- beginning and end ---- */

struct console_session *console_session_new(void)
{
    struct console_session *session =
        session_count < SESSIONS_MAX ? calloc(1, sizeof *session) : NULL;

    if (!session)
        return NULL;
    session_count++;
    STAILQ_INIT(&session->texts);
    return session;
}

void console_session_release(struct console_session *session)
{
    struct console_text *text;

    if (!session->closed || session->waits > 0)
        return;
    while ((text = STAILQ_FIRST(&session->texts))) {
        STAILQ_REMOVE_HEAD(&session->texts, link);
        free(text);
    }
    session_count--;
    explicit_bzero(session->input, sizeof session->input); /* it may be a password */
    free(session);
}

static void on_closed(uv_handle_t *handle)
{
    struct console_session *session = handle->data;

    control_stream_closed(handle);
    session->closed = true;
    console_session_release(session);
}

void console_session_end(struct console_session *session)
{
    struct hub_reader *reader = session->reader;

    if (uv_is_closing((uv_handle_t *)session->stream))
        return;
    LIST_REMOVE(session, link);
    session->reader = NULL;
    hub_reader_free(reader);
    hub_writer_free(session->writer);
    session->writer = NULL;
    console_leave(session->person);
    session->person = NULL;
    uv_close((uv_handle_t *)session->stream, on_closed);
}

void console_session_end_with(struct console_session *session, const char *text)
{
    uint8_t header[CONSOLE_FRAME_HEADER];
    uv_buf_t buffers[] = {
        uv_buf_init((char *)header, sizeof header),
        uv_buf_init((char *)text, (unsigned)strlen(text)),
    };

    console_frame_put_header(header, CONSOLE_END, strlen(text));
    /* Refuses by itself while an earlier frame is not all in the socket. */
    uv_try_write(session->stream, buffers, ARRAY_SIZE(buffers));
    console_session_end(session);
}

/* ---- output ---- */

void console_output_add(struct console_session *session, enum console_frame_kind kind,
                        uint64_t position, const char *bytes)
{
    struct console_text *text = session->text_count < TEXTS_MAX ? calloc(1, sizeof *text) : NULL;

    if (!text)
        return;
    text->kind = kind;
    text->position = position;
    snprintf(text->bytes, sizeof text->bytes, "%s", bytes);
    STAILQ_INSERT_TAIL(&session->texts, text, link);
    session->text_count++;
}

uint64_t console_output_end(const struct console_session *session)
{
    return hub_reader_position(session->reader) + hub_reader_pending(session->reader);
}

void console_output_say(struct console_session *session, enum console_frame_kind kind,
                        const char *bytes)
{
    if (!session->reader)
        return;
    console_output_add(session, kind, console_output_end(session), bytes);
    console_output_pump(session);
}

static size_t put_frame(uint8_t *to, enum console_frame_kind kind, const void *bytes, size_t size)
{
    console_frame_put_header(to, kind, size);
    memcpy(to + CONSOLE_FRAME_HEADER, bytes, size);
    return CONSOLE_FRAME_HEADER + size;
}

static size_t put_lost(struct console_session *session, uint8_t *to)
{
    uint64_t lost = hub_reader_take_lost(session->reader);
    uint8_t bytes[CONSOLE_LOST_SIZE];

    if (lost == 0)
        return 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(lost >> 8 * i);
    return put_frame(to, CONSOLE_LOST, bytes, sizeof bytes);
}

/* Output of the guest, up to `limit`. */
static size_t put_output(struct console_session *session, uint8_t *to, uint64_t limit)
{
    const uint8_t *bytes;
    size_t size, used = put_lost(session, to);

    hub_reader_peek(session->reader, &bytes, &size);
    used += put_lost(session, to + used); /* what looking has found */
    size = replay_read(&session->replay, session->reader, to + used + CONSOLE_FRAME_HEADER,
                       CONSOLE_FRAME_MAX, limit);
    if (size == 0)
        return used;
    console_frame_put_header(to + used, CONSOLE_OUTPUT, size);
    return used + CONSOLE_FRAME_HEADER + size;
}

/* The next thing to send; 0 if there is none. */
static size_t put_next(struct console_session *session)
{
    struct console_text *text = STAILQ_FIRST(&session->texts);
    size_t used = 0;

    if (!text || hub_reader_position(session->reader) < text->position)
        used = put_output(session, session->output, text ? text->position : UINT64_MAX);
    if (used > 0 || !text)
        return used;
    used = put_frame(session->output, text->kind, text->bytes, strlen(text->bytes));
    session->ending = text->kind == CONSOLE_END;
    STAILQ_REMOVE_HEAD(&session->texts, link);
    session->text_count--;
    free(text);
    return used;
}

static void on_written(uv_write_t *write, int status)
{
    struct console_session *session = write->data;

    session->writing = false;
    if (status < 0 || session->ending)
        console_session_end(session);
    else
        console_output_pump(session);
}

void console_output_pump(struct console_session *session)
{
    if (session->writing || session->ending || !session->reader)
        return;
    if (session->wants_history)
        restart_at_history(session);
    size_t size = put_next(session);
    if (size == 0)
        return;
    uv_buf_t buffer = uv_buf_init((char *)session->output, (unsigned)size);
    session->write.data = session;
    session->writing = true;
    if (uv_write(&session->write, session->stream, &buffer, 1, on_written) < 0) {
        session->writing = false;
        console_session_end(session);
    }
}

static void on_available(void *context)
{
    console_output_pump(context);
}

static void on_notice(void *context, const struct hub_notice *notice)
{
    /* What a source says of itself makes a sentence only with these. */
    static const char *const beginnings[] = {
        [HUB_NOTICE_SOURCE_CONNECTED] = "the serial port is connected: ",
        [HUB_NOTICE_SOURCE_LOST] = "the serial port is disconnected: ",
        [HUB_NOTICE_TAKEN_OVER] = "the console was taken over: ",
        [HUB_NOTICE_MESSAGE] = "",
    };
    struct console_session *session = context;
    const char *beginning = beginnings[notice->kind];
    char text[CONSOLE_TEXT_SIZE];

    if (notice->kind == HUB_NOTICE_SOURCE_CONNECTED)
        session->told_disconnected = false;
    if (session->log || notice->text[0] == '\0')
        return;
    if (session->script && notice->kind == HUB_NOTICE_SOURCE_CONNECTED)
        console_output_add(session, CONSOLE_READY, notice->position, "");
    snprintf(text, sizeof text, "%s%s", beginning ? beginning : "", notice->text);
    console_output_add(session, CONSOLE_NOTICE, notice->position, text);
    const char *problem = console_problem(instance_console(session->instance));
    if (session->script && problem)
        console_output_add(session, CONSOLE_END, notice->position, problem);
    console_output_pump(session);
}

static void on_hub_closed(void *context)
{
    console_session_end_with(context, "the BMC was removed, or vbmcd is stopping");
}

static const struct hub_reader_events reader_events = {
    .available = on_available,
    .notice = on_notice,
    .closed = on_hub_closed,
};

int console_output_restart(struct console_session *session, enum hub_from from, size_t lines)
{
    struct hub *hub = console_hub(instance_console(session->instance));
    struct hub_reader *reader;
    int result = hub_reader_new(hub, from, lines, &reader_events, session, &reader);

    if (result < 0)
        return result;
    hub_reader_free(session->reader);
    session->reader = reader;
    session->replay = (struct replay){0};
    if (!session->log) /* a log is no terminal, and is wanted as it is */
        session->replay.until = hub_reader_position(reader) + hub_reader_pending(reader);
    return 0;
}

/* Finding the lines walks through the whole history, so it is done once for each write, however
 * often a client asks. */
static void restart_at_history(struct console_session *session)
{
    session->wants_history = false;
    console_output_restart(session, session->history_lines == 0 ? HUB_FROM_START : HUB_FROM_LINES,
                           session->history_lines);
}
