/* Input is passed on as it comes. When the guest takes no more, nothing is read from the client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vbmc/base/wire.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/console_internal.h"

static const char streamed_kinds[] = {CONSOLE_INPUT, '\0'};
static const char whole_kinds[] = {CONSOLE_HISTORY, CONSOLE_BREAK, CONSOLE_NMI, '\0'};

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
    console_output_say(session, CONSOLE_REPLY, text);
    console_session_release(session);
}

/* Says how what was asked for has ended; `wait` NULL: there was no memory for it. */
static void answer_wait(struct console_session *session, struct wait *wait,
                        enum service_operation operation, int result)
{
    char words[SERVICE_TEXT_SIZE];
    const char *text = result == 0 ? "" : service_explain(operation, result, words);

    if (wait)
        end_wait(wait, text);
    else
        console_output_say(session, CONSOLE_REPLY, text);
}

static void on_break_sent(void *context, int result, const char *text)
{
    struct wait *wait = context;

    if (result < 0 && text && text[0])
        end_wait(wait, text);
    else
        answer_wait(wait->session, wait, SERVICE_BREAK, result);
}

static void send_break(struct console_session *session)
{
    struct wait *wait = new_wait(session);
    const struct caller caller = verbs_caller(&session->identity);
    const struct service_call call = {.caller = &caller, .bmc = instance_bmc(session->instance)};
    int result = wait ? service_call(SERVICE_BREAK, &call, NULL) : -ENOMEM;

    if (result == 0)
        result = console_send_break(instance_console(session->instance), on_break_sent, wait);
    if (result < 0)
        answer_wait(session, wait, SERVICE_BREAK, result);
}

static void on_nmi_done(const struct bmc_ticket *ticket, int result)
{
    struct wait *wait = (struct wait *)ticket->sink;

    answer_wait(wait->session, wait, SERVICE_POWER, result);
}

static void send_nmi(struct console_session *session)
{
    struct wait *wait = new_wait(session);
    const struct bmc_ticket ticket = {.done = on_nmi_done, .sink = wait, .waits_for_end = true};
    const struct caller caller = verbs_caller(&session->identity);
    const struct service_call call = {&caller, instance_bmc(session->instance), &ticket};
    const union service_arguments nmi = {.power = HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT};

    int result = wait ? service_call(SERVICE_POWER, &call, &nmi) : -ENOMEM;
    if (result != -EINPROGRESS)
        answer_wait(session, wait, SERVICE_POWER, result);
}

/* ---- input ---- */

static void show_history(struct console_session *session, const struct console_frame *frame)
{
    struct wire_in in = wire_in_init(frame->payload, frame->size);
    uint32_t lines = wire_u32(&in);

    if (in.failed)
        return;
    session->wants_history = true;
    session->history_lines = lines;
    console_output_pump(session);
}

static void refuse_to_act(struct console_session *session, enum console_frame_kind kind)
{
    char words[SERVICE_TEXT_SIZE];
    const char *text = service_explain(SERVICE_CONSOLE_WRITE, -EPERM, words);

    if (kind == CONSOLE_INPUT && !session->told_read_only && !session->log)
        console_output_say(session, CONSOLE_DROPPED, text);
    else if (kind != CONSOLE_INPUT)
        console_output_say(session, CONSOLE_REPLY, text);
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
    char text[CONSOLE_TEXT_SIZE];

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
        console_output_say(session, CONSOLE_DROPPED, text);
    }
    return size;
}

/* What came together with the request comes before what the socket holds. */
static bool refill(struct console_session *session)
{
    session->unparsed = session->input;
    session->unparsed_size =
        control_stream_take(session->stream, session->input, CONSOLE_INPUT_SIZE);
    return session->unparsed_size > 0;
}

static size_t room_for_input(const struct console_session *session)
{
    return (size_t)(session->input + CONSOLE_INPUT_SIZE -
                    (session->unparsed + session->unparsed_size));
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
        console_session_end(session);
        return;
    }
    session->unparsed_size += (size_t)size;
    console_input_take(session);
}

/* While the guest takes nothing there is still something to read: that the client has left. */
static void read_on(struct console_session *session)
{
    if (room_for_input(session) > 0)
        uv_read_start(session->stream, on_allocate, on_read);
    else
        uv_read_stop(session->stream);
}

void console_input_take(struct console_session *session)
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
            console_session_end_with(session, "a frame is too large");
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
    console_input_take(context);
}

const struct hub_writer_events console_input_events = {.writable = on_writable};

void console_input_init(struct console_session *session)
{
    session->unparsed = session->input;
    console_parser_init(&session->parser, streamed_kinds, whole_kinds);
}
