/* Connections that do not come in by the listener, that get a second one, and that become a stream.
 */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/control/control.h"

#define TURNS      8
#define TURNS_MAX  100000
#define BUFFER_MAX ((size_t)64 * 1024)

static uv_loop_t loop;
static struct control *control;
static char folder[64], path[96];
static struct control_request *pending;
static uv_stream_t *taken;
static bool gone; /* nothing was left to take over */
static unsigned closed_streams;

static const struct control_identity looker = {
    .account = "looker",
    .by_ssh = true,
    .address = "192.0.2.1",
    .privilege = PRIVILEGE_USER,
    .one_bmc = true,
    .uuid = {{1, 2, 3}},
};

/* ---- the daemon's side ---- */

static void answer_identity(struct control_request *request)
{
    const struct control_identity *identity = control_request_identity(request);
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "who", json_object_new_string(identity->account));
    json_object_object_add(result, "privilege", json_object_new_int(identity->privilege));
    json_object_object_add(result, "one", json_object_new_boolean(identity->one_bmc));
    control_reply_ok(request, result);
}

static void take_over(struct control_request *request)
{
    taken = control_request_take_over(request, json_object_new_object());
    gone = !taken;
}

static void handle(void *context, const char *verb, struct json_object *arguments,
                   struct control_request *request)
{
    (void)context;
    (void)arguments;
    if (strcmp(verb, "who") == 0)
        answer_identity(request);
    else if (strcmp(verb, "connect") == 0)
        control_reply_connection(request);
    else if (strcmp(verb, "stream") == 0)
        take_over(request);
    else
        pending = request;
}

static int setup(void **state)
{
    char error[200] = "";

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(folder, sizeof folder, "/tmp/vbmc-handover-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/control.sock", folder);
    uv_loop_init(&loop);
    pending = NULL;
    taken = NULL;
    gone = false;
    closed_streams = 0;
    assert_int_equal(
        control_new(&loop, path, (gid_t)-1, handle, NULL, &control, error, sizeof error), 0);
    return 0;
}

static void end_control(void)
{
    control_free(control);
    control = NULL;
}

static int teardown(void **state)
{
    char lock[112];

    (void)state;
    end_control();
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(lock);
    return rmdir(folder);
}

static void turn(void)
{
    for (unsigned i = 0; i < TURNS; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

/* ---- the client's side ---- */

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Adopts a connection and returns its other end; -1 if that is refused. */
static int adopt(const struct control_identity *identity, int *result)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    *result = control_adopt(control, ends[0], identity);
    if (*result == 0)
        return ends[1];
    assert_int_equal(fcntl(ends[0], F_GETFD), -1); /* it was taken all the same */
    close(ends[1]);
    return -1;
}

static int adopted(const struct control_identity *identity)
{
    int result, fd = adopt(identity, &result);

    assert_int_equal(result, 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn();
}

/* What has come, up to the end of a line; with the descriptor that came with its first byte. "" at
 * the end of the connection. */
static const char *hear_with(int fd, int *descriptor)
{
    static char line[1024];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } ancillary;

    *descriptor = -1;
    for (size_t used = 0; used < sizeof line - 1; used++) {
        struct iovec bytes = {.iov_base = line + used, .iov_len = 1};
        struct msghdr message = {.msg_iov = &bytes,
                                 .msg_iovlen = 1,
                                 .msg_control = &ancillary,
                                 .msg_controllen = sizeof ancillary};
        ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        const struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (header && header->cmsg_type == SCM_RIGHTS) {
            assert_int_equal(used, 0);
            memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
        }
        if (got != 1 || line[used] == '\n') {
            assert_true(got == 1 || got == 0 || errno == ECONNRESET);
            line[used] = '\0';
            return line;
        }
    }
    fail_msg("a line has no end");
    return "";
}

static const char *hear(int fd)
{
    int descriptor;
    const char *line = hear_with(fd, &descriptor);

    assert_int_equal(descriptor, -1);
    return line;
}

static int ask_for_connection(int fd)
{
    int descriptor;

    say(fd, "{\"verb\":\"connect\"}\n");
    assert_string_equal(hear_with(fd, &descriptor), "{\"ok\":true,\"result\":{}}");
    assert_true(descriptor >= 0);
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

/* ---- identities ---- */

#define LOOKER_ANSWER                                                                              \
    "{\"ok\":true,\"result\":{\"who\":\"looker\",\"privilege\":2,"                                 \
    "\"one\":true}}"

static void test_identities(void **state)
{
    char expected[128];
    int ours = dial(), theirs = adopted(&looker);

    (void)state;
    say(theirs, "{\"verb\":\"who\"}\n");
    assert_string_equal(hear(theirs), LOOKER_ANSWER);
    snprintf(expected, sizeof expected,
             "{\"ok\":true,\"result\":{\"who\":\"%s\",\"privilege\":4,\"one\":false}}",
             geteuid() == 0 ? "root" : "uid ");
    say(ours, "{\"verb\":\"who\"}\n");
    const char *heard = hear(ours);
    if (geteuid() == 0)
        assert_string_equal(heard, expected);
    close(ours);
    close(theirs);
}

/* It was sent before the connection was adopted. */
static void test_already_sent(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(write(ends[1], "{\"verb\":\"who\"}\n", 15), 15);
    assert_int_equal(control_adopt(control, ends[0], &looker), 0);
    turn();
    assert_string_equal(hear(ends[1]), LOOKER_ANSWER);
    close(ends[1]);
}

/* ---- a further connection ---- */

static void test_connect(void **state)
{
    int first = adopted(&looker);
    int second = ask_for_connection(first);

    (void)state;
    close(first);
    turn();
    say(second, "{\"verb\":\"who\"}\n");
    assert_string_equal(hear(second), LOOKER_ANSWER); /* it is no more than the first was */
    int third = ask_for_connection(second);
    say(second, "{\"verb\":\"who\"}\n"); /* and goes on as before */
    assert_string_equal(hear(second), LOOKER_ANSWER);
    say(third, "{\"verb\":\"who\"}\n{\"verb\":\"who\"}\n");
    assert_string_equal(hear(third), LOOKER_ANSWER);
    assert_string_equal(hear(third), LOOKER_ANSWER);
    close(second);
    close(third);
}

/* Many requests in one go, answers between others. */
static void test_connect_pipelined(void **state)
{
    enum { COUNT = 20 };
    int descriptors[COUNT], first = adopted(&looker);
    char text[2048] = "";

    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        strcat(text, "{\"verb\":\"connect\"}\n{\"verb\":\"who\"}\n");
    say(first, text);
    turn();
    for (unsigned i = 0; i < COUNT; i++) {
        assert_string_equal(hear_with(first, &descriptors[i]), "{\"ok\":true,\"result\":{}}");
        assert_true(descriptors[i] >= 0);
        turn();
        assert_string_equal(hear(first), LOOKER_ANSWER);
        turn();
    }
    for (unsigned i = 0; i < COUNT; i++)
        close(descriptors[i]);
    close(first);
}

/* A client that asks and does not read loses its connection, and nobody else's. */
static void test_connect_unread(void **state)
{
    int size = 4096, ends[2];
    bool closed = false;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    assert_int_equal(control_adopt(control, ends[0], &looker), 0);
    for (unsigned i = 0; i < CONTROL_ADOPTED_MAX - 2 && !closed; i++) {
        closed = send(ends[1], "{\"verb\":\"connect\"}\n", 19, MSG_NOSIGNAL) < 0;
        turn();
    }
    assert_true(closed);
    close(ends[1]);
    turn();
    int other = dial();
    say(other, "{\"verb\":\"who\"}\n");
    assert_non_null(strstr(hear(other), "\"ok\":true"));
    close(other);
}

static void test_connect_by_listener(void **state)
{
    int first = dial();
    int second = ask_for_connection(first);

    (void)state;
    say(second, "{\"verb\":\"who\"}\n");
    assert_non_null(strstr(hear(second), "\"privilege\":4"));
    close(first);
    close(second);
}

/* ---- limits ---- */

static void test_too_many_adopted(void **state)
{
    static int fds[CONTROL_ADOPTED_MAX];
    const struct rlimit more = {.rlim_cur = 4096, .rlim_max = 4096};
    int result;

    (void)state;
    setrlimit(RLIMIT_NOFILE, &more);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = adopted(&looker);
    assert_int_equal(adopt(&looker, &result), -1);
    assert_int_equal(result, -EUSERS);
    say(fds[0], "{\"verb\":\"connect\"}\n");
    assert_non_null(strstr(hear(fds[0]), "no further connection: Too many users"));
    say(fds[0], "{\"verb\":\"who\"}\n");
    assert_string_equal(hear(fds[0]), LOOKER_ANSWER);

    int ours = dial(); /* those of the listener are counted apart */
    say(ours, "{\"verb\":\"who\"}\n");
    assert_non_null(strstr(hear(ours), "\"ok\":true"));
    close(ours);

    close(fds[1]);
    turn();
    fds[1] = adopted(&looker);
    say(fds[0], "{\"verb\":\"stream\"}\n"); /* no longer counts */
    assert_non_null(taken);
    int further = adopted(&looker);
    uv_close((uv_handle_t *)taken, control_stream_closed);
    close(further);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* ---- a stream ---- */

static void on_closed(uv_handle_t *handle)
{
    closed_streams++;
    control_stream_closed(handle);
}

static void close_taken(void)
{
    uv_close((uv_handle_t *)taken, on_closed);
    turn();
    assert_int_equal(closed_streams, 1);
}

static char received[BUFFER_MAX];
static size_t received_size;

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(received + received_size, (unsigned)(sizeof received - received_size));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)stream;
    (void)buffer;
    assert_true(size >= 0);
    received_size += (size_t)size;
}

/* What came with the request, then what comes: no byte is lost between the two. */
static void test_stream(void **state)
{
    int fd = adopted(&looker);
    uint8_t bytes[8];

    (void)state;
    received_size = 0;
    say(fd, "{\"verb\":\"stream\"}\none two ");
    assert_string_equal(hear(fd), "{\"ok\":true,\"result\":{}}");
    assert_int_equal(control_stream_take(taken, bytes, 3), 3);
    assert_memory_equal(bytes, "one", 3);
    assert_int_equal(control_stream_take(taken, bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, " two ", 5);
    assert_int_equal(control_stream_take(taken, bytes, sizeof bytes), 0);
    say(fd, "{\"verb\":\"who\"}\n"); /* is a request no more */
    uv_read_start(taken, on_allocate, on_read);
    turn();
    assert_int_equal(received_size, 15);
    close_taken();
    assert_string_equal(hear(fd), "");
    close(fd);
}

/* The answer is not all written when its stream is closed. */
static void test_stream_closed_at_once(void **state)
{
    int fd = dial();

    (void)state;
    assert_int_equal(send(fd, "{\"verb\":\"stream\"}\n", 18, MSG_NOSIGNAL), 18);
    for (unsigned i = 0; i < TURNS_MAX && !taken; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    close_taken();
    close(fd);
}

static void test_stream_outlives_the_server(void **state)
{
    int fd = dial();

    (void)state;
    say(fd, "{\"verb\":\"stream\"}\n");
    hear(fd);
    end_control();
    turn();
    uv_buf_t bytes = uv_buf_init((char *)"still here\n", 11);
    assert_int_equal(uv_try_write(taken, &bytes, 1), 11);
    assert_string_equal(hear(fd), "still here");
    close_taken();
    close(fd);
}

/* Nobody reads from a connection whose request waits, so that the client is gone shows only then.
 */
static void test_client_gone_before(void **state)
{
    int fd = adopted(&looker);

    (void)state;
    say(fd, "{\"verb\":\"later\"}\n");
    close(fd);
    turn();
    take_over(pending);
    assert_non_null(taken);
    turn();
    close_taken();

    fd = adopted(&looker);
    say(fd, "{\"verb\":\"later\"}\n");
    close(fd);
    turn();
    control_reply_connection(pending);
}

static void test_server_gone_before(void **state)
{
    int first = adopted(&looker), second = adopted(&looker);
    struct control_request *request;

    (void)state;
    say(first, "{\"verb\":\"later\"}\n");
    request = pending;
    say(second, "{\"verb\":\"later\"}\n");
    end_control();
    turn();
    take_over(request);
    assert_true(gone);
    control_reply_connection(pending);
    assert_string_equal(hear(first), "");
    assert_string_equal(hear(second), "");
    close(first);
    close(second);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_identities),
        TEST(test_already_sent),
        TEST(test_connect),
        TEST(test_connect_pipelined),
        TEST(test_connect_unread),
        TEST(test_connect_by_listener),
        TEST(test_too_many_adopted),
        TEST(test_stream),
        TEST(test_stream_closed_at_once),
        TEST(test_stream_outlives_the_server),
        TEST(test_client_gone_before),
        TEST(test_server_gone_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
