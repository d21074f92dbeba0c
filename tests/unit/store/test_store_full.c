/* state.db on a disk that is full: what was stored stays, a change is refused, and once there is
 * room again changes are stored again, also where it is the write-ahead log that filled the disk.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/small_disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/store/document.h"
#include "vbmc/store/store.h"

#define DISK_SIZE ((size_t)1024 * 1024)
#define BMCS      40

static char folder[64];
static uv_loop_t loop;
static struct store *store;
static unsigned counter;

static int open_store(void)
{
    char error[512] = "";

    return store_open(&loop, folder, &store, error, sizeof error);
}

static void close_store(void)
{
    store_close(store);
    store = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
}

struct waiter {
    bool called;
    int result;
};

static void on_done(void *context, int result)
{
    *(struct waiter *)context = (struct waiter){true, result};
}

/* Stores another text of a thousand bytes for the next of the BMCs. */
static int put(void)
{
    struct uuid uuid = {.bytes = {(uint8_t)(counter % BMCS)}};
    struct waiter waiter = {0};
    char text[1024];

    snprintf(text, sizeof text, "%01000u", counter);
    assert_int_equal(store_document_put(store, &uuid, "text", text, on_done, &waiter), 0);
    while (!waiter.called)
        uv_run(&loop, UV_RUN_ONCE);
    if (waiter.result == 0)
        counter++;
    return waiter.result;
}

/* As many as succeed, up to the limit. */
static unsigned put_until_full(unsigned limit)
{
    unsigned done = 0;

    while (done < limit && put() == 0)
        done++;
    return done;
}

/* Each BMC has the last text that was stored for it. */
static void check_contents(void)
{
    struct store_document *documents = NULL;
    size_t count = 0;

    assert_int_equal(store_document_load_all(store, &documents, &count), 0);
    assert_int_equal(count, counter < BMCS ? counter : BMCS);
    for (size_t i = 0; i < count; i++) {
        unsigned number = documents[i].uuid.bytes[0], found;
        while (number + BMCS < counter)
            number += BMCS;
        assert_int_equal(sscanf(documents[i].text, "%u", &found), 1);
        assert_int_equal(found, number);
    }
    store_documents_free(documents, count);
}

static void test_small_disk(void **state)
{
    (void)state;
    assert_int_equal(open_store(), 0);
    assert_int_equal(put_until_full(400), 400);
    check_contents();
    close_store();
}

static void check_full_and_room(bool restart)
{
    assert_int_equal(open_store(), 0);
    put_until_full(30);
    small_disk_resize(small_disk_used() + 20000);
    assert_in_range(put_until_full(400), 0, 399);
    for (int i = 0; i < 5; i++)
        assert_int_equal(put(), -ENOSPC);
    check_contents();
    if (restart) {
        close_store();
        assert_int_equal(open_store(), 0);
        check_contents();
    }
    /* Room for the pages that the database lacks; by far not for all that follows. */
    small_disk_resize(small_disk_used() + (size_t)128 * 1024);
    assert_int_equal(put_until_full(400), 400);
    check_contents();
    close_store();
}

static void test_room_again(void **state)
{
    (void)state;
    check_full_and_room(false);
}

static void test_room_after_restart(void **state)
{
    (void)state;
    check_full_and_room(true);
}

/* A log as an earlier version has left it: it holds all of the disk. */
static void leave_large_log(void)
{
    char path[96];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/state.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL),
                     SQLITE_OK);
    for (;;) {
        CLEANUP_FREE char *statement = NULL;
        assert_true(asprintf(&statement,
                             "REPLACE INTO documents VALUES (X'%02X%030d', 'text', '%01000u')",
                             counter % BMCS, 0, counter) > 0);
        if (sqlite3_exec(db, statement, NULL, NULL, NULL) != SQLITE_OK)
            break;
        counter++;
    }
    sqlite3_close(db);
}

static void test_large_log(void **state)
{
    (void)state;
    assert_int_equal(open_store(), 0);
    close_store();
    leave_large_log();
    assert_in_range(small_disk_used(), DISK_SIZE * 9 / 10, DISK_SIZE);

    assert_int_equal(open_store(), 0);
    check_contents();
    assert_int_equal(put(), -ENOSPC);
    small_disk_resize(DISK_SIZE + (size_t)256 * 1024);
    assert_int_equal(put_until_full(2), 2);
    assert_in_range(small_disk_used(), 1, DISK_SIZE * 5 / 8); /* each table has a page at least */
    check_contents();
    close_store();
}

static void test_start_on_full_disk(void **state)
{
    struct store *none = NULL;
    char error[512] = "";

    (void)state;
    assert_int_equal(open_store(), 0);
    put();
    close_store();
    small_disk_resize(small_disk_used());
    assert_int_equal(store_open(&loop, folder, &none, error, sizeof error), -ENOSPC);
    if (!strstr(error, "state.db: No space left on device"))
        assert_string_equal(error, "state.db: No space left on device");
    small_disk_resize(DISK_SIZE);
    assert_int_equal(open_store(), 0);
    check_contents();
    close_store();
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vbmc-full-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    counter = 0;
    log_set_level(LOG_LEVEL_ERROR);
    small_disk_begin(folder, DISK_SIZE);
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    char path[96];

    (void)state;
    small_disk_end();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder) < 0 ? -1 : uv_loop_close(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_disk), TEST(test_room_again),         TEST(test_room_after_restart),
        TEST(test_large_log),  TEST(test_start_on_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
