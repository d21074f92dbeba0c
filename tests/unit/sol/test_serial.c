/* Serial sources on real sockets, against a server in the same loop: connecting, coming back,
 * writing to one that does not read, and being closed at every moment. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/serial.h"
#include "vbmc/base/stream.h"

#define DEADLINE_MS 60000

static const struct serial_options quick = {.retry_min_ms = 1, .retry_max_ms = 4};

static uv_loop_t loop;
static char folder[64], path[96];
static struct stream *stream;
static bool in_call; /* of ours into the stream: nothing may be reported */

/* What the stream said. */
static unsigned connected, disconnected, writable, received;
static char reason[256];
static uint8_t bytes[1024];
static bool close_on_connected, close_on_received, close_on_disconnected;

/* The server: one peer at a time, echoing if it is told to. */
static union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
} listener, peer;
static bool listening, has_peer, echo;
static size_t peer_received;
static bool peer_in_order;

/* ---- the user of the stream ---- */

static void close_stream(void)
{
    in_call = true;
    stream_close(stream);
    in_call = false;
    stream = NULL;
}

static void on_received(void *context, const uint8_t *from, size_t size)
{
    assert_ptr_equal(context, &loop);
    assert_false(in_call);
    assert_non_null(stream);
    for (size_t i = 0; i < size; i++, received++)
        bytes[received % sizeof bytes] = from[i];
    if (close_on_received)
        close_stream();
}

static void on_state(void *context, enum stream_link link, const char *why)
{
    assert_ptr_equal(context, &loop);
    assert_false(in_call);
    assert_non_null(stream);
    snprintf(reason, sizeof reason, "%s", why);
    connected += link == STREAM_CONNECTED;
    disconnected += link == STREAM_DISCONNECTED;
    if (link == STREAM_CONNECTED ? close_on_connected : close_on_disconnected)
        close_stream();
}

static void on_writable(void *context)
{
    (void)context;
    assert_false(in_call);
    writable++;
}

static void open_stream(void)
{
    static const struct stream_events events = {on_received, on_state, on_writable};

    in_call = true;
    stream_open(stream, &events, &loop);
    in_call = false;
}

static ssize_t write_stream(const void *from, size_t size)
{
    in_call = true;
    ssize_t taken = stream_write(stream, from, size);
    in_call = false;
    return taken;
}

static void open_unix(void)
{
    assert_int_equal(serial_unix_new(&loop, path, &quick, &stream), 0);
    open_stream();
}

/* ---- the server ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char room[64 * 1024];

    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(room, sizeof room);
}

static void on_peer_read(uv_stream_t *handle, ssize_t size, const uv_buf_t *buffer)
{
    uv_buf_t answer = uv_buf_init(buffer->base, size > 0 ? (unsigned)size : 0);

    for (ssize_t i = 0; i < size; i++, peer_received++)
        peer_in_order &= (uint8_t)buffer->base[i] == (uint8_t)(peer_received * 7);
    if (size > 0 && echo)
        assert_int_equal(uv_try_write(handle, &answer, 1), size);
    if (size < 0) {
        has_peer = false;
        uv_close((uv_handle_t *)handle, NULL);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    assert_int_equal(status, 0);
    assert_false(has_peer);
    if (server->type == UV_TCP)
        uv_tcp_init(&loop, &peer.tcp);
    else
        uv_pipe_init(&loop, &peer.pipe, 0);
    assert_int_equal(uv_accept(server, &peer.stream), 0);
    has_peer = true;
    if (echo)
        uv_read_start(&peer.stream, on_allocate, on_peer_read);
}

static void listen_unix(void)
{
    unlink(path);
    uv_pipe_init(&loop, &listener.pipe, 0);
    assert_int_equal(uv_pipe_bind(&listener.pipe, path), 0);
    assert_int_equal(uv_listen(&listener.stream, 4, on_connection), 0);
    listening = true;
}

static uint16_t listen_tcp(void)
{
    struct sockaddr_in address;
    int size = sizeof address;

    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&loop, &listener.tcp);
    assert_int_equal(uv_tcp_bind(&listener.tcp, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen(&listener.stream, 4, on_connection), 0);
    uv_tcp_getsockname(&listener.tcp, (struct sockaddr *)&address, &size);
    listening = true;
    return ntohs(address.sin_port);
}

/* ---- the loop ---- */

static void on_deadline(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void turn_until(const unsigned *counter, unsigned value)
{
    bool late = false;
    uv_timer_t deadline;

    uv_timer_init(&loop, &deadline);
    deadline.data = &late;
    uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
    while (*counter < value && !late)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(*counter >= value);
}

static void drop_peer(void)
{
    /* Accepting may come a turn after connecting. */
    while (!has_peer)
        uv_run(&loop, UV_RUN_ONCE);
    has_peer = false;
    uv_close(&peer.any, NULL);
    uv_run(&loop, UV_RUN_NOWAIT); /* before its handle is used again */
}

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    connected = disconnected = writable = received = 0;
    close_on_connected = close_on_received = close_on_disconnected = false;
    listening = has_peer = false;
    echo = peer_in_order = true;
    peer_received = 0;
    snprintf(folder, sizeof folder, "/tmp/test_serial.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/serial", folder);
    return uv_loop_init(&loop);
}

static int teardown(void **state)
{
    (void)state;
    if (stream)
        close_stream();
    if (has_peer)
        uv_close(&peer.any, NULL);
    has_peer = false;
    if (listening)
        uv_close(&listener.any, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    unlink(path);
    rmdir(folder);
    return uv_loop_close(&loop);
}

static void test_unix(void **state)
{
    static const uint8_t text[] = {0, 7, 14, 21, 28};

    (void)state;
    listen_unix();
    open_unix();
    assert_int_equal(write_stream(text, sizeof text), -ENOTCONN);
    turn_until(&connected, 1);
    assert_string_equal(reason, path);
    assert_int_equal(write_stream(text, sizeof text), sizeof text);
    turn_until(&received, sizeof text);
    assert_memory_equal(bytes, text, sizeof text);
    assert_int_equal(disconnected, 0);
}

static void test_tcp_by_name(void **state)
{
    uint16_t port = listen_tcp();

    (void)state;
    /* Where ::1 comes first, nobody listens there, and the next address is tried. */
    assert_int_equal(serial_tcp_new(&loop, "localhost", port, &quick, &stream), 0);
    open_stream();
    turn_until(&connected, 1);
    assert_int_equal(disconnected, 0);
    assert_non_null(strstr(reason, "localhost port "));
    assert_int_equal(write_stream("\0", 1), 1);
    turn_until(&received, 1);
}

static void test_comes_back(void **state)
{
    (void)state;
    open_unix(); /* nobody is there yet */
    turn_until(&disconnected, 3);
    assert_non_null(strstr(reason, "no such file"));
    listen_unix();
    turn_until(&connected, 1);
    for (unsigned i = 2; i < 5; i++) {
        unsigned before = disconnected;
        drop_peer();
        turn_until(&disconnected, before + 1);
        turn_until(&connected, i);
    }
    assert_int_equal(write_stream("\0", 1), 1);
    turn_until(&received, 1);
}

static void test_refused(void **state)
{
    uint16_t port = listen_tcp();

    (void)state;
    uv_close(&listener.any, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    listening = false;
    assert_int_equal(serial_tcp_new(&loop, "127.0.0.1", port, &quick, &stream), 0);
    open_stream();
    turn_until(&disconnected, 2);
    assert_non_null(strstr(reason, "connection refused"));
}

/* A peer that does not read: all that was taken arrives once it does, in order, and we are told. */
static void test_back_pressure(void **state)
{
    static uint8_t pattern[256 * 1024];
    size_t sent = 0;
    ssize_t taken;

    (void)state;
    echo = false;
    listen_unix();
    open_unix();
    turn_until(&connected, 1);
    while (!has_peer)
        uv_run(&loop, UV_RUN_ONCE);
    for (;;) {
        for (size_t i = 0; i < sizeof pattern; i++)
            pattern[i] = (uint8_t)((sent + i) * 7);
        taken = write_stream(pattern, sizeof pattern);
        assert_true(taken >= 0 && taken <= (ssize_t)sizeof pattern);
        if (taken == 0)
            break;
        sent += (size_t)taken;
    }
    assert_true(sent > 0 && sent < 64 * sizeof pattern);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(writable, 0);
    uv_read_start(&peer.stream, on_allocate, on_peer_read);
    turn_until(&writable, 1);
    while (peer_received < sent)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(peer_received, sent);
    assert_true(peer_in_order);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(writable, 1); /* once */
    assert_int_equal(write_stream("x", 1), 1);
}

/* Told of room also if nothing was written since the write that was cut. */
static void test_writable_after_one_write(void **state)
{
    static const uint8_t zeros[8 * 1024 * 1024];
    ssize_t taken;

    (void)state;
    echo = false;
    listen_unix();
    open_unix();
    turn_until(&connected, 1);
    while (!has_peer)
        uv_run(&loop, UV_RUN_ONCE);
    taken = write_stream(zeros, sizeof zeros);
    assert_true(taken > 0 && taken < (ssize_t)sizeof zeros);
    uv_read_start(&peer.stream, on_allocate, on_peer_read);
    turn_until(&writable, 1);
}

/* A peer that goes while a write waits for it. */
static void test_lost_while_writing(void **state)
{
    static const uint8_t zeros[1024 * 1024];

    (void)state;
    echo = false;
    listen_unix();
    open_unix();
    turn_until(&connected, 1);
    while (write_stream(zeros, sizeof zeros) > 0)
        ;
    drop_peer();
    turn_until(&disconnected, 1);
    assert_int_equal(writable, 0);
    turn_until(&connected, 2);
    assert_true(write_stream(zeros, 10) == 10);
}

static void test_close_at_every_moment(void **state)
{
    uint16_t port;

    (void)state;
    assert_int_equal(serial_unix_new(&loop, path, NULL, &stream), 0);
    close_stream(); /* not opened */
    open_unix();
    close_stream(); /* before the first attempt */
    open_unix();
    close_on_disconnected = true;
    turn_until(&disconnected, 1);
    assert_null(stream);
    listen_unix();
    close_on_connected = true;
    open_unix();
    turn_until(&connected, 1);
    assert_null(stream);
    while (has_peer)
        uv_run(&loop, UV_RUN_ONCE);
    close_on_connected = close_on_disconnected = false;
    open_unix();
    turn_until(&connected, 2);
    close_on_received = true;
    assert_int_equal(write_stream("\0", 1), 1);
    turn_until(&received, 1);
    assert_null(stream);
    uv_close(&listener.any, NULL);
    while (has_peer)
        uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_NOWAIT);
    port = listen_tcp();
    assert_int_equal(serial_tcp_new(&loop, "localhost", port, NULL, &stream), 0);
    open_stream();
    uv_run(&loop, UV_RUN_NOWAIT);
    close_stream(); /* while the name is being looked up */
}

static void test_arguments(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'x', sizeof name);
    name[108] = '\0';
    assert_int_equal(serial_unix_new(&loop, name, NULL, &stream), -ENAMETOOLONG);
    assert_null(stream);
    assert_int_equal(serial_unix_new(&loop, "", NULL, &stream), -EINVAL);
    assert_int_equal(serial_tcp_new(&loop, "", 1, NULL, &stream), -EINVAL);
    assert_int_equal(serial_tcp_new(&loop, "localhost", 0, NULL, &stream), -EINVAL);
    name[108] = 'x';
    name[256] = '\0';
    assert_int_equal(serial_tcp_new(&loop, name, 1, NULL, &stream), -ENAMETOOLONG);
    assert_null(stream);
    name[107] = '\0';
    assert_int_equal(serial_unix_new(&loop, name, NULL, &stream), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_unix),
        TEST(test_tcp_by_name),
        TEST(test_comes_back),
        TEST(test_refused),
        TEST(test_back_pressure),
        TEST(test_writable_after_one_write),
        TEST(test_lost_while_writing),
        TEST(test_close_at_every_moment),
        TEST(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
