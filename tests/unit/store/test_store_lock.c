/* The lock on the state folder, and waiting for it: who has it, what a standby takes for the
 * folder, and that nothing is open between two tries. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/store/lock.h"
#include "vbmc/store/lock_wait.h"
#include "vbmc/store/store.h"

static char folder[64], state_dir[96], database[128];
static uv_loop_t loop;
static struct lock_wait *wait;
static int taken; /* the lock that was had; -1: none yet */
static unsigned times;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    strcpy(folder, "/tmp/test_store_lock.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(state_dir, sizeof state_dir, "%s/state", folder);
    snprintf(database, sizeof database, "%s/" STORE_DATABASE, state_dir);
    uv_loop_init(&loop);
    wait = NULL;
    taken = -1;
    times = 0;
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    lock_wait_stop(wait);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (taken >= 0)
        close(taken);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return uv_loop_close(&loop);
}

static void make_folder(void)
{
    assert_int_equal(mkdir(state_dir, 0700), 0);
}

static void make_database(void)
{
    int fd = open(database, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static int take(enum store_lock_how how)
{
    char error[256] = "";
    int fd, result = store_lock_take(state_dir, how, &fd, error, sizeof error);

    assert_int_equal(result < 0, fd < 0);
    assert_int_equal(result < 0, error[0] != '\0');
    return result < 0 ? result : fd;
}

static void expect(const char *text)
{
    char error[256] = "";
    int fd;

    assert_true(store_lock_take(state_dir, STORE_LOCK_STAND, &fd, error, sizeof error) < 0);
    if (!strstr(error, text))
        assert_string_equal(error, text);
}

static void test_one_has_it(void **state)
{
    (void)state;
    int first = take(STORE_LOCK_MAKE); /* makes the folder */
    assert_true(first >= 0);
    make_database();
    assert_int_equal(take(STORE_LOCK_MAKE), -EBUSY);
    assert_int_equal(take(STORE_LOCK_STAND), -EBUSY);
    close(first);
    int second = take(STORE_LOCK_STAND);
    assert_true(second >= 0);
    close(second);
}

/* The bare mount point of a disk that is mounted elsewhere is such a folder. */
static void test_a_standby_makes_nothing(void **state)
{
    (void)state;
    assert_int_equal(take(STORE_LOCK_STAND), -ENOENT);
    assert_int_equal(access(state_dir, F_OK), -1);
    make_folder();
    assert_int_equal(take(STORE_LOCK_STAND), -ENOENT);
    expect("there is no state.db in it");
    assert_int_equal(access(database, F_OK), -1);
    make_database();
    assert_int_equal(chmod(state_dir, 0777), 0);
    assert_int_equal(take(STORE_LOCK_STAND), -EPERM);
    assert_int_equal(chmod(state_dir, 0700), 0);
    int lock = take(STORE_LOCK_STAND);
    assert_true(lock >= 0);
    close(lock);
}

static void test_file_systems(void **state)
{
    static const unsigned long bad[] = {NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, V9FS_MAGIC,
                                        FUSE_SUPER_MAGIC};
    static const unsigned long good[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                         TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_non_null(store_lock_is_local(bad[i]));
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_null(store_lock_is_local(good[i]));
}

/* It becomes the store's, and with it goes. */
static void test_the_store_has_it(void **state)
{
    struct store *store;
    char error[256] = "";

    (void)state;
    int lock = take(STORE_LOCK_MAKE);
    assert_int_equal(store_open_locked(&loop, state_dir, lock, &store, error, sizeof error), 0);
    assert_int_equal(take(STORE_LOCK_STAND), -EBUSY);
    store_close(store);
    assert_int_equal(fcntl(lock, F_GETFD), -1);
    lock = take(STORE_LOCK_STAND);
    assert_true(lock >= 0);
    close(lock);
}

/* ---- waiting ---- */

static void on_taken(void *context, int lock)
{
    assert_ptr_equal(context, &loop);
    taken = lock;
    times++;
}

static void begin_to_wait(void)
{
    wait = lock_wait_start(&loop, state_dir, on_taken, &loop);
    assert_non_null(wait);
}

static void run_until_reason(const char *text)
{
    while (!strstr(lock_wait_reason(wait), text))
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(times, 0);
}

static bool has_open(const char *path)
{
    char name[64], target[256];

    for (int fd = 0; fd < 256; fd++) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(name, target, sizeof target - 1);
        target[size < 0 ? 0 : size] = '\0';
        if (strstr(target, path))
            return true;
    }
    return false;
}

static void test_waiting(void **state)
{
    (void)state;
    begin_to_wait();
    run_until_reason("No such file or directory");
    int other = take(STORE_LOCK_MAKE);
    run_until_reason("there is no state.db in it");
    make_database();
    run_until_reason("another vbmcd uses this folder");
    close(other);
    assert_false(has_open(state_dir)); /* it can be unmounted */
    while (times == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(take(STORE_LOCK_STAND), -EBUSY);
    uv_run(&loop, UV_RUN_DEFAULT); /* it tries no more */
    assert_int_equal(times, 1);
}

/* In the midst of a try that would succeed. */
static void test_stopped(void **state)
{
    (void)state;
    make_folder();
    make_database();
    begin_to_wait();
    lock_wait_stop(wait);
    wait = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(times, 0);
    assert_false(has_open(state_dir));
    int lock = take(STORE_LOCK_STAND);
    assert_true(lock >= 0);
    close(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_standby_makes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_systems, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_store_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
