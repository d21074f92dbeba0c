/* Lock-outs that end because an account is enabled, or has another password, on a real store: only
 * when that is on disk, and nobody is told so before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/config/config.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/net/limiter.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/service.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/document.h"
#include "vbmc/store/users.h"

#define ADMIN USER_ID_FIRST
#define BOB   (USER_ID_FIRST + 1)
#define NONE  1 /* no result yet */

static uv_loop_t loop;
static struct store *store;
static struct instance_shared shared;
static struct facility facility;
static struct instance *instance;
static struct bmc *bmc;
static struct config config;
static struct config_user accounts[] = {
    {.name = "admin", .password = "secret", .limit = PRIVILEGE_ADMINISTRATOR},
    {.name = "bob", .password = "builder", .limit = PRIVILEGE_USER},
};

static void make(void)
{
    char name[] = "web01";
    const struct store_bmc record = {.uuid = {{1, 2, 3}}, .name = name};

    instance = instance_new(&shared, 3, &record, NULL, NULL);
    assert_non_null(instance);
    bmc = instance_bmc(instance);
    instance_configure(instance, &config);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    log_set_target(LOG_TARGET_SYSLOG); /* what is refused is said there */
    uv_loop_init(&loop);
    store = refusing_store_open(&loop);
    shared = (struct instance_shared){
        .facility = &facility,
        .state_dir = "/nonexistent",
        .loop = &loop,
        .store = store,
        .limiter = limiter_new(),
    };
    config = (struct config){.users = accounts, .user_count = 2};
    config.bmc.session_timeout_s = 60;
    server_settings_set_defaults(&config.bmc.server);
    facility_settings_set_defaults(&config.facility);
    facility_init(&facility, &config.facility);
    channel_set_defaults(&config.bmc.channel);
    make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    instance_free(instance);
    instance = NULL;
    store_close(store);
    limiter_free(shared.limiter);
    uv_run(&loop, UV_RUN_DEFAULT);
    disk_settle(DISK_STATE, NULL, 60000);
    refusing_store_remove();
    log_set_target(LOG_TARGET_STDERR);
    return uv_loop_close(&loop);
}

/* As the fleet does it at a start. */
static void restore(void)
{
    struct user_change changes[USER_CHANGES_MAX];
    struct store_document *documents;
    struct store_user *rows;
    size_t count;

    make();
    assert_int_equal(store_users_load_all(store, &rows, &count), 0);
    for (size_t i = 0; i < count; i++)
        changes[i] = rows[i].change;
    store_users_free(rows, count);
    instance_restore_users(instance, changes, count);
    assert_int_equal(store_document_load_all(store, &documents, &count), 0);
    for (size_t i = 0; i < count; i++)
        instance_restore_record(instance, documents[i].name, documents[i].text);
    store_documents_free(documents, count);
}

static void restart(void)
{
    instance_free(instance);
    restore();
}

/* ---- clients ---- */

static int results[2];

static void note_result(const struct bmc_ticket *ticket, int result)
{
    int *place = &results[ticket->numbers[0]];

    assert_int_equal(*place, NONE); /* once */
    *place = result;
}

static void begin(unsigned client, enum service_operation operation,
                  const union service_arguments *arguments)
{
    static const struct caller caller = {
        .front_end = CALLER_CONTROL, .name = "root", .privilege = PRIVILEGE_ADMINISTRATOR};
    const struct bmc_ticket ticket = {.done = note_result, .numbers = {client}};
    const struct service_call call = {&caller, bmc, &ticket};

    results[client] = NONE;
    int result = service_call(operation, &call, arguments);
    if (result != -EINPROGRESS)
        results[client] = result;
}

static int wait_for(unsigned client)
{
    while (results[client] == NONE)
        uv_run(&loop, UV_RUN_ONCE);
    return results[client];
}

static void begin_to_enable(unsigned client, bool enabled)
{
    const struct user wanted = {.enabled = enabled};

    begin(client, SERVICE_USER_CHANGE,
          &(union service_arguments){.user_change = {BOB, 1u << USER_PART_ENABLED, &wanted}});
}

static void begin_to_set_password(unsigned client, const char *password)
{
    struct user wanted = user_unused();

    user_set_password(&wanted, (const uint8_t *)password, strlen(password), USER_PASSWORD_SHORT);
    begin(client, SERVICE_USER_CHANGE,
          &(union service_arguments){.user_change = {BOB, 1u << USER_PART_PASSWORD, &wanted}});
}

/* For `tens` of 10 s, 0: without end, which is on disk then. */
static void lock_bob_out(uint8_t tens)
{
    const uint8_t rule[] = {0, 1, 0, 0, tens, 0};

    begin(0, SERVICE_LAN_PARAMETER,
          &(union service_arguments){.lan_parameter = {26, rule, sizeof rule}});
    assert_int_equal(wait_for(0), 0);
    bmc_note_login(bmc, BOB, false);
    while (!bmc->core.hooks->is_stored(&bmc->core, BMC_PART_LAN))
        uv_run(&loop, UV_RUN_ONCE);
    assert_true(lockout_is_locked(&bmc->lockout, BOB));
}

static bool is_locked(void)
{
    return lockout_is_locked(&bmc->lockout, BOB);
}

static bool is_password(const char *password)
{
    const struct user *bob = &bmc->users.by_id[BOB];

    return bob->password_length == strlen(password) &&
           memcmp(bob->password, password, strlen(password)) == 0;
}

/* ---- tests ---- */

/* What is stored holds over a restart, also where a client has changed accounts before. */
static void test_restart(void **state)
{
    (void)state;
    lock_bob_out(0);
    begin_to_set_password(0, "other");
    assert_true(is_locked()); /* until that is on disk */
    assert_int_equal(wait_for(0), 0);
    assert_false(is_locked());
    restart();
    assert_false(is_locked());
    lock_bob_out(0);
    restart();
    assert_true(is_locked());
    assert_true(is_password("other"));
}

/* A repeat, or another client: nothing is told to be done before it is on disk. */
static void test_told_when_stored(void **state)
{
    (void)state;
    lock_bob_out(0);
    begin_to_enable(0, true);
    begin_to_enable(1, true);
    assert_int_equal(results[0], NONE);
    assert_int_equal(results[1], NONE);
    assert_int_equal(wait_for(0), 0);
    assert_int_equal(wait_for(1), 0);
    restart();
    assert_false(is_locked());
}

/* The disk refuses the release: all who wait are told, and the lock-out is there again. */
static void test_release_is_refused(void **state)
{
    (void)state;
    lock_bob_out(0);
    refusing_store_refuse("");
    begin_to_enable(0, true);
    begin_to_enable(1, true);
    assert_true(wait_for(0) < 0);
    assert_true(wait_for(1) < 0);
    assert_true(is_locked());
    begin_to_set_password(0, "other");
    begin_to_set_password(1, "other");
    assert_true(wait_for(0) < 0);
    assert_true(wait_for(1) < 0);
    assert_true(is_locked());
    refusing_store_accept();
    restart();
    assert_true(is_locked());
    assert_true(is_password("other")); /* which alone was stored */
    begin_to_set_password(0, "other"); /* the same, again */
    assert_int_equal(wait_for(0), 0);
    assert_false(is_locked());
    restart();
    assert_false(is_locked());
}

/* A change that the disk refuses lets nobody in, neither made nor undone. */
static void test_change_is_refused(void **state)
{
    (void)state;
    for (uint8_t tens = 0; tens <= 6; tens += 6) {
        lock_bob_out(tens);
        refusing_store_refuse_table("users");
        begin_to_set_password(0, "other");
        assert_true(wait_for(0) < 0);
        assert_true(is_password("builder"));
        assert_true(is_locked());
        begin_to_enable(0, false);
        assert_true(wait_for(0) < 0);
        assert_true(bmc->users.by_id[BOB].enabled);
        assert_true(is_locked());
        refusing_store_accept();
        begin_to_enable(0, false);
        assert_int_equal(wait_for(0), 0);
        assert_true(is_locked());
        begin_to_enable(0, true);
        assert_int_equal(wait_for(0), 0);
        assert_false(is_locked());
    }
}

/* The BMC goes while the change is on its way: the account is stored, the lock-out is too, and
 * nobody is told otherwise. */
static void test_gone_meanwhile(void **state)
{
    (void)state;
    lock_bob_out(0);
    begin_to_set_password(0, "other");
    instance_free(instance);
    assert_int_equal(wait_for(0), -ESHUTDOWN);
    restore();
    assert_true(is_password("other"));
    assert_true(is_locked());
    assert_int_equal(lan_password_rule(&bmc->lan).threshold, 1);
}

/* A lock-out without end that the disk refuses, with what a client asks for behind it or ahead of
 * it, gets there later. */
static void test_lock_out_is_refused(void **state)
{
    const uint8_t rule[] = {0, 1, 0, 0, 0, 0}, interval[] = {9};
    const union service_arguments arguments = {.lan_parameter = {11, interval, sizeof interval}};

    (void)state;
    for (int is_first = 0; is_first < 2; is_first++) {
        begin(0, SERVICE_LAN_PARAMETER,
              &(union service_arguments){.lan_parameter = {26, rule, sizeof rule}});
        assert_int_equal(wait_for(0), 0);
        refusing_store_refuse("");
        if (is_first)
            bmc_note_login(bmc, BOB, false);
        begin(0, SERVICE_LAN_PARAMETER, &arguments);
        if (!is_first)
            bmc_note_login(bmc, BOB, false);
        assert_true(wait_for(0) < 0);
        assert_true(is_locked());
        assert_false(bmc->core.hooks->is_stored(&bmc->core, BMC_PART_LAN));
        refusing_store_accept();
        do { /* a copy may be on its way, and be refused with what is asked for behind it */
            begin(0, SERVICE_LAN_PARAMETER, &arguments);
        } while (wait_for(0) < 0);
        restart();
        assert_true(is_locked());
        begin(0, SERVICE_LAN_RESET, NULL);
        assert_int_equal(wait_for(0), 0);
        assert_false(is_locked());
    }
}

/* Back to what is configured: of all accounts, or of one of them. */
static void test_reset(void **state)
{
    const uint8_t ids[] = {0, BOB};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin_to_set_password(0, "other");
        assert_int_equal(wait_for(0), 0);
        lock_bob_out(0);
        begin(0, SERVICE_USER_RESET,
              &(union service_arguments){.user_reset = {ids[i], USER_PARTS_ALL}});
        assert_true(is_locked());
        assert_int_equal(wait_for(0), 0);
        assert_false(is_locked());
        assert_true(is_password("builder"));
    }
}

static void test_reset_of_lan(void **state)
{
    (void)state;
    for (uint8_t tens = 0; tens <= 6; tens += 6) {
        lock_bob_out(tens);
        refusing_store_refuse("");
        begin(0, SERVICE_LAN_RESET, NULL);
        assert_true(wait_for(0) < 0);
        assert_true(is_locked());
        refusing_store_accept();
        begin(0, SERVICE_LAN_RESET, NULL);
        assert_int_equal(wait_for(0), 0);
        assert_false(is_locked());
        restart();
        assert_false(is_locked());
    }
}

/* The configuration gives another password: it is as good as a client's. */
static void test_configured(void **state)
{
    (void)state;
    lock_bob_out(0);
    instance_configure(instance, &config); /* nothing has changed */
    assert_true(is_locked());
    snprintf(accounts[1].password, sizeof accounts[1].password, "another");
    instance_configure(instance, &config);
    assert_false(is_locked());
    snprintf(accounts[1].password, sizeof accounts[1].password, "builder");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_restart),           TEST(test_told_when_stored), TEST(test_release_is_refused),
        TEST(test_change_is_refused), TEST(test_gone_meanwhile),   TEST(test_reset),
        TEST(test_reset_of_lan),      TEST(test_configured),       TEST(test_lock_out_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
