/* Writing to a terminal, on a pty of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/virt/pty_writer.h"

static uv_loop_t loop;
static int master = -1, keeper = -1;
static struct pty_writer *writer;
static unsigned calls;
static bool closes;

static void on_writable(void *context)
{
    assert_ptr_equal(context, &calls);
    calls++;
    if (!closes)
        return;
    pty_writer_close(writer);
    writer = NULL;
}

/* As QEMU makes one: raw, and held open at its guest's end. */
static int setup(void **state)
{
    struct termios raw;

    (void)state;
    calls = 0;
    closes = false;
    uv_loop_init(&loop);
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    keeper = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(tcgetattr(keeper, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(keeper, TCSANOW, &raw), 0);
    assert_int_equal(pty_writer_open(&loop, ptsname(master), on_writable, &calls, &writer), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pty_writer_close(writer);
    writer = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    if (master >= 0)
        close(master);
    close(keeper);
    return uv_loop_close(&loop);
}

/* Writes until it is full; how much it took. */
static size_t fill(const uint8_t *bytes, size_t size)
{
    size_t sent = 0;
    ssize_t taken;

    do {
        taken = pty_writer_write(writer, bytes + sent, size - sent);
        assert_true(taken >= 0);
        sent += (size_t)taken;
    } while (taken > 0 && sent < size);
    return sent;
}

static void test_full_and_empty(void **state)
{
    enum { SIZE = 300000 };
    static uint8_t sent[SIZE], received[SIZE];
    size_t used = 0, begun;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    begun = fill(sent, SIZE);
    assert_in_range(begun, 1, SIZE - 1);
    /* Whether it is still full nobody can tell: the kernel passes bytes on in its own time. */
    while (used < SIZE) {
        ssize_t got = read(master, received + used, SIZE - used);
        used += got > 0 ? (size_t)got : 0;
        unsigned before = calls;
        uv_run(&loop, UV_RUN_NOWAIT);
        if (calls > before && begun < SIZE)
            begun += fill(sent + begun, SIZE - begun);
    }
    assert_memory_equal(sent, received, SIZE);
    assert_true(calls > 0);
}

static void test_closed_in_its_callback(void **state)
{
    static const uint8_t bytes[100000];
    uint8_t room[100000];

    (void)state;
    closes = true;
    fill(bytes, sizeof bytes);
    while (writer) {
        while (read(master, room, sizeof room) > 0)
            ;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(calls, 1);
}

static void test_guest_gone(void **state)
{
    (void)state;
    close(master);
    master = -1;
    assert_int_equal(pty_writer_write(writer, (const uint8_t *)"x", 1), -EIO);
}

static void test_no_terminal(void **state)
{
    struct pty_writer *other;

    (void)state;
    assert_int_equal(pty_writer_open(&loop, "/dev/null", on_writable, &calls, &other), -ENOTTY);
    assert_int_equal(pty_writer_open(&loop, "/nonexistent", on_writable, &calls, &other), -ENOENT);
    assert_null(other);
    pty_writer_close(NULL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_full_and_empty),
        TEST(test_closed_in_its_callback),
        TEST(test_guest_gone),
        TEST(test_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
