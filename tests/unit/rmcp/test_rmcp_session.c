/* Inside of a session: windows, levels, peers, ends of sessions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/locked_range.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/ops.h"

#define CMD_GET_DEVICE_ID         0x01
#define CMD_SET_SESSION_PRIVILEGE 0x3b
#define CMD_CLOSE_SESSION         0x3c

static struct remote_console console;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    remote_console_init(&console);
    return remote_console_login(&console, 3, CONSOLE_ROLE);
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    return 0;
}

static struct session *the_session(void)
{
    return session_table_find_active(console.server->sessions, console.exchange.bmc_id);
}

static const struct rmcp_counters *counters(void)
{
    return rmcp_server_counters(console.server);
}

static int get_device_id(void)
{
    return remote_console_command(&console, NETFN_APP, CMD_GET_DEVICE_ID, NULL, 0);
}

/* True if a packet with that number is answered. */
static bool takes(uint32_t sequence)
{
    console.sequence = sequence;
    return get_device_id() == CC_SUCCESS;
}

static void test_window(void **state)
{
    (void)state;
    assert_false(takes(0));
    assert_true(takes(1000)); /* any start */
    assert_false(takes(1000));
    assert_true(takes(1002));
    assert_true(takes(1001));
    assert_false(takes(1001));
    assert_true(takes(1002 - WINDOW_BELOW));
    assert_false(takes(1002 - WINDOW_BELOW));
    assert_false(takes(1002 - WINDOW_BELOW - 1));
    for (uint32_t below = 2; below < WINDOW_BELOW; below++)
        assert_int_equal(takes(1002 - below), 1002 - below != 1000);
    assert_false(takes(1002 + WINDOW_ABOVE + 1));
    assert_true(takes(1002 + WINDOW_ABOVE));
    assert_false(takes(1002));
    for (uint32_t step = 1; step <= 40; step++)
        assert_true(takes(1002 + WINDOW_ABOVE + step));
    assert_true(counters()->dropped[RMCP_DROP_SEQUENCE] > 5);
}

static void test_window_wraps(void **state)
{
    (void)state;
    assert_true(takes(UINT32_MAX - 1));
    assert_true(takes(UINT32_MAX));
    assert_false(takes(0));
    assert_true(takes(1));
    assert_true(takes(2));
    assert_false(takes(1));
    assert_false(takes(UINT32_MAX));
    assert_true(takes(UINT32_MAX - 5));
    assert_false(takes(0));
}

static void test_outbound_numbers(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(get_device_id(), CC_SUCCESS);
        assert_int_equal(console.last.bytes[10], i);
    }
    the_session()->next_outbound = UINT32_MAX;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_memory_equal(console.last.bytes + 10, "\xff\xff\xff\xff", 4);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_memory_equal(console.last.bytes + 10, "\x01\0\0\0", 4);
}

static int set_privilege(uint8_t level)
{
    return remote_console_command(&console, NETFN_APP, CMD_SET_SESSION_PRIVILEGE, &level, 1);
}

static void test_privilege(void **state)
{
    (void)state;
    assert_int_equal(set_privilege(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(set_privilege(PRIVILEGE_OEM), 0x81);
    assert_int_equal(set_privilege(0), 0x81);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(rmcp_stub.request.privilege, PRIVILEGE_ADMINISTRATOR);
    assert_int_equal(set_privilege(PRIVILEGE_CALLBACK), CC_SUCCESS);
    assert_int_equal(remote_console_login(&console, 17, 0x13), RAKP_OK);
    assert_int_equal(set_privilege(PRIVILEGE_ADMINISTRATOR), 0x81);
    assert_int_equal(set_privilege(PRIVILEGE_OPERATOR), CC_SUCCESS);
}

/* The keys of a session are in memory that is locked, and only as long as it lasts. */
static void test_locked_keys(void **state)
{
    (void)state;
    remote_console_free(&console);
    assert_int_equal(locked_begin(), 0);
    remote_console_init(&console);
    size_t before = CRYPTO_secure_used();
    assert_int_equal(remote_console_login(&console, 17, 0x14), RAKP_OK);
    assert_true(CRYPTO_secure_allocated(the_session()->secret));
    assert_int_equal(CRYPTO_secure_used() - before, 128);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    rmcp_server_end_all_sessions(console.server);
    assert_int_equal(CRYPTO_secure_used(), before);
}

static void test_expiry(void **state)
{
    (void)state;
    console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(rmcp_server_next_deadline(console.server),
                     console.now_ms + RMCP_IDLE_MS_DEFAULT);
    /* A forged packet keeps nothing alive. */
    console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    console.keys.k1.inner[0] ^= 1;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    console.keys.k1.inner[0] ^= 1;
    console.now_ms += 1;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    assert_int_equal(counters()->dropped[RMCP_DROP_UNKNOWN_SESSION], 1);
}

/* Other payload types keep a session alive too. */
static void test_payload_types(void **state)
{
    uint8_t payload[40] = {0};

    (void)state;
    for (unsigned type = 1; type < 64; type++) {
        console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
        if (type != PAYLOAD_OEM_EXPLICIT)
            assert_int_equal(
                remote_console_send_sealed(&console, (uint8_t)type, payload, sizeof payload), 0);
        else
            assert_int_equal(get_device_id(), CC_SUCCESS);
    }
    assert_int_equal(counters()->dropped[RMCP_DROP_PAYLOAD_TYPE], 62);
    assert_int_equal(rmcp_stub.calls, 1);
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

/* The answer goes where the latest genuine packet came from, and only genuine ones move it. */
static void test_peer(void **state)
{
    (void)state;
    console.from.remote.in.sin_port = htons(50000);
    console.keys.k1.inner[0] ^= 1;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    console.keys.k1.inner[0] ^= 1;
    assert_int_equal(the_session()->peer.remote.in.sin_port, htons(40000));
    rmcp_stub.outcome = IPMI_PENDING;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    struct ipmi_token token = rmcp_stub.request.token;
    rmcp_stub.outcome = IPMI_ANSWERED;
    console.from.remote.in.sin_port = htons(50001);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(console.last.to.remote.in.sin_port, htons(50001));
    rmcp_server_complete(console.server, &token, &rmcp_stub.response, console.now_ms);
    assert_int_equal(console.sent, 2);
    assert_int_equal(console.last.to.remote.in.sin_port, htons(50001));
}

static void test_close(void **state)
{
    uint32_t id = console.exchange.bmc_id;

    (void)state;
    assert_int_equal(remote_console_command(&console, NETFN_APP, CMD_CLOSE_SESSION, NULL, 0),
                     CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    assert_int_equal(rmcp_session_ops.close(console.server, id), -ENOENT);
}

static void end_own_sessions(const struct ipmi_request *request)
{
    rmcp_server_user_changed(console.server, request->user_id, 0);
}

static void test_end_user_sessions(void **state)
{
    (void)state;
    rmcp_server_user_changed(console.server, USER_ID_FIRST + 1, 0);
    rmcp_server_user_changed(console.server, 0, 0);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    rmcp_stub.hook = end_own_sessions; /* as Set User Password does */
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    rmcp_server_user_changed(console.server, USER_ID_FIRST, 0);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    rmcp_server_end_all_sessions(console.server);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
}

static void change_own_account(const struct ipmi_request *request)
{
    rmcp_server_user_changed(console.server, request->user_id, request->token.session);
}

/* Who changes his own account goes on in the session he did it in, and only there. */
static void test_author_goes_on(void **state)
{
    struct user *user = &console.users.by_id[USER_ID_FIRST];

    (void)state;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(rmcp_server_count_sessions(console.server), 2);
    user_set_password(user, (const uint8_t *)"another", 7, USER_PASSWORD_SHORT);
    rmcp_stub.hook = change_own_account;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
    user->limit = PRIVILEGE_OPERATOR; /* more than the session uses */
    assert_int_equal(get_device_id(), CC_SUCCESS);
    rmcp_stub.hook = NULL;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(set_privilege(PRIVILEGE_ADMINISTRATOR), 0x81);
    assert_int_equal(set_privilege(PRIVILEGE_OPERATOR), CC_SUCCESS);
}

/* He gets his answer, and nothing else, where the account may no longer do what the session does.
 */
static void test_author_leaves(void **state)
{
    struct user *user = &console.users.by_id[USER_ID_FIRST];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0)
            assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
        assert_int_equal(set_privilege(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
        if (i == 0)
            user->enabled = false;
        else if (i == 1)
            user->limit = PRIVILEGE_OPERATOR;
        else
            user->access = 0;
        rmcp_stub.outcome = IPMI_PENDING;
        rmcp_stub.hook = change_own_account;
        assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
        const struct ipmi_token token = rmcp_stub.request.token;
        rmcp_stub.outcome = IPMI_ANSWERED;
        rmcp_stub.hook = NULL;
        assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
        assert_int_equal(rmcp_server_count_sessions(console.server), 1);
        console.sent = 0;
        rmcp_server_complete(console.server, &token, &rmcp_stub.response, console.now_ms);
        assert_int_equal(console.sent, 1);
        assert_int_equal(rmcp_server_count_sessions(console.server), 0);
        user->enabled = true;
        user->limit = PRIVILEGE_ADMINISTRATOR;
        user->access = USER_ACCESS_IPMI;
    }
}

static void test_ops(void **state)
{
    const struct ipmi_session_ops *ops = &rmcp_session_ops;
    struct rmcp_server *server = console.server;
    uint32_t first = console.exchange.bmc_id;
    struct ipmi_session_info info;
    unsigned slots, active;

    (void)state;
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    uint32_t second = console.exchange.bmc_id;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    ops->count(server, &slots, &active);
    assert_int_equal(slots, RMCP_ACTIVE_MAX_DEFAULT);
    assert_int_equal(active, 2);
    assert_int_equal(ops->find_nth(server, 0), 0);
    assert_int_equal(ops->find_nth(server, 1), first);
    assert_int_equal(ops->find_nth(server, 2), second);
    assert_int_equal(ops->find_nth(server, 3), 0);
    assert_int_equal(ops->info(server, second, &info), 0);
    assert_int_equal(info.user_id, USER_ID_FIRST);
    assert_int_equal(info.privilege, PRIVILEGE_USER);
    assert_true(info.rmcp_plus);
    assert_int_equal(info.remote.in.sin_port, htons(40000));
    assert_int_equal(ops->find_handle(server, info.handle), second);
    assert_int_equal(ops->find_handle(server, 0), 0);
    assert_int_equal(ops->info(server, console.exchange.bmc_id, &info), -ENOENT);
    assert_int_equal(ops->close(server, console.exchange.bmc_id), -ENOENT);
    assert_int_equal(ops->set_privilege(server, console.exchange.bmc_id, 2), -EPERM);
    assert_int_equal(ops->close(server, first), 0);
    assert_int_equal(rmcp_server_count_sessions(server), 1);
    assert_int_equal(ops->find_nth(server, 1), second);
}

/* Handles are never 0 and never two sessions', however often they go round. */
static void test_handles(void **state)
{
    struct ipmi_session_info info;

    (void)state;
    rmcp_session_ops.info(console.server, console.exchange.bmc_id, &info);
    uint8_t first = info.handle;
    uint32_t id = console.exchange.bmc_id;
    for (int i = 0; i < 600; i++) {
        assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
        rmcp_session_ops.info(console.server, console.exchange.bmc_id, &info);
        assert_int_not_equal(info.handle, 0);
        assert_int_not_equal(info.handle, first);
        rmcp_session_ops.close(console.server, console.exchange.bmc_id);
    }
    assert_int_equal(rmcp_session_ops.find_handle(console.server, first), id);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_window),         TEST(test_window_wraps),  TEST(test_outbound_numbers),
        TEST(test_privilege),      TEST(test_expiry),        TEST(test_payload_types),
        TEST(test_peer),           TEST(test_close),         TEST(test_end_user_sessions),
        TEST(test_author_goes_on), TEST(test_author_leaves), TEST(test_ops),
        TEST(test_handles),        TEST(test_locked_keys),
    };

    return cmocka_run_group_tests_name("rmcp session", tests, NULL, NULL);
}
