/* The audit trail on a real store: what is kept, counted and listed, over restarts, the end of a
 * BMC and a disk that refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "tests/fake/refusing_store.h"
#include "vbmc/base/audit.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/physics/facility.h"
#include "vbmc/state/audit.h"
#include "vbmc/state/facility.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/audit.h"

#define NOT_YET    1
#define LISTED_MAX 16

static uv_loop_t loop;
static struct store *store;
static struct audit *audit;
static const char *folder;
static int finished;
static unsigned ended;
static struct audit_record listed[LISTED_MAX];
static size_t count;
static const struct uuid uuid = {{1, 2, 3}};

static void open_trail(void)
{
    char error[512];

    if (!store)
        assert_int_equal(store_open(&loop, folder, &store, error, sizeof error), 0);
    assert_int_equal(audit_new(store, &audit), 0);
    audit_tick(audit, 1000);
}

static void close_trail(void)
{
    audit_stop(audit);
    store_close(store);
    audit_free(audit);
    audit = NULL;
    store = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    folder = refusing_store_folder();
    open_trail();
    finished = NOT_YET;
    ended = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_trail();
    refusing_store_remove();
    return uv_loop_close(&loop);
}

static void note_done(void *context, int result)
{
    (void)context;
    finished = result;
    ended++;
}

static struct audit_record record_of(const char *operation, bool is_summed)
{
    struct audit_record record = {
        .kind = is_summed ? AUDIT_ACCESS : AUDIT_CHANGE,
        .is_summed = is_summed,
        .has_bmc = true,
        .uuid = uuid,
        .bmc = "web01",
        .user = "joe",
        .way = "IPMI",
        .address = "192.0.2.1",
        .session = 7,
        .privilege = "operator",
        .outcome = "done",
    };

    snprintf(record.operation, sizeof record.operation, "%s", operation);
    return record;
}

/* Puts it and waits until it is told to be kept, or not. */
static int put(const struct audit_record *record)
{
    unsigned before = ended;

    audit_put(record, note_done, NULL);
    while (ended == before)
        uv_run(&loop, UV_RUN_ONCE);
    return finished;
}

static void take_list(void *context, int result, const struct audit_record *records, size_t size)
{
    (void)context;
    assert_int_equal(result, 0);
    assert_true(size <= LISTED_MAX);
    count = size;
    if (size > 0)
        memcpy(listed, records, size * sizeof *records);
    ended++;
}

static void list(const struct audit_query *query)
{
    unsigned before = ended;

    audit_list(audit, query, take_list, NULL);
    while (ended == before)
        uv_run(&loop, UV_RUN_ONCE);
}

static void list_all(void)
{
    list(&(struct audit_query){.last = LISTED_MAX});
}

/* ---- what is kept ---- */

static void test_kept(void **state)
{
    struct audit_record power = record_of("power", false), daemon = record_of("reload", false);

    (void)state;
    snprintf(power.detail, sizeof power.detail, "off");
    daemon.has_bmc = false;
    daemon.bmc[0] = '\0';
    daemon.result = -EINVAL;
    assert_int_equal(put(&power), 0);
    assert_int_equal(put(&power), 0); /* each change is one of its own */
    assert_int_equal(put(&daemon), 0);
    close_trail();
    open_trail();
    assert_int_equal(put(&power), 0);
    list_all();
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(listed[i].id, i + 1);
    assert_true(listed[0].has_bmc && uuid_equal(&listed[0].uuid, &uuid));
    assert_string_equal(listed[0].bmc, "web01");
    assert_string_equal(listed[0].operation, "power");
    assert_string_equal(listed[0].detail, "off");
    assert_string_equal(listed[0].user, "joe");
    assert_string_equal(listed[0].way, "IPMI");
    assert_string_equal(listed[0].address, "192.0.2.1");
    assert_string_equal(listed[0].privilege, "operator");
    assert_string_equal(listed[0].outcome, "done");
    assert_int_equal(listed[0].session, 7);
    assert_int_equal(listed[0].kind, AUDIT_CHANGE);
    assert_false(listed[2].has_bmc);
    assert_int_equal(listed[2].result, -EINVAL);
    list(&(struct audit_query){.last = 2, .has_bmc = true, .uuid = uuid});
    assert_int_equal(count, 2);
    assert_int_equal(listed[0].id, 2); /* the newest two of that BMC */
    assert_int_equal(listed[1].id, 4);
    list(&(struct audit_query){.last = 2, .since_ms = listed[0].time_ms + 3600000});
    assert_int_equal(count, 0);
}

static void test_bmc_goes(void **state)
{
    const struct audit_record record = record_of("delete", false);

    (void)state;
    assert_int_equal(put(&record), 0);
    assert_int_equal(store_forget_domain(store, &uuid, NULL, NULL), 0);
    list(&(struct audit_query){.last = 9, .has_bmc = true, .uuid = uuid});
    assert_int_equal(count, 1);
}

/* ---- what is counted ---- */

static void test_summed(void **state)
{
    struct audit_record kick = record_of("reset watchdog", true), other = kick;

    (void)state;
    assert_int_equal(put(&kick), 0);
    for (unsigned i = 0; i < 5; i++) {
        kick.session++; /* of no account */
        assert_int_equal(put(&kick), 0);
    }
    snprintf(other.address, sizeof other.address, "192.0.2.2");
    assert_int_equal(put(&other), 0);
    list_all();
    assert_int_equal(count, 2);
    assert_int_equal(listed[0].more, 5);
    assert_true(listed[0].until_ms >= listed[0].time_ms);
    assert_int_equal(listed[1].more, 0);
    /* When it has been quiet, or for a day, the next is a new one. */
    audit_tick(audit, 1000 + AUDIT_QUIET_MS);
    assert_int_equal(put(&kick), 0);
    for (uint64_t now = 2000 + AUDIT_QUIET_MS; now < 1000 + AUDIT_QUIET_MS + AUDIT_DAY_MS;
         now += 60000) {
        audit_tick(audit, now);
        audit_put(&kick, NULL, NULL);
    }
    audit_tick(audit, 2000 + AUDIT_QUIET_MS + AUDIT_DAY_MS);
    assert_int_equal(put(&kick), 0);
    list_all();
    assert_int_equal(count, 4);
    assert_int_equal(listed[2].more, AUDIT_DAY_MS / 60000);
    assert_int_equal(listed[3].more, 0);
    /* The number is on disk when the daemon stops. */
    assert_int_equal(put(&kick), 0);
    close_trail();
    open_trail();
    list_all();
    assert_int_equal(count, 4);
    assert_int_equal(listed[3].more, 1);
    assert_int_equal(put(&kick), 0);
    list_all();
    assert_int_equal(count, 5);
}

/* A refused log-in stands for those of its source that its log left out. */
static void test_logins(void **state)
{
    union endpoint_address remote;
    struct audit_login login = {
        .bmc = "", .way = "IPMI", .user = "a\nb", .how = "", .remote = &remote, .refused = "wrong"};

    (void)state;
    assert_int_equal(endpoint_address_parse("192.0.2.9", 4711, &remote), 0);
    audit_put_login(&login);
    endpoint_address_set_port(&remote, 4712);
    login.more = 7;
    audit_put_login(&login);
    list_all();
    assert_int_equal(count, 1);
    assert_int_equal(listed[0].more, 8);
    assert_string_equal(listed[0].user, "a?b");
    assert_string_equal(listed[0].address, "192.0.2.9");
    assert_string_equal(listed[0].outcome, "refused: wrong");
    assert_int_equal(listed[0].result, -EACCES);
}

/* Many different ones: the oldest makes room, and its number is stored. */
static void test_room(void **state)
{
    struct audit_record record = record_of("first", true);

    (void)state;
    assert_int_equal(put(&record), 0);
    assert_int_equal(put(&record), 0);
    for (unsigned i = 0; i < AUDIT_SUMS_MAX; i++) {
        snprintf(record.operation, sizeof record.operation, "other %u", i);
        audit_put(&record, NULL, NULL);
    }
    record = record_of("last", false);
    assert_int_equal(put(&record), 0);
    assert_int_equal(refusing_store_count("audit WHERE operation = 'first' AND more = 1"), 1);
}

/* ---- the disk ---- */

static void test_refused(void **state)
{
    const struct audit_record change = record_of("power", false), look = record_of("look", true);
    int kept_stderr = dup(STDERR_FILENO);

    (void)state;
    refusing_store_refuse_table("audit");
    assert_int_equal(log_set_file("/dev/null"), 0);
    assert_int_equal(put(&change), 0); /* it is in the log */
    assert_int_equal(log_set_file("/dev/full"), 0);
    assert_int_equal(put(&change), -EINVAL); /* in neither */
    assert_int_equal(put(&look), -EINVAL);
    refusing_store_accept();
    assert_int_equal(put(&look), 0); /* not counted with one that is not there */
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    list_all();
    assert_int_equal(count, 1);
    assert_string_equal(listed[0].operation, "look");
}

/* What was refused is there when there is room again, in its order and with its number; of what is
 * no change the log alone has it. */
static void test_owed(void **state)
{
    const struct audit_record look = record_of("look", true);
    struct audit_record change = record_of("0", false);
    int kept_stderr = dup(STDERR_FILENO);

    (void)state;
    refusing_store_refuse_table("audit");
    assert_int_equal(log_set_file("/dev/null"), 0);
    assert_int_equal(put(&look), 0);
    for (unsigned i = 0; i < AUDIT_OWED_MAX + 2; i++) {
        snprintf(change.operation, sizeof change.operation, "%u", i);
        assert_int_equal(put(&change), 0);
    }
    audit_tick(audit, 1000 + AUDIT_OWED_EACH_MS); /* in vain */
    list_all();
    assert_int_equal(count, 0);
    refusing_store_accept();
    audit_tick(audit, 999 + 2 * AUDIT_OWED_EACH_MS);
    list_all();
    assert_int_equal(count, 0);
    /* The first try may have ended only now, and the next one is as long after that. */
    for (uint64_t now_ms = 1000 + 2 * AUDIT_OWED_EACH_MS;
         refusing_store_count("audit") < (int)AUDIT_OWED_MAX; now_ms += AUDIT_OWED_EACH_MS) {
        audit_tick(audit, now_ms);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    list_all();
    assert_int_equal(listed[0].id, AUDIT_OWED_MAX + 3 - LISTED_MAX + 1);
    assert_string_equal(listed[LISTED_MAX - 1].operation, "257");
    assert_int_equal(refusing_store_count("audit WHERE operation = '1'"), 0);
    assert_int_equal(refusing_store_count("audit WHERE operation = '2'"), 1);
}

/* The same at the end of the daemon. */
static void test_owed_at_the_end(void **state)
{
    const struct audit_record change = record_of("power", false);
    int kept_stderr = dup(STDERR_FILENO);

    (void)state;
    refusing_store_refuse_table("audit");
    assert_int_equal(log_set_file("/dev/null"), 0);
    assert_int_equal(put(&change), 0);
    refusing_store_accept();
    close_trail();
    open_trail();
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    list_all();
    assert_int_equal(count, 1);
}

/* ---- together with the change ---- */

static struct facility facility;
static int changed;

static void put_along(const struct bmc_ticket *ticket)
{
    struct audit_record record = record_of("facility", false);

    (void)ticket;
    record.is_along = true;
    audit_put(&record, note_done, NULL);
}

static void note_changed(const struct bmc_ticket *ticket, int result)
{
    (void)ticket;
    changed = result;
}

/* A record that goes along with a copy of the state says what has become of that. */
static void test_along(void **state)
{
    const struct bmc_ticket ticket = {.done = note_changed, .along = put_along};
    struct facility_settings settings;
    struct saves *saves = saves_new(store, "the facility");

    (void)state;
    facility_settings_set_defaults(&settings);
    facility_init(&facility, &settings);
    struct saves_part *part = saves_add(saves, &facility_save_kind, &facility);
    for (int refuses = 0; refuses < 2; refuses++) {
        int expected = refuses ? -EINVAL : 0;
        unsigned before = ended;
        if (refuses)
            refusing_store_refuse("");
        changed = NOT_YET;
        saves_changed(part, &ticket);
        while (ended == before)
            uv_run(&loop, UV_RUN_ONCE);
        assert_int_equal(changed, expected); /* ahead of its record */
        assert_int_equal(finished, 0);
    }
    saves_free(saves, NULL, NULL);
    list_all();
    assert_int_equal(count, 2);
    assert_string_equal(listed[0].outcome, "done");
    assert_int_equal(listed[0].result, 0);
    assert_int_equal(listed[1].result, -EINVAL);
    assert_string_equal(listed[1].outcome, "the change could not be stored: Invalid argument");
}

/* The newest stay, of each kind so many. */
static void test_pruned(void **state)
{
    const struct audit_record change = record_of("power", false);

    (void)state;
    close_trail();
    refusing_store_run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120500)"
        " INSERT INTO audit SELECT i, 1, i % 6 = 0, NULL, '', 'x', '', '', '', '', 0, 0, '', 0, '',"
        " 0, 0 FROM n");
    open_trail();
    for (unsigned i = 0; i < STORE_AUDIT_BATCH; i++)
        audit_put(&change, NULL, NULL);
    assert_int_equal(put(&change), 0);
    assert_in_range(refusing_store_count("audit WHERE kind = 0"), STORE_AUDIT_CHANGES,
                    STORE_AUDIT_CHANGES + STORE_AUDIT_BATCH);
    assert_in_range(refusing_store_count("audit WHERE kind = 1"), STORE_AUDIT_ACCESSES - 1,
                    STORE_AUDIT_ACCESSES);
    assert_int_equal(refusing_store_count("audit WHERE id = 1"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_kept),  TEST(test_bmc_goes), TEST(test_summed), TEST(test_logins),
        TEST(test_room),  TEST(test_refused),  TEST(test_owed),   TEST(test_owed_at_the_end),
        TEST(test_along), TEST(test_pruned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
