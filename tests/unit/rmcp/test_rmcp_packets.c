/* Damaged and strange packets: every header field at its bounds, every bit flipped, bytes too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/log.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/rmcp/lan15.h"

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

/* Every single bit of a sealed packet flipped: dropped, and the session is none the worse. */
static void assert_flips_dropped(uint8_t suite)
{
    uint8_t message[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX];

    console.channel.suites[0] = suite;
    assert_int_equal(remote_console_login(&console, suite, CONSOLE_ROLE), RAKP_OK);
    size_t length = remote_console_message(&console, NETFN_APP, 1, NULL, 0, message);
    length = remote_console_seal(&console, PAYLOAD_IPMI, message, length, bytes);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        if (bit / 8 == 1 || bit / 8 == 2 || (bit / 8 == 3 && bit % 8 >= 5 && bit % 8 != 7))
            continue; /* RMCP header: reserved, sequence, reserved bits of the class */
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(remote_console_send(&console, bytes, length), 0);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(remote_console_send(&console, bytes, length), 1);
    assert_int_equal(remote_console_send(&console, bytes, length), 0);
}

static void test_flips(void **state)
{
    (void)state;
    assert_flips_dropped(3);
    assert_flips_dropped(17);
    assert_flips_dropped(2);
}

static size_t build_clear15(const uint8_t *message, size_t length, uint8_t *bytes)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    int size = lan15_build(&header, message, length, bytes, RMCP_DATAGRAM_MAX);

    assert_true(size > 0);
    return (size_t)size;
}

/* One byte behind is the legacy pad, two are not. */
static void test_trailing_bytes(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX + 2] = {0};

    (void)state;
    size_t length = remote_console_message(&console, NETFN_APP, 1, NULL, 0, message);
    size_t size = remote_console_seal(&console, PAYLOAD_IPMI, message, length, bytes);
    assert_int_equal(remote_console_send(&console, bytes, size + 2), 0);
    assert_int_equal(remote_console_send(&console, bytes, size + 1), 1);
    int clear = rmcpplus_build(PAYLOAD_IPMI, message, length, bytes, sizeof bytes);
    assert_int_equal(remote_console_send(&console, bytes, (size_t)clear + 2), 0);
    assert_int_equal(remote_console_send(&console, bytes, (size_t)clear + 1), 1);
    size = build_clear15(message, length, bytes);
    assert_int_equal(remote_console_send(&console, bytes, size + 2), 0);
    assert_int_equal(remote_console_send(&console, bytes, size + 1), 1);
    assert_int_equal(remote_console_send(&console, bytes, RMCP_DATAGRAM_MAX + 1), 0);
}

/* A right code proves the sender, not that the rest makes sense. */
static void test_sealed_nonsense(void **state)
{
    uint8_t payload[RMCPPLUS_PAYLOAD_MAX];

    (void)state;
    for (size_t length = 0; length < 64; length++) {
        memset(payload, (int)length, sizeof payload);
        assert_int_equal(remote_console_send_sealed(&console, PAYLOAD_IPMI, payload, length), 0);
    }
    assert_int_equal(rmcp_stub.calls, 0);
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

static void test_lan15(void **state)
{
    const struct lan15_header header = {.type = LAN15_NONE};
    uint8_t message[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX];
    struct lan15_packet packet;

    (void)state;
    size_t length =
        remote_console_message(&console, NETFN_APP, 0x38, (const uint8_t *)"\x8e\x04", 2, message);
    size_t size = build_clear15(message, length, bytes);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(remote_console_send(&console, bytes, cut), 0);
    for (size_t at = 4; at < 14; at++) { /* type, (sequence), session id, length */
        bytes[at] ^= 0x04;
        assert_int_equal(remote_console_send(&console, bytes, size), at >= 5 && at <= 8 ? 1 : 0);
        bytes[at] ^= 0x04;
    }
    assert_int_equal(counters()->dropped[RMCP_DROP_LAN15_SESSION], 4);
    /* A length for which clients send a pad, and a message longer than the length byte can say. */
    assert_int_equal(build_clear15(message, 56 - 14, bytes), 56);
    assert_int_equal(build_clear15(message, 57 - 14, bytes), 57);
    assert_int_equal(lan15_parse(wire_in_init(bytes + 4, 53), &packet), 0);
    assert_int_equal(packet.message_length, 57 - 14);
    assert_true(lan15_build(&header, message, 256, bytes, sizeof bytes) < 0);
}

static void answer_at_once(const struct ipmi_request *request)
{
    static const struct ipmi_response refused = {.completion_code = CC_UNSPECIFIED};

    rmcp_server_complete(console.server, &request->token, &refused, console.now_ms);
}

/* Outside of a session a few may wait for a late answer, which comes once, in the wrapper of the
 * request. */
static void test_late_answers_outside(void **state)
{
    static const struct ipmi_response done = {.completion_code = CC_SUCCESS};
    uint8_t message[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX];
    struct ipmi_token tokens[9];

    (void)state;
    size_t length = remote_console_message(&console, NETFN_SENSOR_EVENT, 0x17, NULL, 0, message);
    for (unsigned wrapper = 0; wrapper < 2; wrapper++) {
        rmcp_stub.outcome = IPMI_PENDING;
        size_t size = wrapper == 0 ? build_clear15(message, length, bytes)
                                   : (size_t)rmcpplus_build(PAYLOAD_IPMI, message, length, bytes,
                                                            sizeof bytes);
        for (unsigned i = 0; i < 9; i++) {
            assert_int_equal(remote_console_send(&console, bytes, size), 0);
            tokens[i] = rmcp_stub.request.token;
            assert_int_equal(tokens[i].session, 0);
        }
        console.sent = 0;
        for (unsigned i = 9; i-- > 0;)
            rmcp_server_complete(console.server, &tokens[i], &done, console.now_ms);
        assert_int_equal(console.sent, 8);
        assert_int_equal(console.last.bytes[4], wrapper == 0 ? LAN15_NONE : RMCPPLUS_FORMAT);
        const uint8_t late[] = {0x17, CC_SUCCESS}; /* in front of the checksum */
        assert_memory_equal(console.last.bytes + console.last.length - 3, late, sizeof late);
        rmcp_server_complete(console.server, &tokens[0], &done, console.now_ms);
        assert_int_equal(console.sent, 8);
    }
    rmcp_stub.hook = answer_at_once; /* from within */
    assert_int_not_equal(remote_console_send_clear(&console, PAYLOAD_IPMI, message, length),
                         CONSOLE_NO_ANSWER);
    rmcp_stub.hook = NULL; /* and one is left when the BMC goes */
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_IPMI, message, length),
                     CONSOLE_NO_ANSWER);
}

/* Every value of every byte of the headers of a clear RMCP+ request: an answer only where the byte
 * means nothing, or makes it a RAKP 3 (whose session is unknown). */
static bool clear_byte_is_due(size_t at, uint8_t value, uint8_t good)
{
    switch (at) {
    case 1: /* reserved */
    case 2: /* RMCP sequence */
        return true;
    case 3: /* class, with two reserved bits */
        return (value & 0x9f) == RMCP_CLASS_IPMI;
    case 5:
        return value == good || value == PAYLOAD_RAKP3;
    default: /* 10 to 13: session sequence number */
        return value == good || (at >= 10 && at <= 13);
    }
}

static void test_clear_header(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX], bytes[RMCP_DATAGRAM_MAX];

    (void)state;
    size_t length = remote_console_message(&console, NETFN_APP, 0x54, (const uint8_t *)"\x0e\0\x80",
                                           3, message);
    size_t size = (size_t)rmcpplus_build(PAYLOAD_IPMI, message, length, bytes, sizeof bytes);
    for (size_t at = 0; at < 16; at++) {
        uint8_t good = bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (uint8_t)value;
            if (remote_console_send(&console, bytes, size) !=
                clear_byte_is_due(at, (uint8_t)value, good))
                fail_msg("byte %zu with value %02x", at, value);
        }
        bytes[at] = good;
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flips), TEST(test_trailing_bytes),       TEST(test_sealed_nonsense),
        TEST(test_lan15), TEST(test_late_answers_outside), TEST(test_clear_header),
    };

    return cmocka_run_group_tests_name("rmcp packets", tests, NULL, NULL);
}
