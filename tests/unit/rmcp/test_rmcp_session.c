/* Inside of a session: windows, repeats, late answers, ends of sessions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/repeat.h"

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

static void test_request(void **state)
{
    const struct ipmi_request *request = &rmcp_stub.request;

    (void)state;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(request->token.bmc, CONSOLE_BMC);
    assert_int_equal(request->token.session, console.exchange.bmc_id);
    assert_int_not_equal(request->token.request, 0);
    assert_int_equal(request->origin, IPMI_ORIGIN_LAN_SESSION);
    assert_int_equal(request->channel, CHANNEL_LAN);
    assert_int_equal(request->privilege, PRIVILEGE_USER);
    assert_int_equal(request->user_id, USER_ID_FIRST);
    assert_int_equal(request->now_ms, console.now_ms);
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

static void test_expiry(void **state)
{
    (void)state;
    console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(rmcp_server_next_deadline(console.server),
                     console.now_ms + RMCP_IDLE_MS_DEFAULT);
    /* A forged packet keeps nothing alive. */
    console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    console.keys.k1[0] ^= 1;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    console.keys.k1[0] ^= 1;
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
    console.keys.k1[0] ^= 1;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    console.keys.k1[0] ^= 1;
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

/* Sends a request under the present rqSeq; returns the number of answers. */
static size_t send_same(uint8_t netfn, uint8_t command, const uint8_t *data, size_t length)
{
    uint8_t message[RMCP_DATAGRAM_MAX];
    size_t size = remote_console_message(&console, netfn, command, data, length, message);

    return remote_console_send_sealed(&console, PAYLOAD_IPMI, message, size);
}

static void test_repeat(void **state)
{
    static const uint8_t cycle = 2, reset = 3;
    uint8_t first[RMCP_DATAGRAM_MAX], second[RMCP_DATAGRAM_MAX];

    (void)state;
    rmcp_stub.response.data[0] = 0x11;
    rmcp_stub.response.data_length = 1;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &cycle, 1), 1);
    size_t length = remote_console_unseal(&console, first);
    rmcp_stub.response.data[0] = 0x22;
    console.now_ms += REPEAT_LIFETIME_MS - 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send_same(NETFN_CHASSIS, 2, &cycle, 1), 1);
        assert_int_equal(remote_console_unseal(&console, second), length);
        assert_memory_equal(first, second, length);
        assert_int_equal(console.last.bytes[10], 2 + i);
    }
    assert_int_equal(rmcp_stub.calls, 1);
    assert_int_equal(counters()->repeats, 2);
    /* Other data, command, NetFn or rqSeq: another request. */
    send_same(NETFN_CHASSIS, 2, &reset, 1);
    send_same(NETFN_CHASSIS, 2, NULL, 0);
    send_same(NETFN_CHASSIS, 1, &cycle, 1);
    send_same(NETFN_SENSOR_EVENT, 2, &cycle, 1);
    console.rq_seq++;
    send_same(NETFN_CHASSIS, 2, &cycle, 1);
    assert_int_equal(rmcp_stub.calls, 6);
    console.rq_seq--;
    console.now_ms++;
    send_same(NETFN_CHASSIS, 2, &cycle, 1);
    assert_int_equal(rmcp_stub.calls, 7); /* over its lifetime */
}

/* Sends On, Off, On .. under one rqSeq; each has to run. */
static void send_alternately(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint8_t action = i % 2 == 0;
        unsigned calls = rmcp_stub.calls;
        send_same(NETFN_CHASSIS, 2, &action, 1);
        assert_int_equal(rmcp_stub.calls, calls + 1);
        console.now_ms += 100;
    }
}

/* A client may use one rqSeq for all its requests: On, Off, On ends with On. */
static void test_constant_rq_seq(void **state)
{
    static const uint8_t on = 1, off = 0;

    (void)state;
    send_alternately(9);
    /* Still a repeat, as long as nothing else came under that number. */
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &on, 1), 1);
    console.rq_seq++;
    send_same(NETFN_CHASSIS, 2, &off, 1);
    console.rq_seq--;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &on, 1), 1);
    assert_int_equal(rmcp_stub.calls, 10);
    assert_int_equal(counters()->repeats, 2);
}

/* The same while the first still runs: it is answered, but answers no repeat. */
static void test_constant_rq_seq_late(void **state)
{
    static const uint8_t on = 1, off = 0;

    (void)state;
    rmcp_stub.outcome = IPMI_PENDING;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &on, 1), 0);
    struct ipmi_token token = rmcp_stub.request.token;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &off, 1), 0);
    rmcp_server_complete(console.server, &token, &rmcp_stub.response, console.now_ms);
    assert_int_equal(console.sent, 1);
    rmcp_stub.outcome = IPMI_ANSWERED;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, &on, 1), 1);
    assert_int_equal(rmcp_stub.calls, 3);
    assert_int_equal(counters()->repeats, 0);
}

/* What only reads says what is so now, also to the same bytes, at once or late. */
static void test_repeated_read(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    (void)state;
    rmcp_stub.response.data_length = 1;
    for (uint8_t i = 0; i < 5; i++) {
        bool is_late = i % 2 == 1;
        rmcp_stub.response.data[0] = i;
        rmcp_stub.outcome = is_late ? IPMI_PENDING : IPMI_ANSWERED;
        assert_int_equal(send_same(NETFN_CHASSIS, 1, NULL, 0), !is_late);
        if (is_late)
            rmcp_server_complete(console.server, &rmcp_stub.request.token, &rmcp_stub.response,
                                 console.now_ms);
        assert_int_equal(console.sent, 1);
        remote_console_unseal(&console, message);
        assert_int_equal(message[7], i);
    }
    assert_int_equal(rmcp_stub.calls, 5);
}

/* Another session with the same bytes is no repeat. */
static void test_repeat_other_session(void **state)
{
    struct remote_console other = console;

    (void)state;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, NULL, 0), 1);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(send_same(NETFN_CHASSIS, 2, NULL, 0), 1);
    assert_int_equal(rmcp_stub.calls, 2);
    console.exchange = other.exchange;
}

/* A fast poller whose rqSeq comes round always gets a fresh answer. */
static void test_fast_poller(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    (void)state;
    rmcp_stub.response.data_length = 1;
    for (unsigned i = 0; i < 1000; i++) {
        rmcp_stub.response.data[0] = (uint8_t)i;
        assert_int_equal(get_device_id(), CC_SUCCESS);
        remote_console_unseal(&console, message);
        assert_int_equal(message[7], (uint8_t)i);
    }
    assert_int_equal(rmcp_stub.calls, 1000);
}

static void test_late_answer(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];
    struct ipmi_response response = {.completion_code = 0, .data = {0x42}, .data_length = 1};

    (void)state;
    rmcp_stub.outcome = IPMI_PENDING;
    assert_int_equal(send_same(NETFN_CHASSIS, 2, NULL, 0), 0);
    assert_int_equal(send_same(NETFN_CHASSIS, 2, NULL, 0), 0);
    assert_int_equal(rmcp_stub.calls, 1);
    assert_int_equal(counters()->dropped[RMCP_DROP_REPEAT], 1);
    struct ipmi_token token = rmcp_stub.request.token;
    struct ipmi_token wrong[] = {token, token, token};
    wrong[0].bmc++;
    wrong[1].session++;
    wrong[2].request++;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        rmcp_server_complete(console.server, &wrong[i], &response, console.now_ms);
    assert_int_equal(console.sent, 0);
    assert_int_equal(counters()->dropped[RMCP_DROP_LATE], 3);

    console.now_ms += 30000; /* a long operation; its lifetime begins with the answer */
    rmcp_server_complete(console.server, &token, &response, console.now_ms);
    assert_int_equal(console.sent, 1);
    assert_int_equal(remote_console_unseal(&console, message), 9);
    assert_int_equal(message[7], 0x42);
    rmcp_server_complete(console.server, &token, &response, console.now_ms);
    assert_int_equal(console.sent, 1); /* once */
    assert_int_equal(send_same(NETFN_CHASSIS, 2, NULL, 0), 1);
    assert_int_equal(rmcp_stub.calls, 1);
}

/* What comes back for a Send Message that is tracked is a message of its own, behind the answer;
 * its response may be late, and then is that of the message it has carried. */
static void test_bridged(void **state)
{
    /* Get Self Test Results, and a Chassis Control, to the BMC's own address. */
    uint8_t request[] = {0x40, 0x20, 0x18, 0xc8, 0x81, 0x08, 0x04, 0x73};
    const uint8_t control[] = {0x40, 0x20, 0x00, 0xe0, 0x81, 0x08, 0x02, 0x03, 0x72};
    const struct ipmi_response late = {.completion_code = CC_NODE_BUSY};
    uint8_t message[RMCP_DATAGRAM_MAX];

    (void)state;
    rmcp_stub.response = (struct ipmi_response){.data = {1, 2, 3, 4, 5, 6, 7, 8}, .data_length = 8};
    assert_int_equal(send_same(NETFN_APP, 0x34, request, sizeof request), 2);
    assert_int_equal(remote_console_unseal(&console, message), 8);
    assert_memory_equal(message, rmcp_stub.response.data, 8);
    request[0] = 0x00; /* not tracked: with the answer */
    assert_int_equal(send_same(NETFN_APP, 0x34, request, sizeof request), 1);
    assert_int_equal(remote_console_unseal(&console, message), 16);

    rmcp_stub.outcome = IPMI_PENDING;
    assert_int_equal(send_same(NETFN_APP, 0x34, control, sizeof control), 0);
    rmcp_server_complete(console.server, &rmcp_stub.request.token, &late, console.now_ms);
    assert_int_equal(console.sent, 2);
    assert_int_equal(remote_console_unseal(&console, message), 8);
    assert_int_equal(message[1], 0x04);                           /* NetFn chassis, response */
    assert_int_equal(message[4], (uint8_t)(console.rq_seq << 2)); /* of the outer one */
    assert_int_equal(message[5], 0x02);
    assert_int_equal(message[6], CC_NODE_BUSY);
}

/* An answer that comes before ipmi_dispatch returned. */
static void answer_at_once(const struct ipmi_request *request)
{
    struct ipmi_response response = {.completion_code = CC_SUCCESS};

    rmcp_server_complete(console.server, &request->token, &response, request->now_ms);
}

static void test_answer_inside(void **state)
{
    (void)state;
    rmcp_stub.outcome = IPMI_PENDING;
    rmcp_stub.hook = answer_at_once;
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

static void test_late_answer_to_the_dead(void **state)
{
    (void)state;
    rmcp_stub.outcome = IPMI_PENDING;
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    struct ipmi_token token = rmcp_stub.request.token;
    console.now_ms += RMCP_IDLE_MS_DEFAULT;
    rmcp_server_complete(console.server, &token, &rmcp_stub.response, console.now_ms);
    assert_int_equal(console.sent, 0);

    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
    token = rmcp_stub.request.token;
    rmcp_stub.outcome = IPMI_ANSWERED;
    assert_int_equal(remote_console_command(&console, NETFN_APP, CMD_CLOSE_SESSION, NULL, 0),
                     CC_SUCCESS);
    console.sent = 0;
    rmcp_server_complete(console.server, &token, &rmcp_stub.response, console.now_ms);
    assert_int_equal(console.sent, 0);
    assert_int_equal(counters()->dropped[RMCP_DROP_LATE], 2);
}

static void test_all_pending(void **state)
{
    struct ipmi_token tokens[REPEAT_ENTRIES];

    (void)state;
    rmcp_stub.outcome = IPMI_PENDING;
    for (int i = 0; i < REPEAT_ENTRIES; i++) {
        assert_int_equal(get_device_id(), CONSOLE_NO_ANSWER);
        tokens[i] = rmcp_stub.request.token;
    }
    assert_int_equal(get_device_id(), CC_NODE_BUSY);
    assert_int_equal(rmcp_stub.calls, REPEAT_ENTRIES);
    rmcp_server_complete(console.server, &tokens[3], &rmcp_stub.response, console.now_ms);
    rmcp_stub.outcome = IPMI_ANSWERED;
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

static void test_long_request(void **state)
{
    uint8_t data[IPMI_MSG_DATA_MAX + 1] = {0};

    (void)state;
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, data, IPMI_MSG_DATA_MAX),
                     CC_SUCCESS);
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, data, sizeof data),
                     CC_REQUEST_LENGTH_EXCEEDED);
    assert_int_equal(rmcp_stub.calls, 1);
    rmcp_stub.response.data_length = IPMI_RESPONSE_MAX;
    assert_int_equal(get_device_id(), CC_SUCCESS);
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
        TEST(test_window),
        TEST(test_window_wraps),
        TEST(test_outbound_numbers),
        TEST(test_request),
        TEST(test_privilege),
        TEST(test_expiry),
        TEST(test_payload_types),
        TEST(test_peer),
        TEST(test_repeat),
        TEST(test_constant_rq_seq),
        TEST(test_constant_rq_seq_late),
        TEST(test_repeated_read),
        TEST(test_repeat_other_session),
        TEST(test_fast_poller),
        TEST(test_late_answer),
        TEST(test_bridged),
        TEST(test_answer_inside),
        TEST(test_late_answer_to_the_dead),
        TEST(test_all_pending),
        TEST(test_long_request),
        TEST(test_close),
        TEST(test_end_user_sessions),
        TEST(test_author_goes_on),
        TEST(test_author_leaves),
        TEST(test_ops),
        TEST(test_handles),
    };

    return cmocka_run_group_tests_name("rmcp session", tests, NULL, NULL);
}
