/* The local ends of forwarded sockets, without a session: where they are, and that they turn
 * everybody away. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/ssh/forward.h"

struct fixture {
    char folder[64];
    struct ssh_forwards *forwards;
};

static int setup(void **state)
{
    static struct fixture fixture;
    char error[256];

    snprintf(fixture.folder, sizeof fixture.folder, "/tmp/vbmc-forward-XXXXXX");
    *state = &fixture;
    return mkdtemp(fixture.folder)
               ? ssh_forwards_new(fixture.folder, &fixture.forwards, error, sizeof error)
               : -1;
}

/* What was made is gone. */
static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char path[128];

    ssh_forwards_free(fixture->forwards);
    snprintf(path, sizeof path, "%s/ssh", fixture->folder);
    return rmdir(path) || rmdir(fixture->folder);
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void test_add(void **state)
{
    struct fixture *fixture = *state;
    char first[108], again[108], second[108], text[64], longest[109];
    struct stat status;

    assert_int_equal(ssh_forwards_add(fixture->forwards, "/a", first, sizeof first), 0);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/b", second, sizeof second), 0);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/a", again, sizeof again), 0);
    assert_string_equal(first, again);
    assert_string_not_equal(first, second);
    assert_int_equal(stat(first, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    *strrchr(again, '/') = '\0';
    assert_int_equal(stat(again, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_false(ssh_forwards_failure(fixture->forwards, "/a", text, sizeof text));

    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[107] = '\0';
    assert_int_equal(ssh_forwards_add(fixture->forwards, longest, again, sizeof again), 0);
    longest[107] = 'x';
    longest[108] = '\0';
    assert_int_equal(ssh_forwards_add(fixture->forwards, longest, again, sizeof again),
                     -ENAMETOOLONG);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "a", again, sizeof again), -EINVAL);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "", again, sizeof again), -EINVAL);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/c", again, 5), -ENAMETOOLONG);
    ssh_forwards_shut(fixture->forwards);
    assert_int_equal(stat(first, &status), -1);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/c", again, sizeof again), -ESHUTDOWN);
}

/* Many guests come and go: what nobody has used for long is given up, its descriptor too. */
static void test_unused_are_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd *polls = NULL;
    size_t capacity = 0, count = 0;
    char far[32], first[108], old[108], path[108];
    struct stat status;

    assert_int_equal(ssh_forwards_add(fixture->forwards, "/first", first, sizeof first), 0);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/old", old, sizeof old), 0);
    for (int i = 0; i < 3 * SSH_FORWARDS_MAX; i++) {
        snprintf(far, sizeof far, "/guest%d", i);
        assert_int_equal(ssh_forwards_add(fixture->forwards, far, path, sizeof path), 0);
        assert_int_equal(ssh_forwards_add(fixture->forwards, "/first", first, sizeof first), 0);
        count = 0;
        ssh_forwards_poll(fixture->forwards, NULL, &polls, &capacity, &count);
        assert_true(count <= SSH_FORWARDS_MAX);
    }
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(stat(first, &status), 0); /* asked for again and again */
    assert_int_equal(stat(old, &status), -1);
    assert_int_equal(ssh_forwards_add(fixture->forwards, "/old", old, sizeof old), 0);
    assert_int_equal(stat(old, &status), 0);
    free(polls);
}

/* The folder's name leaves room for so many digits. */
static void test_numbers_come_round(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd *polls = NULL;
    size_t capacity = 0, count = 0;
    char far[32], path[108];

    for (int i = 0; i < 10100; i++) {
        snprintf(far, sizeof far, "/guest%d", i);
        assert_int_equal(ssh_forwards_add(fixture->forwards, far, path, sizeof path), 0);
        assert_true(strlen(strrchr(path, '/')) <= strlen("/1234"));
        ssh_forwards_poll(fixture->forwards, NULL, &polls, &capacity, &count);
    }
    free(polls);
}

static void test_refuse(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd *polls = NULL;
    size_t capacity = 0, count = 0;
    char path[108], byte;

    assert_int_equal(ssh_forwards_add(fixture->forwards, "/a", path, sizeof path), 0);
    assert_int_equal(ssh_forwards_poll(fixture->forwards, NULL, &polls, &capacity, &count), -1);
    assert_int_equal(count, 1);
    int fd = dial(path);
    assert_true(fd >= 0);
    assert_int_equal(poll(polls, 1, 1000), 1);
    ssh_forwards_refuse(fixture->forwards, polls);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    free(polls);
}

static void test_what_is_left_over(void **state)
{
    struct fixture *fixture = *state;
    struct ssh_forwards *other;
    char path[108], old[140], error[256];
    struct stat status;
    unsigned number;

    assert_int_equal(ssh_forwards_add(fixture->forwards, "/a", path, sizeof path), 0);
    *strrchr(path, '/') = '\0';
    number = (unsigned)strtoul(strrchr(path, '/') + 1, NULL, 10);
    *strrchr(path, '/') = '\0';
    snprintf(old, sizeof old, "%s/%u", path, number + 1); /* where the next one will be */
    assert_int_equal(mkdir(old, 0755), 0);
    snprintf(old, sizeof old, "%s/%u/7", path, number + 1);
    FILE *file = fopen(old, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(ssh_forwards_new(fixture->folder, &other, error, sizeof error), 0);
    assert_int_equal(stat(old, &status), -1);
    *strrchr(old, '/') = '\0';
    assert_int_equal(stat(old, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    ssh_forwards_free(other);
    assert_int_equal(stat(old, &status), -1);
}

static void test_bad_place(void **state)
{
    struct ssh_forwards *forwards;
    char error[256], place[200];

    (void)state;
    assert_int_equal(ssh_forwards_new("/nonexistent/x", &forwards, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "/nonexistent/x/ssh"));
    memset(place, 'x', sizeof place);
    place[0] = '/';
    place[sizeof place - 1] = '\0';
    assert_int_equal(ssh_forwards_new(place, &forwards, error, sizeof error), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused_are_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_come_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_left_over, setup, teardown),
        cmocka_unit_test(test_bad_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
