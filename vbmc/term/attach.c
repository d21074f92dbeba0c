#include "vbmc/term/attach.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/ring.h"
#include "vbmc/term/escape.h"
#include "vbmc/term/output.h"
#include "vbmc/term/screen.h"
#include "vbmc/term/terminal.h"

#define STREAM_CHUNK  (64 * 1024)
#define TYPED_CHUNK   4096
#define HELD_MS       5000          /* for the serial port to be connected */
#define TYPED_MAX     (1024 * 1024) /* bytes typed at a terminal that the guest has not taken */
#define SEND_QUEUE    (TYPED_MAX + 2 * STREAM_CHUNK)
#define TAKEN_POLL_MS 20 /* how often to look whether the daemon has read all */
#define ASKED_MAX     16

static volatile sig_atomic_t caught[NSIG];

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const char streamed_kinds[] = {CONSOLE_OUTPUT, '\0'};
static const char whole_kinds[] = {CONSOLE_LOST,    CONSOLE_NOTICE, CONSOLE_READY, CONSOLE_REPLY,
                                   CONSOLE_DROPPED, CONSOLE_END,    '\0'};
static const int job_signals[] = {SIGTSTP, SIGCONT};
#define SIGNALS (ARRAY_SIZE(ending_signals) + ARRAY_SIZE(job_signals))

struct session {
    const struct cli_attach *attach;
    struct cli_attach_result *result;
    bool is_done;
    bool stream_ended; /* what is queued is still to be written */
    struct cli_output *output;
    struct console_parser parser;
    uint8_t *received; /* of the stream, not yet parsed */
    const uint8_t *unparsed;
    size_t unparsed_size;
    struct ring *send;
    uint64_t sent;
    bool send_broken; /* the daemon does not read any more */
    bool types_at_terminal;
    struct cli_escape escape;
    bool input_ended;
    int64_t held_until; /* ms; until then a script's input waits for the serial port; 0: no more */
    int64_t silent_since; /* ms */
    bool is_taken;        /* everything typed, by the daemon */
    bool has_told_refusal, has_told_overflow;
    uint8_t asked[ASKED_MAX]; /* kinds of frames that are to be answered, oldest first */
    size_t asked_count;
    struct sigaction old_actions[SIGNALS];
    struct sigaction old_pipe;
    sigset_t old_mask;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void finish(struct session *session, enum cli_attach_end end, int error)
{
    session->result->end = end;
    session->result->error = error;
    session->is_done = true;
}

/* ---- to the daemon ---- */

static size_t unsent(const struct session *session)
{
    return (size_t)(ring_end(session->send) - session->sent);
}

static void send_queued(struct session *session)
{
    const uint8_t *bytes;
    size_t size;

    while ((size = ring_peek(session->send, session->sent, &bytes)) && !session->send_broken) {
        ssize_t sent = send(session->attach->stream, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        session->send_broken = sent < 0; /* why, its last frames may say */
        session->sent += sent < 0 ? 0 : (uint64_t)sent;
    }
    if (session->send_broken)
        session->sent = ring_end(session->send);
}

static void queue_frame(struct session *session, enum console_frame_kind kind,
                        const uint8_t *payload, size_t size)
{
    uint8_t header[CONSOLE_FRAME_HEADER];

    console_frame_put_header(header, kind, size);
    ring_append(session->send, header, sizeof header);
    ring_append(session->send, payload, size);
    session->is_taken = false;
}

static void ask(struct session *session, enum console_frame_kind kind)
{
    if (session->asked_count == ASKED_MAX)
        return;
    session->asked[session->asked_count++] = (uint8_t)kind;
    queue_frame(session, kind, NULL, 0);
}

static void type(struct session *session, const uint8_t *bytes, size_t size)
{
    if (!session->attach->writable) {
        session->result->refused = true;
        if (!session->has_told_refusal)
            cli_output_tell(session->output, "you may look, not type");
        session->has_told_refusal = true;
        return;
    }
    if (unsent(session) + size > TYPED_MAX) {
        session->result->refused = true;
        if (!session->has_told_overflow)
            cli_output_tell(session->output, "the guest takes no input; what is typed is lost");
        session->has_told_overflow = true;
        return;
    }
    queue_frame(session, CONSOLE_INPUT, bytes, size);
}

static void obey(struct session *session, enum cli_escape_event event)
{
    static const uint8_t all_lines[4] = {0};

    switch (event) {
    case CLI_ESCAPE_LEAVE:
        finish(session, CLI_ATTACH_LEFT, 0);
        break;
    case CLI_ESCAPE_BREAK:
        ask(session, CONSOLE_BREAK);
        break;
    case CLI_ESCAPE_NMI:
        ask(session, CONSOLE_NMI);
        break;
    case CLI_ESCAPE_HISTORY:
        queue_frame(session, CONSOLE_HISTORY, all_lines, sizeof all_lines);
        break;
    default:
        break;
    }
}

static void take_typed(struct session *session, const uint8_t *bytes, size_t size)
{
    const uint8_t *send;
    size_t send_size;
    enum cli_escape_event event;

    if (!session->types_at_terminal) {
        type(session, bytes, size);
        return;
    }
    bool was_open = session->escape.is_open;
    while (!session->is_done && (event = cli_escape_next(&session->escape, &bytes, &size, &send,
                                                         &send_size)) != CLI_ESCAPE_NOTHING) {
        if (was_open)
            cli_output_hide_menu(session->output);
        was_open = session->escape.is_open;
        if (event == CLI_ESCAPE_OPENED)
            cli_output_show_menu(session->output, CLI_ESCAPE_MENU);
        else if (event == CLI_ESCAPE_SEND)
            type(session, send, send_size);
        else
            obey(session, event);
    }
}

static void read_input(struct session *session)
{
    uint8_t bytes[TYPED_CHUNK];

    ssize_t got = read(session->attach->in, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0) {
        take_typed(session, bytes, (size_t)got);
        explicit_bzero(bytes, (size_t)got);
        return;
    }
    session->input_ended = true;
    session->silent_since = now_ms();
    if (session->types_at_terminal) /* it hung up */
        finish(session, CLI_ATTACH_LEFT, 0);
}

/* After the end of input: how long to wait, in ms; leaves when that is over. */
static int wait_for_silence(struct session *session)
{
    int unread = 0;

    if (!session->is_taken) {
        bool is_read = unsent(session) == 0 &&
                       (ioctl(session->attach->stream, SIOCOUTQ, &unread) < 0 || unread == 0);
        if (!is_read && !session->send_broken)
            return TAKEN_POLL_MS;
        session->is_taken = true;
        session->silent_since = now_ms();
    }
    int64_t left = session->silent_since + session->attach->silence_ms - now_ms();
    if (left <= 0 && cli_output_is_empty(session->output))
        finish(session, CLI_ATTACH_LEFT, 0);
    return left < 0 ? TAKEN_POLL_MS : (int)left;
}

/* ---- from the daemon ---- */

static void tell_reply(struct session *session, const char *text)
{
    char line[CONSOLE_PARSER_WHOLE_MAX + 16];
    bool is_nmi = session->asked_count && session->asked[0] == CONSOLE_NMI;

    if (session->asked_count)
        memmove(session->asked, session->asked + 1, --session->asked_count);
    if (*text)
        snprintf(line, sizeof line, "%s: %s", is_nmi ? "NMI" : "break", text);
    else
        snprintf(line, sizeof line, "%s sent", is_nmi ? "NMI" : "break");
    cli_output_tell(session->output, line);
}

static void tell_lost(struct session *session, const struct console_frame *frame)
{
    char line[64];
    uint64_t lost = 0;

    for (size_t i = frame->size < 8 ? frame->size : 8; i-- > 0;)
        lost = lost << 8 | frame->payload[i];
    snprintf(line, sizeof line, "%llu bytes lost", (unsigned long long)lost);
    cli_output_tell(session->output, line);
}

static void take_frame(struct session *session, const struct console_frame *frame)
{
    char text[CONSOLE_PARSER_WHOLE_MAX + 1] = "";

    if (frame->kind == CONSOLE_OUTPUT) {
        cli_output_put(session->output, frame->payload, frame->size);
        return;
    }
    if (frame->size)
        memcpy(text, frame->payload, frame->size);
    text[frame->size] = '\0';
    switch (frame->kind) {
    case CONSOLE_LOST:
        tell_lost(session, frame);
        break;
    case CONSOLE_DROPPED:
        session->result->refused = true;
        cli_output_tell(session->output, text);
        break;
    case CONSOLE_NOTICE:
        cli_output_tell(session->output, text);
        break;
    case CONSOLE_READY:
        session->held_until = 0;
        break;
    case CONSOLE_REPLY:
        tell_reply(session, text);
        break;
    default: /* CONSOLE_END */
        session->result->end = CLI_ATTACH_ENDED;
        memcpy(session->result->text, text, sizeof text);
        session->stream_ended = true;
    }
}

/* As far as there is room for what it brings; while the menu is open everything waits. */
static void parse(struct session *session)
{
    struct console_frame frame;

    while (session->unparsed_size && !session->escape.is_open && !session->stream_ended) {
        size_t room = cli_output_room(session->output);
        size_t given = session->unparsed_size < room ? session->unparsed_size : room;
        size_t left = given;
        if (given == 0)
            return;
        int parsed = console_parser_next(&session->parser, &session->unparsed, &left, &frame);
        session->unparsed_size -= given - left;
        if (parsed < 0)
            finish(session, CLI_ATTACH_GARBLED, 0);
        if (parsed < 0)
            return;
        if (parsed > 0)
            take_frame(session, &frame);
    }
}

static void read_stream(struct session *session)
{
    ssize_t got = recv(session->attach->stream, session->received, STREAM_CHUNK, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        session->result->end = CLI_ATTACH_LOST;
        session->result->error = got < 0 ? errno : 0;
        session->stream_ended = true;
        return;
    }
    session->unparsed = session->received;
    session->unparsed_size = (size_t)got;
    session->silent_since = now_ms();
}

/* ---- signals ---- */

static void on_signal(int number)
{
    caught[number] = 1;
}

static int signal_at(size_t i)
{
    return i < ARRAY_SIZE(ending_signals) ? ending_signals[i]
                                          : job_signals[i - ARRAY_SIZE(ending_signals)];
}

/* Blocked but while poll waits, so that none is missed. One that is ignored (nohup) stays so. */
static void watch_signals(struct session *session)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaddset(&blocked, signal_at(i));
        caught[signal_at(i)] = 0;
    }
    sigprocmask(SIG_BLOCK, &blocked, &session->old_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signal_at(i), NULL, &session->old_actions[i]);
        if (session->old_actions[i].sa_handler != SIG_IGN)
            sigaction(signal_at(i), &action, NULL);
    }
    sigaction(SIGPIPE, &ignore, &session->old_pipe);
}

static void unwatch_signals(struct session *session)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signal_at(i), &session->old_actions[i], NULL);
    sigaction(SIGPIPE, &session->old_pipe, NULL);
    sigprocmask(SIG_SETMASK, &session->old_mask, NULL);
}

static void take_signals(struct session *session)
{
    for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++) {
        if (!caught[ending_signals[i]])
            continue;
        session->result->signal = ending_signals[i];
        finish(session, CLI_ATTACH_SIGNALLED, 0);
        return;
    }
    if (caught[SIGTSTP]) {
        caught[SIGTSTP] = 0;
        cli_terminal_suspend();
        raise(SIGSTOP);
        caught[SIGCONT] = 1;
    }
    if (caught[SIGCONT]) {
        caught[SIGCONT] = 0;
        *cli_output_screen(session->output) = (struct cli_screen){0};
        cli_terminal_reenter();
    }
}

/* ---- the loop ---- */

static int64_t held_for(const struct session *session)
{
    int64_t left = session->held_until ? session->held_until - now_ms() : 0;

    return left > 0 ? left : 0;
}

static bool wants_input(const struct session *session)
{
    if (held_for(session) > 0 || session->attach->in < 0 || session->input_ended ||
        session->stream_ended)
        return false;
    /* A person must be able to leave whatever the guest does; a script waits for the guest. */
    return session->types_at_terminal || unsent(session) < STREAM_CHUNK;
}

static void turn(struct session *session)
{
    const struct cli_attach *attach = session->attach;
    bool reads = !session->unparsed_size && !session->escape.is_open && !session->stream_ended;
    short stream_events = (reads ? POLLIN : 0) | (unsent(session) ? POLLOUT : 0);
    struct pollfd fds[] = {
        {.fd = stream_events ? attach->stream : -1, .events = stream_events},
        {.fd = wants_input(session) ? attach->in : -1, .events = POLLIN},
        {.fd = attach->out, .events = cli_output_is_empty(session->output) ? 0 : POLLOUT},
    };
    int wait_ms = session->input_ended ? wait_for_silence(session) : -1;
    if (held_for(session) > 0 && wait_ms < 0)
        wait_ms = (int)held_for(session);
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};

    if (session->is_done)
        return;
    int ready = ppoll(fds, ARRAY_SIZE(fds), wait_ms < 0 ? NULL : &wait, &session->old_mask);
    take_signals(session);
    if (ready <= 0 || session->is_done)
        return;
    if (fds[1].revents)
        read_input(session);
    if (fds[0].revents & POLLOUT || unsent(session))
        send_queued(session);
    if (fds[0].revents && reads)
        read_stream(session);
    if (!session->is_done && fds[2].revents & (POLLOUT | POLLERR | POLLHUP)) {
        int failed = fds[2].revents & POLLOUT ? cli_output_write(session->output) : -EPIPE;
        if (failed)
            finish(session, CLI_ATTACH_NO_OUTPUT, -failed);
    }
}

static void run(struct session *session)
{
    while (!session->is_done) {
        parse(session);
        if (session->is_done)
            break;
        if (session->stream_ended && cli_output_is_empty(session->output))
            break;
        turn(session);
    }
}

/* A last look at the terminal: the menu is to vanish, what came last to be seen; but nothing is
 * waited for. */
static void write_rest(struct session *session)
{
    struct pollfd poll_fd = {.fd = session->attach->out, .events = POLLOUT};

    while (session->output && !cli_output_is_empty(session->output)) {
        if (poll(&poll_fd, 1, 0) != 1 || poll_fd.revents != POLLOUT ||
            cli_output_write(session->output))
            return;
    }
}

static int prepare(struct session *session)
{
    const struct cli_attach *attach = session->attach;

    session->types_at_terminal = attach->in >= 0 && isatty(attach->in);
    if (attach->opening && !session->types_at_terminal)
        session->held_until = now_ms() + HELD_MS;
    session->output = cli_output_new(attach->out, attach->err, attach->in < 0);
    session->send = ring_new(SEND_QUEUE);
    session->received = malloc(STREAM_CHUNK);
    if (!session->output || !session->send || !session->received)
        return -ENOMEM;
    session->unparsed = attach->rest;
    session->unparsed_size = attach->rest_size;
    console_parser_init(&session->parser, streamed_kinds, whole_kinds);
    if (attach->banner && cli_output_is_terminal(session->output))
        cli_output_tell(session->output, attach->banner);
    return cli_terminal_enter(session->types_at_terminal ? attach->in : -1,
                              cli_output_is_terminal(session->output) ? attach->out : -1,
                              cli_output_screen(session->output));
}

/* What was typed may have been a password. */
static void wipe_typed(struct ring *ring)
{
    const uint8_t *bytes;
    size_t size;

    for (uint64_t at = ring ? ring_start(ring) : 0; ring && (size = ring_peek(ring, at, &bytes));
         at += size)
        explicit_bzero((void *)bytes, size);
}

void cli_attach_run(const struct cli_attach *attach, struct cli_attach_result *result)
{
    struct session session = {.attach = attach, .result = result};

    *result = (struct cli_attach_result){0};
    watch_signals(&session);
    int failed = prepare(&session);
    if (failed)
        finish(&session, CLI_ATTACH_FAILED, -failed);
    run(&session);
    if (result->end != CLI_ATTACH_NO_OUTPUT)
        write_rest(&session);
    cli_terminal_leave();
    unwatch_signals(&session);
    cli_output_free(session.output);
    wipe_typed(session.send);
    ring_free(session.send);
    free(session.received);
}
