/* Sessions of IPMI 1.5 over the real commands: known answers, log-in, windows, repeats, refusals.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/base/wire.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/crowd.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/session.h"
#include "vbmc/rmcp/window.h"

#define TEMPORARY UINT32_C(0x5ec0de01) /* the first random number of four bytes */
#define INBOUND   UINT32_C(0x5ec0de02) /* the second */
#define OUTBOUND  UINT32_C(0x11223344)
#define NO_ANSWER 0x1ff

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

/* One BMC and one console. */
static struct {
    struct fake_bmc fake;
    struct rmcp_config config;
    struct rmcp_server *server;
    struct endpoint from;
    uint32_t numbers;
    bool random_fails;
    unsigned failures; /* that login_failed was told of */
    unsigned successes;
    bool is_locked_out;
    uint8_t failed_user;
    unsigned ended;

    size_t sent; /* by the datagram received last */
    uint8_t last[RMCP_DATAGRAM_MAX];
    size_t length;
    struct endpoint to;

    uint8_t type;
    uint8_t key[LAN15_KEY_SIZE];
    uint32_t id;
    uint8_t challenge[16];
    uint32_t sequence; /* of the next packet in the session */
    uint8_t rq_seq;
    struct lan15_packet answer; /* the last one, taken apart */
} it;

static void receive(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length)
{
    (void)context;
    it.sent++;
    it.to = *to;
    memcpy(it.last, bytes, length);
    it.length = length;
}

static int fixed_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    if (it.random_fails)
        return -EIO;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(0x10 + i);
    if (length == 4) {
        struct wire_out out = wire_out_init(bytes, length);
        wire_put_u32(&out, TEMPORARY + it.numbers++);
    }
    return 0;
}

static void on_failure(void *context, uint8_t user_id)
{
    (void)context;
    it.failures++;
    it.failed_user = user_id;
}

static void on_success(void *context, uint8_t user_id)
{
    (void)context;
    it.successes += user_id == USER_ID_FIRST;
}

static bool is_locked_out(void *context, uint8_t user_id)
{
    (void)context;
    return it.is_locked_out && user_id == USER_ID_FIRST;
}

static void on_ended(void *context, uint32_t session)
{
    (void)context;
    (void)session;
    it.ended++;
}

static const struct rmcp_session_events events = {.ended = on_ended};

static void use_password(const char *password)
{
    memset(it.key, 0, sizeof it.key);
    memcpy(it.key, password, strlen(password));
}

static int setup(void **state)
{
    (void)state;
    memset(&it, 0, sizeof it);
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&it.fake, HOST_POWER_RUNNING);
    struct bmc *bmc = &it.fake.bmc;
    bmc->channel.authentication_types = CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD;
    users_add(&bmc->users, "admin", "vbmc-test-pass", PRIVILEGE_ADMINISTRATOR);
    users_add(&bmc->users, "op", "1234567890123456", PRIVILEGE_OPERATOR);
    users_add(&bmc->users, "long", "12345678901234567", PRIVILEGE_ADMINISTRATOR);
    it.from.remote.in.sin_family = AF_INET;
    it.from.remote.in.sin_port = htons(40000);
    it.config = (struct rmcp_config){
        .bmc_number = FAKE_BMC_NUMBER,
        .bmc = bmc,
        .users = &bmc->users,
        .channel = &bmc->channel,
        .sink = &it.fake.sink,
        .send = receive,
        .random = fixed_random,
        .events = &events,
        .login_failed = on_failure,
        .logged_in = on_success,
        .is_locked_out = is_locked_out,
        .active_max = 5,
    };
    it.server = rmcp_server_new(&it.config);
    it.type = LAN15_MD5;
    use_password("vbmc-test-pass");
    return it.server ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rmcp_server_free(it.server);
    fake_bmc_clear(&it.fake);
    return 0;
}

static uint64_t dropped(enum rmcp_drop reason)
{
    return rmcp_server_counters(it.server)->dropped[reason];
}

static size_t send_bytes(const uint8_t *bytes, size_t length)
{
    it.sent = 0;
    rmcp_server_receive(it.server, &it.from, bytes, length, it.fake.now_ms);
    return it.sent;
}

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

    assert_int_equal(send_bytes(bytes, length), 1);
    assert_int_equal(it.length, bytes_of(answer, expected));
    assert_memory_equal(it.last, expected, it.length);
}

static size_t make_message(uint8_t command, const uint8_t *data, size_t length, uint8_t *message)
{
    struct wire_out out = wire_out_init(message, UINT8_MAX);

    wire_put_u8(&out, IPMI_BMC_ADDRESS);
    wire_put_u8(&out, NETFN_APP << 2);
    wire_put_u8(&out, ipmi_msg_checksum(message, 2));
    wire_put_u8(&out, 0x81);
    wire_put_u8(&out, (uint8_t)(it.rq_seq << 2));
    wire_put_u8(&out, command);
    wire_put_bytes(&out, data, length);
    wire_put_u8(&out, ipmi_msg_checksum(message + 3, out.pos - 3));
    return out.pos;
}

/* Sends a message; the completion code of its answer, whose code must be right, or NO_ANSWER. */
static int send_message(const struct lan15_header *header, const uint8_t *message, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = lan15_build(header, message, length, bytes, sizeof bytes);

    assert_true(size > 0);
    if (send_bytes(bytes, (size_t)size) != 1)
        return NO_ANSWER;
    assert_int_equal(
        lan15_parse(wire_in_init(it.last + RMCP_HEADER_SIZE, it.length - RMCP_HEADER_SIZE),
                    &it.answer),
        0);
    if (it.answer.type != LAN15_NONE)
        assert_true(lan15_verify(&it.answer, header->type, header->key));
    assert_int_equal(it.answer.session, header->session);
    assert_true(it.answer.message_length >= 8);
    assert_int_equal(it.answer.message[4] >> 2, message[4] >> 2);
    assert_int_equal(it.answer.message[5], message[5]);
    return it.answer.message[6];
}

static int send_as(const struct lan15_header *header, uint8_t command, const uint8_t *data,
                   size_t length)
{
    uint8_t message[UINT8_MAX];

    it.rq_seq = (it.rq_seq + 1) & 0x3f;
    return send_message(header, message, make_message(command, data, length, message));
}

static int challenge_for(uint8_t type, const char *name)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    uint8_t data[17] = {type};

    memcpy(data + 1, name, strlen(name));
    int code = send_as(&header, 0x39, data, sizeof data);
    if (code != CC_SUCCESS)
        return code;
    struct wire_in in = wire_in_init(it.answer.message + 7, it.answer.message_length - 8);
    it.id = wire_u32(&in);
    wire_copy(&in, it.challenge, sizeof it.challenge);
    assert_false(in.failed);
    return code;
}

/* Activate Session with the bytes that the console would send. */
static void activation(uint8_t data[22], uint8_t level, uint32_t outbound)
{
    struct wire_out out = wire_out_init(data, 22);

    wire_put_u8(&out, it.type);
    wire_put_u8(&out, level);
    wire_put_bytes(&out, it.challenge, sizeof it.challenge);
    wire_put_u32(&out, outbound);
}

static struct lan15_header header_of(uint32_t sequence)
{
    return (struct lan15_header){it.type, sequence, it.id, it.key};
}

static int activate_with(const uint8_t data[22])
{
    const struct lan15_header header = header_of(0);
    int code = send_as(&header, 0x3a, data, 22);

    if (code != CC_SUCCESS)
        return code;
    struct wire_in in = wire_in_init(it.answer.message + 7, it.answer.message_length - 8);
    wire_skip(&in, 1);
    assert_int_equal(wire_u32(&in), it.id);
    it.sequence = wire_u32(&in);
    return code;
}

static int activate(uint8_t level)
{
    uint8_t data[22];

    activation(data, level, OUTBOUND);
    return activate_with(data);
}

static int login(const char *name, uint8_t level)
{
    int code = challenge_for(it.type, name);

    return code == CC_SUCCESS ? activate(level) : code;
}

/* A command of the session under its next number. */
static int ask(uint8_t command, const uint8_t *data, size_t length)
{
    const struct lan15_header header = header_of(it.sequence++);

    return send_as(&header, command, data, length);
}

static int get_device_id(void)
{
    return ask(0x01, NULL, 0);
}

/* True if a packet with that number is answered. */
static bool takes(uint32_t sequence)
{
    it.sequence = sequence;
    return get_device_id() == CC_SUCCESS;
}

static struct session *the_session(void)
{
    return session_table_find_active(it.server->sessions, it.id);
}

static void test_known_answers(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_exchange(challenge_request, challenge_answer);
    assert_exchange(md5_activation, md5_answer);
    assert_exchange(privilege_request, privilege_answer);
    assert_int_equal(send_bytes(bytes, bytes_of(privilege_request, bytes)), 0); /* replayed */
}

static void test_known_straight_password(void **state)
{
    (void)state;
    assert_int_equal(challenge_for(LAN15_PASSWORD, "admin"), CC_SUCCESS);
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
            if (send_bytes(bytes, length) != 0)
                fail_msg("byte %zu, bit %u", at, bit);
            bytes[at] ^= (uint8_t)(1U << bit);
        }
    }
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(send_bytes(bytes, cut), 0);
    assert_exchange(privilege_request, privilege_answer);
}

static void test_off(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};

    (void)state;
    it.fake.bmc.channel.authentication_types = 0;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_INVALID_DATA_FIELD);
    assert_int_equal(challenge_for(LAN15_PASSWORD, "admin"), CC_INVALID_DATA_FIELD);
    it.id = TEMPORARY;
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), NO_ANSWER);
    assert_int_equal(dropped(RMCP_DROP_LAN15_SESSION), 1);
    assert_int_equal(openings_count(it.server->openings), 0);
    assert_int_equal(send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_memory_equal(it.answer.message + 7, "\x01\x80\x04\x02", 4);
}

static void test_types(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};

    (void)state;
    assert_int_equal(send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_memory_equal(it.answer.message + 7, "\x01\x94\x04\x03", 4);
    it.fake.bmc.channel.authentication_types = CHANNEL_AUTH_MD5;
    for (unsigned type = 0; type < 256; type++) /* MD2 and none never */
        assert_int_equal(challenge_for((uint8_t)type, "admin"),
                         type == LAN15_MD5 ? CC_SUCCESS : CC_INVALID_DATA_FIELD);
    it.fake.bmc.channel.authentication_types |= CHANNEL_AUTH_PASSWORD;
    it.type = LAN15_PASSWORD;
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(it.answer.type, LAN15_PASSWORD);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    /* In a session only its own type will do. */
    it.type = LAN15_MD5;
    assert_int_equal(get_device_id(), NO_ANSWER);
    it.type = LAN15_NONE;
    assert_int_equal(get_device_id(), NO_ANSWER);
    assert_int_equal(dropped(RMCP_DROP_AUTHENTICATION), 2);
    it.type = LAN15_PASSWORD;
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

/* An activation by another type than the challenge was asked for is dropped, and one whose packet
 * and data differ is refused. */
static void test_type_of_activation(void **state)
{
    uint8_t data[22];

    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    it.type = LAN15_PASSWORD;
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), NO_ANSWER);
    activation(data, PRIVILEGE_ADMINISTRATOR, OUTBOUND);
    it.type = LAN15_MD5;
    assert_int_equal(activate_with(data), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(it.failures, 0);
}

static void test_refusals(void **state)
{
    uint8_t data[22];

    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, ""), 0x82);
    assert_int_equal(challenge_for(LAN15_MD5, "op"), CC_SUCCESS);
    use_password("1234567890123456");
    activation(data, PRIVILEGE_OPERATOR, 0);
    assert_int_equal(activate_with(data), 0x84);
    activation(data, PRIVILEGE_OPERATOR, OUTBOUND);
    data[17] ^= 1; /* of the challenge */
    assert_int_equal(activate_with(data), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(0), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(6), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), 0x86);
    it.fake.bmc.channel.limit = PRIVILEGE_USER;
    assert_int_equal(activate(PRIVILEGE_OPERATOR), 0x86);
    it.fake.bmc.channel.limit = PRIVILEGE_ADMINISTRATOR;
    const struct lan15_header header = header_of(0);
    assert_int_equal(send_as(&header, 0x3a, data, 21), CC_REQUEST_LENGTH_INVALID);
    assert_int_equal(send_as(&header, 0x01, NULL, 0), NO_ANSWER); /* nothing else there */
    assert_int_equal(rmcp_server_count_sessions(it.server), 0);
    assert_int_equal(activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    assert_int_equal(it.failures, 0);
    assert_int_equal(it.answer.message[16], PRIVILEGE_OPERATOR);
    assert_int_equal(openings_count(it.server->openings), 0);
}

/* Without a temporary id; from RMCP+; from inside of a session. */
static void test_activation_elsewhere(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    uint8_t data[22] = {LAN15_MD5, PRIVILEGE_USER}, message[UINT8_MAX], bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_int_equal(send_as(&header, 0x3a, data, sizeof data), 0x85);
    size_t length = make_message(0x39,
                                 (const uint8_t *)"\x02"
                                                  "admin\0\0\0\0\0\0\0\0\0\0",
                                 17, message);
    int size = rmcpplus_build(PAYLOAD_IPMI, message, length, bytes, sizeof bytes);
    assert_int_equal(send_bytes(bytes, (size_t)size), 1);
    assert_int_equal(it.last[16 + 6], CC_NOT_IN_PRESENT_STATE);
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(ask(0x3a, data, sizeof data), CC_NOT_IN_PRESENT_STATE);
}

static void assert_refused(const char *name, const char *password, uint8_t user)
{
    unsigned failures = it.failures;
    uint64_t drops = dropped(RMCP_DROP_AUTHENTICATION);
    uint64_t unknown = dropped(RMCP_DROP_UNKNOWN_SESSION);

    use_password(password);
    assert_int_equal(challenge_for(it.type, name), CC_SUCCESS);
    assert_int_equal(activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(it.failures, failures + 1);
    assert_int_equal(it.failed_user, user);
    assert_int_equal(dropped(RMCP_DROP_AUTHENTICATION), drops + 1);
    /* That try was the only one of its challenge. */
    use_password("vbmc-test-pass");
    assert_int_equal(activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(dropped(RMCP_DROP_UNKNOWN_SESSION), unknown + 1);
    assert_int_equal(it.failures, failures + 1);
}

static void test_wrong_passwords(void **state)
{
    (void)state;
    assert_refused("admin", "vbmc-test-pasS", 2);
    assert_refused("admin", "", 2);
    assert_refused("nobody", "vbmc-test-pass", 0);
    assert_refused("adminadminadmina", "vbmc-test-pass", 0);
    assert_refused("long", "1234567890123456", 0); /* too long to be used here */
    it.fake.bmc.users.by_id[2].enabled = false;
    assert_refused("admin", "vbmc-test-pass", 0);
    assert_int_equal(rmcp_server_counters(it.server)->login_failures, 6);
    assert_int_equal(rmcp_server_count_sessions(it.server), 0);
}

/* A user who is locked out gets what a wrong password gets. */
static void test_lock_out(void **state)
{
    (void)state;
    it.is_locked_out = true;
    assert_refused("admin", "vbmc-test-pass", 2);
    assert_int_equal(it.successes, 0);
    it.is_locked_out = false;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(it.successes, 1);
    it.is_locked_out = true; /* who is in stays */
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

/* What channel access and LAN parameter 2 say of log-ins. */
static void test_channel(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    struct channel *channel = &it.fake.bmc.channel;

    (void)state;
    channel->authentication_off[PRIVILEGE_ADMINISTRATOR - 1] = CHANNEL_AUTH_MD5;
    assert_int_equal(send_as(&header, 0x38, (const uint8_t *)"\x8e\x04", 2), CC_SUCCESS);
    assert_int_equal(it.answer.message[8], 0x80 | CHANNEL_AUTH_PASSWORD);
    assert_int_equal(send_as(&header, 0x38, (const uint8_t *)"\x8e\x03", 2), CC_SUCCESS);
    assert_int_equal(it.answer.message[8], 0x80 | CHANNEL_AUTH_PASSWORD | CHANNEL_AUTH_MD5);
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    channel->authentication_off[PRIVILEGE_ADMINISTRATOR - 1] = 0;
    channel->is_closed = true;
    assert_int_equal(login("admin", PRIVILEGE_USER), 0x86);
    channel->is_closed = false;
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(it.failures, 0);
}

/* The account is another between challenge and activation. */
static void test_account_goes(void **state)
{
    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    users_clear(&it.fake.bmc.users);
    assert_int_equal(activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(it.failures, 1);
}

static void test_window(void **state)
{
    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = it.sequence;
    assert_int_equal(first, INBOUND);
    assert_false(takes(0));
    assert_false(takes(first - 1));
    assert_false(takes(first + WINDOW_LAN15));
    assert_true(takes(first));
    assert_false(takes(first));
    assert_true(takes(first + WINDOW_LAN15));
    for (uint32_t i = 1; i < WINDOW_LAN15; i++) {
        assert_true(takes(first + i));
        assert_false(takes(first + i));
    }
    assert_false(takes(first));
    assert_true(takes(first + 2 * WINDOW_LAN15));
    assert_false(takes(first + WINDOW_LAN15));
    assert_true(takes(first + WINDOW_LAN15 + 1));
    assert_false(takes(first + 3 * WINDOW_LAN15 + 1));
    the_session()->inbound = window_lan15(UINT32_MAX);
    assert_true(takes(UINT32_MAX));
    assert_false(takes(0));
    assert_true(takes(1));
    assert_true(dropped(RMCP_DROP_SEQUENCE) > 12);
    the_session()->inbound = window_lan15(1);
    assert_false(takes(0));
    assert_false(takes(UINT32_MAX));
    assert_true(takes(1));
}

static void test_outbound(void **state)
{
    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(it.answer.sequence, OUTBOUND);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(get_device_id(), CC_SUCCESS);
        assert_int_equal(it.answer.sequence, OUTBOUND + i);
    }
    the_session()->next_outbound = UINT32_MAX;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(it.answer.sequence, UINT32_MAX);
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(it.answer.sequence, 1);
}

/* The answer to Activate Session was lost: it comes again, until the session is used. */
static void test_repeated_activation(void **state)
{
    uint8_t activation_bytes[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX];
    size_t length = bytes_of(md5_activation, activation_bytes);

    (void)state;
    assert_exchange(challenge_request, challenge_answer);
    assert_exchange(md5_activation, md5_answer);
    it.from.remote.in.sin_port = htons(40001);
    assert_int_equal(send_bytes(activation_bytes, length), 1);
    assert_int_equal(it.last[5], (OUTBOUND + 1) & 0xff);
    assert_int_equal(rmcp_server_count_sessions(it.server), 1);
    assert_int_equal(rmcp_server_counters(it.server)->sessions, 1);
    memcpy(bytes, activation_bytes, length);
    bytes[length - 1] ^= 1;
    assert_int_equal(send_bytes(bytes, length), 0);
    it.id = TEMPORARY;
    for (unsigned i = 0; i < sizeof it.challenge; i++)
        it.challenge[i] = (uint8_t)(0x10 + i);
    it.rq_seq = 40; /* FreeIPMI uses a new one */
    assert_int_equal(activate(PRIVILEGE_USER), CC_INVALID_DATA_FIELD);
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(it.sequence, INBOUND);
    assert_int_equal(rmcp_server_count_sessions(it.server), 1);
    assert_true(takes(INBOUND));
    assert_int_equal(send_bytes(activation_bytes, length), 0);
    assert_int_equal(it.failures, 0);
}

/* A request that comes again, under a new session number, is not run twice. */
static void test_repeated_request(void **state)
{
    uint8_t message[UINT8_MAX];

    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    size_t length = make_message(0x3b, (const uint8_t *)"\x02", 1, message);
    uint64_t requests = rmcp_server_counters(it.server)->requests;
    for (int i = 0; i < 3; i++) {
        const struct lan15_header header = header_of(it.sequence++);
        assert_int_equal(send_message(&header, message, length), CC_SUCCESS);
    }
    assert_int_equal(rmcp_server_counters(it.server)->requests, requests + 1);
    assert_int_equal(rmcp_server_counters(it.server)->repeats, 2);
}

static void test_privilege(void **state)
{
    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_OPERATOR), CC_SUCCESS);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\0", 1), CC_SUCCESS);
    assert_int_equal(it.answer.message[7], PRIVILEGE_USER);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x03", 1), CC_SUCCESS);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x04", 1), 0x81);
    assert_int_equal(login("admin", PRIVILEGE_CALLBACK), CC_SUCCESS);
    assert_int_equal(get_device_id(), CC_INSUFFICIENT_PRIVILEGE);
}

/* Get Session Info and Close Session, by handle and id, of both versions' table. */
static void test_info_and_close(void **state)
{
    uint8_t request[5] = {0xff};

    (void)state;
    endpoint_address_parse("192.0.2.7", 40000, &it.from.remote);
    assert_int_equal(login("op", PRIVILEGE_USER), NO_ANSWER);
    use_password("1234567890123456");
    assert_int_equal(login("op", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = it.id;
    use_password("vbmc-test-pass");
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x04", 1), CC_SUCCESS);
    for (unsigned i = 0; i < 4; i++)
        request[1 + i] = (uint8_t)(first >> 8 * i);
    assert_int_equal(ask(0x3d, request, sizeof request), CC_SUCCESS);
    /* Handle, slots, active, user, level, version 1.5 and channel, address, MAC, port. */
    assert_memory_equal(it.answer.message + 7,
                        "\x01\x05\x02\x03\x02\x01\xc0\x00\x02\x07\0\0\0\0\0\0\x40\x9c", 18);
    assert_int_equal(ask(0x3d, (const uint8_t *)"\x02", 1), CC_SUCCESS);
    assert_memory_equal(it.answer.message + 7, "\x02\x05\x02\x02\x04\x01", 6);
    assert_int_equal(ask(0x3c, (const uint8_t *)"\0\0\0\0\x01", 5), CC_SUCCESS);
    assert_int_equal(it.ended, 1);
    assert_int_equal(ask(0x3c, request + 1, 4), 0x87);
    for (unsigned i = 0; i < 4; i++)
        request[1 + i] = (uint8_t)(it.id >> 8 * i);
    assert_int_equal(ask(0x3c, request + 1, 4), CC_SUCCESS);
    assert_int_equal(it.ended, 2);
    assert_int_equal(get_device_id(), NO_ANSWER);
}

static void test_no_room(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) /* four fifths of five are one source's */
        assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(login("admin", PRIVILEGE_USER), 0x81);
    assert_int_equal(it.failures, 0);
    assert_int_equal(rmcp_server_count_sessions(it.server), 4);
    it.fake.now_ms += 6000; /* one of them has been idle long enough */
    assert_int_equal(activate(PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(rmcp_server_count_sessions(it.server), 4);
    assert_int_equal(it.ended, 1);
}

/* What a user may do, and how often at a time. */
static void test_user(void **state)
{
    struct user *user = &it.fake.bmc.users.by_id[USER_ID_FIRST];

    (void)state;
    user->sessions = 1;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = it.id;
    uint32_t sequence = it.sequence;
    assert_int_equal(login("admin", PRIVILEGE_USER), 0x82);
    assert_int_equal(it.failures, 0);
    assert_int_equal(rmcp_server_close_session(it.server, first), 0);
    assert_int_equal(activate(PRIVILEGE_USER), CC_SUCCESS);
    it.id = first;
    it.sequence = sequence;
    assert_int_equal(get_device_id(), NO_ANSWER);
    user->sessions = 0;
    user->limit = PRIVILEGE_OPERATOR;
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), 0x86);
    assert_int_equal(activate(PRIVILEGE_OPERATOR), CC_SUCCESS);
    user->limit = PRIVILEGE_NO_ACCESS;
    assert_refused("admin", "vbmc-test-pass", 0);
}

/* The session in which a user was changed goes on with what is left to him. */
static void test_user_changes(void **state)
{
    struct user *user = &it.fake.bmc.users.by_id[USER_ID_FIRST];

    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    user_set_password(user, (const uint8_t *)"another", 7, 16);
    rmcp_server_user_changed(it.server, USER_ID_FIRST, it.id);
    assert_int_equal(get_device_id(), CC_SUCCESS); /* under the old password */
    user->limit = PRIVILEGE_OPERATOR;
    rmcp_server_user_changed(it.server, USER_ID_FIRST, it.id);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x04", 1), 0x81);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x03", 1), CC_SUCCESS);
    rmcp_server_user_changed(it.server, USER_ID_FIRST, 0); /* by somebody else */
    assert_int_equal(get_device_id(), NO_ANSWER);
    use_password("another");
    assert_int_equal(login("admin", PRIVILEGE_OPERATOR), CC_SUCCESS);
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    it.fake.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    assert_int_equal(activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(it.failures, 0);
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    it.fake.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    it.fake.now_ms += RMCP_IDLE_MS_DEFAULT;
    assert_int_equal(get_device_id(), NO_ANSWER);
    assert_int_equal(it.ended, 1);
    rmcp_server_user_changed(it.server, 2, 0);
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    rmcp_server_user_changed(it.server, 2, 0);
    assert_int_equal(get_device_id(), NO_ANSWER);
}

static void test_random_fails(void **state)
{
    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    it.random_fails = true;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_NODE_BUSY);
    assert_int_equal(activate(PRIVILEGE_USER), CC_NODE_BUSY);
    it.random_fails = false;
    assert_int_equal(activate(PRIVILEGE_USER), CC_SUCCESS);
}

static void test_without_per_message_authentication(void **state)
{
    (void)state;
    it.fake.bmc.channel.per_message_off = true;
    assert_int_equal(login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(it.answer.type, LAN15_MD5);
    assert_int_equal(it.answer.message[7], LAN15_NONE); /* for the rest */
    it.type = LAN15_NONE;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    assert_int_equal(it.answer.type, LAN15_NONE);
    it.sequence--;
    assert_int_equal(get_device_id(), NO_ANSWER); /* numbers count all the same */
    it.type = LAN15_MD5;
    assert_int_equal(get_device_id(), CC_SUCCESS);
    it.key[0] ^= 1;
    assert_int_equal(get_device_id(), NO_ANSWER);
}

static void test_without_user_level_authentication(void **state)
{
    (void)state;
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x04", 1), CC_SUCCESS);
    it.type = LAN15_NONE;
    assert_int_equal(get_device_id(), NO_ANSWER);
    it.fake.bmc.channel.user_level_off = true;
    struct lan15_header header = header_of(it.sequence++);
    header.type = LAN15_NONE;
    uint8_t message[UINT8_MAX], bytes[RMCP_DATAGRAM_MAX];
    size_t length = make_message(0x01, NULL, 0, message);
    int size = lan15_build(&header, message, length, bytes, sizeof bytes);
    assert_int_equal(send_bytes(bytes, (size_t)size), 1);
    assert_int_equal(it.last[RMCP_HEADER_SIZE], LAN15_MD5); /* what the BMC says is proved */
    assert_int_equal(ask(0x3b, (const uint8_t *)"\x02", 1), NO_ANSWER); /* the session's own */
    assert_int_equal(ask(0x06, (const uint8_t *)"\0\0", 2), NO_ANSWER); /* an administrator's */
    assert_int_equal(ask(0x34, message, length), NO_ANSWER);            /* Send Message: any */
    it.type = LAN15_MD5;
    assert_int_equal(ask(0x06, (const uint8_t *)"\0\0", 2), CC_SUCCESS);
}

/* Whose packets need no limit for strangers: those of sessions, and of the challenged. */
static bool is_expected(uint32_t id)
{
    const struct lan15_header header = {it.type, 0, id, it.key};
    uint8_t bytes[RMCP_DATAGRAM_MAX], message[UINT8_MAX];
    int size =
        lan15_build(&header, message, make_message(0x01, NULL, 0, message), bytes, sizeof bytes);

    return rmcp_server_expects(it.server, &it.from, bytes, (size_t)size);
}

static void test_expected(void **state)
{
    (void)state;
    assert_false(is_expected(0));
    assert_false(is_expected(TEMPORARY));
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    assert_true(is_expected(it.id));
    endpoint_address_parse("192.0.2.8", 40000, &it.from.remote);
    assert_false(is_expected(it.id)); /* somebody else's */
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    for (int i = 0; i < OPENING_MESSAGES_MAX; i++) {
        assert_true(is_expected(it.id));
        assert_int_equal(activate(0), CC_INVALID_DATA_FIELD);
    }
    assert_false(is_expected(it.id));
    assert_int_equal(activate(PRIVILEGE_USER), CC_SUCCESS);
    assert_true(is_expected(it.id));
}

/* Whoever fills the table of challenges takes the place from himself, whichever way he asks. */
static void test_flood(void **state)
{
    uint8_t payload[32] = {0}, bytes[RMCP_DATAGRAM_MAX];
    struct endpoint flooder;
    int size;

    (void)state;
    endpoint_address_parse("192.0.2.66", 1024, &flooder.remote);
    flooder.local = it.from.local;
    for (int i = 0; i < 3; i++) {
        payload[8 * (i + 1)] = (uint8_t)i;
        payload[8 * (i + 1) + 3] = 8;
    }
    payload[4] = payload[12] = payload[28] = 1;
    payload[20] = 1;
    size =
        rmcpplus_build(PAYLOAD_OPEN_SESSION_REQUEST, payload, sizeof payload, bytes, sizeof bytes);
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    struct endpoint honest = it.from;
    uint32_t id = it.id;
    it.from = flooder;
    for (int i = 0; i < 2000; i++) {
        it.from.remote.in.sin_port = htons((uint16_t)(1024 + i));
        assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
        assert_int_equal(send_bytes(bytes, (size_t)size), 1);
    }
    assert_int_equal(openings_count(it.server->openings), CROWD_MAX);
    it.from = honest;
    it.id = id;
    assert_int_equal(activate(PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
}

/* The ids of one version are none of the other. */
static void test_other_version(void **state)
{
    uint8_t payload[60] = {0}, bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    assert_int_equal(challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    for (int logged_in = 0; logged_in < 2; logged_in++) {
        struct wire_out out = wire_out_init(payload + 4, 4);
        wire_put_u32(&out, it.id);
        int size = rmcpplus_build(PAYLOAD_RAKP1, payload, 28, bytes, sizeof bytes);
        assert_int_equal(send_bytes(bytes, (size_t)size), 1);
        assert_int_equal(it.last[17], 0x02); /* invalid session id */
        size = rmcpplus_build(PAYLOAD_RAKP3, payload, 28, bytes, sizeof bytes);
        assert_int_equal(send_bytes(bytes, (size_t)size), 1);
        assert_int_equal(it.last[17], 0x02);
        memcpy(bytes + 6, payload + 4, 4);
        assert_int_equal(send_bytes(bytes, (size_t)size), 0);
        if (!logged_in)
            assert_int_equal(activate(PRIVILEGE_USER), CC_SUCCESS);
    }
    assert_int_equal(rmcp_server_send_payload(it.server, it.id, PAYLOAD_SOL, payload, 4), 0);
    assert_int_equal(dropped(RMCP_DROP_UNANSWERABLE), 1);
    assert_int_equal(get_device_id(), CC_SUCCESS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

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
        TEST(test_window),
        TEST(test_outbound),
        TEST(test_repeated_activation),
        TEST(test_repeated_request),
        TEST(test_privilege),
        TEST(test_info_and_close),
        TEST(test_no_room),
        TEST(test_user),
        TEST(test_user_changes),
        TEST(test_time),
        TEST(test_random_fails),
        TEST(test_without_per_message_authentication),
        TEST(test_without_user_level_authentication),
        TEST(test_expected),
        TEST(test_flood),
        TEST(test_other_version),
    };

    return cmocka_run_group_tests_name("IPMI 1.5", tests, NULL, NULL);
}
