/* The history file: restored as it was at every moment, bounded, private, and never believed when
 * it is damaged. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "sol/history.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"

#define HEADER 24
#define FRAME  8

static char folder[64], path[96], new_path[112];
static struct ring *ring; /* the history's */
static struct history *history;
static char logged[4096];

static void flush(void)
{
    assert_true(disk_flush(DISK_STATE, 10000));
}

/* Opens the history as a new daemon would, with an empty ring; what is logged goes to `logged`. */
static void restart(size_t capacity)
{
    FILE *capture = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t got;

    history_free(history);
    history = NULL;
    flush();
    ring = ring_new(capacity);
    assert_non_null(ring);
    assert_non_null(capture);
    fflush(stderr);
    dup2(fileno(capture), STDERR_FILENO);
    assert_int_equal(history_open(path, ring, &history), 0);
    flush();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(capture);
    got = fread(logged, 1, sizeof logged - 1, capture);
    logged[got] = '\0';
    fclose(capture);
}

static void say(const void *bytes, size_t size)
{
    history_append(history, bytes, size);
    flush();
}

static void check_ring(uint64_t start, const void *bytes, size_t size)
{
    const uint8_t *expected = bytes, *held;
    uint64_t position = ring_start(ring);
    size_t piece;

    assert_int_equal(position, start);
    assert_int_equal(ring_end(ring), start + size);
    while ((piece = ring_peek(ring, position, &held)) > 0) {
        assert_memory_equal(held, expected + (position - start), piece);
        position += piece;
    }
}

static long file_size(void)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    return (long)status.st_size;
}

static int setup(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_JOURNAL);
    snprintf(folder, sizeof folder, "/tmp/test_history.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/web01", folder);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    restart(16);
    assert_string_equal(logged, "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    history_free(history);
    history = NULL;
    flush();
    unlink(path);
    unlink(new_path);
    rmdir(path);
    return rmdir(folder);
}

static void test_restart_restores(void **state)
{
    (void)state;
    restart(16);
    check_ring(0, "", 0);
    say("hello ", 6);
    say("world", 5);
    restart(16);
    assert_string_equal(logged, "");
    check_ring(0, "hello world", 11);
    say(", again", 7);
    restart(16); /* positions go on where they were */
    check_ring(2, "llo world, again", 16);
    restart(4); /* a smaller ring, a larger one */
    check_ring(14, "gain", 4);
    restart(64); /* the file still has what the smaller one had no room for */
    check_ring(0, "hello world, again", 18);
    assert_int_equal(access(new_path, F_OK), -1);
}

/* Random pieces, a restart at random moments, and a file that stays within its bound. */
static void test_random_restarts(void **state)
{
    static uint8_t all[600 * 1024];
    const size_t capacity = 100 * 1000;
    size_t end = 0, step;

    (void)state;
    srand(5);
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)rand();
    restart(capacity);
    while (end + (step = (size_t)rand() % (rand() % 9 ? 900 : 150000)) < sizeof all) {
        size_t held;

        say(all + end, step);
        end += step;
        assert_true((size_t)file_size() <= 2 * capacity + 128 * 1024);
        if (rand() % 8 == 0)
            restart(capacity);
        assert_string_equal(logged, "");
        held = end < capacity ? end : capacity;
        check_ring(end - held, all + end - held, held);
    }
    assert_true(end > 4 * capacity);
}

static void test_killed(void **state)
{
    pid_t child;
    int status;

    (void)state;
    history_free(history);
    history = NULL;
    disk_finish(10000); /* threads are not inherited */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        restart(1024);
        for (unsigned i = 0; i < 100; i++)
            say("last words\n", 11);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    restart(1024);
    assert_string_equal(logged, "");
    assert_int_equal(ring_end(ring), 1100);
    assert_int_equal(ring_start(ring), 76);
}

/* Cut at every byte: the records that are whole come back, what is not is warned about. */
static void test_cut_anywhere(void **state)
{
    const long whole = HEADER + FRAME + 5 + FRAME + 6;

    (void)state;
    for (long length = 0; length <= whole; length++) {
        unlink(path);
        restart(64);
        say("first", 5);
        say("second", 6);
        assert_int_equal(file_size(), whole);
        assert_int_equal(truncate(path, length), 0);
        restart(64);
        if (length < HEADER)
            assert_non_null(strstr(logged, "damaged or not ours, ignored"));
        else if (length == HEADER || length == HEADER + FRAME + 5 || length == whole)
            assert_string_equal(logged, "");
        else
            assert_non_null(strstr(logged, "cut short, ignored after byte "));
        if (length < HEADER + FRAME + 5)
            check_ring(0, "", 0);
        else if (length < whole)
            check_ring(0, "first", 5);
        else
            check_ring(0, "firstsecond", 11);
        restart(64); /* written again, so it is whole again */
        assert_string_equal(logged, "");
    }
}

static void flip_byte(long offset)
{
    FILE *file = fopen(path, "r+");
    int byte;

    assert_non_null(file);
    fseek(file, offset, SEEK_SET);
    byte = fgetc(file);
    fseek(file, offset, SEEK_SET);
    fputc(byte ^ 0x41, file);
    fclose(file);
}

/* One byte changed, at every place: nothing that was not said ever comes back. */
static void test_damaged_anywhere(void **state)
{
    const long end = HEADER + FRAME + 5 + FRAME + 6;

    (void)state;
    for (long offset = 0; offset < end; offset++) {
        unlink(path);
        restart(64);
        say("first", 5);
        say("second", 6);
        assert_int_equal(file_size(), end);
        flip_byte(offset);
        restart(64);
        if (offset < HEADER + FRAME + 5)
            check_ring(0, "", 0);
        else
            check_ring(0, "first", 5);
        assert_non_null(strstr(logged, "damaged"));
        say("!", 1);
        restart(64);
        assert_string_equal(logged, "");
        assert_int_equal(ring_end(ring), offset < HEADER + FRAME + 5 ? 1 : 6);
    }
}

static void test_other_files(void **state)
{
    FILE *file;

    (void)state;
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("root:x:0:0:root:/root:/bin/bash, and more text than a header has\n", file);
    fclose(file);
    chmod(path, 0644);
    restart(16);
    assert_non_null(strstr(logged, "<4>console history"));
    check_ring(0, "", 0);
    file_size(); /* and its mode is 0600 now */

    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    restart(16);
    assert_non_null(strstr(logged, "cannot be read"));
    check_ring(0, "", 0);
    say("x", 1);
    restart(16); /* a file took the link's place */
    check_ring(0, "x", 1);

    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    restart(16); /* does not hang */
    assert_non_null(strstr(logged, "cannot be read"));
    check_ring(0, "", 0);
}

/* What cannot be written does not disturb, and is written when it can be, however little is said
 * behind it. */
static void test_cannot_write(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    restart(64);
    assert_non_null(strstr(logged, "cannot be written"));
    assert_int_equal(access(new_path, F_OK), -1);
    say("not lost, ", 10);
    assert_int_equal(rmdir(path), 0);
    say("seen again", 10);
    restart(64);
    assert_string_equal(logged, "");
    check_ring(0, "not lost, seen again", 20);
}

/* A disk that takes so many bytes more, and then no whole record. */
static atomic_long room;

static ssize_t write_to_small_disk(int fd, const struct iovec *pieces, int count)
{
    long left = room, size = 0;

    for (int i = 0; i < count; i++)
        size += (long)pieces[i].iov_len;
    if (left <= 0) {
        errno = ENOSPC;
        return -1;
    }
    room -= size < left ? size : left;
    if (size <= left)
        return writev(fd, pieces, count);
    return write(fd, pieces[0].iov_base, left < FRAME ? (size_t)left : FRAME);
}

static void test_full_disk(void **state)
{
    long before;

    (void)state;
    restart(64);
    say("stored", 6);
    before = file_size();
    disk_set_writev(write_to_small_disk);
    room = 5;
    say(" not yet", 8);
    assert_int_equal(file_size(), before); /* no half of a record stays */
    say(", and", 5);
    assert_int_equal(file_size(), before);
    room = 1000;
    say(" now", 4);
    restart(64);
    assert_string_equal(logged, "");
    check_ring(0, "stored not yet, and now", 23);

    /* More than the ring holds: what it holds is there. */
    room = 0;
    for (int i = 0; i < 20; i++)
        say("0123456789", 10);
    room = 1000;
    say("end", 3);
    restart(64);
    assert_string_equal(logged, "");
    check_ring(23 + 203 - 64, "9012345678901234567890123456789012345678901234567890123456789end",
               64);
    disk_set_writev(NULL);
}

/* A disk that takes nothing until it is released. */
static atomic_bool hanging;

static ssize_t write_to_hung_disk(int fd, const struct iovec *pieces, int count)
{
    while (hanging)
        usleep(1000);
    return writev(fd, pieces, count);
}

static void test_hung_disk(void **state)
{
    static uint8_t much[64 * 1024];

    (void)state;
    restart(256 * 1024);
    hanging = true;
    disk_set_writev(write_to_hung_disk);
    /* None of these waits, or the test would not end. */
    for (int i = 0; i < 32; i++) {
        memset(much, 'a' + i % 26, sizeof much);
        history_append(history, much, sizeof much);
    }
    assert_false(disk_flush(DISK_STATE, 20));
    history_free(history);
    history = NULL;
    assert_false(disk_settle(DISK_STATE, NULL, 20));
    for (int i = 0; i < 1000; i++) /* and nobody waits for it again */
        assert_false(disk_settle(DISK_STATE, NULL, 20));
    assert_int_equal(history_remove("/tmp/vbmc-there-is-no-such-file"), 0);
    /* Nor for another file; this one is waited for, and its disk has hung for longer. */
    assert_true(disk_settle(DISK_STATE, new_path, 10000));
    assert_false(disk_settle(DISK_STATE, path, 20));
    hanging = false;
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    disk_set_writev(NULL);

    restart(256 * 1024);
    assert_int_equal(ring_end(ring), 32 * sizeof much);
    assert_int_equal(ring_start(ring), 28 * sizeof much);
}

static bool opens_other_quickly(void)
{
    struct ring *other_ring = ring_new(4096);
    struct history *other;
    uint64_t before = uv_hrtime();

    assert_int_equal(history_open(new_path, other_ring, &other), 0);
    uint64_t after = uv_hrtime();
    history_free(other);
    return after - before < 500 * UINT64_C(1000000);
}

/* A BMC that goes while its disk is slow holds up no other that comes. */
static void test_others_do_not_wait(void **state)
{
    bool quickly = false;

    (void)state;
    for (unsigned tries = 0; tries < 5 && !quickly; tries++) {
        restart(256 * 1024);
        hanging = true;
        disk_set_writev(write_to_hung_disk);
        history_append(history, "more", 4);
        history_free(history);
        history = NULL;
        quickly = opens_other_quickly();
        hanging = false;
        assert_true(disk_settle(DISK_STATE, NULL, 10000));
        disk_set_writev(NULL);
    }
    assert_true(quickly);
}

static atomic_uint headers;

/* The guest says more than the ring holds while the file of the ring is written. */
static ssize_t write_to_overtaken_disk(int fd, const struct iovec *pieces, int count)
{
    static uint8_t much[256 * 1024];

    if (count == 1 && ++headers == 1) {
        memset(much, 'z', sizeof much);
        history_append(history, much, sizeof much);
    }
    return writev(fd, pieces, count);
}

static void test_overtaken_while_written(void **state)
{
    static uint8_t much[256 * 1024];

    (void)state;
    restart(sizeof much);
    memset(much, 'a', sizeof much);
    headers = 0;
    disk_set_writev(write_to_overtaken_disk);
    say(much, sizeof much); /* the file grows by the ring's size: it is written from the ring */
    disk_set_writev(NULL);
    assert_int_equal(headers, 2);
    restart(sizeof much);
    memset(much, 'z', sizeof much);
    check_ring(sizeof much, much, sizeof much);
}

/* A history that is forgotten while its disk hangs does not come back. */
static void test_removed_while_written(void **state)
{
    (void)state;
    restart(256 * 1024);
    say("before\n", 7);
    hanging = true;
    disk_set_writev(write_to_hung_disk);
    for (int i = 0; i < 300; i++)
        history_append(history, "a line that is much too long for what it says\n", 46);
    history_free(history);
    history = NULL;
    assert_int_equal(symlink("/nowhere", new_path), 0); /* left by a kill */
    assert_int_equal(history_remove(path), 0);
    hanging = false;
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    disk_set_writev(NULL);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(new_path, F_OK), -1);
}

/* A file that somebody changed while it was not open is not gone on in. */
static void test_changed_meanwhile(void **state)
{
    (void)state;
    say("one ", 4);
    restart(16);
    assert_int_equal(chmod(path, 0644), 0);
    say("two ", 4);
    file_size(); /* of mode 0600 again */
    restart(16);
    assert_string_equal(logged, "");
    check_ring(0, "one two ", 8);
    assert_int_equal(truncate(path, HEADER + FRAME), 0);
    say("three", 5);
    restart(16);
    assert_string_equal(logged, "");
    check_ring(0, "one two three", 13);
    assert_int_equal(unlink(path), 0);
    say("!", 1);
    restart(16);
    check_ring(0, "one two three!", 14);
}

static void test_arguments(void **state)
{
    struct history *none = history;

    (void)state;
    assert_int_equal(history_open("", NULL, &none), -EINVAL);
    assert_null(none);
    history_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_restart_restores, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hung_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_do_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overtaken_while_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_while_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
