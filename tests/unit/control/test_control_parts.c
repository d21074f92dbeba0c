/* Long lists in parts: what a client gets that takes them, or does not, or goes in between. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "vbmc/cli/client.h"
#include "vbmc/control/control.h"

#define PART_ITEMS 100
#define TURNS_MAX  100000

static struct {
    uv_loop_t loop;
    struct control *control;
    char directory[64];
    struct control_request *request; /* NULL: answered */
    int next, count;                 /* items */
    unsigned parts, gone;
    int fd; /* the client's end */
} world;

static struct json_object *make_items(void)
{
    struct json_object *items = json_object_new_array();

    for (int i = 0; i < PART_ITEMS && world.next < world.count; i++)
        json_object_array_add(items, json_object_new_int(world.next++));
    return items;
}

static void go_on(void *context, bool is_gone)
{
    assert_ptr_equal(context, &world);
    assert_non_null(world.request);
    world.gone += is_gone;
    if (!is_gone && world.next + PART_ITEMS < world.count) {
        world.parts++;
        if (control_reply_part(world.request, make_items(), go_on, &world))
            return;
    }
    control_reply_ok(world.request, make_items());
    world.request = NULL;
}

static void handle(void *context, const char *verb, struct json_object *arguments,
                   struct control_request *request)
{
    assert_ptr_equal(context, &world);
    assert_string_equal(verb, "list");
    world.next = 0;
    world.count = json_object_get_int(json_object_object_get(arguments, "count"));
    if (!control_request_takes_parts(request)) {
        control_reply_ok(request, json_object_new_string("whole"));
        return;
    }
    world.request = request;
    go_on(&world, false);
}

static int setup(void **state)
{
    const struct control_identity identity = {.account = "test",
                                              .privilege = PRIVILEGE_ADMINISTRATOR};
    char path[96], error[200];
    int ends[2];

    (void)state;
    memset(&world, 0, sizeof world);
    snprintf(world.directory, sizeof world.directory, "/tmp/vbmc-control-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    snprintf(path, sizeof path, "%s/socket", world.directory);
    uv_loop_init(&world.loop);
    assert_int_equal(control_new(&world.loop, path, (gid_t)-1, handle, &world, &world.control,
                                 error, sizeof error),
                     0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(control_adopt(world.control, ends[0], &identity), 0);
    world.fd = ends[1];
    return 0;
}

static int teardown(void **state)
{
    char path[96];

    (void)state;
    control_free(world.control);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    assert_null(world.request);
    snprintf(path, sizeof path, "%s/socket.lock", world.directory);
    unlink(path);
    rmdir(world.directory);
    return 0;
}

static struct json_object *arguments(int count)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "count", json_object_new_int(count));
    return object;
}

/* The answer to a request that has begun; NULL after an error. */
static struct json_object *wait_for_answer(struct cli_connection *connection)
{
    struct cli_client_error error;
    struct json_object *result = NULL;
    int state = 0;

    for (unsigned turn = 0; state == 0 && turn < TURNS_MAX; turn++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        state = cli_connection_continue(connection, NULL, NULL, &result, &error);
    }
    assert_int_not_equal(state, 0);
    return result;
}

static void begin(struct cli_connection *connection, const char *verb, int count)
{
    struct cli_client_error error;
    struct json_object *object = arguments(count);

    assert_int_equal(cli_connection_begin(connection, verb, object, &error), 0);
    json_object_put(object);
}

static void expect_items(struct json_object *result, int count)
{
    assert_true(json_object_is_type(result, json_type_array));
    assert_int_equal(json_object_array_length(result), count);
    for (int i = 0; i < count; i++)
        assert_int_equal(json_object_get_int(json_object_array_get_idx(result, (size_t)i)), i);
    json_object_put(result);
}

static void test_all_items(void **state)
{
    static const int counts[] = {0, 1, PART_ITEMS, PART_ITEMS + 1, 200000};
    struct cli_connection *connection = cli_connection_adopt(world.fd);

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        world.parts = 0;
        begin(connection, "list", counts[i]);
        expect_items(wait_for_answer(connection), counts[i]);
        assert_int_equal(world.parts, counts[i] ? (counts[i] - 1) / PART_ITEMS : 0);
    }
    cli_connection_free(connection);
}

/* What comes of the first answer is not the beginning of the second. */
static void test_interrupted(void **state)
{
    struct cli_connection *connection = cli_connection_adopt(world.fd);
    struct cli_client_error error;
    struct json_object *result;

    (void)state;
    begin(connection, "list", 100000);
    for (unsigned i = 0; i < 5; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        assert_int_equal(cli_connection_continue(connection, NULL, NULL, &result, &error), 0);
    }
    begin(connection, "list", 3 * PART_ITEMS);
    expect_items(wait_for_answer(connection), 3 * PART_ITEMS);
    cli_connection_free(connection);
}

/* One that does not ask for parts gets none. */
static void test_whole(void **state)
{
    static const char request[] = "{\"verb\":\"list\",\"arguments\":{\"count\":1000}}\n";
    char answer[200];
    ssize_t got = -1;

    (void)state;
    assert_int_equal(send(world.fd, request, sizeof request - 1, 0), sizeof request - 1);
    for (unsigned turn = 0; got < 0 && turn < TURNS_MAX; turn++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        got = recv(world.fd, answer, sizeof answer - 1, MSG_DONTWAIT);
    }
    assert_true(got > 0);
    answer[got] = '\0';
    assert_string_equal(answer, "{\"ok\":true,\"result\":\"whole\"}\n");
    close(world.fd);
}

static void begin_unread(void)
{
    static const char request[] =
        "{\"verb\":\"list\",\"arguments\":{\"count\":1000000},\"parts\":true}\n";

    assert_int_equal(send(world.fd, request, sizeof request - 1, 0), sizeof request - 1);
    for (unsigned turn = 0; turn < 2000; turn++) /* until the socket is full */
        uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_in_range(world.parts, 2, 1000000 / PART_ITEMS / 2);
    assert_non_null(world.request);
}

/* No more is made than the client reads. */
static void test_client_goes(void **state)
{
    (void)state;
    begin_unread();
    close(world.fd);
    for (unsigned turn = 0; world.request && turn < TURNS_MAX; turn++)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.gone, 1);
}

static void test_server_goes(void **state)
{
    (void)state;
    begin_unread();
    control_free(world.control);
    world.control = NULL;
    for (unsigned turn = 0; world.request && turn < TURNS_MAX; turn++)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.gone, 1);
    close(world.fd);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_all_items),   WITH_SERVER(test_interrupted), WITH_SERVER(test_whole),
        WITH_SERVER(test_client_goes), WITH_SERVER(test_server_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
