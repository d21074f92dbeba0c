/* Who may use Serial over LAN and with which parameters: by commands, on disk, and where that takes
 * nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/solparams.h"
#include "tests/unit/console/sol_rig.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/store/sql.h"

static int set_parameter(struct remote_console *who, uint8_t number, uint8_t first, int second)
{
    const uint8_t data[] = {CHANNEL_LAN, number, first, (uint8_t)second};

    return sol_rig_command(who, NETFN_TRANSPORT, 0x21, data, second < 0 ? 3 : 4);
}

/* The parameter's bytes as a number, the first one lowest. */
static int get_parameter(struct remote_console *who, uint8_t number)
{
    const uint8_t data[] = {CHANNEL_LAN, number, 0, 0};

    if (sol_rig_command(who, NETFN_TRANSPORT, 0x22, data, sizeof data) != CC_SUCCESS)
        return -1;
    const struct sol_packet *packet = &sol_rig.packets[sol_rig.packets_read - 1];
    assert_int_equal(packet->bytes[7], 0x11);
    return packet->size == 10 ? packet->bytes[8] : packet->bytes[8] | packet->bytes[9] << 8;
}

static void break_store(void)
{
    CLEANUP_FREE char *text = NULL;
    sqlite3 *db;

    assert_true(asprintf(&text, "%s/state.db", sol_rig.folder) > 0);
    assert_int_equal(sqlite3_open(text, &db), SQLITE_OK);
    assert_int_equal(sql_run(db, "DROP TABLE sol"), 0);
    sqlite3_close(db);
}

static void test_disabled(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ENABLE, 0, -1), CC_SUCCESS);
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    sol_rig_assert_silent();
    sol_rig_expect_nobody();
    assert_int_equal(sol_rig_activate(&sol_rig.console), 0x81);
    assert_int_equal(sol_rig_deactivate(&sol_rig.console), 0x81);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ENABLE, 1, -1), CC_SUCCESS);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
}

static void test_user_denied(void **state)
{
    static const uint8_t deny[] = {CHANNEL_LAN, 0x40 | USER_ID_FIRST, 2, 0, 0, 0};
    static const uint8_t allow[] = {CHANNEL_LAN, USER_ID_FIRST, 2, 0, 0, 0};
    static const uint8_t nobody[] = {CHANNEL_LAN, USER_ID_FIRST + 1, 2, 0, 0, 0};
    CLEANUP_FREE struct store_sol *rows = NULL;
    size_t count;

    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    assert_int_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x4c, deny, sizeof deny),
                     CC_SUCCESS);
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    assert_int_equal(sol_rig_activate(&sol_rig.console), 0x81);
    assert_int_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x4c, nobody, sizeof nobody),
                     CC_INVALID_DATA_FIELD);
    assert_int_equal(store_sol_load_all(sol_rig.store, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].denied[0], CONSOLE_NAME);

    /* By name: another user under the id may, and this one may not under another id. */
    strcpy(sol_rig.bmc.users.by_id[USER_ID_FIRST].name, "other");
    strcpy(sol_rig.bmc.users.by_id[USER_ID_FIRST + 3].name, CONSOLE_NAME);
    assert_true(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_FIRST));
    assert_false(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_FIRST + 3));
    assert_false(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_FIRST + 1)); /* nobody */
    strcpy(sol_rig.bmc.users.by_id[USER_ID_FIRST].name, CONSOLE_NAME);
    assert_int_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x4c, allow, sizeof allow),
                     CC_SUCCESS);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
}

/* However many users come and go, there is room to deny the present ones. */
static void test_many_denied(void **state)
{
    const struct bmc_ticket nobody = {.done = NULL};
    struct user *user = &sol_rig.bmc.users.by_id[USER_ID_MAX];

    (void)state;
    for (int i = 0; i < 3 * USER_ID_MAX; i++) {
        memcpy(user->name, "a-name-of-size16", sizeof user->name);
        user->name[14] = (char)('a' + i / 26);
        user->name[15] = (char)('a' + i % 26);
        assert_true(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_MAX));
        assert_int_equal(
            sol_rig.bmc.payload->set_user_access(sol_rig.sol, USER_ID_MAX, false, &nobody),
            -EINPROGRESS);
        assert_false(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_MAX));
    }
    assert_true(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_FIRST));
    assert_int_equal(sol_rig.bmc.payload->set_user_access(sol_rig.sol, USER_ID_MAX, true, &nobody),
                     -EINPROGRESS);
    assert_true(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_MAX));
}

static unsigned refused, done;

static void count_result(const struct bmc_ticket *ticket, int result)
{
    (void)ticket;
    refused += result < 0;
    done += result == 0;
}

/* A repeat is told nothing before the disk has said it, as the first request is. */
static void test_denied_twice(void **state)
{
    const struct bmc_ticket ticket = {.done = count_result};
    const struct bmc_payload_ops *ops = sol_rig.bmc.payload;

    (void)state;
    refused = done = 0;
    for (unsigned may = 0; may < 2; may++) {
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(ops->set_user_access(sol_rig.sol, USER_ID_FIRST, may, &ticket),
                             -EINPROGRESS);
        while (refused + done < 2 + 2 * may)
            uv_run(&sol_rig.loop, UV_RUN_ONCE);
        assert_false(ops->user_may(sol_rig.sol, USER_ID_FIRST));
        if (may == 0) {
            assert_int_equal(ops->set_user_access(sol_rig.sol, USER_ID_FIRST, false, &ticket), 0);
            log_set_target(LOG_TARGET_SYSLOG);
            break_store();
        }
    }
    log_set_target(LOG_TARGET_STDERR);
    assert_int_equal(done, 2);
    assert_int_equal(refused, 2);
}

static void test_timing(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(0);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE, 2, 5), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_RETRY, 1, 3), CC_SUCCESS);
    sol_rig_guest_says("abc");
    sol_rig_advance(10);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "abc");
    sol_rig_advance(30);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "abc");
    sol_rig_advance(5000);
    sol_rig_assert_silent();
}

static void test_parameters_stored(void **state)
{
    CLEANUP_FREE struct store_sol *rows = NULL;
    size_t count;

    (void)state;
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_AUTHENTICATION, 0x03, -1),
                     CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE, 7, 8), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_RETRY, 3, 9), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_BIT_RATE, 6, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_VOLATILE_BIT_RATE, 7, -1),
                     CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_PAYLOAD_CHANNEL, 1, -1), 0x82);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ENABLE, 2, -1),
                     CC_INVALID_DATA_FIELD);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ENABLE, 0, 0),
                     CC_REQUEST_LENGTH_INVALID);
    assert_int_equal(set_parameter(&sol_rig.console, 9, 0, 0), 0x80);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_PAYLOAD_PORT), SOL_RIG_PORT);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_PAYLOAD_CHANNEL), CHANNEL_LAN);

    sol_rig_free_sol();
    sol_rig_make_sol();
    assert_int_equal(store_sol_load_all(sol_rig.store, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&rows[0].uuid, &sol_rig.bmc.core.uuid));
    console_sol_restore(sol_rig.sol, &rows[0]);
    sol_rig_log_in(&sol_rig.console, 17);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_AUTHENTICATION), 0x03);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_RETRY), 3 | 9 << 8);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_BIT_RATE), 6);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_VOLATILE_BIT_RATE), 6);

    /* What cannot have been stored by us is not taken. */
    log_set_target(LOG_TARGET_SYSLOG);
    rows[0].accumulate[0] = 0;
    rows[0].enable = 0;
    console_sol_restore(sol_rig.sol, &rows[0]);
    log_set_target(LOG_TARGET_STDERR);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
}

/* What is not on disk was not set. */
static void test_store_fails(void **state)
{
    static const uint8_t deny[] = {CHANNEL_LAN, 0x40 | USER_ID_FIRST, 2, 0, 0, 0};

    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE, 7, 8), CC_SUCCESS);
    break_store();
    log_set_target(LOG_TARGET_SYSLOG);
    assert_int_not_equal(set_parameter(&sol_rig.console, SOLPARAMS_ENABLE, 0, -1), CC_SUCCESS);
    assert_int_not_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x4c, deny, sizeof deny),
                         CC_SUCCESS);
    assert_int_not_equal(set_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE, 1, 1), CC_SUCCESS);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
    log_set_target(LOG_TARGET_STDERR);
    assert_true(sol_rig.bmc.payload->user_may(sol_rig.sol, USER_ID_FIRST));
    assert_int_equal(sol_rig.guest.people, 1);
    sol_rig_assert_silent();
}

static void test_freed_while_a_save_runs(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];
    const uint8_t data[] = {CHANNEL_LAN, SOLPARAMS_ENABLE, 0};

    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig.console.rq_seq++;
    remote_console_send_sealed(&sol_rig.console, PAYLOAD_IPMI, message,
                               remote_console_message(&sol_rig.console, NETFN_TRANSPORT, 0x21, data,
                                                      sizeof data, message));
    sol_rig_assert_silent();
    sol_rig.replies = 0;
    rmcp_server_free(sol_rig.console.server);
    sol_rig.console.server = sol_rig.other.server = NULL;
    saves_flush(sol_rig.saves);
    console_sol_free(sol_rig.sol);
    sol_rig.sol = NULL;
    assert_null(sol_rig.bmc.payload);
    while (sol_rig.replies == 0)
        uv_run(&sol_rig.loop, UV_RUN_ONCE);
    saves_free(sol_rig.saves, NULL, NULL);
    bmc_clear(&sol_rig.bmc);
    sol_rig_make_sol(); /* for the teardown */
}

static void test_set_in_progress(void **state)
{
    (void)state;
    sol_rig_log_in(&sol_rig.other, 3);
    assert_int_equal(set_parameter(&sol_rig.other, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), 0x81);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS), 1);
    assert_int_equal(
        rmcp_server_close_session(sol_rig.console.server, sol_rig.other.exchange.bmc_id), 0);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 2, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 0, -1), CC_SUCCESS);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    console_sol_host_event(sol_rig.sol, HOST_EVENT_RESET);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    console_sol_host_event(sol_rig.sol, HOST_EVENT_STOPPED);
    assert_int_equal(get_parameter(&sol_rig.console, SOLPARAMS_SET_IN_PROGRESS), 0);
    /* Boot options of the same session as well. */
    sol_rig.bmc.boot.set_in_progress = 1;
    sol_rig.bmc.boot.setting_session = sol_rig.console.exchange.bmc_id;
    assert_int_equal(
        rmcp_server_close_session(sol_rig.console.server, sol_rig.console.exchange.bmc_id), 0);
    assert_int_equal(sol_rig.bmc.boot.set_in_progress, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sol_rig_setup, sol_rig_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_disabled),        TEST(test_user_denied),
        TEST(test_many_denied),     TEST(test_denied_twice),
        TEST(test_timing),          TEST(test_parameters_stored),
        TEST(test_store_fails),     TEST(test_freed_while_a_save_runs),
        TEST(test_set_in_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
