/* state.db: what a callback reports as stored is there after kill -9; order; refusals; full disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/boot.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/document.h"
#include "vbmc/store/owed.h"
#include "vbmc/store/schema.h"
#include "vbmc/store/sel.h"
#include "vbmc/store/sol.h"
#include "vbmc/store/sql.h"
#include "vbmc/store/store.h"

static char folder[64];
static char state_dir[96];
static uv_loop_t loop;

static struct store *open_store(void)
{
    struct store *store = NULL;
    char error[512] = "";
    int result = store_open(&loop, state_dir, &store, error, sizeof error);

    assert_string_equal(error, "");
    assert_int_equal(result, 0);
    return store;
}

static void close_store(struct store *store)
{
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* Expects the opening to fail with this text behind the path. */
static void expect_refusal(int expected, const char *text)
{
    struct store *store = NULL;
    char error[512] = "";

    assert_int_equal(store_open(&loop, state_dir, &store, error, sizeof error), expected);
    assert_null(store);
    if (!strstr(error, text))
        assert_string_equal(error, text);
}

struct waiter {
    int calls;
    int result;
};

static void on_done(void *context, int result)
{
    struct waiter *waiter = context;

    waiter->calls++;
    waiter->result = result;
}

static int wait_for(struct waiter *waiter)
{
    while (waiter->calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    return waiter->result;
}

static struct uuid make_uuid(unsigned n)
{
    return (struct uuid){.bytes = {(uint8_t)(n >> 8), (uint8_t)n}};
}

static int put_chassis(struct store *store, unsigned n)
{
    struct store_chassis chassis = {.uuid = make_uuid(n), .poh_minutes = n};
    struct waiter waiter = {0};

    assert_int_equal(store_chassis_put(store, &chassis, on_done, &waiter), 0);
    return wait_for(&waiter);
}

static size_t count_chassis(struct store *store)
{
    CLEANUP_FREE struct store_chassis *rows = NULL;
    size_t count = 0;

    assert_int_equal(store_chassis_load_all(store, &rows, &count), 0);
    return count;
}

static void test_bmcs(void **state)
{
    struct store_bmc bmc = {
        .uuid = make_uuid(1),
        .name = (char *)"web 01",
        .is_explicit = true,
        .active = true,
        .changed_at = 5000000000,
        .address = (char *)"::",
        .port = 65535,
        .username = (char *)"admin",
        .metadata = (char *)"<bmc/>",
        .password = (char *)"secret",
    };
    struct store_bmc mark = {.uuid = make_uuid(2), .deleted = true};
    struct store_bmc *rows = NULL;
    size_t count;
    struct waiter waiter = {0};
    struct store *store = open_store();

    (void)state;
    assert_int_equal(store_bmcs_put(store, &mark, NULL, NULL), 0);
    assert_int_equal(store_bmcs_put(store, &mark, NULL, NULL), 0);
    assert_int_equal(store_bmcs_put(store, &bmc, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    close_store(store);

    store = open_store();
    assert_int_equal(store_bmcs_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_true(uuid_equal(&rows[0].uuid, &bmc.uuid));
    assert_string_equal(rows[0].name, "web 01");
    assert_true(rows[0].is_explicit && rows[0].active && !rows[0].deleted);
    assert_int_equal(rows[0].changed_at, 5000000000);
    assert_string_equal(rows[0].address, "::");
    assert_int_equal(rows[0].port, 65535);
    assert_string_equal(rows[0].username, "admin");
    assert_string_equal(rows[0].metadata, "<bmc/>");
    assert_string_equal(rows[0].password, "secret");
    assert_null(rows[0].uri);
    assert_true(rows[1].deleted && !rows[1].is_explicit);
    assert_null(rows[1].name);
    store_bmcs_free(rows, count);

    waiter = (struct waiter){0};
    assert_int_equal(store_forget_domain(store, &bmc.uuid, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_bmcs_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 1);
    store_bmcs_free(rows, count);
    close_store(store);
}

static void test_documents(void **state)
{
    struct store_document *rows = NULL;
    CLEANUP_FREE char *text = NULL;
    struct uuid a = make_uuid(7), b = make_uuid(8);
    struct store *store = open_store();
    struct waiter waiter = {0};
    size_t count;

    (void)state;
    assert_int_equal(store_document_put(store, &b, "fru", "{}", NULL, NULL), 0);
    assert_int_equal(store_document_put(store, &a, "sensors", "[1]", NULL, NULL), 0);
    assert_int_equal(store_document_put(store, &a, "sensors", "[2]", NULL, NULL), 0);
    assert_int_equal(store_document_put(store, &a, "dcmi", "", on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_document_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].name, "dcmi");
    assert_string_equal(rows[0].text, "");
    assert_string_equal(rows[1].text, "[2]");
    assert_true(uuid_equal(&rows[2].uuid, &b));
    store_documents_free(rows, count);
    assert_int_equal(store_document_load(store, &a, "sensors", &text), 0);
    assert_string_equal(text, "[2]");
    free(text);
    assert_int_equal(store_document_load(store, &a, "none", &text), 0);
    assert_null(text);
    waiter = (struct waiter){0};
    assert_int_equal(store_forget_domain(store, &a, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_document_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 1);
    store_documents_free(rows, count);
    close_store(store);
}

static void test_chassis_and_boot(void **state)
{
    struct store_chassis chassis = {make_uuid(7),
                                    2,
                                    255,
                                    UINT32_MAX,
                                    true,
                                    11,
                                    4000000000,
                                    9,
                                    77,
                                    1800000000,
                                    1800000001,
                                    STORE_RESTORE_WAS_ON,
                                    {"a boot", -5000000000}};
    struct store_boot boot = {
        .uuid = make_uuid(7),
        .service_partition = 0x5a,
        .service_partition_scan = 1,
        .locked = 0x81,
        .valid_bit_clearing = 0x1f,
        .info_acknowledge = 1,
        .flags = {0xe0, 4, 0, 0, 9},
        .initiator = {1, [8] = 8},
        .mailbox = {7, [79] = 9},
        .live = (char *)"{\"a\":1}",
    };
    CLEANUP_FREE struct store_chassis *chassis_rows = NULL;
    struct store_boot *boot_rows = NULL;
    struct store *store = open_store();
    struct waiter waiter = {0};
    size_t count;

    (void)state;
    assert_int_equal(store_chassis_put(store, &chassis, NULL, NULL), 0);
    assert_int_equal(store_boot_put(store, &boot, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_chassis_load_all(store, &chassis_rows, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(chassis_rows[0].restore_policy, 2);
    assert_int_equal(chassis_rows[0].cycle_interval_s, 255);
    assert_true(chassis_rows[0].poh_minutes == UINT32_MAX);
    assert_true(chassis_rows[0].was_on);
    assert_int_equal(chassis_rows[0].restart_cause, 11);
    assert_true(chassis_rows[0].boots == 4000000000);
    assert_int_equal(chassis_rows[0].last_power_event, 9);
    assert_int_equal(chassis_rows[0].run, 77);
    assert_int_equal(chassis_rows[0].started_at, 1800000000);
    assert_int_equal(chassis_rows[0].counted_at, 1800000001);
    assert_int_equal(chassis_rows[0].restore, STORE_RESTORE_WAS_ON);
    assert_string_equal(chassis_rows[0].clock.boot, "a boot");
    assert_true(chassis_rows[0].clock.ahead_ms == -5000000000);
    assert_int_equal(store_boot_load_all(store, &boot_rows, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(boot_rows[0].service_partition, 0x5a);
    assert_int_equal(boot_rows[0].service_partition_scan, 1);
    assert_int_equal(boot_rows[0].locked, 0x81);
    assert_int_equal(boot_rows[0].valid_bit_clearing, 0x1f);
    assert_memory_equal(boot_rows[0].flags, boot.flags, sizeof boot.flags);
    assert_memory_equal(boot_rows[0].initiator, boot.initiator, sizeof boot.initiator);
    assert_memory_equal(boot_rows[0].mailbox, boot.mailbox, sizeof boot.mailbox);
    assert_string_equal(boot_rows[0].live, "{\"a\":1}");
    assert_null(boot_rows[0].stored);
    store_boot_free(boot_rows, count);

    waiter = (struct waiter){0};
    assert_int_equal(store_forget_domain(store, &boot.uuid, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(count_chassis(store), 0);
    assert_int_equal(store_boot_load_all(store, &boot_rows, &count), 0);
    assert_int_equal(count, 0);
    close_store(store);
}

static void test_owed(void **state)
{
    const struct store_owed owed[] = {
        {make_uuid(7), 2, 1, true, 41, INT64_MAX, 1700000000, {"a boot", 5000000000}},
        {make_uuid(7), 0, 1, false, 0, 0, 1700000001, {"", 0}}};
    CLEANUP_FREE struct store_owed *rows = NULL;
    struct store *store = open_store();
    struct waiter waiter = {0};
    size_t count;

    (void)state;
    assert_int_equal(store_owed_put(store, &owed[0].uuid, owed, 1, NULL, NULL), 0);
    assert_int_equal(store_owed_put(store, &owed[0].uuid, owed, 2, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_owed_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_true(uuid_equal(&rows[1].uuid, &owed[1].uuid));
    assert_int_equal(rows[0].action, 2);
    assert_int_equal(rows[0].cause, 1);
    assert_true(rows[0].begun);
    assert_int_equal(rows[0].run, 41);
    assert_true(rows[0].place == INT64_MAX);
    assert_int_equal(rows[0].at, 1700000000);
    assert_string_equal(rows[0].clock.boot, "a boot");
    assert_true(rows[0].clock.ahead_ms == 5000000000);
    assert_string_equal(rows[1].clock.boot, "");
    assert_int_equal(rows[1].action, 0);
    assert_false(rows[1].begun);
    waiter = (struct waiter){0};
    assert_int_equal(store_forget_domain(store, &owed[0].uuid, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    free(rows);
    rows = NULL;
    assert_int_equal(store_owed_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 0);
    close_store(store);
}

static void test_sol(void **state)
{
    struct store_sol sol = {
        .uuid = make_uuid(7),
        .enable = 1,
        .authentication = 0xc4,
        .accumulate = {0x0c, 0x60},
        .retry = {0x07, 0xff},
        .bit_rate = 0x0a,
    };
    struct store_sol *rows = NULL;
    struct store *store = open_store();
    struct waiter waiter = {0};
    size_t count;

    (void)state;
    memcpy(sol.denied[0], "somebody", 8);
    memcpy(sol.denied[USER_ID_MAX - 1], "sixteen-letters!", USER_NAME_MAX);
    assert_int_equal(store_sol_put(store, &sol, NULL, NULL), 0);
    sol.enable = 0;
    assert_int_equal(store_sol_put(store, &sol, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    close_store(store);
    store = open_store();
    assert_int_equal(store_sol_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(&rows[0], &sol, sizeof sol);
    free(rows);

    waiter = (struct waiter){0};
    assert_int_equal(store_forget_domain(store, &sol.uuid, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_sol_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 0);
    close_store(store);
}

static int put_sel(struct store *store, const struct sel_change *change)
{
    struct waiter waiter = {0};

    assert_int_equal(store_sel_put(store, change, on_done, &waiter), 0);
    return wait_for(&waiter);
}

static void expect_sel(struct store *store, const struct uuid *uuid, const struct sel_state *wanted,
                       const struct sel_entry *entries, size_t wanted_count)
{
    CLEANUP_FREE struct sel_entry *found = NULL;
    struct sel_state state = {0};
    size_t count;

    assert_int_equal(store_sel_load(store, uuid, &state, &found, &count), 0);
    assert_int_equal(state.next_id, wanted->next_id);
    assert_true(state.added_at == wanted->added_at && state.erased_at == wanted->erased_at);
    assert_true(state.clock_offset_s == wanted->clock_offset_s);
    assert_int_equal(state.utc_offset_min, wanted->utc_offset_min);
    assert_int_equal(state.overflow, wanted->overflow);
    assert_int_equal(state.last_by_software, wanted->last_by_software);
    assert_int_equal(state.last_by_bmc, wanted->last_by_bmc);
    assert_int_equal(count, wanted_count);
    for (size_t i = 0; i < count; i++) {
        assert_true(found[i].sequence == entries[i].sequence);
        assert_memory_equal(found[i].record, entries[i].record, SEL_RECORD_SIZE);
    }
}

static void test_sel(void **state)
{
    struct sel_entry entries[4] = {
        {1, {1, 0, 0xff}}, {2, {2}}, {3, {3}}, {INT64_MAX, {0xfe, 0xff}}};
    struct sel_change change = {
        .uuid = make_uuid(8),
        .state = {.next_id = 0xfffe,
                  .added_at = 0xffffffff,
                  .erased_at = 1,
                  .clock_offset_s = -5000000000,
                  .utc_offset_min = SEL_UTC_OFFSET_UNKNOWN,
                  .overflow = true,
                  .last_by_software = 0xffff,
                  .last_by_bmc = 2},
        .entries = entries,
        .count = 4,
    };
    struct sel_change other = {
        .uuid = make_uuid(9), .state.next_id = 2, .entries = entries, .count = 1};
    struct sel_entry *none = NULL;
    struct store *store = open_store();
    size_t count;

    (void)state;
    assert_int_equal(store_sel_load(store, &change.uuid, &other.state, &none, &count), -ENOENT);
    other.state = (struct sel_state){.next_id = 2};
    assert_int_equal(put_sel(store, &change), 0);
    assert_int_equal(put_sel(store, &other), 0);
    close_store(store);
    store = open_store();
    expect_sel(store, &change.uuid, &change.state, entries, 4);
    expect_sel(store, &other.uuid, &other.state, entries, 1);

    /* A change that does not fit leaves all as it was. */
    struct sel_change wrong = {
        .uuid = change.uuid, .state.next_id = 5, .entries = entries + 2, .count = 1};
    assert_int_equal(put_sel(store, &wrong), -EINVAL);
    wrong = (struct sel_change){.uuid = change.uuid, .state.next_id = 0};
    assert_int_equal(put_sel(store, &wrong), -EINVAL);
    expect_sel(store, &change.uuid, &change.state, entries, 4);

    /* Removing and adding are one step; others keep theirs. */
    change.remove_first = 2;
    change.remove_last = INT64_MAX;
    change.entries = entries + 1;
    change.count = 1;
    assert_int_equal(put_sel(store, &change), 0);
    expect_sel(store, &change.uuid, &change.state, entries, 2);
    expect_sel(store, &other.uuid, &other.state, entries, 1);

    struct waiter waiter = {0};
    assert_int_equal(store_forget_domain(store, &change.uuid, on_done, &waiter), 0);
    assert_int_equal(wait_for(&waiter), 0);
    assert_int_equal(store_sel_load(store, &change.uuid, &change.state, &none, &count), -ENOENT);
    expect_sel(store, &other.uuid, &other.state, entries, 1);
    assert_int_equal(put_sel(store, &change), 0); /* no row was left behind */
    close_store(store);
}

static int refuse(sqlite3 *db, void *data)
{
    int result = sql_run(db, "DELETE FROM chassis");

    (void)data;
    return result < 0 ? result : -EINVAL;
}

/* What a job did before it failed is undone, and its neighbours in the same transaction stay. */
static void test_failed_job(void **state)
{
    struct store_chassis before = {.uuid = make_uuid(1)}, after = {.uuid = make_uuid(2)};
    struct waiter first = {0}, middle = {0}, last = {0};
    struct store *store = open_store();

    (void)state;
    store_chassis_put(store, &before, on_done, &first);
    store_submit(store, &(struct store_job){refuse, NULL, NULL, on_done, &middle});
    store_chassis_put(store, &after, on_done, &last);
    assert_int_equal(wait_for(&last), 0);
    assert_int_equal(first.result, 0);
    assert_int_equal(middle.result, -EINVAL);
    assert_int_equal(count_chassis(store), 2);
    close_store(store);
}

#define THREADS         4
#define JOBS_PER_THREAD 50

struct submitter {
    struct store *store;
    unsigned number;
    unsigned submitted;
    unsigned finished;
    bool is_in_order;
};

struct ticket {
    struct submitter *submitter;
    unsigned number;
};

static void on_ticket(void *context, int result)
{
    struct ticket *ticket = context;
    struct submitter *submitter = ticket->submitter;

    submitter->is_in_order =
        submitter->is_in_order && result == 0 && ticket->number == submitter->finished;
    submitter->finished++;
    free(ticket);
}

static void submit_many(void *argument)
{
    struct submitter *submitter = argument;

    for (unsigned i = 0; i < JOBS_PER_THREAD; i++) {
        struct store_chassis chassis = {.uuid = make_uuid(submitter->number * 1000 + i)};
        struct ticket *ticket = malloc(sizeof *ticket);
        *ticket = (struct ticket){submitter, i};
        submitter->submitted +=
            store_chassis_put(submitter->store, &chassis, on_ticket, ticket) == 0;
    }
}

static void test_concurrent_submits(void **state)
{
    struct submitter submitters[THREADS];
    uv_thread_t threads[THREADS];
    struct store *store = open_store();

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        submitters[i] = (struct submitter){.store = store, .number = i, .is_in_order = true};
        uv_thread_create(&threads[i], submit_many, &submitters[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        uv_thread_join(&threads[i]);
    close_store(store); /* runs what is queued, and its callbacks */
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(submitters[i].submitted, JOBS_PER_THREAD);
        assert_int_equal(submitters[i].finished, JOBS_PER_THREAD);
        assert_true(submitters[i].is_in_order);
    }
    store = open_store();
    assert_int_equal(count_chassis(store), THREADS * JOBS_PER_THREAD);
    close_store(store);
}

static void kill_myself(void *context, int result)
{
    (void)context;
    if (result < 0)
        _exit(1);
    raise(SIGKILL);
}

/* The child dies in the very callback that says "stored". */
static void test_kill(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct store_chassis chassis = {.uuid = make_uuid(42), .poh_minutes = 42};
        struct store *store = NULL;
        char error[512];
        if (uv_loop_fork(&loop) < 0 ||
            store_open(&loop, state_dir, &store, error, sizeof error) < 0)
            _exit(2);
        store_chassis_put(store, &chassis, kill_myself, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    struct store *store = open_store();
    assert_int_equal(count_chassis(store), 1);
    assert_int_equal(put_chassis(store, 43), 0);
    close_store(store);
}

static mode_t mode_of(const char *name)
{
    char path[160];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", state_dir, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void test_permissions(void **state)
{
    mode_t umasks[] = {0, 0777};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(umasks); i++) {
        char path[160];
        mode_t saved = umask(umasks[i]);
        struct store *store = open_store();
        assert_int_equal(put_chassis(store, 1), 0);
        umask(saved);
        assert_int_equal(mode_of("."), 0700);
        assert_int_equal(mode_of("state.db"), 0600);
        assert_int_equal(mode_of("state.db-wal"), 0600);
        assert_int_equal(mode_of("state.db-shm"), 0600);
        close_store(store);
        snprintf(path, sizeof path, "%s/state.db", state_dir);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(state_dir), 0);
    }
    assert_int_equal(mkdir(state_dir, 0700), 0);
    assert_int_equal(chmod(state_dir, 0777), 0);
    expect_refusal(-EPERM, "others may write this folder; chmod 700 it");
}

static void test_second_opener(void **state)
{
    struct store *store = open_store();

    (void)state;
    expect_refusal(-EBUSY, "another vbmcd uses this folder");
    assert_int_equal(put_chassis(store, 1), 0);
    close_store(store);
    close_store(open_store());
}

/* Opens state.db without the store; the folder is there. */
static void run_directly(const char *text)
{
    char path[160];
    sqlite3 *db;

    mkdir(state_dir, 0700);
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_migration(void **state)
{
    (void)state;
    run_directly("PRAGMA user_version = 0");
    struct store *store = open_store();
    assert_int_equal(schema_read_version(store_reader(store)), schema_version());
    assert_int_equal(put_chassis(store, 1), 0);
    close_store(store);
    store = open_store();
    assert_int_equal(count_chassis(store), 1);
    close_store(store);
}

/* A step that fails leaves the version and the tables as they were. */
static void test_failing_migration(void **state)
{
    (void)state;
    run_directly("CREATE TABLE chassis (x); PRAGMA user_version = 0");
    expect_refusal(-EIO, "state.db: ");
    run_directly("SELECT x FROM chassis; DROP TABLE chassis");
    close_store(open_store());
}

static void test_newer_version(void **state)
{
    (void)state;
    run_directly("CREATE TABLE future (x); PRAGMA user_version = 1000");
    expect_refusal(-EPROTO, "written by a newer vbmcd (version 1000, this one knows up to ");
    run_directly("SELECT x FROM future");
}

static void test_damaged_file(void **state)
{
    static char garbage[8192];
    char path[160];
    struct stat status;

    (void)state;
    mkdir(state_dir, 0700);
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    memset(garbage, 'x', sizeof garbage);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, garbage, sizeof garbage), sizeof garbage);
    close(fd);
    expect_refusal(-EUCLEAN, "state.db: the database is damaged and was left as it is");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, sizeof garbage);

    /* A good header with damage behind it. */
    assert_int_equal(unlink(path), 0);
    struct store *store = open_store();
    put_chassis(store, 1);
    close_store(store);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, garbage, 4096, 4096), 4096);
    close(fd);
    expect_refusal(-EUCLEAN, "the database is damaged");
}

static int limit_pages(sqlite3 *db, void *data)
{
    return sql_run(db, data);
}

static int fill(sqlite3 *db, void *data)
{
    (void)data;
    return sql_run(db, "CREATE TABLE filler AS SELECT zeroblob(1000000)");
}

static void test_full_disk(void **state)
{
    struct waiter limited = {0}, filled = {0}, beside = {0};
    struct store_chassis small = {.uuid = make_uuid(1)};
    struct store *store = open_store();

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    store_submit(store,
                 &(struct store_job){.run = limit_pages,
                                     .data = (void *)(uintptr_t) "PRAGMA max_page_count = 12",
                                     .done = on_done,
                                     .context = &limited});
    assert_int_equal(wait_for(&limited), 0);
    store_submit(store, &(struct store_job){.run = fill, .done = on_done, .context = &filled});
    store_chassis_put(store, &small, on_done, &beside);
    assert_int_equal(wait_for(&beside), 0); /* there is room for this one */
    assert_int_equal(filled.result, -ENOSPC);

    limited = filled = (struct waiter){0};
    store_submit(store,
                 &(struct store_job){.run = limit_pages,
                                     .data = (void *)(uintptr_t) "PRAGMA max_page_count = 10000",
                                     .done = on_done,
                                     .context = &limited});
    store_submit(store, &(struct store_job){.run = fill, .done = on_done, .context = &filled});
    assert_int_equal(wait_for(&filled), 0);
    assert_int_equal(count_chassis(store), 1);
    close_store(store);
    log_set_level(LOG_LEVEL_INFO);
}

struct again {
    struct store *store;
    int result;
};

static void submit_again(void *context, int result)
{
    struct again *again = context;
    struct store_chassis chassis = {.uuid = make_uuid(2)};

    assert_int_equal(result, 0);
    again->result = store_chassis_put(again->store, &chassis, NULL, NULL);
}

static void test_submit_while_closing(void **state)
{
    struct again again = {.store = open_store()};
    struct store_chassis chassis = {.uuid = make_uuid(1)};

    (void)state;
    assert_int_equal(store_chassis_put(again.store, &chassis, submit_again, &again), 0);
    close_store(again.store);
    assert_int_equal(again.result, -ESHUTDOWN);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vbmc-store-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(state_dir, sizeof state_dir, "%s/state", folder);
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    char path[160];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", state_dir, names[i]);
        unlink(path);
    }
    rmdir(state_dir);
    return rmdir(folder) < 0 ? -1 : uv_loop_close(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bmcs),
        TEST(test_chassis_and_boot),
        TEST(test_documents),
        TEST(test_owed),
        TEST(test_sol),
        TEST(test_sel),
        TEST(test_failed_job),
        TEST(test_concurrent_submits),
        TEST(test_kill),
        TEST(test_permissions),
        TEST(test_second_opener),
        TEST(test_migration),
        TEST(test_failing_migration),
        TEST(test_newer_version),
        TEST(test_damaged_file),
        TEST(test_full_disk),
        TEST(test_submit_while_closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
