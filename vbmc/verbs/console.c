/* Output goes out in one write at a time, made when the one before has left: as much as one frame
 * holds, cut where a notice belongs. What the client does not read stays in the hub's scrollback,
 * where it is lost when it gets too old; nobody else waits for it.
 *
 * Input is passed on as it comes. When the guest takes no more, nothing is read from the client. */
#include "vbmc/verbs/console.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "vbmc/base/json.h"
#include "sol/replay.h"
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/control/console_parser.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"

#define SESSIONS_MAX 512
#define TEXTS_MAX    64 /* that wait for a client which does not read */
#define TEXT_SIZE    256
#define INPUT_SIZE   4096
#define LOST_SIZE    8

/* A notice, or any other frame of text, and where in the output it belongs. */
struct text {
    STAILQ_ENTRY(text) link;
    enum console_frame_kind kind;
    uint64_t position;
    char bytes[TEXT_SIZE];
};

struct console_session {
    LIST_ENTRY(console_session) link; /* of those that have a stream and a reader */
    struct control_identity identity;
    uint64_t began_ms, heard_ms;
    uv_stream_t *stream;
    struct instance *instance; /* as long as the reader lives */
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

    STAILQ_HEAD(texts, text) texts;
    unsigned text_count;
    uv_write_t write;
    bool writing;
    bool ending; /* with the write that is under way */
    bool closed;
    unsigned waits; /* answers to a break or an NMI that have yet to come; they hold the memory */

    uint8_t input[INPUT_SIZE]; /* as read */
    const uint8_t *unparsed;   /* in that */
    size_t unparsed_size;
    struct console_parser parser;
    const uint8_t *typed; /* in that too: what the guest has yet to take */
    size_t typed_size;

    uint8_t
        output[2 * (CONSOLE_FRAME_HEADER + LOST_SIZE) + CONSOLE_FRAME_HEADER + CONSOLE_FRAME_MAX];
};

static unsigned session_count;
static LIST_HEAD(console_sessions, console_session) sessions = LIST_HEAD_INITIALIZER(sessions);

static void pump(struct console_session *session);
static void restart_at_history(struct console_session *session);
static void take_input(struct console_session *session);

/* ---- the end ---- */

static void release(struct console_session *session)
{
    struct text *text;

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
    release(session);
}

static void end(struct console_session *session)
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

/* The last words, if they fit in at once: nobody waits for a client that does not read. */
static void end_with(struct console_session *session, const char *text)
{
    uint8_t header[CONSOLE_FRAME_HEADER];
    uv_buf_t buffers[] = {
        uv_buf_init((char *)header, sizeof header),
        uv_buf_init((char *)text, (unsigned)strlen(text)),
    };

    console_frame_put_header(header, CONSOLE_END, strlen(text));
    /* Refuses by itself while an earlier frame is not all in the socket. */
    uv_try_write(session->stream, buffers, ARRAY_SIZE(buffers));
    end(session);
}

/* ---- output ---- */

static void add_text(struct console_session *session, enum console_frame_kind kind,
                     uint64_t position, const char *bytes)
{
    struct text *text = session->text_count < TEXTS_MAX ? calloc(1, sizeof *text) : NULL;

    if (!text)
        return;
    text->kind = kind;
    text->position = position;
    snprintf(text->bytes, sizeof text->bytes, "%s", bytes);
    STAILQ_INSERT_TAIL(&session->texts, text, link);
    session->text_count++;
}

/* Where the output ends that the client has coming. */
static uint64_t output_end(const struct console_session *session)
{
    return hub_reader_position(session->reader) + hub_reader_pending(session->reader);
}

/* Says something to the client, behind the output that it has coming. */
static void say(struct console_session *session, enum console_frame_kind kind, const char *bytes)
{
    if (!session->reader)
        return;
    add_text(session, kind, output_end(session), bytes);
    pump(session);
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
    uint8_t bytes[LOST_SIZE];

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
    struct text *text = STAILQ_FIRST(&session->texts);
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
        end(session);
    else
        pump(session);
}

static void pump(struct console_session *session)
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
        end(session);
    }
}

static void on_available(void *context)
{
    pump(context);
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
    char text[TEXT_SIZE];

    if (notice->kind == HUB_NOTICE_SOURCE_CONNECTED)
        session->told_disconnected = false;
    if (session->log || notice->text[0] == '\0')
        return;
    if (session->script && notice->kind == HUB_NOTICE_SOURCE_CONNECTED)
        add_text(session, CONSOLE_READY, notice->position, "");
    snprintf(text, sizeof text, "%s%s", beginning ? beginning : "", notice->text);
    add_text(session, CONSOLE_NOTICE, notice->position, text);
    const char *problem = console_problem(instance_console(session->instance));
    if (session->script && problem)
        add_text(session, CONSOLE_END, notice->position, problem);
    pump(session);
}

static void on_hub_closed(void *context)
{
    end_with(context, "the BMC was removed, or vbmcd is stopping");
}

static const struct hub_reader_events reader_events = {
    .available = on_available,
    .notice = on_notice,
    .closed = on_hub_closed,
};

/* ---- break and NMI ---- */

/* An answer that comes when the session may be gone. */
struct wait {
    struct console_session *session;
};

static struct wait *new_wait(struct console_session *session)
{
    struct wait *wait = calloc(1, sizeof *wait);

    if (wait) {
        wait->session = session;
        session->waits++;
    }
    return wait;
}

static void end_wait(struct wait *wait, const char *text)
{
    struct console_session *session = wait->session;

    free(wait);
    session->waits--;
    say(session, CONSOLE_REPLY, text);
    release(session);
}

static void on_break_sent(void *context, int result, const char *text)
{
    end_wait(context, result == 0 ? "" : text && text[0] ? text : strerror(-result));
}

static void send_break(struct console_session *session)
{
    struct wait *wait = new_wait(session);
    int result = wait ? console_send_break(instance_console(session->instance), on_break_sent, wait)
                      : -ENOMEM;

    if (result == 0)
        return;
    const char *text = result == -ENOTCONN  ? "the guest is off, or has no serial port"
                       : result == -ENOTSUP ? "there is no way to send a break to this guest"
                       : result == -EBUSY   ? "too many breaks wait for the hypervisor"
                                            : strerror(-result);
    if (wait)
        end_wait(wait, text);
    else
        say(session, CONSOLE_REPLY, text);
}

static void on_nmi_done(const struct bmc_ticket *ticket, int result)
{
    char text[SERVICE_TEXT_SIZE];

    end_wait((struct wait *)ticket->sink,
             result == 0 ? "" : service_explain(SERVICE_POWER, result, text));
}

static void send_nmi(struct console_session *session)
{
    struct wait *wait = new_wait(session);
    const struct bmc_ticket ticket = {.done = on_nmi_done, .sink = wait, .waits_for_end = true};
    const struct caller caller = verbs_caller(&session->identity);
    const struct service_call call = {&caller, instance_bmc(session->instance), &ticket};
    const union service_arguments nmi = {.power = HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT};

    if (!wait) {
        say(session, CONSOLE_REPLY, strerror(ENOMEM));
        return;
    }
    int result = service_call(SERVICE_POWER, &call, &nmi);
    if (result != -EINPROGRESS)
        on_nmi_done(&ticket, result);
}

static int restart_reader(struct console_session *session, enum hub_from from, size_t lines)
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
    restart_reader(session, session->history_lines == 0 ? HUB_FROM_START : HUB_FROM_LINES,
                   session->history_lines);
}

/* ---- input ---- */

static const char streamed_kinds[] = {CONSOLE_INPUT, '\0'};
static const char whole_kinds[] = {CONSOLE_HISTORY, CONSOLE_BREAK, CONSOLE_NMI, '\0'};

static void show_history(struct console_session *session, const struct console_frame *frame)
{
    struct wire_in in = wire_in_init(frame->payload, frame->size);
    uint32_t lines = wire_u32(&in);

    if (in.failed)
        return;
    session->wants_history = true;
    session->history_lines = lines;
    pump(session);
}

static void refuse_to_act(struct console_session *session, enum console_frame_kind kind)
{
    char words[SERVICE_TEXT_SIZE];
    const char *text = service_explain(SERVICE_CONSOLE_WRITE, -EPERM, words);

    if (kind == CONSOLE_INPUT && !session->told_read_only && !session->log)
        say(session, CONSOLE_DROPPED, text);
    else if (kind != CONSOLE_INPUT)
        say(session, CONSOLE_REPLY, text);
    session->told_read_only = true;
}

static void run_frame(struct console_session *session, const struct console_frame *frame)
{
    if (frame->kind == CONSOLE_HISTORY)
        show_history(session, frame);
    else if (!session->may_type)
        refuse_to_act(session, frame->kind);
    else if (frame->kind == CONSOLE_BREAK)
        send_break(session);
    else
        send_nmi(session);
}

/* What is typed while nobody listens is dropped, so that the next guest does not get it. */
static size_t type(struct console_session *session, const uint8_t *bytes, size_t size)
{
    char text[TEXT_SIZE];

    session->heard_ms = uv_hrtime() / 1000000;
    if (!session->may_type) {
        refuse_to_act(session, CONSOLE_INPUT);
        return size;
    }
    ssize_t taken = hub_write(session->writer, bytes, size);
    if (taken >= 0)
        return (size_t)taken;
    if (!session->told_disconnected) {
        snprintf(text, sizeof text, "nothing was typed: %s",
                 console_source(instance_console(session->instance)));
        session->told_disconnected = true;
        say(session, CONSOLE_DROPPED, text);
    }
    return size;
}

/* What came together with the request comes before what the socket holds. */
static bool refill(struct console_session *session)
{
    session->unparsed = session->input;
    session->unparsed_size = control_stream_take(session->stream, session->input, INPUT_SIZE);
    return session->unparsed_size > 0;
}

static size_t room_for_input(const struct console_session *session)
{
    return (size_t)(session->input + INPUT_SIZE - (session->unparsed + session->unparsed_size));
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct console_session *session = handle->data;
    const uint8_t *end_of_input = session->unparsed + session->unparsed_size;

    (void)suggested;
    *buffer = uv_buf_init((char *)session->input + (end_of_input - session->input),
                          (unsigned)room_for_input(session));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct console_session *session = stream->data;

    (void)buffer;
    if (size < 0) {
        end(session);
        return;
    }
    session->unparsed_size += (size_t)size;
    take_input(session);
}

/* While the guest takes nothing there is still something to read: that the client has left. */
static void read_on(struct console_session *session)
{
    if (room_for_input(session) > 0)
        uv_read_start(session->stream, on_allocate, on_read);
    else
        uv_read_stop(session->stream);
}

static void take_input(struct console_session *session)
{
    struct console_frame frame;

    while (session->reader) {
        if (session->typed_size > 0) {
            size_t taken = type(session, session->typed, session->typed_size);
            session->typed += taken;
            session->typed_size -= taken;
            if (session->typed_size > 0) {
                read_on(session);
                return;
            }
        }
        int parsed = console_parser_next(&session->parser, &session->unparsed,
                                         &session->unparsed_size, &frame);
        if (parsed < 0) {
            end_with(session, "a frame is too large");
        } else if (parsed == 0 && !refill(session)) {
            read_on(session);
            return;
        } else if (parsed > 0 && frame.kind == CONSOLE_INPUT) {
            session->typed = frame.payload;
            session->typed_size = frame.size;
        } else if (parsed > 0) {
            run_frame(session, &frame);
        }
    }
}

static void on_writable(void *context)
{
    take_input(context);
}

static const struct hub_writer_events writer_events = {.writable = on_writable};

/* ---- the beginning ---- */

static bool flag(struct json_object *arguments, const char *name, bool otherwise)
{
    struct json_object *value = qmp_json_member(arguments, name, json_type_boolean);

    return value ? json_object_get_boolean(value) : otherwise;
}

static int open_reader(struct console_session *session, struct json_object *arguments)
{
    struct console *console = instance_console(session->instance);
    int64_t lines = console_replay_lines(console);
    struct json_object *given = qmp_json_member(arguments, "lines", json_type_int);

    if (given && (!qmp_json_integer(given, &lines) || lines < -1 || lines > UINT32_MAX))
        return -EINVAL;
    return restart_reader(session,
                          lines < 0    ? HUB_FROM_START
                          : lines == 0 ? HUB_FROM_END
                                       : HUB_FROM_LINES,
                          lines < 0 ? 0 : (size_t)lines);
}

static int open_session(struct console_session *session, struct json_object *arguments,
                        const struct control_identity *identity)
{
    struct console *console = instance_console(session->instance);
    const struct caller caller = verbs_caller(identity);
    char who[CALLER_TEXT_SIZE];

    session->log = flag(arguments, "log", false);
    session->script = !session->log && flag(arguments, "script", false);
    session->may_type = !session->log && service_permit(SERVICE_CONSOLE_WRITE, &caller) == 0;
    if (!session->log) {
        caller_format(&caller, who);
        session->person = console_join(console, who);
        if (!session->person)
            return -ENOMEM;
    }
    if (session->may_type) {
        int result =
            hub_writer_new(console_hub(console), &writer_events, session, &session->writer);
        if (result < 0)
            return result;
    }
    int result = open_reader(session, arguments);
    if (result == 0 && session->log && !flag(arguments, "follow", true))
        add_text(session, CONSOLE_END, output_end(session), "");
    return result;
}

static struct json_object *describe(struct console_session *session)
{
    struct console *console = instance_console(session->instance);
    struct json_object *result = json_object_new_object();
    char people[512];

    console_people(console, session->person, people, sizeof people);
    json_object_object_add(result, "name",
                           json_object_new_string(instance_record(session->instance)->name));
    json_object_object_add(result, "writable", json_object_new_boolean(session->may_type));
    json_object_object_add(result, "connected",
                           json_object_new_boolean(hub_is_connected(console_hub(console))));
    json_object_object_add(result, "opening", json_object_new_boolean(console_is_opening(console)));
    json_object_object_add(result, "source", json_object_new_string(console_source(console)));
    json_object_object_add(result, "people", json_object_new_string(people));
    return result;
}

/* Undoes what did not get a connection. */
static void abandon(struct console_session *session)
{
    hub_reader_free(session->reader);
    hub_writer_free(session->writer);
    console_leave(session->person);
    session->closed = true;
    release(session);
}

void console_session_start(struct instance *instance, struct json_object *arguments,
                           struct control_request *request)
{
    struct console_session *session =
        session_count < SESSIONS_MAX ? calloc(1, sizeof *session) : NULL;

    if (!session || !console_hub(instance_console(instance))) {
        free(session);
        control_reply_error(request, CONTROL_FAILED, "too many consoles are open");
        return;
    }
    const char *problem = console_problem(instance_console(instance));
    if (problem && !flag(arguments, "log", false) && flag(arguments, "script", false)) {
        free(session);
        control_reply_error(request, CONTROL_FAILED, "%s", problem);
        console_look_again(instance_console(instance));
        return;
    }
    session_count++;
    STAILQ_INIT(&session->texts);
    session->instance = instance;
    session->identity = *control_request_identity(request);
    session->began_ms = session->heard_ms = uv_hrtime() / 1000000;
    int result = open_session(session, arguments, control_request_identity(request));
    if (result < 0) {
        control_reply_error(request, result == -EINVAL ? CONTROL_USAGE : CONTROL_FAILED, "%s",
                            result == -EINVAL ? "\"lines\" must be -1 or a number of lines"
                                              : strerror(-result));
        abandon(session);
        return;
    }
    session->stream = control_request_take_over(request, describe(session));
    if (!session->stream) {
        abandon(session);
        return;
    }
    LIST_INSERT_HEAD(&sessions, session, link);
    session->stream->data = session;
    session->unparsed = session->input;
    console_parser_init(&session->parser, streamed_kinds, whole_kinds);
    pump(session);
    take_input(session);
}

void console_session_visit(console_session_visit_fn *visit, void *context)
{
    const struct console_session *session;

    for (session = LIST_FIRST(&sessions); session; session = LIST_NEXT(session, link)) {
        if (!session->log)
            visit(context, session->instance, &session->identity, session->began_ms,
                  session->heard_ms);
    }
}
