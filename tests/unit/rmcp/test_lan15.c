/* Log-ins of IPMI 1.5 over the real commands: known answers, refusals, repeats, who has no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lan15_console.h"
#include "vbmc/base/wire.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/crowd.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/rmcpplus.h"

/* Made by Python's hashlib and struct, with password vbmc-test-pass:
 *
 *   key = password.ljust(16, b"\0")
 *   code = hashlib.md5(key + pack("<I", id) + message + pack("<I", sequence) + key).digest()
 *   packet = b"\x06\0\xff\x07" + pack("<BII", type, sequence, id) + code + bytes([len(message)]) +
 *            message
 */
static const char challenge_request[] =
    "0600ff07000000000000000000182018c88104390261646d696e0000000000"
    "00000000000037";
static const char challenge_answer[] =
    "0600ff070000000000000000001c811c632004390001dec05e101112131415"
    "161718191a1b1c1d1e1f2e";
static const char md5_activation[] =
    "0600ff07020000000001dec05e01e8f2e4d70cfec6c753808cf636c83b1d2018"
    "c881083a0204101112131415161718191a1b1c1d1e1f4433221115";
static const char md5_answer[] =
    "0600ff07024433221101dec05e9f0ed2c1681f71289b66ac94f16d13f012811c6320"
    "083a000201dec05e02dec05e049d";
static const char straight_activation[] =
    "0600ff07040000000001dec05e76626d632d746573742d7061737300001d"
    "2018c881083a0404101112131415161718191a1b1c1d1e1f4433221113";
static const char straight_answer[] =
    "0600ff07044433221101dec05e76626d632d746573742d7061737300001281"
    "1c6320083a000401dec05e02dec05e049b";
static const char privilege_request[] = "0600ff070202dec05e01dec05e4b65ec4ef2c73e01c3181662243293"
                                        "8b082018c8810c3b0434";
static const char privilege_answer[] =
    "0600ff07024533221101dec05e20356fb7b063dfd0677642d043b52cb009"
    "811c63200c3b000495";

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    size_t length = strlen(hex) / 2;

    for (size_t i = 0; i < length; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        bytes[i] = (uint8_t)value;
    }
    return length;
}

static void assert_exchange(const char *request, const char *answer)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX], expected[RMCP_DATAGRAM_MAX];
    size_t length = bytes_of(request, bytes);

    assert_int_equal(console15_send_bytes(bytes, length), 1);
    assert_int_equal(console15.length, bytes_of(answer, expected));
    assert_memory_equal(console15.last, expected, console15.length);
}

static void test_known_answers(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_exchange(challenge_request, challenge_answer);
    assert_exchange(md5_activation, md5_answer);
    assert_exchange(privilege_request, privilege_answer);
    assert_int_equal(console15_send_bytes(bytes, bytes_of(privilege_request, bytes)),
                     0); /* replayed */
}

static void test_known_straight_password(void **state)
{
    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_PASSWORD, "admin"), CC_SUCCESS);
    assert_exchange(straight_activation, straight_answer);
}

/* Each bit of a right packet that is another makes it none. */
static void test_flips(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t length;

    (void)state;
    assert_exchange(challenge_request, challenge_answer);
    assert_exchange(md5_activation, md5_answer);
    length = bytes_of(privilege_request, bytes);
    for (size_t at = 4; at < length; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1U << bit);
            if (console15_send_bytes(bytes, length) != 0)
                fail_msg("byte %zu, bit %u", at, bit);
            bytes[at] ^= (uint8_t)(1U << bit);
        }
    }
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(console15_send_bytes(bytes, cut), 0);
    assert_exchange(privilege_request, privilege_answer);
}

static void test_off(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};

    (void)state;
    console15.fake.bmc.channel.authentication_types = 0;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_challenge_for(LAN15_PASSWORD, "admin"), CC_INVALID_DATA_FIELD);
    console15.id = TEMPORARY;
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), NO_ANSWER);
    assert_int_equal(console15_dropped(RMCP_DROP_LAN15_SESSION), 1);
    assert_int_equal(openings_count(console15.server->openings), 0);
    assert_int_equal(console15_send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_memory_equal(console15.answer.message + 7, "\x01\x80\x04\x02", 4);
}

static void test_types(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};

    (void)state;
    assert_int_equal(console15_send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_memory_equal(console15.answer.message + 7, "\x01\x94\x04\x03", 4);
    console15.fake.bmc.channel.authentication_types = CHANNEL_AUTH_MD5;
    for (unsigned type = 0; type < 256; type++) /* MD2 and none never */
        assert_int_equal(console15_challenge_for((uint8_t)type, "admin"),
                         type == LAN15_MD5 ? CC_SUCCESS : CC_INVALID_DATA_FIELD);
    console15.fake.bmc.channel.authentication_types |= CHANNEL_AUTH_PASSWORD;
    console15.type = LAN15_PASSWORD;
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15.answer.type, LAN15_PASSWORD);
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    /* In a session only its own type will do. */
    console15.type = LAN15_MD5;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    console15.type = LAN15_NONE;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    assert_int_equal(console15_dropped(RMCP_DROP_AUTHENTICATION), 2);
    console15.type = LAN15_PASSWORD;
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
}

/* An activation by another type than the challenge was asked for is dropped, and one whose packet
 * and data differ is refused. */
static void test_type_of_activation(void **state)
{
    uint8_t data[22];

    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    console15.type = LAN15_PASSWORD;
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), NO_ANSWER);
    console15_activation(data, PRIVILEGE_ADMINISTRATOR, OUTBOUND);
    console15.type = LAN15_MD5;
    assert_int_equal(console15_activate_with(data), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15.failures, 0);
}

static void test_refusals(void **state)
{
    uint8_t data[22];

    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, ""), 0x82);
    assert_int_equal(console15_challenge_for(LAN15_MD5, "op"), CC_SUCCESS);
    console15_use_password("1234567890123456");
    console15_activation(data, PRIVILEGE_OPERATOR, 0);
    assert_int_equal(console15_activate_with(data), 0x84);
    console15_activation(data, PRIVILEGE_OPERATOR, OUTBOUND);
    data[17] ^= 1; /* of the challenge */
    assert_int_equal(console15_activate_with(data), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(0), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(6), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), 0x86);
    console15.fake.bmc.channel.limit = PRIVILEGE_USER;
    assert_int_equal(console15_activate(PRIVILEGE_OPERATOR), 0x86);
    console15.fake.bmc.channel.limit = PRIVILEGE_ADMINISTRATOR;
    const struct lan15_header header = console15_header_of(0);
    assert_int_equal(console15_send_as(&header, 0x3a, data, 21), CC_REQUEST_LENGTH_INVALID);
    assert_int_equal(console15_send_as(&header, 0x01, NULL, 0), NO_ANSWER); /* nothing else there */
    assert_int_equal(rmcp_server_count_sessions(console15.server), 0);
    assert_int_equal(console15_activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    assert_int_equal(console15.failures, 0);
    assert_int_equal(console15.answer.message[16], PRIVILEGE_OPERATOR);
    assert_int_equal(openings_count(console15.server->openings), 0);
}

/* Without a temporary id; from RMCP+; from inside of a session. */
static void test_activation_elsewhere(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    uint8_t data[22] = {LAN15_MD5, PRIVILEGE_USER}, message[UINT8_MAX], bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_int_equal(console15_send_as(&header, 0x3a, data, sizeof data), 0x85);
    size_t length = console15_make_message(0x39,
                                           (const uint8_t *)"\x02"
                                                            "admin\0\0\0\0\0\0\0\0\0\0",
                                           17, message);
    int size = rmcpplus_build(PAYLOAD_IPMI, message, length, bytes, sizeof bytes);
    assert_int_equal(console15_send_bytes(bytes, (size_t)size), 1);
    assert_int_equal(console15.last[16 + 6], CC_NOT_IN_PRESENT_STATE);
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15_ask(0x3a, data, sizeof data), CC_NOT_IN_PRESENT_STATE);
}

static void assert_refused(const char *name, const char *password, uint8_t user)
{
    unsigned failures = console15.failures;
    uint64_t drops = console15_dropped(RMCP_DROP_AUTHENTICATION);
    uint64_t unknown = console15_dropped(RMCP_DROP_UNKNOWN_SESSION);

    console15_use_password(password);
    assert_int_equal(console15_challenge_for(console15.type, name), CC_SUCCESS);
    assert_int_equal(console15_activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(console15.failures, failures + 1);
    assert_int_equal(console15.failed_user, user);
    assert_int_equal(console15_dropped(RMCP_DROP_AUTHENTICATION), drops + 1);
    /* That try was the only one of its challenge. */
    console15_use_password("vbmc-test-pass");
    assert_int_equal(console15_activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(console15_dropped(RMCP_DROP_UNKNOWN_SESSION), unknown + 1);
    assert_int_equal(console15.failures, failures + 1);
}

static void test_wrong_passwords(void **state)
{
    (void)state;
    assert_refused("admin", "vbmc-test-pasS", 2);
    assert_refused("admin", "", 2);
    assert_refused("nobody", "vbmc-test-pass", 0);
    assert_refused("adminadminadmina", "vbmc-test-pass", 0);
    assert_refused("long", "1234567890123456", 0); /* too long to be used here */
    console15.fake.bmc.users.by_id[2].enabled = false;
    assert_refused("admin", "vbmc-test-pass", 0);
    assert_int_equal(rmcp_server_counters(console15.server)->login_failures, 6);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 0);
}

/* A user who is locked out gets what a wrong password gets. */
static void test_lock_out(void **state)
{
    (void)state;
    console15.is_locked_out = true;
    assert_refused("admin", "vbmc-test-pass", 2);
    assert_int_equal(console15.successes, 0);
    console15.is_locked_out = false;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15.successes, 1);
    console15.is_locked_out = true; /* who is in stays */
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
}

/* What channel access and LAN parameter 2 say of log-ins. */
static void test_channel(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    struct channel *channel = &console15.fake.bmc.channel;

    (void)state;
    channel->authentication_off[PRIVILEGE_ADMINISTRATOR - 1] = CHANNEL_AUTH_MD5;
    assert_int_equal(console15_send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_int_equal(console15.answer.message[8], 0x80 | CHANNEL_AUTH_PASSWORD);
    assert_int_equal(console15_send_as(&header, 0x38, (const uint8_t *)"\x8e\x03", 2), CC_SUCCESS);
    assert_int_equal(console15.answer.message[8], 0x80 | CHANNEL_AUTH_PASSWORD | CHANNEL_AUTH_MD5);
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    channel->authentication_off[PRIVILEGE_ADMINISTRATOR - 1] = 0;
    channel->is_closed = true;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), 0x86);
    channel->is_closed = false;
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15.failures, 0);
}

/* The account is another between challenge and activation. */
static void test_account_goes(void **state)
{
    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    users_clear(&console15.fake.bmc.users);
    assert_int_equal(console15_activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(console15.failures, 1);
}

/* The answer to Activate Session was lost: it comes again, until the session is used. */
static void test_repeated_activation(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX] = {0};
    size_t length = bytes_of(md5_activation, bytes);

    (void)state;
    assert_exchange(challenge_request, challenge_answer);
    assert_exchange(md5_activation, md5_answer);
    console15.from.remote.in.sin_port = htons(40001);
    assert_int_equal(console15_send_bytes(bytes, length), 1);
    assert_int_equal(console15.last[5], (OUTBOUND + 1) & 0xff);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 1);
    assert_int_equal(rmcp_server_counters(console15.server)->sessions, 1);
    bytes[length - 1] ^= 1;
    assert_int_equal(console15_send_bytes(bytes, length), 0);
    bytes[length - 1] ^= 1;
    console15.id = TEMPORARY;
    for (unsigned i = 0; i < sizeof console15.challenge; i++)
        console15.challenge[i] = (uint8_t)(0x10 + i);
    console15.rq_seq = 40; /* FreeIPMI uses a new one */
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_INVALID_DATA_FIELD);
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15.sequence, INBOUND);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 1);
    assert_true(console15_takes(INBOUND));
    assert_int_equal(console15_send_bytes(bytes, length), 0);
    assert_int_equal(console15.failures, 0);
}

static void test_no_room(void **state)
{
    (void)state;
    console15.fake.bmc.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_OPERATOR;
    for (int i = 0; i < 2; i++) /* two fifths of five are one such user's from one source */
        assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), 0x81);
    assert_int_equal(console15.failures, 0);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 2);
    console15.fake.now_ms += 6000; /* one of them has been idle long enough */
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 2);
    assert_int_equal(console15.ended, 1);
}

/* What a user may do, and how often at a time. */
static void test_user(void **state)
{
    struct user *user = &console15.fake.bmc.users.by_id[USER_ID_FIRST];

    (void)state;
    user->sessions = 1;
    user->limit = PRIVILEGE_OPERATOR; /* an administrator's would make room */
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = console15.id;
    uint32_t sequence = console15.sequence;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), 0x82);
    assert_int_equal(console15.failures, 0);
    assert_int_equal(rmcp_server_close_session(console15.server, first), 0);
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_SUCCESS);
    console15.id = first;
    console15.sequence = sequence;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    user->limit = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(console15.server), 1);
    user->sessions = 0;
    user->limit = PRIVILEGE_OPERATOR;
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), 0x86);
    assert_int_equal(console15_activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    user->limit = PRIVILEGE_NO_ACCESS;
    assert_refused("admin", "vbmc-test-pass", 0);
}

static void test_random_fails(void **state)
{
    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    console15.random_fails = true;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_NODE_BUSY);
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_NODE_BUSY);
    console15.random_fails = false;
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_SUCCESS);
}

/* Whose packets need no limit for strangers: those of sessions, and of the challenged. */
static bool is_expected(uint32_t id)
{
    const struct lan15_header header = {console15.type, 0, id, console15.key};
    uint8_t bytes[RMCP_DATAGRAM_MAX], message[UINT8_MAX];
    int size = lan15_build(&header, message, console15_make_message(0x01, NULL, 0, message), bytes,
                           sizeof bytes);

    struct rmcp_weight weight =
        rmcp_server_weigh(console15.server, &console15.from, bytes, (size_t)size);
    assert_int_equal(weight.work, weight.sender == RMCP_IN_SESSION ? 0
                                  : id == 0                        ? RMCP_WORK_LEAST
                                                                   : RMCP_WORK_ACTIVATE);
    return weight.sender != RMCP_STRANGER;
}

static void test_expected(void **state)
{
    (void)state;
    assert_false(is_expected(0));
    assert_false(is_expected(TEMPORARY));
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    assert_true(is_expected(console15.id));
    endpoint_address_parse("192.0.2.8", 40000, &console15.from.remote);
    assert_false(is_expected(console15.id)); /* somebody else's */
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    for (int i = 0; i < OPENING_MESSAGES_MAX; i++) {
        assert_true(is_expected(console15.id));
        assert_int_equal(console15_activate(0), CC_INVALID_DATA_FIELD);
    }
    assert_false(is_expected(console15.id));
    assert_int_equal(console15_activate(PRIVILEGE_USER), CC_SUCCESS);
    assert_true(is_expected(console15.id));
}

/* Whoever fills the table of challenges takes the place from himself, whichever way he asks. */
static void test_flood(void **state)
{
    uint8_t payload[32] = {0}, bytes[RMCP_DATAGRAM_MAX];
    struct endpoint flooder;
    int size;

    (void)state;
    endpoint_address_parse("192.0.2.66", 1024, &flooder.remote);
    flooder.local = console15.from.local;
    for (int i = 0; i < 3; i++) {
        payload[8 * (i + 1)] = (uint8_t)i;
        payload[8 * (i + 1) + 3] = 8;
    }
    payload[4] = payload[12] = payload[28] = 1;
    payload[20] = 1;
    size =
        rmcpplus_build(PAYLOAD_OPEN_SESSION_REQUEST, payload, sizeof payload, bytes, sizeof bytes);
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    struct endpoint honest = console15.from;
    uint32_t id = console15.id;
    console15.from = flooder;
    for (int i = 0; i < 2000; i++) {
        console15.from.remote.in.sin_port = htons((uint16_t)(1024 + i));
        assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
        assert_int_equal(console15_send_bytes(bytes, (size_t)size), 1);
    }
    assert_int_equal(openings_count(console15.server->openings), CROWD_MAX);
    console15.from = honest;
    console15.id = id;
    assert_int_equal(console15_activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
}

/* The ids of one version are none of the other. */
static void test_other_version(void **state)
{
    uint8_t payload[60] = {0}, bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    for (int logged_in = 0; logged_in < 2; logged_in++) {
        struct wire_out out = wire_out_init(payload + 4, 4);
        wire_put_u32(&out, console15.id);
        int size = rmcpplus_build(PAYLOAD_RAKP1, payload, 28, bytes, sizeof bytes);
        assert_int_equal(console15_send_bytes(bytes, (size_t)size), 1);
        assert_int_equal(console15.last[17], 0x02); /* invalid session id */
        size = rmcpplus_build(PAYLOAD_RAKP3, payload, 28, bytes, sizeof bytes);
        assert_int_equal(console15_send_bytes(bytes, (size_t)size), 1);
        assert_int_equal(console15.last[17], 0x02);
        memcpy(bytes + 6, payload + 4, 4);
        assert_int_equal(console15_send_bytes(bytes, (size_t)size), 0);
        if (!logged_in)
            assert_int_equal(console15_activate(PRIVILEGE_USER), CC_SUCCESS);
    }
    assert_int_equal(
        rmcp_server_send_payload(console15.server, console15.id, PAYLOAD_SOL, payload, 4), 0);
    assert_int_equal(console15_dropped(RMCP_DROP_UNANSWERABLE), 1);
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, console15_setup, console15_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_known_answers),
        TEST(test_known_straight_password),
        TEST(test_flips),
        TEST(test_off),
        TEST(test_types),
        TEST(test_type_of_activation),
        TEST(test_refusals),
        TEST(test_activation_elsewhere),
        TEST(test_wrong_passwords),
        TEST(test_lock_out),
        TEST(test_channel),
        TEST(test_account_goes),
        TEST(test_repeated_activation),
        TEST(test_no_room),
        TEST(test_user),
        TEST(test_random_fails),
        TEST(test_expected),
        TEST(test_flood),
        TEST(test_other_version),
    };

    return cmocka_run_group_tests_name("log-ins of IPMI 1.5", tests, NULL, NULL);
}
