/* Who gets in: names, accounts and their limits, the channel, who is locked out; and who is told of
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"

static struct remote_console console;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    remote_console_init(&console);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    return 0;
}

/* A name that does not exist looks like one whose password is wrong. */
static void assert_nobody(const char *name, uint8_t role)
{
    uint64_t failures = rmcp_server_counters(console.server)->login_failures;

    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, name, role), RAKP_OK);
    assert_int_equal(console.last.length, 16 + 40 + 20);
    assert_false(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, failures + 1);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    /* The set-up is gone with the first wrong guess. */
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

static void test_unknown_names(void **state)
{
    (void)state;
    assert_nobody("nobody", CONSOLE_ROLE);
    assert_nobody("", CONSOLE_ROLE);
    assert_nobody("sixteen-chars-ab", CONSOLE_ROLE);
    assert_nobody(CONSOLE_NAME, 0x03); /* by name and privilege: its limit is another */
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_NO_ACCESS;
    assert_nobody(CONSOLE_NAME, 0x12);
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_ADMINISTRATOR;
    console.users.by_id[USER_ID_FIRST].enabled = false;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].enabled = true;
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_LINK;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_IPMI;
    console.users.by_id[USER_ID_FIRST].password_length = USER_PASSWORD_MAX + 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].password_length = strlen(CONSOLE_PASSWORD);
    console.kuid[0] ^= 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.kuid[0] ^= 1;
    /* Not even who knows the key of nobody gets in. */
    memset(console.kuid, 0x5a, sizeof console.kuid);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, "nobody", CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
}

static unsigned told_failures;
static uint8_t told_user;

static void on_login_failed(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &console);
    told_failures++;
    told_user = user_id;
}

static int send_rakp3_status(uint8_t status)
{
    uint8_t payload[8] = {console.tag, status};

    memcpy(payload + 4, &console.exchange.bmc_id, 4); /* least byte first, as this machine has it */
    return remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, sizeof payload);
}

/* Whoever keeps the event log is told, also when the console itself finds out. */
static void test_failures_are_told(void **state)
{
    (void)state;
    told_failures = 0;
    console.config.login_failed = on_login_failed;
    console.config.login_context = &console;
    remote_console_restart(&console);
    assert_nobody("nobody", CONSOLE_ROLE);
    assert_int_equal(told_failures, 1);
    assert_int_equal(told_user, 0);
    console.kuid[0] ^= 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.kuid[0] ^= 1;
    assert_int_equal(told_failures, 2);
    assert_int_equal(told_user, USER_ID_FIRST);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(send_rakp3_status(RAKP_INVALID_INTEGRITY_CHECK_VALUE), CONSOLE_NO_ANSWER);
    assert_int_equal(told_failures, 3);
    /* ipmitool and FreeIPMI just stop there. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT - 1;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(told_failures, 3);
    rmcp_server_tick(console.server, ++console.now_ms);
    assert_int_equal(told_failures, 4);
    told_failures = 3;
    /* Who asks for nobody's challenge has not tried to log in. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(told_failures, 3);
    /* Nor has who logs in. */
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_failures, 3);
}

/* Who has got RAKP 2 can guess at leisure, and cannot keep it a secret: not by whatever status, not
 * by pushing the session out, not by having it closed. */
static void test_failures_cannot_be_hidden(void **state)
{
    (void)state;
    told_failures = 0;
    console.config.login_failed = on_login_failed;
    console.config.login_context = &console;
    remote_console_restart(&console);
    for (unsigned status = 1; status < 256; status++) {
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
        assert_int_equal(send_rakp3_status((uint8_t)status), CONSOLE_NO_ANSWER);
        assert_int_equal(told_failures, status);
    }
    told_failures = 0;
    for (unsigned i = 0; i < RMCP_HALF_OPEN_MAX_DEFAULT + 100; i++) {
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    }
    assert_int_equal(told_failures, 100);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(told_failures, 100);
    rmcp_server_end_all_sessions(console.server);
    assert_int_equal(told_failures, 100 + RMCP_HALF_OPEN_MAX_DEFAULT);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, 255 + told_failures);
    assert_int_equal(remote_console_half_open(&console), 0);
}

/* A channel that clients have closed, or limited by suite. */
static void test_channel_access(void **state)
{
    struct channel *channel = &console.channel;

    (void)state;
    channel->is_closed = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE),
                     RAKP_UNAUTHORIZED_ROLE);
    channel->is_closed = false;
    channel->suite_limits[3] = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_open(&console, 3), RAKP_NO_CIPHER_SUITE);
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    channel->suite_limits[3] = PRIVILEGE_OPERATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.last.bytes[18], PRIVILEGE_OPERATOR);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_INVALID_ROLE);
    console.open_role = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    assert_int_equal(remote_console_open(&console, 17), RAKP_OK);
    console.open_role = PRIVILEGE_OPERATOR;
    assert_int_equal(remote_console_login(&console, 3, 0x10 | PRIVILEGE_OPERATOR), RAKP_OK);
}

/* What a client changes of the channel between RAKP 1 and RAKP 3 holds for that log-in too. */
static void test_channel_changes_meanwhile(void **state)
{
    struct channel *channel = &console.channel;

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->is_closed = true;
    told_failures = 0;
    assert_int_equal(remote_console_rakp3(&console), RAKP_UNAUTHORIZED_ROLE);
    assert_int_equal(told_failures, 0); /* the password was right */
    channel->is_closed = false;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
    assert_int_equal(remote_console_half_open(&console), 0);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->suite_limits[3] = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_rakp3(&console), RAKP_UNAUTHORIZED_ROLE);
    channel->suite_limits[3] = PRIVILEGE_HIGHEST;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->limit = PRIVILEGE_CALLBACK;
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    struct session *session =
        session_table_find_active(console.server->sessions, console.exchange.bmc_id);
    assert_int_equal(session->maximum, PRIVILEGE_CALLBACK);
    assert_int_equal(session->privilege, PRIVILEGE_CALLBACK);
}

static unsigned told_logins;
static bool is_locked_out;

static void on_logged_in(void *context, uint8_t user_id, const union endpoint_address *remote)
{
    assert_ptr_equal(context, &console);
    assert_true(endpoint_address_is_same(remote, &console.from.remote));
    told_logins++;
    told_user = user_id;
}

static bool check_locked_out(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &console);
    return user_id == USER_ID_FIRST && is_locked_out;
}

/* Who is locked out gets what a wrong password gets. */
static void test_locked_out(void **state)
{
    (void)state;
    told_failures = told_logins = 0;
    is_locked_out = false;
    console.config.login_failed = on_login_failed;
    console.config.logged_in = on_logged_in;
    console.config.is_locked_out = check_locked_out;
    console.config.login_context = &console;
    remote_console_restart(&console);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_logins, 1);
    assert_int_equal(told_user, USER_ID_FIRST);
    is_locked_out = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_false(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_int_equal(told_failures, 1);
    /* The level that is too high is still told, and locked out between RAKP 1 and 3 is too late. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, 0x15), RAKP_INVALID_ROLE);
    is_locked_out = false;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    is_locked_out = true;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    is_locked_out = false;
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_logins, 2);
}

/* A user disabled or changed between RAKP 1 and 3 does not get in. */
static void test_user_changes(void **state)
{
    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.users.by_id[USER_ID_FIRST].enabled = false;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    console.users.by_id[USER_ID_FIRST].enabled = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    rmcp_server_user_changed(console.server, USER_ID_FIRST, 0);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

/* So many sessions at a time, and no failed log-in where there are more. */
static void test_session_limit(void **state)
{
    (void)state;
    users_add(&console.users, "op", CONSOLE_PASSWORD, PRIVILEGE_OPERATOR);
    console.users.by_id[users_id_of(&console.users, "op")].sessions = 2;
    assert_int_equal(remote_console_login_as(&console, 3, "op", 0x13), RAKP_OK);
    uint32_t first = console.exchange.bmc_id;
    assert_int_equal(remote_console_login_as(&console, 3, "op", 0x13), RAKP_OK);
    assert_int_equal(remote_console_login_as(&console, 3, "op", 0x13), RAKP_NO_RESOURCES);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, 0);
    assert_int_equal(rmcp_server_close_session(console.server, first), 0);
    assert_int_equal(remote_console_login_as(&console, 3, "op", 0x13), RAKP_OK);
}

/* An administrator's newest gets in, for the one of his that has been idle longest. */
static void test_session_limit_of_administrator(void **state)
{
    (void)state;
    console.users.by_id[USER_ID_FIRST].sessions = 2;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    uint32_t first = console.exchange.bmc_id;
    console.now_ms++;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
        assert_true(rmcp_server_count_sessions(console.server) <= 2);
    }
    assert_null(session_table_find(console.server->sessions, first));
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

/* An account that is restricted to Callback on connections that are not called back. */
static void test_callback_only(void **state)
{
    (void)state;
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_IPMI | USER_ACCESS_CALLBACK;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_INVALID_ROLE);
    assert_int_equal(remote_console_login(&console, 3, 0x11), RAKP_OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unknown_names),
        TEST(test_failures_are_told),
        TEST(test_failures_cannot_be_hidden),
        TEST(test_channel_access),
        TEST(test_channel_changes_meanwhile),
        TEST(test_locked_out),
        TEST(test_user_changes),
        TEST(test_session_limit),
        TEST(test_session_limit_of_administrator),
        TEST(test_callback_only),
    };

    return cmocka_run_group_tests_name("rmcp log-in", tests, NULL, NULL);
}
