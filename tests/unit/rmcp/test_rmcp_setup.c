/* Session set-up, message by message: choice of algorithms, roles, Kg, lengths, repeats, expiry. */
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
#include "vbmc/rmcp/cipher.h"

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

static void test_algorithms(void **state)
{
    static const struct {
        uint8_t authentication, integrity, confidentiality;
        int status;
    } cases[] = {
        {1, 1, 1, RAKP_OK},
        {3, 4, 1, RAKP_OK},
        {0, 0, 0, RAKP_NO_CIPHER_SUITE},
        {1, 0, 0, RAKP_NO_CIPHER_SUITE},
        {1, 1, 0, RAKP_NO_CIPHER_SUITE},
        {1, 1, 2, RAKP_NO_CIPHER_SUITE},
        {1, 1, 3, RAKP_NO_CIPHER_SUITE},
        {2, 2, 1, RAKP_NO_CIPHER_SUITE},
        {2, 3, 1, RAKP_NO_CIPHER_SUITE},
        {1, 4, 1, RAKP_NO_CIPHER_SUITE},
        {3, 1, 1, RAKP_NO_CIPHER_SUITE},
        {4, 1, 1, RAKP_INVALID_AUTHENTICATION_ALGORITHM},
        {0x3f, 1, 1, RAKP_INVALID_AUTHENTICATION_ALGORITHM},
        {1, 5, 1, RAKP_INVALID_INTEGRITY_ALGORITHM},
        {1, 0x3f, 1, RAKP_INVALID_INTEGRITY_ALGORITHM},
        {1, 1, 4, RAKP_INVALID_CONFIDENTIALITY_ALGORITHM},
        {1, 1, 0x3f, RAKP_INVALID_CONFIDENTIALITY_ALGORITHM},
        {CIPHER_ANY, CIPHER_ANY, CIPHER_ANY, RAKP_OK},
        {CIPHER_ANY, 1, CIPHER_ANY, RAKP_OK},
        {CIPHER_ANY, 2, CIPHER_ANY, RAKP_NO_CIPHER_SUITE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = remote_console_open_algorithms(&console, cases[i].authentication,
                                                    cases[i].integrity, cases[i].confidentiality);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(console.last.length, 16 + (status == RAKP_OK ? 36 : 8));
    }
    /* The strongest where the BMC may choose: suite 17. */
    remote_console_open_algorithms(&console, CIPHER_ANY, CIPHER_ANY, CIPHER_ANY);
    assert_int_equal(console.last.bytes[32], 3);
    assert_int_equal(console.last.bytes[40], 4);
    assert_int_equal(console.last.bytes[48], 1);
    assert_int_equal(console.last.bytes[18], PRIVILEGE_ADMINISTRATOR);
}

/* Every byte of an Open Session Request at every value: an answer of the right shape or none. */
static void test_open_fields(void **state)
{
    static const uint8_t good[32] = {9, 0, 0, 0, 0xa4, 0xa3, 0xa2, 0xa0, 0, 0, 0, 8, 1, 0, 0, 0,
                                     1, 0, 0, 8, 1,    0,    0,    0,    2, 0, 0, 8, 1, 0, 0, 0};
    uint8_t payload[33] = {0};

    (void)state;
    for (size_t at = 0; at < sizeof good; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(payload, good, sizeof good);
            payload[at] = (uint8_t)value;
            int status =
                remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32);
            assert_true(status <= RAKP_ILLEGAL_PARAMETER);
            assert_int_equal(console.last.bytes[16], payload[0]);
            assert_memory_equal(console.last.bytes + 20, payload + 4, 4);
            assert_int_equal(console.last.length, 16 + (status == RAKP_OK ? 36 : 8));
        }
    }
    memcpy(payload, good, sizeof good);
    payload[8] = 1;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_NO_AUTHENTICATION_PAYLOAD);
    payload[8] = 0;
    payload[19] = 7;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_NO_INTEGRITY_PAYLOAD);
    memset(payload + 4, 0, 4);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_INVALID_SESSION_ID);
    memcpy(payload, good, sizeof good);
    for (size_t length = 0; length <= sizeof payload; length++) {
        int status =
            remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, length);
        assert_int_equal(status, length == 32 ? RAKP_OK : CONSOLE_NO_ANSWER);
    }
}

static void test_open_role(void **state)
{
    (void)state;
    console.channel.limit = PRIVILEGE_OPERATOR;
    for (uint8_t role = 0; role <= PRIVILEGE_OPERATOR; role++) {
        console.open_role = role;
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(console.last.bytes[18], PRIVILEGE_OPERATOR);
    }
    console.open_role = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    console.open_role = PRIVILEGE_OEM;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    console.open_role = 6;
    assert_int_equal(remote_console_open(&console, 3), RAKP_INVALID_ROLE);
    console.open_role = 0;
    console.channel.limit = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
}

static void test_random_fails(void **state)
{
    (void)state;
    console.random_fails = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_NO_RESOURCES);
    console.random_fails = false;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    console.random_fails = true;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_NO_RESOURCES);
    console.random_fails = false;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
}

/* Session ids are not 0 and not in use, whatever random says. */
static void test_session_id(void **state)
{
    (void)state;
    console.ids = 0 - CONSOLE_BMC_ID; /* random says 0 */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.exchange.bmc_id, 1);
    console.ids = 1 - CONSOLE_BMC_ID; /* and 1 again */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.exchange.bmc_id, 2);
}

static void test_rakp1_role(void **state)
{
    static const struct {
        uint8_t role;
        int status;
        enum privilege maximum;
    } cases[] = {
        {0x10, RAKP_OK, PRIVILEGE_OPERATOR},
        {0x11, RAKP_OK, PRIVILEGE_CALLBACK},
        {0x12, RAKP_OK, PRIVILEGE_USER},
        {0x13, RAKP_OK, PRIVILEGE_OPERATOR},
        {0x14, RAKP_INVALID_ROLE, 0},
        {0x15, RAKP_INVALID_ROLE, 0},
        {0x16, RAKP_INVALID_ROLE, 0},
        {0x1f, RAKP_INVALID_ROLE, 0},
        {0x00, RAKP_OK, PRIVILEGE_OPERATOR}, /* by name and privilege */
        {0x03, RAKP_OK, PRIVILEGE_OPERATOR},
        {0xf3, RAKP_OK, PRIVILEGE_OPERATOR}, /* reserved bits count in the codes only */
    };

    (void)state;
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_OPERATOR;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        remote_console_restart(&console);
        assert_int_equal(remote_console_login(&console, 3, cases[i].role), cases[i].status);
        if (cases[i].status != RAKP_OK)
            continue;
        assert_true(remote_console_checks_rakp4(&console));
        struct session *session =
            session_table_find_active(console.server->sessions, console.exchange.bmc_id);
        assert_int_equal(session->maximum, cases[i].maximum);
        assert_int_equal(session->privilege,
                         cases[i].maximum < PRIVILEGE_USER ? cases[i].maximum : PRIVILEGE_USER);
    }
}

/* Role 0 takes what the Open Session Request asked for. */
static void test_open_role_bounds(void **state)
{
    (void)state;
    console.open_role = PRIVILEGE_USER;
    assert_int_equal(remote_console_login(&console, 3, 0x10), RAKP_OK);
    assert_int_equal(session_table_find_nth(console.server->sessions, 1)->maximum, PRIVILEGE_USER);
}

/* The name field of RAKP 1: length byte and payload length against each other. */
static void test_name_lengths(void **state)
{
    uint8_t payload[64] = {0};

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    struct wire_out out = wire_out_init(payload, sizeof payload);
    wire_put_zeros(&out, 4);
    wire_put_u32(&out, console.exchange.bmc_id);
    payload[24] = CONSOLE_ROLE;
    for (unsigned name_length = 17; name_length < 256; name_length++) {
        payload[27] = (uint8_t)name_length;
        assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, 44),
                         RAKP_INVALID_NAME_LENGTH);
    }
    payload[27] = 5;
    memcpy(payload + 28, CONSOLE_NAME, 5);
    for (size_t length = 0; length < 60; length++) {
        remote_console_open(&console, 3);
        out = wire_out_init(payload + 4, 4);
        wire_put_u32(&out, console.exchange.bmc_id);
        int status = remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, length);
        assert_int_equal(status, length >= 33 && length <= 44 ? RAKP_OK : CONSOLE_NO_ANSWER);
    }
    payload[4] ^= 0xff;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, 44),
                     RAKP_INVALID_SESSION_ID);
}

/* ipmitool -o i82571spt sends the name padded to 16; byte 27 counts. */
static void test_padded_name(void **state)
{
    uint8_t payload[44] = {0};
    struct wire_out out = wire_out_init(payload, sizeof payload);

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    wire_put_zeros(&out, 4);
    wire_put_u32(&out, console.exchange.bmc_id);
    wire_put_bytes(&out, console.exchange.rm, 16);
    wire_put_u32(&out, CONSOLE_ROLE | 5u << 24);
    wire_put_bytes(&out, CONSOLE_NAME, 5);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, sizeof payload),
                     RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
}

static void test_kg(void **state)
{
    (void)state;
    console.channel.has_kg = true;
    console.channel.kg = (const uint8_t *)"kg-secret-20-bytes!!";
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_false(remote_console_checks_rakp4(&console)); /* the console used its password */
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CONSOLE_NO_ANSWER);
    memcpy(console.kg, console.channel.kg, sizeof console.kg);
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp4(&console));
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

static void test_repeated_rakp1(void **state)
{
    struct remote_console_datagram first;

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    first = console.last;
    console.tag = 77;
    console.random_fails = true; /* nothing new is made */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(console.last.bytes[16], 77);
    assert_memory_equal(console.last.bytes + 17, first.bytes + 17, first.length - 17);
    console.random_fails = false;
    /* Another role or name is not a repeat. */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, 0x13), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, "admim", CONSOLE_ROLE), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    /* And after RAKP 3 none is taken. */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), CONSOLE_NO_ANSWER);
}

static void test_repeated_rakp3(void **state)
{
    struct remote_console_datagram first;

    (void)state;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    first = console.last;
    console.tag = 78;
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    assert_memory_equal(console.last.bytes + 17, first.bytes + 17, first.length - 17);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
    console.kuid[0] ^= 1;
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    console.kuid[0] ^= 1;
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

static void test_rakp3_out_of_turn(void **state)
{
    uint8_t payload[28] = {0, 1}; /* the console's status: it gave up */
    struct wire_out out = wire_out_init(payload + 4, 4);

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    wire_put_u32(&out, console.exchange.bmc_id);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, 8),
                     CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_half_open(&console), 0);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

static void test_rakp3_lengths(void **state)
{
    uint8_t payload[64] = {0};
    struct wire_out out = wire_out_init(payload + 4, 4);

    (void)state;
    for (size_t length = 0; length < 60; length++) {
        remote_console_restart(&console);
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
        out.pos = 0;
        wire_put_u32(&out, console.exchange.bmc_id);
        rakp_code3(console.crypto, &console.exchange, console.kuid, payload + 8);
        int status = remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, length);
        assert_int_equal(status, length < 8     ? CONSOLE_NO_ANSWER
                                 : length == 28 ? RAKP_OK
                                                : RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    }
}

static void test_half_open_expires(void **state)
{
    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(rmcp_server_next_deadline(console.server),
                     console.now_ms + RMCP_HALF_OPEN_MS_DEFAULT);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT - 1;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.now_ms += 1;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(remote_console_half_open(&console), 0);
    assert_int_equal(rmcp_server_next_deadline(console.server), UINT64_MAX);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

/* Set-up messages carry session id 0 and no flags; answers are not requests. */
static void test_setup_headers(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    uint8_t payload[32] = {0};

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        int size = rmcpplus_build((uint8_t)type, payload, sizeof payload, bytes, sizeof bytes);
        size_t due =
            type == PAYLOAD_OPEN_SESSION_REQUEST || type == PAYLOAD_RAKP1 || type == PAYLOAD_RAKP3
                ? 1
                : 0;
        assert_int_equal(remote_console_send(&console, bytes, (size_t)size), due);
        bytes[6] = 1;
        assert_int_equal(remote_console_send(&console, bytes, (size_t)size), 0);
    }
}

static void test_configuration(void **state)
{
    struct rmcp_config config = console.config;

    (void)state;
    config.users = NULL;
    assert_null(rmcp_server_new(&config));
    config = console.config;
    config.active_max = RMCP_ACTIVE_MAX + 1;
    assert_null(rmcp_server_new(&config));
    config = console.config;
    console.random_fails = true;
    assert_null(rmcp_server_new(&config));
    config.random = NULL; /* OpenSSL's */
    struct rmcp_server *server = rmcp_server_new(&config);
    assert_non_null(server);
    rmcp_server_free(server);
    for (int reason = 0; reason < RMCP_DROP_COUNT; reason++)
        assert_non_null(rmcp_drop_name(reason));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_algorithms),        TEST(test_open_fields),
        TEST(test_open_role),         TEST(test_random_fails),
        TEST(test_session_id),        TEST(test_rakp1_role),
        TEST(test_open_role_bounds),  TEST(test_name_lengths),
        TEST(test_padded_name),       TEST(test_kg),
        TEST(test_repeated_rakp1),    TEST(test_repeated_rakp3),
        TEST(test_rakp3_out_of_turn), TEST(test_rakp3_lengths),
        TEST(test_half_open_expires), TEST(test_setup_headers),
        TEST(test_configuration),
    };

    return cmocka_run_group_tests_name("rmcp set-up", tests, NULL, NULL);
}
