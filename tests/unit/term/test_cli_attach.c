/* `vbmc console` with a daemon that the test plays: the client runs in a thread, on a terminal (a
 * pty whose other end the test has) or on pipes. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/cli/client.h"
#include "vbmc/term/attach.h"
#include "vbmc/term/text.h"

#define PATIENCE_MS 60000

struct fixture {
    struct cli_attach attach;
    struct cli_attach_result result;
    pthread_t thread;
    int daemon;   /* the other end of the stream */
    int keyboard; /* the other end of standard input; -1: closed */
    int display;  /* of standard output */
    int errors;   /* of standard error */
    int terminal; /* the client's, -1: none */
    struct termios before;
    char seen[64 * 1024]; /* of one descriptor at a time */
    size_t seen_size;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int ends[2];

    cli_text_init();
    *state = fixture;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fixture->daemon = ends[0];
    fixture->attach = (struct cli_attach){.stream = ends[1], .writable = true, .silence_ms = 20};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture->errors = ends[0];
    fixture->attach.err = ends[1];
    fixture->terminal = -1;
    return 0;
}

static void use_pipes(struct fixture *fixture)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture->attach.in = ends[0];
    fixture->keyboard = ends[1];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture->display = ends[0];
    fixture->attach.out = ends[1];
}

static void use_terminal(struct fixture *fixture)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};

    assert_int_equal(openpty(&fixture->display, &fixture->terminal, NULL, NULL, &size), 0);
    fixture->keyboard = fixture->display;
    fixture->attach.in = fixture->attach.out = fixture->terminal;
    assert_int_equal(tcgetattr(fixture->terminal, &fixture->before), 0);
}

static void *run_client(void *argument)
{
    struct fixture *fixture = argument;

    cli_attach_run(&fixture->attach, &fixture->result);
    return NULL;
}

static void start(struct fixture *fixture)
{
    assert_int_equal(pthread_create(&fixture->thread, NULL, run_client, fixture), 0);
}

static void wait_end(struct fixture *fixture, enum cli_attach_end end)
{
    pthread_join(fixture->thread, NULL);
    assert_int_equal(fixture->result.end, end);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Not the whole structure, which has bytes between and behind what the kernel knows. */
static void check_terminal_as_before(const struct fixture *fixture)
{
    const struct termios *before = &fixture->before;
    struct termios after;

    assert_int_equal(tcgetattr(fixture->terminal, &after), 0);
    assert_int_equal(after.c_iflag, before->c_iflag);
    assert_int_equal(after.c_oflag, before->c_oflag);
    assert_int_equal(after.c_cflag, before->c_cflag);
    assert_int_equal(after.c_lflag, before->c_lflag);
    assert_memory_equal(after.c_cc, before->c_cc, VEOL2 + 1);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->terminal >= 0) {
        check_terminal_as_before(fixture);
        close(fixture->terminal);
        fixture->keyboard = -1;
    } else {
        shut(&fixture->attach.in);
        shut(&fixture->attach.out);
    }
    shut(&fixture->keyboard);
    shut(&fixture->display);
    shut(&fixture->daemon);
    shut(&fixture->errors);
    close(fixture->attach.stream);
    close(fixture->attach.err);
    free(fixture);
    return 0;
}

/* Reads until `wanted` is there (all that was read is then in `seen`), or fails. */
static void expect(struct fixture *fixture, int fd, const void *wanted, size_t size)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    fixture->seen_size = 0;
    while (!memmem(fixture->seen, fixture->seen_size, wanted, size)) {
        ssize_t got = 0;
        if (poll(&poll_fd, 1, PATIENCE_MS) == 1)
            got = read(fd, fixture->seen + fixture->seen_size,
                       sizeof fixture->seen - fixture->seen_size);
        if (got <= 0)
            fail_msg("'%.*s' is not in '%.*s'", (int)size, (const char *)wanted,
                     (int)fixture->seen_size, fixture->seen);
        fixture->seen_size += (size_t)got;
    }
}

static void expect_text(struct fixture *fixture, int fd, const char *text)
{
    expect(fixture, fd, text, strlen(text));
}

static void expect_frame(struct fixture *fixture, enum console_frame_kind kind, const char *payload,
                         size_t size)
{
    uint8_t frame[64];

    console_frame_put_header(frame, kind, size);
    if (size)
        memcpy(frame + CONSOLE_FRAME_HEADER, payload, size);
    expect(fixture, fixture->daemon, frame, CONSOLE_FRAME_HEADER + size);
    assert_int_equal(fixture->seen_size, CONSOLE_FRAME_HEADER + size);
}

static void say(struct fixture *fixture, enum console_frame_kind kind, const char *payload,
                size_t size)
{
    uint8_t frame[256];

    console_frame_put_header(frame, kind, size);
    if (size)
        memcpy(frame + CONSOLE_FRAME_HEADER, payload, size);
    /* Byte by byte: the client has to put up with any cut. */
    for (size_t i = 0; i < CONSOLE_FRAME_HEADER + size; i++)
        assert_int_equal(send(fixture->daemon, frame + i, 1, MSG_NOSIGNAL), 1);
}

static void say_text(struct fixture *fixture, enum console_frame_kind kind, const char *text)
{
    say(fixture, kind, text, strlen(text));
}

static void press(struct fixture *fixture, const char *keys)
{
    assert_int_equal(write(fixture->keyboard, keys, strlen(keys)), strlen(keys));
}

/* ---- pipes ---- */

static void test_output_unchanged(void **state)
{
    struct fixture *fixture = *state;
    static const char raw[] = "a\0\033[2J\377\r\n";
    char seen[sizeof raw + 3];

    use_pipes(fixture);
    start(fixture);
    say(fixture, CONSOLE_OUTPUT, raw, sizeof raw - 1);
    say_text(fixture, CONSOLE_NOTICE, "guest\033reset");
    say(fixture, CONSOLE_LOST, "\1\2\0\0\0\0\0\0", 8);
    say_text(fixture, (enum console_frame_kind)'?', "of a later daemon");
    say_text(fixture, CONSOLE_OUTPUT, "end");
    say_text(fixture, CONSOLE_END, "the BMC was deleted");
    wait_end(fixture, CLI_ATTACH_ENDED);
    assert_string_equal(fixture->result.text, "the BMC was deleted");
    assert_int_equal(read(fixture->display, seen, sizeof seen), sizeof raw - 1 + 3);
    assert_memory_equal(seen, raw, sizeof raw - 1);
    assert_memory_equal(seen + sizeof raw - 1, "end", 3);
    expect_text(fixture, fixture->errors, "[guest?reset]\n[513 bytes lost]\n");
}

static void test_dropped_input(void **state)
{
    struct fixture *fixture = *state;

    use_pipes(fixture);
    fixture->attach.writable = true;
    start(fixture);
    press(fixture, "x");
    shut(&fixture->keyboard);
    say_text(fixture, CONSOLE_DROPPED, "nothing was typed: the guest is off");
    expect_frame(fixture, CONSOLE_INPUT, "x", 1); /* it does not leave before */
    wait_end(fixture, CLI_ATTACH_LEFT);
    assert_true(fixture->result.refused);
    expect_text(fixture, fixture->errors, "[nothing was typed: the guest is off]\n");
}

/* A script types at once; where the daemon opens the port only now, nothing of that is to be lost.
 */
static void test_input_waits_for_the_port(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd poll_fd = {.fd = fixture->daemon, .events = POLLIN};

    use_pipes(fixture);
    fixture->attach.writable = fixture->attach.opening = true;
    press(fixture, "x");
    shut(&fixture->keyboard);
    start(fixture);
    assert_int_equal(poll(&poll_fd, 1, 50), 0);
    say_text(fixture, CONSOLE_NOTICE, "somebody is on the console");
    say_text(fixture, CONSOLE_NOTICE, "the serial port is disconnected: connection refused");
    assert_int_equal(poll(&poll_fd, 1, 50), 0);
    say_text(fixture, CONSOLE_READY, "");
    expect_frame(fixture, CONSOLE_INPUT, "x", 1);
    wait_end(fixture, CLI_ATTACH_LEFT);
    assert_false(fixture->result.refused);
}

static void test_rest_behind_answer(void **state)
{
    struct fixture *fixture = *state;

    use_pipes(fixture);
    fixture->attach.rest = (const uint8_t *)"O\3\0\0abcO\4\0\0d";
    fixture->attach.rest_size = 12;
    start(fixture);
    assert_int_equal(send(fixture->daemon, "efg", 3, 0), 3);
    expect_text(fixture, fixture->display, "abcdefg");
    shut(&fixture->daemon);
    wait_end(fixture, CLI_ATTACH_LOST);
    assert_int_equal(fixture->result.error, 0);
}

static void test_oversized_frame(void **state)
{
    struct fixture *fixture = *state;

    use_pipes(fixture);
    start(fixture);
    assert_int_equal(send(fixture->daemon, "O\1\0\1", 4, 0), 4);
    wait_end(fixture, CLI_ATTACH_GARBLED);
}

static void test_end_of_input(void **state)
{
    struct fixture *fixture = *state;

    use_pipes(fixture);
    start(fixture);
    press(fixture, "reboot\035q\n");
    shut(&fixture->keyboard);
    say_text(fixture, CONSOLE_OUTPUT, "rebooting");
    expect_frame(fixture, CONSOLE_INPUT, "reboot\035q\n", 9); /* a script has no menu */
    wait_end(fixture, CLI_ATTACH_LEFT);
    assert_false(fixture->result.refused);
    expect_text(fixture, fixture->display, "rebooting");
}

/* Does not leave before the daemon has taken what was typed. */
static void test_untaken_input(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd gone = {.fd = fixture->daemon, .events = POLLRDHUP};

    fixture->attach.silence_ms = 1;
    use_pipes(fixture);
    press(fixture, "x");
    shut(&fixture->keyboard);
    start(fixture);
    assert_int_equal(poll(&gone, 1, 100), 0);
    expect_frame(fixture, CONSOLE_INPUT, "x", 1);
    wait_end(fixture, CLI_ATTACH_LEFT);
}

static void test_reader_gone(void **state)
{
    struct fixture *fixture = *state;

    use_pipes(fixture);
    start(fixture);
    shut(&fixture->display);
    wait_end(fixture, CLI_ATTACH_NO_OUTPUT);
    assert_int_equal(fixture->result.error, EPIPE);
}

static void test_input_refused(void **state)
{
    struct fixture *fixture = *state;
    char bytes[8];

    fixture->attach.writable = false;
    use_pipes(fixture);
    start(fixture);
    press(fixture, "a");
    expect_text(fixture, fixture->errors, "[you may look, not type]\n");
    press(fixture, "b");
    shut(&fixture->keyboard);
    wait_end(fixture, CLI_ATTACH_LEFT);
    assert_true(fixture->result.refused);
    assert_int_equal(recv(fixture->daemon, bytes, sizeof bytes, MSG_DONTWAIT), -1);
    shut(&fixture->attach.err);
    fixture->attach.err = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(read(fixture->errors, bytes, sizeof bytes), 0); /* told once */
}

/* ---- a terminal ---- */

static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    struct termios raw;

    use_terminal(fixture);
    fixture->attach.banner = "Connected to web01. Ctrl-] for the menu.";
    start(fixture);
    expect_text(fixture, fixture->display, "[Connected to web01. Ctrl-] for the menu.]\033[0m\r\n");
    assert_int_equal(tcgetattr(fixture->terminal, &raw), 0);
    assert_int_equal(raw.c_lflag & (ISIG | ICANON | ECHO), 0);
    press(fixture, "\003"); /* Ctrl-C is the guest's */
    expect_frame(fixture, CONSOLE_INPUT, "\003", 1);
    press(fixture, "\035");
    expect_text(fixture, fixture->display, "q leave, b break, n NMI, h history, ] literal");
    say_text(fixture, CONSOLE_OUTPUT, "held back"); /* until the menu is closed */
    press(fixture, "x");
    expect_text(fixture, fixture->display, "\r\033[K\0338held back");
    press(fixture, "\035]");
    expect_frame(fixture, CONSOLE_INPUT, "\035", 1);
    press(fixture, "\035h");
    expect_frame(fixture, CONSOLE_HISTORY, "\0\0\0\0", 4);
    press(fixture, "\035q");
    wait_end(fixture, CLI_ATTACH_LEFT);
}

static void test_break_and_nmi(void **state)
{
    struct fixture *fixture = *state;

    use_terminal(fixture);
    start(fixture);
    press(fixture, "\035b");
    expect_frame(fixture, CONSOLE_BREAK, NULL, 0);
    press(fixture, "\035n");
    expect_frame(fixture, CONSOLE_NMI, NULL, 0);
    say_text(fixture, CONSOLE_REPLY, "");
    expect_text(fixture, fixture->display, "[break sent]");
    say_text(fixture, CONSOLE_REPLY, "the guest is off");
    expect_text(fixture, fixture->display, "[NMI: the guest is off]");
    say_text(fixture, CONSOLE_OUTPUT, "login: ");
    say_text(fixture, CONSOLE_NOTICE, "[guest reset]");
    expect_text(fixture, fixture->display, "login: \r\n\033[0;2m[guest reset]\033[0m\r\n");
    say_text(fixture, CONSOLE_END, "");
    wait_end(fixture, CLI_ATTACH_ENDED);
}

/* The guest's editor is left behind on the screen when the daemon goes. */
static void test_terminal_modes(void **state)
{
    struct fixture *fixture = *state;

    use_terminal(fixture);
    start(fixture);
    say_text(fixture, CONSOLE_OUTPUT, "\033[?1049h\033[?25l\033[?2004h\033[7mtext");
    expect_text(fixture, fixture->display, "text");
    shut(&fixture->daemon);
    wait_end(fixture, CLI_ATTACH_LOST);
    expect_text(fixture, fixture->display, "\033[?1049l\033[?25h\033[?2004l\033[0m\r\n");
}

static void test_signal(void **state)
{
    static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    struct fixture *fixture = *state;

    use_terminal(fixture);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        start(fixture);
        say_text(fixture, CONSOLE_OUTPUT, "\033[?25lready");
        expect_text(fixture, fixture->display, "ready");
        pthread_kill(fixture->thread, numbers[i]);
        wait_end(fixture, CLI_ATTACH_SIGNALLED);
        assert_int_equal(fixture->result.signal, numbers[i]);
        expect_text(fixture, fixture->display, "\033[?25h\033[0m\r\n");
        check_terminal_as_before(fixture);
    }
}

static void test_hang_up(void **state)
{
    struct fixture *fixture = *state;

    use_terminal(fixture);
    start(fixture);
    say_text(fixture, CONSOLE_OUTPUT, "ready");
    expect_text(fixture, fixture->display, "ready");
    shut(&fixture->display);
    pthread_join(fixture->thread, NULL);
    assert_true(fixture->result.end == CLI_ATTACH_LEFT ||
                fixture->result.end == CLI_ATTACH_NO_OUTPUT);
    shut(&fixture->terminal); /* nothing can be asked of it any more */
    fixture->attach.in = fixture->attach.out = fixture->keyboard = -1;
}

/* ---- the connection before it is a console ---- */

static void *serve(void *argument)
{
    int fd = *(int *)argument, passed[2];
    static const char answers[] = "{\"progress\":\"wait\"}\n{\"ok\":true}\n";
    char request[256], control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec vector = {(void *)answers, sizeof answers - 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    static const char granted[] = "{\"ok\":true,\"result\":{\"writable\":true}}\nO\2\0\0hi";

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, passed), 0);
    *part = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(part), &passed[1], sizeof(int));
    assert_true(recv(fd, request, sizeof request, 0) > 0);
    assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)sizeof answers - 1);
    close(passed[1]);
    assert_true(recv(passed[0], request, sizeof request, 0) > 0);
    assert_int_equal(send(passed[0], granted, sizeof granted - 1, 0), sizeof granted - 1);
    close(passed[0]);
    return NULL;
}

static void test_clone_and_take_over(void **state)
{
    struct fixture *fixture = *state;
    struct cli_connection *clone;
    struct cli_client_error error;
    struct json_object *result;
    pthread_t server;

    use_pipes(fixture);
    assert_int_equal(pthread_create(&server, NULL, serve, &fixture->daemon), 0);
    struct cli_connection *connection = cli_connection_adopt(dup(fixture->attach.stream));
    assert_int_equal(cli_connection_clone(connection, &clone, &error), 0);
    assert_int_equal(cli_connection_ask(clone, "console", NULL, NULL, NULL, &result, &error), 0);
    json_object_put(result);
    struct cli_stream stream = cli_connection_take_over(clone);
    pthread_join(server, NULL);
    /* The rest may be in the answer's buffer or still in the socket. */
    if (stream.size < 6) {
        uint8_t more[8];
        assert_int_equal(recv(stream.fd, more, sizeof more, 0), 6 - stream.size);
    } else {
        assert_int_equal(stream.size, 6);
        assert_memory_equal(stream.bytes, "O\2\0\0hi", 6);
    }
    cli_stream_close(&stream);
    cli_connection_free(connection);
}

static volatile sig_atomic_t interrupted;

static void test_interrupted_request(void **state)
{
    struct fixture *fixture = *state;
    struct cli_client_error error;
    struct json_object *result;
    static const char late[] = "{\"progress\":\"late\"}\n{\"ok\":true,\"result\":1}\n"
                               "{\"ok\":true,\"result\":2}\n";

    use_pipes(fixture);
    struct cli_connection *connection = cli_connection_adopt(dup(fixture->attach.stream));
    interrupted = 1;
    cli_client_watch_interrupts(&interrupted);
    assert_int_equal(cli_connection_ask(connection, "list", NULL, NULL, NULL, &result, &error),
                     -EINTR);
    interrupted = 0;
    cli_client_watch_interrupts(NULL);
    assert_int_equal(send(fixture->daemon, late, sizeof late - 1, 0), sizeof late - 1);
    int failed = cli_connection_ask(connection, "show", NULL, NULL, NULL, &result, &error);
    assert_int_equal(failed, 0);
    assert_int_equal(json_object_get_int(result), 2); /* not the answer to the first */
    json_object_put(result);
    cli_connection_free(connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_output_unchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_waits_for_the_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest_behind_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oversized_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_untaken_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_break_and_nmi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminal_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clone_and_take_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted_request, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
