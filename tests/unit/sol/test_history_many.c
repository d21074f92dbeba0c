/* Histories of many consoles, few of which say something at a time. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "sol/history.h"
#include "vbmc/base/ring.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_history_many.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

static unsigned open_files(void)
{
    unsigned count = 0;

    for (int fd = 3; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

enum { MANY = 100 };
static struct history *histories[MANY];
static struct ring *rings[MANY];

static const char *path_of(int i)
{
    static char name[112];

    snprintf(name, sizeof name, "%s/guest%d", folder, i);
    return name;
}

static void say_to_each(int round)
{
    char text[16];

    for (int i = 0; i < MANY; i++) {
        int length = snprintf(text, sizeof text, "%02d.%d ", i, round);
        history_append(histories[i], text, (size_t)length);
    }
    assert_true(disk_flush(DISK_STATE, 10000));
}

/* A console that nothing was said on costs no file; of many that talk a few files are open; and
 * each goes on in its own. */
static void test_many(void **state)
{
    unsigned before = open_files();

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            rings[i] = ring_new(256);
            assert_int_equal(history_open(path_of(i), rings[i], &histories[i]), 0);
        }
        assert_true(disk_flush(DISK_STATE, 10000));
        assert_int_equal(open_files(), before);
        for (int i = 0; i < MANY; i++)
            assert_int_equal(access(path_of(i), F_OK), round ? 0 : -1);
        say_to_each(round);
        say_to_each(round);
        assert_in_range(open_files(), before + 1, before + 40);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(ring_start(rings[i]), 0);
            assert_int_equal(ring_end(rings[i]), (round + 1) * 2 * 5);
            history_free(histories[i]);
        }
        assert_true(disk_flush(DISK_STATE, 10000));
        assert_int_equal(open_files(), before);
    }
    for (int i = 0; i < MANY; i++)
        unlink(path_of(i));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
