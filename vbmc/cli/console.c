#include "vbmc/cli/console.h"

/* The verbs that open a guest's console: console and break. */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/stream.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/report.h"
#include "vbmc/control/console_parser.h"
#include "vbmc/term/attach.h"

#define SILENCE_MS  1000  /* after the end of input, until `vbmc console` leaves */
#define REPLY_MS    20000 /* for the answer to a break */
#define BANNER_SIZE 1024

static void add_number(struct json_object *object, const char *key, int number)
{
    json_object_object_add(object, key, json_object_new_int(number));
}

static void add_flag(struct json_object *object, const char *key, bool flag)
{
    json_object_object_add(object, key, json_object_new_boolean(flag));
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static bool flag_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_is_type(object, json_type_object) &&
           json_object_object_get_ex(object, key, &value) && json_object_get_boolean(value);
}

static struct json_object *console_arguments(const struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    struct json_object *arguments = cli_name_arguments(cli);
    struct winsize window;
    int lines = options->lines;

    if (options->log && lines == CLI_LINES_NOT_GIVEN)
        lines = CLI_LINES_ALL;
    if (lines != CLI_LINES_NOT_GIVEN)
        add_number(arguments, "lines", lines);
    if (options->log) {
        add_flag(arguments, "log", true);
        add_flag(arguments, "follow", options->follow);
        return arguments;
    }
    if (!isatty(STDIN_FILENO))
        add_flag(arguments, "script", true);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col) {
        add_number(arguments, "columns", window.ws_col);
        add_number(arguments, "rows", window.ws_row);
    }
    return arguments;
}

static void make_banner(struct json_object *result, const char *name, char banner[BANNER_SIZE])
{
    const char *source = text_of(result, "source"), *people = text_of(result, "people");
    bool connected = flag_of(result, "connected");

    snprintf(banner, BANNER_SIZE, "%s %s%s%s%s. Ctrl-] for the menu.%s%s%s%s",
             connected ? "Connected to" : "Waiting for", name, *source ? " (" : "", source,
             *source ? ")" : "", flag_of(result, "writable") ? "" : " You may look, not type.",
             *people ? " Also here: " : "", people, *people ? "." : "");
}

/* A shell around us must learn of the signal; the shell of SSH users goes on after SIGINT. */
static int end_by_signal(const struct cli *cli, int number)
{
    if (cli->in_shell && number == SIGINT)
        return 128 + number;
    fflush(stdout);
    signal(number, SIG_DFL);
    raise(number);
    return 128 + number;
}

static int report(const struct cli *cli, const char *name, const struct cli_attach_result *result)
{
    switch (result->end) {
    case CLI_ATTACH_LEFT:
        return result->refused && !isatty(STDIN_FILENO) ? CLI_EXIT_FAILED : CLI_EXIT_DONE;
    case CLI_ATTACH_ENDED:
        return *result->text ? cli_fail(cli, "%s: %s", name, result->text) : CLI_EXIT_DONE;
    case CLI_ATTACH_LOST:
        return cli_fail(cli, "%s: vbmcd closed the connection%s%s", name, result->error ? ": " : "",
                        result->error ? strerror(result->error) : "");
    case CLI_ATTACH_GARBLED:
        return cli_fail(cli, "%s: vbmcd sent something that is no console", name);
    case CLI_ATTACH_NO_OUTPUT:
        if (result->error == EPIPE) /* the reader has seen enough, as with any other filter */
            return CLI_EXIT_FAILED;
        return cli_fail(cli, "cannot write to standard output: %s", strerror(result->error));
    case CLI_ATTACH_SIGNALLED:
        return end_by_signal(cli, result->signal);
    case CLI_ATTACH_FAILED:
        break;
    }
    return cli_fail(cli, "%s: %s", name, strerror(result->error));
}

static int open_console(struct cli *cli)
{
    CLEANUP_STREAM struct cli_stream stream = CLI_STREAM_NONE;
    const struct cli_options *options = &cli->options;
    struct json_object *answer;
    struct cli_attach_result result;
    char banner[BANNER_SIZE];

    int code = cli_ask_for_stream(cli, "console", console_arguments(cli), &answer, &stream);
    if (code == CLI_EXIT_DONE) {
        make_banner(answer, options->names[0], banner);
        struct cli_attach attach = {
            .stream = stream.fd,
            .rest = stream.bytes,
            .rest_size = stream.size,
            .in = options->log ? -1 : STDIN_FILENO,
            .out = STDOUT_FILENO,
            .err = STDERR_FILENO,
            .banner = options->log || options->quiet ? NULL : banner,
            .writable = flag_of(answer, "writable"),
            .opening = flag_of(answer, "opening"),
            .silence_ms = SILENCE_MS,
        };
        fflush(stdout);
        cli_attach_run(&attach, &result);
        code = report(cli, options->names[0], &result);
    }
    json_object_put(answer);
    return code;
}

static int run_console(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    bool shows = options->log || options->follow || options->lines != CLI_LINES_NOT_GIVEN;

    if (options->add_serial && shows)
        return cli_fail_usage(cli, "--add-serial stands alone");
    if (options->follow && !options->log)
        return cli_fail_usage(cli, "--follow goes with --log");
    if (options->add_serial)
        return cli_ask_for_text(cli, "add-serial", cli_name_arguments(cli), "text");
    return open_console(cli);
}

const struct cli_verb cli_verb_console = {
    .name = "console",
    .arguments = "NAME",
    .help = "show a guest's serial console and type there; Ctrl-] opens a menu",
    .groups = CLI_GROUP_CONSOLE,
    .names_min = 1,
    .names_max = 1,
    .run = run_console,
};

/* ---- break ---- */

/* The clock of the wall may be set meanwhile. */
static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads until the reply to the break. 0 with its text, or a negative error. */
static int receive_reply(const struct cli_stream *stream, char text[CONSOLE_PARSER_WHOLE_MAX + 1])
{
    static const char kinds[] = {CONSOLE_REPLY, CONSOLE_END, '\0'};
    struct console_parser parser;
    struct console_frame frame;
    struct pollfd poll_fd = {.fd = stream->fd, .events = POLLIN};
    uint8_t received[4096];
    const uint8_t *bytes = stream->bytes;
    size_t size = stream->size;
    uint64_t deadline_ms = now_ms() + REPLY_MS;

    console_parser_init(&parser, "", kinds);
    for (;;) {
        int parsed = console_parser_next(&parser, &bytes, &size, &frame);
        if (parsed < 0)
            return parsed;
        if (parsed > 0) {
            memcpy(text, frame.payload, frame.size);
            text[frame.size] = '\0';
            return frame.kind == CONSOLE_END ? -ECONNABORTED : 0;
        }
        uint64_t now = now_ms();
        int ready = now < deadline_ms ? poll(&poll_fd, 1, (int)(deadline_ms - now)) : 0;
        if (ready == 0)
            return -ETIMEDOUT;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = recv(stream->fd, received, sizeof received, 0);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return -ECONNRESET;
        bytes = received;
        size = got > 0 ? (size_t)got : 0;
    }
}

static int run_break(struct cli *cli)
{
    CLEANUP_STREAM struct cli_stream stream = CLI_STREAM_NONE;
    uint8_t frame[CONSOLE_FRAME_HEADER];
    char text[CONSOLE_PARSER_WHOLE_MAX + 1] = "";
    struct json_object *answer, *arguments = cli_name_arguments(cli);

    add_number(arguments, "lines", 0);
    int code = cli_ask_for_stream(cli, "console", arguments, &answer, &stream);
    json_object_put(answer);
    if (code != CLI_EXIT_DONE)
        return code;
    console_frame_put_header(frame, CONSOLE_BREAK, 0);
    int failed = send(stream.fd, frame, sizeof frame, MSG_NOSIGNAL) < 0 ? -errno : 0;
    if (!failed)
        failed = receive_reply(&stream, text);
    if (*text)
        return cli_fail(cli, "%s", text);
    if (failed)
        return cli_fail(cli, "no break was sent: %s", strerror(-failed));
    return CLI_EXIT_DONE;
}

const struct cli_verb cli_verb_break = {
    .name = "break",
    .arguments = "NAME",
    .help = "send a break to a guest's serial port",
    .names_min = 1,
    .names_max = 1,
    .run = run_break,
};
