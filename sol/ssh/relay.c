#include "sol/ssh/internal.h"

#include <ctype.h>
#include <errno.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sol/ssh/process.h"
#include "sol/ssh/server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

/* libssh sends packets of at most the client's maximum less 10 bytes; OpenSSH's is 32 KiB. */
#define CHUNK          ((size_t)32 * 1024 - 10)
#define CHUNKS_A_TURN  4
#define COMMAND_MAX    8192
#define TERM_MAX       64
#define SIZE_MAX_CELLS 1000
#define LINGER_MS      2000 /* for output that somebody else holds open after the program's end */
#define EXIT_REFUSED   255
/* libssh opens its window to 1280000 bytes, and takes what a client sends beyond it all the same.
 */
#define FLOOD ((uint32_t)2 * 1024 * 1024)

static const struct {
    const char *name; /* RFC 4254, section 6.10 */
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"TERM", SIGTERM},
    {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"ABRT", SIGABRT},
    {"SEGV", SIGSEGV}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
};

/* What is left of `bytes`. */
struct held {
    size_t from, to;
    uint8_t *bytes;
};

struct ssh_relay {
    struct ssh_shared *shared;
    ssh_session session;
    ssh_channel channel;
    const struct ssh_identity *identity;
    void (*touched)(void *owner);
    void *owner;
    struct ssh_channel_callbacks_struct callbacks;
    uint64_t traffic_ms;

    char term[TERM_MAX]; /* "": no terminal */
    uint16_t columns, rows;

    bool started;
    struct ssh_process *process;
    struct ssh_watch input, output, errors; /* the program's; closed: fd is -1 */
    bool exited;
    int status;          /* as of waitpid */
    const char *refusal; /* to be said instead of a program's output */
    bool sends;          /* its output is waited for */
    uint64_t linger_until_ms;

    bool news;
    bool lost;        /* beyond repair */
    bool input_waits; /* libssh or held_input has something for the program */
    bool draining;    /* what arrives now must queue behind that */
    bool client_eof;
    bool client_closed;
    bool closed;             /* by us */
    struct held held_input;  /* read from libssh, not yet taken by the program */
    struct held held_output; /* read from the program, not yet taken by libssh */
    bool held_is_errors;
    uint8_t output_bytes[CHUNK];
};

/* ---- from the program to the client ---- */

static bool may_send(const struct ssh_relay *relay)
{
    return !relay->closed && ssh_channel_is_open(relay->channel) &&
           ssh_channel_window_size(relay->channel) > 0 &&
           !(ssh_get_status(relay->session) & SSH_WRITE_PENDING);
}

/* While keys are exchanged libssh takes nothing, so something may stay. */
static void send_held(struct ssh_relay *relay)
{
    struct held *held = &relay->held_output;
    uint32_t size = (uint32_t)(held->to - held->from);
    int sent;

    if (size == 0 || !may_send(relay))
        return;
    sent = relay->held_is_errors
               ? ssh_channel_write_stderr(relay->channel, held->bytes + held->from, size)
               : ssh_channel_write(relay->channel, held->bytes + held->from, size);
    if (sent < 0) { /* nothing more can be sent, also if libssh thinks otherwise */
        relay->lost = ssh_channel_is_open(relay->channel);
        held->from = held->to;
        return;
    }
    held->from += (size_t)sent;
    relay->traffic_ms = relay->shared->loop.now_ms;
}

/* The end of a terminal is EIO. */
static void forward(struct ssh_relay *relay, struct ssh_watch *watch)
{
    struct held *held = &relay->held_output;

    for (int i = 0; i < CHUNKS_A_TURN && held->from == held->to && may_send(relay); i++) {
        size_t room = ssh_channel_window_size(relay->channel);
        ssize_t got = read(watch->fd, held->bytes, room < CHUNK ? room : CHUNK);

        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            ssh_watch_close(&relay->shared->loop, watch);
            return;
        }
        relay->linger_until_ms = relay->shared->loop.now_ms + LINGER_MS;
        held->from = 0;
        held->to = (size_t)got;
        relay->held_is_errors = watch == &relay->errors;
        send_held(relay);
    }
}

static void on_output(struct ssh_watch *watch, uint32_t events)
{
    struct ssh_relay *relay = CONTAINER_OF(watch, struct ssh_relay, output);

    (void)events;
    forward(relay, watch);
    relay->touched(relay->owner);
}

static void on_errors(struct ssh_watch *watch, uint32_t events)
{
    struct ssh_relay *relay = CONTAINER_OF(watch, struct ssh_relay, errors);

    (void)events;
    forward(relay, watch);
    relay->touched(relay->owner);
}

/* ---- from the client to the program ---- */

/* Bytes taken; all of them once the program no longer reads. */
static size_t write_input(struct ssh_relay *relay, const uint8_t *bytes, size_t size)
{
    ssize_t wrote;

    if (relay->input.fd < 0)
        return size;
    wrote = write(relay->input.fd, bytes, size);
    if (wrote >= 0)
        return (size_t)wrote;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    ssh_watch_close(&relay->shared->loop, &relay->input);
    return size;
}

/* What was typed may be a password. */
static void forget_held(struct held *held)
{
    if (held->bytes)
        explicit_bzero(held->bytes, held->to);
    free(held->bytes);
    *held = (struct held){0};
}

static bool write_held(struct ssh_relay *relay)
{
    struct held *held = &relay->held_input;

    if (held->from < held->to)
        held->from += write_input(relay, held->bytes + held->from, held->to - held->from);
    if (held->from < held->to)
        return false;
    forget_held(held);
    return true;
}

/* Fetches what libssh keeps for us, which opens the window again, and wholly, whatever is still
 * kept: so all of it has to be fetched at once, or it would grow without end. */
static bool fetch(struct ssh_relay *relay)
{
    struct held *held = &relay->held_input;
    int size = ssh_channel_poll(relay->channel, 0), got;

    if (size <= 0)
        return false;
    held->bytes = malloc((size_t)size);
    if (!held->bytes) {
        relay->lost = true;
        return false;
    }
    got = ssh_channel_read_nonblocking(relay->channel, held->bytes, (uint32_t)size, 0);
    held->to = got > 0 ? (size_t)got : 0;
    return true;
}

static void drain(struct ssh_relay *relay)
{
    relay->draining = true;
    while (write_held(relay)) {
        if (!fetch(relay)) {
            relay->input_waits = false;
            break;
        }
    }
    relay->draining = false;
}

static void on_input(struct ssh_watch *watch, uint32_t events)
{
    struct ssh_relay *relay = CONTAINER_OF(watch, struct ssh_relay, input);

    (void)events;
    drain(relay);
    relay->touched(relay->owner);
}

/* ---- the program ---- */

static void on_exited(struct ssh_process *process, void *owner)
{
    struct ssh_relay *relay = owner;

    relay->exited = true;
    relay->status = process->status;
    relay->linger_until_ms = relay->shared->loop.now_ms + LINGER_MS;
    relay->process = NULL;
    /* Its memory is still in use by the loop; it is released with those that leave. */
    process->next = relay->shared->leaving;
    relay->shared->leaving = process;
    relay->touched(relay->owner);
}

static void refuse(struct ssh_relay *relay, const char *text)
{
    relay->refusal = text;
    relay->exited = true;
    relay->status = W_EXITCODE(EXIT_REFUSED, 0);
}

static void watch_streams(struct ssh_relay *relay, const struct ssh_process_streams *streams)
{
    ssh_watch_init(&relay->input, streams->input, on_input);
    ssh_watch_init(&relay->output, streams->output, on_output);
    ssh_watch_init(&relay->errors, streams->errors, on_errors);
    relay->input_waits = true; /* perhaps something came before the program was wanted */
}

static void start_program(struct ssh_relay *relay, const char *command)
{
    struct ssh_shared *shared = relay->shared;
    const struct ssh_identity *identity = relay->identity;
    CLEANUP_CLOSE int control = shared->ops.connect(shared->context, identity);
    struct ssh_process_streams streams;
    struct ssh_process_options options = {
        .path = shared->program,
        .name = shared->name,
        .command = command,
        .term = relay->term[0] ? relay->term : NULL,
        .columns = relay->columns,
        .rows = relay->rows,
        .account = identity->account,
        .remote = identity->remote,
        .control = control,
    };
    int rc;

    if (control < 0) {
        log_warning("SSH: %s from %s gets no control connection: %s", identity->account,
                    identity->remote, strerror(-control));
        refuse(relay, "vbmc: the daemon takes no more connections now\r\n");
        return;
    }
    rc = ssh_process_start(&shared->loop, &options, &streams, &relay->process);
    if (rc < 0) {
        log_error("SSH: cannot start %s: %s", shared->program, strerror(-rc));
        refuse(relay, "vbmc: the shell cannot be started, see the daemon's log\r\n");
        return;
    }
    relay->process->exited = on_exited;
    relay->process->owner = relay;
    watch_streams(relay, &streams);
}

/* ---- what libssh calls: nothing here may release anything ---- */

static int start_once(struct ssh_relay *relay, const char *command)
{
    if (relay->started || relay->closed || relay->client_closed)
        return SSH_ERROR;
    relay->started = true;
    relay->news = true;
    start_program(relay, command);
    return SSH_OK;
}

static int on_shell(ssh_session session, ssh_channel channel, void *userdata)
{
    (void)session;
    (void)channel;
    return start_once(userdata, NULL);
}

static int on_exec(ssh_session session, ssh_channel channel, const char *command, void *userdata)
{
    (void)session;
    (void)channel;
    if (!command || strlen(command) > COMMAND_MAX)
        return SSH_ERROR;
    return start_once(userdata, command);
}

static bool is_term(const char *term)
{
    size_t size = term ? strlen(term) : 0;

    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)term[i]) && !strchr("+._-", term[i]))
            return false;
    return size > 0 && size < TERM_MAX;
}

static uint16_t clamp(int cells, uint16_t otherwise)
{
    if (cells <= 0)
        return otherwise;
    return (uint16_t)(cells < SIZE_MAX_CELLS ? cells : SIZE_MAX_CELLS);
}

static int on_pty(ssh_session session, ssh_channel channel, const char *term, int columns, int rows,
                  int width, int height, void *userdata)
{
    struct ssh_relay *relay = userdata;

    (void)session;
    (void)channel;
    (void)width;
    (void)height;
    if (relay->started)
        return SSH_ERROR;
    snprintf(relay->term, sizeof relay->term, "%s", is_term(term) ? term : "dumb");
    relay->columns = clamp(columns, 80);
    relay->rows = clamp(rows, 24);
    return SSH_OK;
}

static int on_resize(ssh_session session, ssh_channel channel, int columns, int rows, int width,
                     int height, void *userdata)
{
    struct ssh_relay *relay = userdata;

    (void)session;
    (void)channel;
    (void)width;
    (void)height;
    if (!relay->term[0])
        return SSH_ERROR;
    relay->columns = clamp(columns, relay->columns);
    relay->rows = clamp(rows, relay->rows);
    if (relay->process && relay->output.fd >= 0)
        ssh_process_resize(relay->output.fd, relay->columns, relay->rows);
    return SSH_OK;
}

static void on_signal(ssh_session session, ssh_channel channel, const char *name, void *userdata)
{
    struct ssh_relay *relay = userdata;

    (void)session;
    (void)channel;
    for (size_t i = 0; relay->process && i < ARRAY_SIZE(signals); i++)
        if (strcmp(name, signals[i].name) == 0)
            ssh_process_signal(relay->process, signals[i].number);
}

/* Bytes taken; the others libssh keeps, and its window stays smaller by so much. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size,
                   int is_stderr, void *userdata)
{
    struct ssh_relay *relay = userdata;
    size_t taken;

    (void)session;
    (void)channel;
    relay->traffic_ms = relay->shared->loop.now_ms;
    relay->news = true;
    if (is_stderr || relay->closed)
        return (int)size;
    if (size > FLOOD)
        relay->lost = true;
    if (!relay->started || relay->draining || relay->input_waits)
        return 0;
    taken = write_input(relay, data, size);
    relay->input_waits = taken < size;
    return (int)taken;
}

static void on_eof(ssh_session session, ssh_channel channel, void *userdata)
{
    struct ssh_relay *relay = userdata;

    (void)session;
    (void)channel;
    relay->client_eof = relay->news = true;
}

static void on_close(ssh_session session, ssh_channel channel, void *userdata)
{
    struct ssh_relay *relay = userdata;

    (void)session;
    (void)channel;
    relay->client_closed = relay->news = true;
}

/* ---- the whole ---- */

struct ssh_relay *ssh_relay_new(struct ssh_shared *shared, ssh_session session,
                                const struct ssh_identity *identity, void (*touched)(void *owner),
                                void *owner)
{
    struct ssh_relay *relay = calloc(1, sizeof *relay);

    if (!relay)
        return NULL;
    relay->shared = shared;
    relay->session = session;
    relay->identity = identity;
    relay->touched = touched;
    relay->owner = owner;
    relay->traffic_ms = shared->loop.now_ms;
    relay->held_output.bytes = relay->output_bytes;
    relay->input.fd = relay->output.fd = relay->errors.fd = -1;
    relay->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = relay,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_close,
        .channel_signal_function = on_signal,
        .channel_pty_request_function = on_pty,
        .channel_shell_request_function = on_shell,
        .channel_exec_request_function = on_exec,
        .channel_pty_window_change_function = on_resize,
    };
    ssh_callbacks_init(&relay->callbacks);
    relay->channel = ssh_channel_new(session);
    if (!relay->channel || ssh_set_channel_callbacks(relay->channel, &relay->callbacks) != SSH_OK) {
        ssh_channel_free(relay->channel);
        free(relay);
        return NULL;
    }
    return relay;
}

static void close_streams(struct ssh_relay *relay)
{
    ssh_watch_close(&relay->shared->loop, &relay->input);
    ssh_watch_close(&relay->shared->loop, &relay->output);
    ssh_watch_close(&relay->shared->loop, &relay->errors);
}

static void hang_up(struct ssh_relay *relay)
{
    struct ssh_process *process = relay->process;

    close_streams(relay);
    if (!process)
        return;
    relay->process = NULL;
    ssh_process_dismiss(process);
    process->next = relay->shared->leaving;
    relay->shared->leaving = process;
}

static void send_status(struct ssh_relay *relay)
{
    const char *name = "KILL";

    if (!WIFSIGNALED(relay->status)) {
        ssh_channel_request_send_exit_status(relay->channel, WEXITSTATUS(relay->status));
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (signals[i].number == WTERMSIG(relay->status))
            name = signals[i].name;
    ssh_channel_request_send_exit_signal(relay->channel, name, 0, "", "");
}

/* The program is gone and all that it wrote was sent: status, EOF and close, in this order. */
static void finish(struct ssh_relay *relay)
{
    relay->closed = true;
    close_streams(relay);
    if (!ssh_channel_is_open(relay->channel))
        return;
    if (relay->refusal)
        ssh_channel_write_stderr(relay->channel, relay->refusal, (uint32_t)strlen(relay->refusal));
    send_status(relay);
    ssh_channel_close(relay->channel);
}

static bool is_finished(const struct ssh_relay *relay)
{
    bool silent = relay->output.fd < 0 && relay->errors.fd < 0;

    if (!relay->exited || relay->closed || relay->held_output.from < relay->held_output.to)
        return false;
    return silent || relay->shared->loop.now_ms >= relay->linger_until_ms;
}

bool ssh_relay_update(struct ssh_relay *relay)
{
    struct ssh_loop *loop = &relay->shared->loop;

    relay->news = false;
    if (relay->client_closed) {
        hang_up(relay);
        return true;
    }
    send_held(relay);
    /* A program's terminal sees no end of input: the line would have to be hung up for that. */
    if (relay->client_eof && !relay->input_waits && !relay->term[0])
        ssh_watch_close(loop, &relay->input);
    if (relay->input.fd < 0 && relay->started && relay->input_waits)
        drain(relay);
    /* A client that does not read gets the end of the output all the same, however late. */
    if (!relay->sends)
        relay->linger_until_ms = loop->now_ms + LINGER_MS;
    if (is_finished(relay))
        finish(relay);
    relay->sends = relay->held_output.from == relay->held_output.to && may_send(relay);
    ssh_watch_set(loop, &relay->input, relay->input_waits ? EPOLLOUT : 0);
    ssh_watch_set(loop, &relay->output, relay->sends ? EPOLLIN : 0);
    ssh_watch_set(loop, &relay->errors, relay->sends ? EPOLLIN : 0);
    return false;
}

ssh_channel ssh_relay_channel(const struct ssh_relay *relay)
{
    return relay->channel;
}

bool ssh_relay_has_news(const struct ssh_relay *relay)
{
    return relay->news;
}

bool ssh_relay_is_lost(const struct ssh_relay *relay)
{
    return relay->lost;
}

uint64_t ssh_relay_traffic_ms(const struct ssh_relay *relay)
{
    return relay->traffic_ms;
}

uint64_t ssh_relay_deadline_ms(const struct ssh_relay *relay)
{
    return relay->exited && !relay->closed && relay->sends ? relay->linger_until_ms : UINT64_MAX;
}

void ssh_relay_free(struct ssh_relay *relay, bool session_ends)
{
    hang_up(relay);
    ssh_remove_channel_callbacks(relay->channel, &relay->callbacks);
    if (!session_ends)
        ssh_channel_free(relay->channel);
    forget_held(&relay->held_input);
    explicit_bzero(relay->output_bytes, sizeof relay->output_bytes);
    free(relay);
}
