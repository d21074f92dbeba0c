#include "tests/unit/lan15_console.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/log.h"
#include "vbmc/base/wire.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"

struct console15 console15;

static void receive(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length)
{
    (void)context;
    console15.sent++;
    console15.to = *to;
    memcpy(console15.last, bytes, length);
    console15.length = length;
}

static int fixed_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    if (console15.random_fails)
        return -EIO;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(0x10 + i);
    if (length == 4) {
        struct wire_out out = wire_out_init(bytes, length);
        wire_put_u32(&out, TEMPORARY + console15.numbers++);
    }
    return 0;
}

static void on_failure(void *context, uint8_t user_id)
{
    (void)context;
    console15.failures++;
    console15.failed_user = user_id;
}

static void on_success(void *context, uint8_t user_id, const union endpoint_address *remote)
{
    (void)context;
    (void)remote;
    console15.successes += user_id == USER_ID_FIRST;
}

static bool is_locked_out(void *context, uint8_t user_id)
{
    (void)context;
    return console15.is_locked_out && user_id == USER_ID_FIRST;
}

static void on_ended(void *context, uint32_t session)
{
    (void)context;
    (void)session;
    console15.ended++;
}

static const struct rmcp_session_events events = {.ended = on_ended};

void console15_use_password(const char *password)
{
    memset(console15.key, 0, sizeof console15.key);
    memcpy(console15.key, password, strlen(password));
}

int console15_setup(void **state)
{
    (void)state;
    memset(&console15, 0, sizeof console15);
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&console15.fake, HOST_POWER_RUNNING);
    struct bmc *bmc = &console15.fake.bmc;
    bmc->channel.authentication_types = CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD;
    users_add(&bmc->users, "admin", "vbmc-test-pass", PRIVILEGE_ADMINISTRATOR);
    users_add(&bmc->users, "op", "1234567890123456", PRIVILEGE_OPERATOR);
    users_add(&bmc->users, "long", "12345678901234567", PRIVILEGE_ADMINISTRATOR);
    console15.from.remote.in.sin_family = AF_INET;
    console15.from.remote.in.sin_port = htons(40000);
    console15.config = (struct rmcp_config){
        .bmc_number = FAKE_BMC_NUMBER,
        .bmc = bmc,
        .users = &bmc->users,
        .channel = &bmc->channel,
        .sink = &console15.fake.sink,
        .send = receive,
        .random = fixed_random,
        .events = &events,
        .login_failed = on_failure,
        .logged_in = on_success,
        .is_locked_out = is_locked_out,
        .active_max = 5,
    };
    console15.server = rmcp_server_new(&console15.config);
    console15.type = LAN15_MD5;
    console15_use_password("vbmc-test-pass");
    return console15.server ? 0 : -1;
}

int console15_teardown(void **state)
{
    (void)state;
    rmcp_server_free(console15.server);
    fake_bmc_clear(&console15.fake);
    return 0;
}

uint64_t console15_dropped(enum rmcp_drop reason)
{
    return rmcp_server_counters(console15.server)->dropped[reason];
}

size_t console15_send_bytes(const uint8_t *bytes, size_t length)
{
    console15.sent = 0;
    rmcp_server_receive(console15.server, &console15.from, bytes, length, console15.fake.now_ms);
    return console15.sent;
}

size_t console15_make_message(uint8_t command, const uint8_t *data, size_t length, uint8_t *message)
{
    struct wire_out out = wire_out_init(message, UINT8_MAX);

    wire_put_u8(&out, IPMI_BMC_ADDRESS);
    wire_put_u8(&out, NETFN_APP << 2);
    wire_put_u8(&out, ipmi_msg_checksum(message, 2));
    wire_put_u8(&out, 0x81);
    wire_put_u8(&out, (uint8_t)(console15.rq_seq << 2));
    wire_put_u8(&out, command);
    wire_put_bytes(&out, data, length);
    wire_put_u8(&out, ipmi_msg_checksum(message + 3, out.pos - 3));
    return out.pos;
}

int console15_send_message(const struct lan15_header *header, const uint8_t *message, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = lan15_build(header, message, length, bytes, sizeof bytes);

    assert_true(size > 0);
    if (console15_send_bytes(bytes, (size_t)size) != 1)
        return NO_ANSWER;
    assert_int_equal(lan15_parse(wire_in_init(console15.last + RMCP_HEADER_SIZE,
                                              console15.length - RMCP_HEADER_SIZE),
                                 &console15.answer),
                     0);
    if (console15.answer.type != LAN15_NONE)
        assert_true(lan15_verify(&console15.answer, header->type, header->key));
    assert_int_equal(console15.answer.session, header->session);
    assert_true(console15.answer.message_length >= 8);
    assert_int_equal(console15.answer.message[4] >> 2, message[4] >> 2);
    assert_int_equal(console15.answer.message[5], message[5]);
    return console15.answer.message[6];
}

int console15_send_as(const struct lan15_header *header, uint8_t command, const uint8_t *data,
                      size_t length)
{
    uint8_t message[UINT8_MAX];

    console15.rq_seq = (console15.rq_seq + 1) & 0x3f;
    return console15_send_message(header, message,
                                  console15_make_message(command, data, length, message));
}

int console15_challenge_for(uint8_t type, const char *name)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    uint8_t data[17] = {type};

    memcpy(data + 1, name, strlen(name));
    int code = console15_send_as(&header, 0x39, data, sizeof data);
    if (code != CC_SUCCESS)
        return code;
    struct wire_in in =
        wire_in_init(console15.answer.message + 7, console15.answer.message_length - 8);
    console15.id = wire_u32(&in);
    wire_copy(&in, console15.challenge, sizeof console15.challenge);
    assert_false(in.failed);
    return code;
}

void console15_activation(uint8_t data[22], uint8_t level, uint32_t outbound)
{
    struct wire_out out = wire_out_init(data, 22);

    wire_put_u8(&out, console15.type);
    wire_put_u8(&out, level);
    wire_put_bytes(&out, console15.challenge, sizeof console15.challenge);
    wire_put_u32(&out, outbound);
}

struct lan15_header console15_header_of(uint32_t sequence)
{
    return (struct lan15_header){console15.type, sequence, console15.id, console15.key};
}

int console15_activate_with(const uint8_t data[22])
{
    const struct lan15_header header = console15_header_of(0);
    int code = console15_send_as(&header, 0x3a, data, 22);

    if (code != CC_SUCCESS)
        return code;
    struct wire_in in =
        wire_in_init(console15.answer.message + 7, console15.answer.message_length - 8);
    wire_skip(&in, 1);
    assert_int_equal(wire_u32(&in), console15.id);
    console15.sequence = wire_u32(&in);
    return code;
}

int console15_activate(uint8_t level)
{
    uint8_t data[22];

    console15_activation(data, level, OUTBOUND);
    return console15_activate_with(data);
}

int console15_login(const char *name, uint8_t level)
{
    int code = console15_challenge_for(console15.type, name);

    return code == CC_SUCCESS ? console15_activate(level) : code;
}

int console15_ask(uint8_t command, const uint8_t *data, size_t length)
{
    const struct lan15_header header = console15_header_of(console15.sequence++);

    return console15_send_as(&header, command, data, length);
}

int console15_get_device_id(void)
{
    return console15_ask(0x01, NULL, 0);
}

bool console15_takes(uint32_t sequence)
{
    console15.sequence = sequence;
    return console15_get_device_id() == CC_SUCCESS;
}
