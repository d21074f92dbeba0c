/* The control socket: server and client in one process, on a socket in a temporary directory. Raw
 * clients are driven by turns of the loop; the blocking one of `vbmc` runs in a thread. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "vbmc/base/log.h"
#include "vbmc/cli/client.h"
#include "vbmc/control/control.h"

#define TURNS_MAX 100000 /* of the loop, until a test gives up */
#define PENDING   4

struct fixture {
    uv_loop_t loop;
    struct control *control;
    char directory[64];
    char path[96];
    struct control_request *pending[PENDING]; /* asked for by "later" */
    size_t pending_count;
    unsigned calls;
};

static void handle(void *context, const char *verb, struct json_object *arguments,
                   struct control_request *request)
{
    struct fixture *fixture = context;

    fixture->calls++;
    if (strcmp(verb, "echo") == 0) {
        control_reply_ok(request, json_object_get(arguments));
    } else if (strcmp(verb, "later") == 0) {
        fixture->pending[fixture->pending_count++] = request;
    } else if (strcmp(verb, "work") == 0) {
        control_progress(request, "half of %d", 2);
        control_progress(request, "nearly");
        control_reply_ok(request, NULL);
    } else if (strcmp(verb, "big") == 0) {
        char *text = malloc(CONTROL_ANSWER_MAX + 1);
        memset(text, 'x', CONTROL_ANSWER_MAX);
        text[CONTROL_ANSWER_MAX] = '\0';
        control_reply_ok(request, json_object_new_string(text));
        free(text);
    } else if (strcmp(verb, "missing") == 0) {
        control_reply_error(request, CONTROL_NOT_FOUND, "No domain with matching name %s was found",
                            "X");
    } else {
        control_reply_error(request, CONTROL_USAGE, "unknown verb");
    }
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char error[200] = "";

    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/vbmc-control-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/run/control.sock", fixture->directory);
    uv_loop_init(&fixture->loop);
    assert_int_equal(control_new(&fixture->loop, fixture->path, (gid_t)-1, handle, fixture,
                                 &fixture->control, error, sizeof error),
                     0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char path[128];

    control_free(fixture->control);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    assert_int_equal(access(fixture->path, F_OK), -1);
    snprintf(path, sizeof path, "%s.lock", fixture->path);
    unlink(path);
    snprintf(path, sizeof path, "%s/run", fixture->directory);
    rmdir(path);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void bind_or_connect(int fd, const char *path, bool binds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (binds)
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    else
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
}

static int dial(const struct fixture *fixture)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    bind_or_connect(fd, fixture->path, false);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Sends all of it, turning the loop where the socket is full. */
static void say(struct fixture *fixture, int fd, const char *text, size_t size)
{
    for (unsigned turn = 0; size && turn < TURNS_MAX; turn++) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EPIPE)
            return;
        if (sent > 0) {
            text += sent;
            size -= (size_t)sent;
        }
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(size, 0);
}

static void say_text(struct fixture *fixture, int fd, const char *text)
{
    say(fixture, fd, text, strlen(text));
}

/* Turns the loop until a line comes; "" at the end of the connection. */
static const char *hear(struct fixture *fixture, int fd)
{
    static char line[4096];
    size_t used = 0;

    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, line + used, 1, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            line[used] = '\0';
            return line;
        }
        if (got < 0)
            continue;
        if (line[used] == '\n' || used == sizeof line - 2) {
            line[used] = '\0';
            return line;
        }
        used++;
    }
    fail_msg("no line came");
    return "";
}

static void turn_until(struct fixture *fixture, const size_t *number, size_t wanted)
{
    for (unsigned turn = 0; *number != wanted && turn < TURNS_MAX; turn++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(*number, wanted);
}

static void test_answers(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    say_text(fixture, fd, "{\"verb\":\"echo\",\"arguments\":{\"name\":\"a/b\"}}\n");
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{\"name\":\"a/b\"}}");
    say_text(fixture, fd, "{\"verb\":\"missing\"}\n");
    assert_string_equal(hear(fixture, fd),
                        "{\"ok\":false,\"error\":\"No domain with matching name X was "
                        "found\",\"code\":\"not-found\"}");
    close(fd);
}

static void test_pipelined_and_split(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] =
        "{\"verb\":\"echo\"}\n{\"verb\":\"work\"}\n {\"verb\":\"echo\"} \r\n";
    int fd = dial(fixture);

    for (size_t i = 0; i < sizeof text - 1; i++)
        say(fixture, fd, text + i, 1);
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    assert_string_equal(hear(fixture, fd), "{\"progress\":\"half of 2\"}");
    assert_string_equal(hear(fixture, fd), "{\"progress\":\"nearly\"}");
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    assert_int_equal(fixture->calls, 3);
    close(fd);
}

static void test_garbage(void **state)
{
    static const char *const lines[] = {
        "",
        "garbage",
        "[]",
        "null",
        "\"verb\"",
        "{",
        "{}",
        "{\"verb\":1}",
        "{\"verb\":\"\"}",
        "{\"verb\":\"../list\"}",
        "{\"verb\":\"averyveryverylongverbthatnobodyhas\"}",
        "{\"verb\":\"echo\",\"arguments\":[]}",
        "{\"verb\":\"echo\",\"arguments\":null}",
        "{\"verb\":\"echo\",\"arguments\":{\"name\":\"a\\u0000b\"}}",
        "{\"verb\":\"echo\",\"arguments\":{\"names\":[\"a\",\"\\u0000\"]}}",
        "{\"verb\":\"echo\"} {\"verb\":\"echo\"}",
        "{\"verb\":\"echo\",\"arguments\":{\"name\":\"\xff\"}}",
        "{\"verb\":\"echo\",\"arguments\":{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}}",
    };
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        say_text(fixture, fd, lines[i]);
        say_text(fixture, fd, "\n");
        const char *answer = hear(fixture, fd);
        if (!strstr(answer, "\"ok\":false") || !strstr(answer, "\"code\":\"usage\""))
            fail_msg("'%s' was answered by '%s'", lines[i], answer);
    }
    say(fixture, fd, "{\"verb\":\"echo\"}\0\n", 17); /* a NUL in the line itself */
    assert_non_null(strstr(hear(fixture, fd), "\"ok\":false"));
    assert_int_equal(fixture->calls, 0);
    say_text(fixture, fd, "{\"verb\":\"echo\"}\n"); /* and the connection still works */
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    close(fd);
}

/* A request of exactly `size` bytes, its line break included. */
static char *padded_request(size_t size)
{
    static const char head[] = "{\"verb\":\"later\",\"arguments\":{\"x\":\"", tail[] = "\"}}\n";
    char *text = malloc(size);

    memset(text, 'x', size);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + size - (sizeof tail - 1), tail, sizeof tail - 1);
    return text;
}

static void test_longest_line(void **state)
{
    struct fixture *fixture = *state;
    char *text = padded_request(CONTROL_REQUEST_MAX);
    int fd = dial(fixture);

    say(fixture, fd, text, CONTROL_REQUEST_MAX);
    turn_until(fixture, &fixture->pending_count, 1);
    control_reply_ok(fixture->pending[0], NULL);
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    free(text);
    close(fd);
}

static void test_line_too_long(void **state)
{
    struct fixture *fixture = *state;
    char *text = padded_request(CONTROL_REQUEST_MAX + 1);
    int fd = dial(fixture);

    say(fixture, fd, text, CONTROL_REQUEST_MAX + 1);
    assert_non_null(strstr(hear(fixture, fd), "too long"));
    assert_string_equal(hear(fixture, fd), ""); /* closed */
    assert_int_equal(fixture->calls, 0);
    free(text);
    close(fd);
}

static void test_client_gone_before_the_answer(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    say_text(fixture, fd, "{\"verb\":\"later\"}\n");
    turn_until(fixture, &fixture->pending_count, 1);
    close(fd);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    control_progress(fixture->pending[0], "nobody hears this");
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    control_reply_ok(fixture->pending[0], NULL);
    fd = dial(fixture);
    say_text(fixture, fd, "{\"verb\":\"echo\"}\n");
    assert_string_equal(hear(fixture, fd), "{\"ok\":true,\"result\":{}}");
    close(fd);
}

static void test_server_gone_before_the_answer(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    say_text(fixture, fd, "{\"verb\":\"later\"}\n");
    turn_until(fixture, &fixture->pending_count, 1);
    control_free(fixture->control);
    fixture->control = NULL;
    assert_string_equal(hear(fixture, fd), "");
    control_progress(fixture->pending[0], "dropped");
    control_reply_error(fixture->pending[0], CONTROL_FAILED, "dropped");
    close(fd);
}

static void test_two_clients(void **state)
{
    struct fixture *fixture = *state;
    int first = dial(fixture), second = dial(fixture);

    say_text(fixture, first, "{\"verb\":\"later\"}\n{\"verb\":\"echo\"}\n");
    turn_until(fixture, &fixture->pending_count, 1);
    say_text(fixture, second, "{\"verb\":\"echo\",\"arguments\":{\"n\":2}}\n");
    assert_string_equal(hear(fixture, second), "{\"ok\":true,\"result\":{\"n\":2}}");
    assert_int_equal(fixture->calls, 2); /* the first one's second request waits */
    control_reply_error(fixture->pending[0], CONTROL_EXISTS, "File exists");
    assert_string_equal(hear(fixture, first),
                        "{\"ok\":false,\"error\":\"File exists\",\"code\":\"exists\"}");
    assert_string_equal(hear(fixture, first), "{\"ok\":true,\"result\":{}}");
    close(first);
    close(second);
}

static void test_too_many_clients(void **state)
{
    struct fixture *fixture = *state;
    int fds[CONTROL_CLIENTS_MAX + 1];

    for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fds[i] = dial(fixture);
        for (unsigned turn = 0; turn < 4; turn++)
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    assert_non_null(strstr(hear(fixture, fds[CONTROL_CLIENTS_MAX]), "too many clients"));
    say_text(fixture, fds[0], "{\"verb\":\"echo\"}\n");
    assert_string_equal(hear(fixture, fds[0]), "{\"ok\":true,\"result\":{}}");
    for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
}

static void test_answer_too_large(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    say_text(fixture, fd, "{\"verb\":\"big\"}\n");
    assert_non_null(strstr(hear(fixture, fd), "the answer is too large"));
    close(fd);
}

static void test_progress_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[900];
    int fd = dial(fixture);

    memset(text, 'p', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    say_text(fixture, fd, "{\"verb\":\"later\"}\n");
    turn_until(fixture, &fixture->pending_count, 1);
    for (unsigned i = 0; i < 2000; i++) /* far beyond the buffer of the socket, unread */
        control_progress(fixture->pending[0], "%s", text);
    control_reply_ok(fixture->pending[0], NULL);
    unsigned heard = 0;
    while (strstr(hear(fixture, fd), "progress"))
        heard++;
    assert_in_range(heard, 1, 1999);
    close(fd);
}

static void test_permissions(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    struct control *other;
    char path[128], error[200];

    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    snprintf(path, sizeof path, "%s/run", fixture->directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);

    snprintf(path, sizeof path, "%s/run/group.sock", fixture->directory);
    assert_int_equal(
        control_new(&fixture->loop, path, getegid(), handle, fixture, &other, error, sizeof error),
        0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(status.st_gid, getegid());
    control_free(other);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/run/group.sock.lock", fixture->directory);
    unlink(path);
}

static int try_control(struct fixture *fixture, const char *name, char *error, size_t size)
{
    struct control *other = NULL;
    char path[128];

    snprintf(path, sizeof path, "%s/%s", fixture->directory, name);
    int failed = control_new(&fixture->loop, path, (gid_t)-1, handle, fixture, &other, error, size);
    if (!failed)
        control_free(other);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    snprintf(path, sizeof path, "%s/%s.lock", fixture->directory, name);
    if (strcmp(name, "run/control.sock") != 0)
        unlink(path);
    return failed;
}

static void test_live_socket_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char error[200], path[128];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(try_control(fixture, "run/control.sock", error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, "already running"));
    assert_int_equal(access(fixture->path, F_OK), 0);

    /* somebody who listens there without our lock */
    snprintf(path, sizeof path, "%s/run/foreign.sock", fixture->directory);
    bind_or_connect(fd, path, true);
    listen(fd, 1);
    assert_int_equal(try_control(fixture, "run/foreign.sock", error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, "already running"));
    close(fd);
    unlink(path);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    char error[200], path[128];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(path, sizeof path, "%s/run/stale.sock", fixture->directory);
    bind_or_connect(fd, path, true);
    close(fd);
    assert_int_equal(try_control(fixture, "run/stale.sock", error, sizeof error), 0);
}

static void test_bad_places(void **state)
{
    struct fixture *fixture = *state;
    char error[300], path[128], name[200];

    snprintf(path, sizeof path, "%s/run/file", fixture->directory);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(try_control(fixture, "run/file", error, sizeof error), -EEXIST);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(try_control(fixture, "run/file/x", error, sizeof error), -ENOTDIR);
    unlink(path);
    assert_int_equal(try_control(fixture, "no/such/x", error, sizeof error), -ENOENT);

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(try_control(fixture, name, error, sizeof error), -ENAMETOOLONG);

    snprintf(path, sizeof path, "%s/open", fixture->directory);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(try_control(fixture, "open/x", error, sizeof error), -EPERM);
    assert_non_null(strstr(error, "others may write here"));
    rmdir(path);
}

/* The blocking client, in a thread while the loop turns. */
struct caller {
    const char *path;
    const char *verb;
    struct json_object *arguments;
    struct json_object *result;
    struct cli_client_error error;
    char progress[200];
    int failed;
    uv_async_t done;
};

static void note_progress(void *context, const char *text)
{
    struct caller *caller = context;
    size_t used = strlen(caller->progress);

    snprintf(caller->progress + used, sizeof caller->progress - used, "[%s]", text);
}

static void call_in_thread(void *context)
{
    struct caller *caller = context;

    caller->failed = cli_client_call(caller->path, caller->verb, caller->arguments, note_progress,
                                     caller, &caller->result, &caller->error);
    uv_async_send(&caller->done);
}

static void call_done(uv_async_t *async)
{
    uv_stop(async->loop);
    uv_close((uv_handle_t *)async, NULL);
}

static void call(struct fixture *fixture, struct caller *caller)
{
    uv_thread_t thread;

    caller->path = fixture->path;
    uv_async_init(&fixture->loop, &caller->done, call_done);
    uv_thread_create(&thread, call_in_thread, caller);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    json_object_put(caller->arguments);
}

static void test_client(void **state)
{
    struct caller echo = {.verb = "echo", .arguments = json_tokener_parse("{\"name\":\"x y\"}")};
    struct caller work = {.verb = "work"}, missing = {.verb = "missing"}, wrong = {.verb = "what"};

    call(*state, &echo);
    assert_int_equal(echo.failed, 0);
    assert_string_equal(json_object_to_json_string_ext(echo.result, 0), "{\"name\":\"x y\"}");
    json_object_put(echo.result);
    call(*state, &work);
    assert_int_equal(work.failed, 0);
    assert_string_equal(work.progress, "[half of 2][nearly]");
    json_object_put(work.result);
    call(*state, &missing);
    assert_int_equal(missing.failed, -EREMOTEIO);
    assert_false(missing.error.is_usage);
    assert_string_equal(missing.error.text, "No domain with matching name X was found");
    call(*state, &wrong);
    assert_int_equal(wrong.failed, -EREMOTEIO);
    assert_true(wrong.error.is_usage);
}

static void test_client_without_daemon(void **state)
{
    struct json_object *result;
    struct cli_client_error error;

    (void)state;
    assert_int_equal(
        cli_client_call("/nonexistent/control.sock", "list", NULL, NULL, NULL, &result, &error),
        -ENOENT);
    assert_non_null(strstr(error.text, "vbmcd is not running"));
    assert_non_null(strstr(error.text, "systemctl start vbmcd"));
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_answers),
        WITH_SERVER(test_pipelined_and_split),
        WITH_SERVER(test_garbage),
        WITH_SERVER(test_longest_line),
        WITH_SERVER(test_line_too_long),
        WITH_SERVER(test_client_gone_before_the_answer),
        WITH_SERVER(test_server_gone_before_the_answer),
        WITH_SERVER(test_two_clients),
        WITH_SERVER(test_too_many_clients),
        WITH_SERVER(test_answer_too_large),
        WITH_SERVER(test_progress_is_bounded),
        WITH_SERVER(test_permissions),
        WITH_SERVER(test_live_socket_is_refused),
        WITH_SERVER(test_stale_socket_is_replaced),
        WITH_SERVER(test_bad_places),
        WITH_SERVER(test_client),
        cmocka_unit_test(test_client_without_daemon),
    };

    log_set_level(LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
