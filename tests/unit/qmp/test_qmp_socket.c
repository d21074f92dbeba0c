/* The QMP client on a Unix socket: against the scripted server, and against a real QEMU. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "qmp/framing.h"
#include "qmp/transport.h"
#include "qmp/unix_socket.h"
#include "tests/fake/qmp_fixture.h"
#include "tests/fake/qmp_server.h"

/* ---- the client on a socket, against the scripted server ---- */

/* Pieces, two replies in one write, an event between command and reply, answers out of order. */
static void test_socket_conversation(void **state)
{
    static const struct fake_qmp_step script[] = {
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_SEND, "{\"QMP\": {\"ver"},
        {FAKE_QMP_SEND, "sion\": {}}}\r"},
        {FAKE_QMP_SEND, "\n"},
        {FAKE_QMP_EXPECT, "qmp_capabilities"},
        {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @1}\n"},
        {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_EXPECT, "b"},
        {FAKE_QMP_EXPECT, "c"},
        {FAKE_QMP_SEND, "{\"event\": \"RESET\"}\r\n{\"return\": 3, \"id\": @4}\r\n{\"retu"},
        {FAKE_QMP_SEND, "rn\": 2, \"id\": @3}\r\n"},
        {FAKE_QMP_SEND, "{\"return\": 1, \"id\": @2}\r\n"},
        {FAKE_QMP_EXPECT, "again"},
        {FAKE_QMP_SEND, "{\"return\": 4, \"id\": @5}\r\n"},
        {FAKE_QMP_END, NULL},
    };
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_socket(fixture, script, 0, 0);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_execute(fixture, "b");
    qmp_fixture_execute(fixture, "c");
    fixture->again_on = "a=1";
    qmp_fixture_run_to(fixture, "ready RESET c=3 b=2 a=1 again=4");
    assert_true(qmp_client_is_ready(fixture->client));
}

/* A lost connection fails what was in flight, and nothing of it is sent again. */
static void test_socket_reconnect(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_SEND, "{\"ret"},
        {FAKE_QMP_CLOSE, NULL},
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_EXPECT, "b"},
        {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @2}\n"},
        {FAKE_QMP_CLOSE, NULL},
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_SEND, "garbage\n"},
        {FAKE_QMP_EXPECT_HUP, NULL},
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_END, NULL},
    };
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_socket(fixture, script, 0, 0);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_run_to(fixture, "ready a!disconnected? down");
    qmp_fixture_execute(fixture, "x");
    assert_int_equal(fixture->again_result, -ENOTCONN);
    qmp_fixture_run_until(fixture, "down ready");
    qmp_fixture_execute(fixture, "b");
    qmp_fixture_run_until(fixture, "b={} down ready");
    assert_string_equal(fixture->trace, "ready a!disconnected? down ready b={} down ready");
}

/* What ends a connection while a command is in flight, and as which failure. */
static void check_broken_connection(struct qmp_fixture *fixture, const char *bytes)
{
    const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,          {FAKE_QMP_EXPECT, "a"}, {FAKE_QMP_SEND, bytes},
        {FAKE_QMP_EXPECT_HUP, NULL}, {FAKE_QMP_END, NULL},
    };

    qmp_fixture_open_socket(fixture, script, 0, 0);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_run_to(fixture, "ready a!protocol error? down");
    qmp_fixture_run_until(fixture, NULL);
    fake_qmp_server_stop(fixture->server); /* before its script goes out of scope */
    fixture->server = NULL;
    qmp_client_close(fixture->client);
    fixture->client = NULL;
}

static void test_socket_garbage(void **state)
{
    check_broken_connection(*state, "{\"return\": {}, \"id\"\n");
}

static void test_socket_oversized_line(void **state)
{
    static char bytes[QMP_LINE_MAX + 16];

    memset(bytes, ' ', sizeof bytes - 1);
    check_broken_connection(*state, bytes);
}

static void test_socket_timeout_and_late_reply(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,     {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_WAIT, NULL},  {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @2}\n"},
        {FAKE_QMP_EXPECT, "b"}, {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @3}\n"},
        {FAKE_QMP_END, NULL},
    };
    struct qmp_fixture *fixture = *state;

    /* The limit of the handshake ends with it. */
    qmp_fixture_open_socket(fixture, script, 600, 900);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_run_to(fixture, "ready a!timeout?");
    fake_qmp_server_resume(fixture->server);
    qmp_fixture_execute(fixture, "b");
    qmp_fixture_run_to(fixture, "ready a!timeout? b={}");
}

/* Accepted, but no greeting: another client holds the monitor. A command times out unsent. */
static void test_socket_silence(void **state)
{
    static const struct fake_qmp_step script[] = {
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_EXPECT_HUP, NULL},
        {FAKE_QMP_END, NULL},
    };
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_socket(fixture, script, 60, 20);
    qmp_fixture_execute(fixture, "a");
    fixture->close_on = "down"; /* from inside the transport's timer */
    qmp_fixture_run_to(fixture, "a!timeout down");
    assert_null(fixture->client);
    qmp_fixture_run_until(fixture, NULL);
}

static void test_socket_nobody_listens(void **state)
{
    static const struct fake_qmp_step script[] = {FAKE_QMP_HANDSHAKE, {FAKE_QMP_END, NULL}};
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_socket(fixture, NULL, 0, 0);
    qmp_fixture_execute(fixture, "a");
    assert_int_equal(fixture->again_result, 0);
    qmp_fixture_run_to(fixture, "a!disconnected down");
    fixture->server = fake_qmp_server_start(&fixture->loop, fixture->path, script);
    qmp_fixture_run_to(fixture, "a!disconnected down ready");
}

static void test_socket_paths(void **state)
{
    struct qmp_fixture *fixture = *state;
    struct qmp_transport *transport;
    char path[109];

    memset(path, 'x', sizeof path);
    path[108] = '\0';
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, path, NULL, &transport), -ENAMETOOLONG);
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, "", NULL, &transport), -EINVAL);
    path[107] = '\0';
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, path, NULL, &transport), 0);
    transport->ops->close(transport);
}

/* A server that reads nothing costs no more than the bound. */
static void test_socket_write_queue(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE, {FAKE_QMP_DEAF, NULL}, {FAKE_QMP_END, NULL}};
    static char value[100 * 1000];
    struct qmp_fixture *fixture = *state;
    int taken = 0, result = 0;

    memset(value, 'v', sizeof value - 1);
    qmp_fixture_open_socket(fixture, script, 0, 0);
    qmp_fixture_run_until(fixture, NULL);
    qmp_fixture_run_until(fixture, "ready");
    while (result == 0 && taken < 32) {
        struct qmp_fixture_call *call = qmp_fixture_new_call(fixture, "a");
        struct json_object *arguments = json_object_new_object();

        json_object_object_add(arguments, "v", json_object_new_string(value));
        result = qmp_client_execute(fixture->client, "a", arguments, qmp_fixture_on_reply, call);
        if (result < 0)
            free(call);
        else
            taken++;
    }
    assert_int_equal(result, -ENOBUFS);
    assert_in_range(taken, 2, 31);
}

static void test_close_in_flight(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,          {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_EXPECT, "b"},      {FAKE_QMP_SEND, "{\"event\": \"STOP\"}\n"},
        {FAKE_QMP_EXPECT_HUP, NULL}, {FAKE_QMP_END, NULL},
    };
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_socket(fixture, script, 0, 0);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_execute(fixture, "b");
    fixture->close_on = "STOP"; /* from inside the socket's read callback */
    fixture->again_on = "a!cancelled?";
    qmp_fixture_run_until(fixture, "b!cancelled?");
    assert_int_equal(fixture->again_result, -ECANCELED);
    qmp_fixture_run_until(fixture, NULL);
    assert_string_equal(fixture->trace, "ready STOP a!cancelled? b!cancelled?");
}

/* ---- a real QEMU ---- */

/* Ends with the test program, however that ends. An exit status of 127 means there is no QEMU. */
static pid_t spawn_qemu(const char *path)
{
    char monitor[128];
    char *arguments[] = {
        "qemu-system-x86_64",
        "-S",
        "-display",
        "none",
        "-nodefaults",
        "-no-user-config",
        "-machine",
        "pc,accel=tcg",
        "-m",
        "32",
        "-device",
        "virtio-scsi-pci",
        "-device",
        "scsi-cd,id=cd0,bootindex=1",
        "-device",
        "scsi-cd,id=cd1,bootindex=2",
        "-chardev",
        "null,id=s0",
        "-qmp",
        monitor,
        NULL,
    };
    pid_t pid;

    snprintf(monitor, sizeof monitor, "unix:%s,server=on,wait=off", path);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* True, once QEMU listens; false if it ended instead. */
static bool wait_for_qemu(struct qmp_fixture *fixture, int *status)
{
    for (int waited_ms = 0; waited_ms < QMP_FIXTURE_DEADLINE_MS; waited_ms += 5) {
        if (access(fixture->path, F_OK) == 0)
            return true;
        if (waitpid(fixture->qemu, status, WNOHANG) == fixture->qemu) {
            fixture->qemu = 0;
            return false;
        }
        usleep(5000);
    }
    fail_msg("QEMU does not open its monitor");
    return false;
}

static void talk_to_qemu(struct qmp_fixture *f)
{
    static const char cd0[] = "/machine/peripheral/cd0";

    qmp_fixture_run_until(f, "ready");
    f->trace[0] =
        '\0'; /* "down" comes first where QEMU had bound its socket and did not listen yet */
    qmp_query_version(f->client, qmp_fixture_on_version, qmp_fixture_new_call(f, "version"));
    qmp_query_status(f->client, qmp_fixture_on_status, qmp_fixture_new_call(f, "s1"));
    qmp_qom_get_integer(f->client, cd0, "bootindex", qmp_fixture_on_integer,
                        qmp_fixture_new_call(f, "g1"));
    qmp_qom_set_integer(f->client, cd0, "bootindex", 2, qmp_fixture_on_done,
                        qmp_fixture_new_call(f, "taken"));
    qmp_qom_set_integer(f->client, cd0, "bootindex", 0, qmp_fixture_on_done,
                        qmp_fixture_new_call(f, "w"));
    qmp_qom_get_integer(f->client, cd0, "bootindex", qmp_fixture_on_integer,
                        qmp_fixture_new_call(f, "g2"));
    qmp_qom_get_integer(f->client, cd0, "type", qmp_fixture_on_integer,
                        qmp_fixture_new_call(f, "type"));
    qmp_qom_get_integer(f->client, "/machine/peripheral/none", "bootindex", qmp_fixture_on_integer,
                        qmp_fixture_new_call(f, "none"));
    qmp_qom_get_integer(f->client, cd0, "none", qmp_fixture_on_integer,
                        qmp_fixture_new_call(f, "property"));
    qmp_chardev_send_break(f->client, "s0", qmp_fixture_on_done, qmp_fixture_new_call(f, "break"));
    qmp_fixture_execute(f, "no-such-command");
    qmp_fixture_run_until(
        f, "s1=prelaunch- g1=1 taken!GenericError w=null g2=0 type!protocol error? "
           "none!DeviceNotFound property!GenericError break=null no-such-command!CommandNotFound");

    qmp_run(f->client, QMP_COMMAND_CONT, qmp_fixture_on_done, qmp_fixture_new_call(f, "cont"));
    qmp_query_status(f->client, qmp_fixture_on_status, qmp_fixture_new_call(f, "s2"));
    qmp_fixture_run_until(f, "s2=running+");
    qmp_fixture_run_until(f, "RESUME");
    qmp_run(f->client, QMP_COMMAND_INJECT_NMI, qmp_fixture_on_done, qmp_fixture_new_call(f, "nmi"));
    qmp_run(f->client, QMP_COMMAND_SYSTEM_WAKEUP, qmp_fixture_on_done,
            qmp_fixture_new_call(f, "wakeup"));
    qmp_run(f->client, QMP_COMMAND_SYSTEM_RESET, qmp_fixture_on_done,
            qmp_fixture_new_call(f, "reset"));
    qmp_fixture_run_until(f, "nmi=null");
    qmp_fixture_run_until(f, "wakeup!GenericError");
    qmp_fixture_run_until(f, "reset=null");
    qmp_fixture_run_until(f, "RESET");
    qmp_run(f->client, QMP_COMMAND_SYSTEM_POWERDOWN, qmp_fixture_on_done,
            qmp_fixture_new_call(f, "button"));
    qmp_run(f->client, QMP_COMMAND_STOP, qmp_fixture_on_done, qmp_fixture_new_call(f, "stop"));
    qmp_fixture_run_until(f, "POWERDOWN");
    qmp_fixture_run_until(f, "stop=null");
    qmp_fixture_run_until(f, "STOP");
    qmp_run(f->client, QMP_COMMAND_QUIT, qmp_fixture_on_done, qmp_fixture_new_call(f, "quit"));
    qmp_fixture_run_until(f, "down");
    if (!strstr(f->trace, "quit"))
        fail_msg("quit has no outcome: %s", f->trace);
}

static void test_real_qemu(void **state)
{
    struct qmp_fixture *fixture = *state;
    int status = 0;

    fixture->qemu = spawn_qemu(fixture->path);
    if (!wait_for_qemu(fixture, &status)) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
        print_message("skipped: there is no qemu-system-x86_64\n");
        skip();
    }
    qmp_fixture_open_socket(fixture, NULL, 0, 0);
    talk_to_qemu(fixture);
    assert_int_equal(waitpid(fixture->qemu, &status, 0), fixture->qemu);
    fixture->qemu = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, qmp_fixture_set_up, qmp_fixture_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(test_socket_conversation),
        TEST(test_socket_reconnect),
        TEST(test_socket_garbage),
        TEST(test_socket_oversized_line),
        TEST(test_socket_timeout_and_late_reply),
        TEST(test_socket_silence),
        TEST(test_socket_nobody_listens),
        TEST(test_socket_paths),
        TEST(test_socket_write_queue),
        TEST(test_close_in_flight),
        TEST(test_real_qemu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
