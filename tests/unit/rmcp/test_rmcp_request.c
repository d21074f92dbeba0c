/* Requests of a session: repeats, answers that come late or not at all, and those that do not fit.
 */
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
#include "vbmc/rmcp/repeat.h"

#define CMD_GET_DEVICE_ID 0x01
#define CMD_CLOSE_SESSION 0x3c

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

static const struct rmcp_counters *counters(void)
{
    return rmcp_server_counters(console.server);
}

static int get_device_id(void)
{
    return remote_console_command(&console, NETFN_APP, CMD_GET_DEVICE_ID, NULL, 0);
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
    assert_true(rmcp_server_has_pending(console.server));

    console.now_ms += 30000; /* a long operation; its lifetime begins with the answer */
    rmcp_server_complete(console.server, &token, &response, console.now_ms);
    assert_false(rmcp_server_has_pending(console.server));
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request),
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
    };

    return cmocka_run_group_tests_name("rmcp request", tests, NULL, NULL);
}
