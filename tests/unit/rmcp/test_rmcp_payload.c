/* Payloads of sessions beside IPMI messages: who gets them, how answers go out, and that the end of
 * each session is told once, whatever ends it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"

#define CMD_GET_DEVICE_ID 0x01
#define CMD_CLOSE_SESSION 0x3c
#define ENDED_MAX         8

static struct remote_console console;
static bool serves; /* whether on_payload takes what comes */
static bool answers_back;
static uint8_t last_type, last_bytes[RMCP_DATAGRAM_MAX];
static size_t last_length;
static unsigned payloads, heard, sent_when_heard;
static uint32_t ended[ENDED_MAX];
static unsigned ended_count;
static bool closes_all; /* on_ended ends the other sessions too */

static bool on_payload(void *context, uint32_t session, uint8_t type, const uint8_t *bytes,
                       size_t length, uint64_t now_ms)
{
    assert_ptr_equal(context, &console);
    assert_int_equal(session, console.exchange.bmc_id);
    assert_int_equal(now_ms, console.now_ms);
    payloads++;
    last_type = type;
    last_length = length;
    memcpy(last_bytes, bytes, length);
    if (answers_back)
        assert_int_equal(rmcp_server_send_payload(console.server, session, type, bytes, length), 0);
    return serves;
}

static void on_heard(void *context, uint32_t session, uint64_t now_ms)
{
    assert_ptr_equal(context, &console);
    assert_int_equal(session, console.exchange.bmc_id);
    assert_int_equal(now_ms, console.now_ms);
    heard++;
    sent_when_heard = (unsigned)console.sent;
}

static void on_ended(void *context, uint32_t session)
{
    static const uint8_t byte;

    assert_ptr_equal(context, &console);
    assert_true(ended_count < ENDED_MAX);
    ended[ended_count++] = session;
    assert_int_equal(rmcp_server_send_payload(console.server, session, PAYLOAD_SOL, &byte, 1),
                     -ENOENT);
    assert_int_equal(rmcp_server_close_session(console.server, session), -ENOENT);
    if (closes_all)
        rmcp_server_end_all_sessions(console.server);
}

static const struct rmcp_session_events events = {
    .payload = on_payload, .heard = on_heard, .ended = on_ended};

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    serves = true;
    answers_back = closes_all = false;
    payloads = heard = ended_count = 0;
    remote_console_init(&console);
    console.config.events = &events;
    console.config.events_context = &console;
    remote_console_restart(&console);
    return remote_console_login(&console, 17, CONSOLE_ROLE);
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    return 0;
}

static uint64_t dropped(enum rmcp_drop reason)
{
    return rmcp_server_counters(console.server)->dropped[reason];
}

static void test_payload(void **state)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 'l', 's', '\r'};

    (void)state;
    assert_int_equal(remote_console_send_sealed(&console, PAYLOAD_SOL, bytes, sizeof bytes), 0);
    assert_int_equal(payloads, 1);
    assert_int_equal(last_type, PAYLOAD_SOL);
    assert_int_equal(last_length, sizeof bytes);
    assert_memory_equal(last_bytes, bytes, sizeof bytes);
    assert_int_equal(heard, 0);
    assert_int_equal(rmcp_stub.calls, 0);
    serves = false;
    assert_int_equal(remote_console_send_sealed(&console, PAYLOAD_SOL, bytes, sizeof bytes), 0);
    assert_int_equal(dropped(RMCP_DROP_PAYLOAD_TYPE), 1);
    assert_int_equal(heard, 1);
}

/* The same datagram again is stopped by the window, and one that the suite would have protected
 * better never gets near. */
static void test_unprotected(void **state)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 'l', 's', '\r'};
    static const struct cipher_suite weaker[] = {
        {16, CIPHER_RAKP_HMAC_SHA256, CIPHER_HMAC_SHA256_128, CIPHER_CONFIDENTIALITY_NONE},
        {15, CIPHER_RAKP_HMAC_SHA256, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
    };
    uint8_t datagram[RMCP_DATAGRAM_MAX];

    (void)state;
    size_t length = remote_console_seal(&console, PAYLOAD_SOL, bytes, sizeof bytes, datagram);
    remote_console_send(&console, datagram, length);
    remote_console_send(&console, datagram, length);
    assert_int_equal(payloads, 1);
    assert_int_equal(dropped(RMCP_DROP_SEQUENCE), 1);
    const struct cipher_suite *strong = console.keys.suite;
    for (size_t i = 0; i < ARRAY_SIZE(weaker); i++) {
        console.keys.suite = &weaker[i];
        assert_int_equal(remote_console_send_sealed(&console, PAYLOAD_SOL, bytes, sizeof bytes), 0);
        assert_int_equal(dropped(RMCP_DROP_AUTHENTICATION), i + 1);
    }
    console.keys.suite = strong;
    datagram[20] ^= 1;
    remote_console_send(&console, datagram, length);
    assert_int_equal(payloads, 1);
    assert_int_equal(heard, 0);
}

static void test_heard(void **state)
{
    (void)state;
    assert_int_equal(remote_console_command(&console, NETFN_APP, CMD_GET_DEVICE_ID, NULL, 0),
                     CC_SUCCESS);
    assert_int_equal(heard, 1);
    assert_int_equal(sent_when_heard, 1); /* the answer had left */
    assert_int_equal(payloads, 0);
}

/* A payload keeps a session alive. */
static void test_keeps_alive(void **state)
{
    static const uint8_t bytes[4] = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        console.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
        remote_console_send_sealed(&console, PAYLOAD_SOL, bytes, sizeof bytes);
    }
    assert_int_equal(payloads, 4);
    assert_int_equal(ended_count, 0);
}

static void test_send(void **state)
{
    uint8_t bytes[259], received[RMCP_DATAGRAM_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    answers_back = true;
    assert_int_equal(remote_console_send_sealed(&console, PAYLOAD_SOL, bytes, sizeof bytes), 1);
    assert_int_equal(console.last.bytes[5], 0xc0 | PAYLOAD_SOL);
    assert_int_equal(remote_console_unseal(&console, received), sizeof bytes);
    assert_memory_equal(received, bytes, sizeof bytes);
    assert_int_equal(rmcp_server_send_payload(console.server, console.exchange.bmc_id + 1,
                                              PAYLOAD_SOL, bytes, 4),
                     -ENOENT);
    assert_int_equal(rmcp_server_send_payload(console.server, 0, PAYLOAD_SOL, bytes, 4), -ENOENT);
}

/* Half-open sessions are nobody's: nothing is sent to them, nothing is told of their end. */
static void test_half_open(void **state)
{
    static const uint8_t bytes[4] = {0};
    uint32_t first = console.exchange.bmc_id;

    (void)state;
    assert_int_equal(remote_console_open(&console, 17), RAKP_OK);
    assert_int_not_equal(console.exchange.bmc_id, first);
    assert_int_equal(rmcp_server_send_payload(console.server, console.exchange.bmc_id, PAYLOAD_SOL,
                                              bytes, sizeof bytes),
                     -ENOENT);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(ended_count, 0);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
}

/* ---- the end of sessions ---- */

static void expect_ended(uint32_t session)
{
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0], session);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
}

static void end_by_close(uint32_t session)
{
    (void)session;
    assert_int_equal(remote_console_command(&console, NETFN_APP, CMD_CLOSE_SESSION, NULL, 0),
                     CC_SUCCESS);
}

static void end_by_time(uint32_t session)
{
    (void)session;
    console.now_ms += RMCP_IDLE_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
}

static void end_by_time_in_receive(uint32_t session)
{
    (void)session;
    console.now_ms += RMCP_IDLE_MS_DEFAULT;
    assert_int_equal(remote_console_command(&console, NETFN_APP, CMD_GET_DEVICE_ID, NULL, 0),
                     CONSOLE_NO_ANSWER);
}

static void end_by_user(uint32_t session)
{
    (void)session;
    rmcp_server_user_changed(console.server, USER_ID_FIRST, 0);
}

static void end_by_owner(uint32_t session)
{
    assert_int_equal(rmcp_server_close_session(console.server, session), 0);
}

static void end_all(uint32_t session)
{
    (void)session;
    rmcp_server_end_all_sessions(console.server);
}

static void test_ended(void **state)
{
    static void (*const ways[])(uint32_t session) = {
        end_by_close, end_by_time, end_by_time_in_receive, end_by_user, end_by_owner, end_all,
    };

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        uint32_t session = console.exchange.bmc_id;
        ways[i](session);
        expect_ended(session);
        assert_int_equal(rmcp_server_close_session(console.server, session), -ENOENT);
        teardown(state);
        assert_int_equal(ended_count, 1); /* nothing more when the server goes */
        assert_int_equal(setup(state), 0);
    }
}

static void test_ended_with_the_server(void **state)
{
    uint32_t first = console.exchange.bmc_id;

    (void)state;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    rmcp_server_free(console.server);
    console.server = NULL;
    assert_int_equal(ended_count, 2);
    assert_int_equal(ended[0] + ended[1], first + console.exchange.bmc_id);
    assert_int_not_equal(ended[0], ended[1]);
}

/* What is called by the end of one session ends the others, in the midst of the walk over them. */
static void test_ended_from_within(void **state)
{
    for (int way = 0; way < 3; way++) {
        assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
        assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
        closes_all = true;
        if (way == 0)
            end_by_close(0);
        else if (way == 1)
            end_by_time(0);
        else
            end_by_owner(console.exchange.bmc_id);
        assert_int_equal(ended_count, 3);
        assert_true(ended[0] != ended[1] && ended[1] != ended[2] && ended[0] != ended[2]);
        assert_int_equal(rmcp_server_count_sessions(console.server), 0);
        teardown(state);
        assert_int_equal(setup(state), 0);
    }
}

/* ---- known answers ---- */

static void test_vector(struct json_object *entry, struct remote_console *peer)
{
    uint8_t datagram[RMCP_DATAGRAM_MAX], payload[RMCP_DATAGRAM_MAX];
    size_t length = vectors_bytes(entry, "/packet", datagram, sizeof datagram);
    size_t payload_length = vectors_bytes(entry, "/sol_payload", payload, sizeof payload);
    struct session *session = session_table_find_active(peer->server->sessions, CONSOLE_BMC_ID);

    if (strncmp(vectors_text(entry, "/what"), "console to BMC", 14) == 0) {
        unsigned before = payloads;
        remote_console_send(peer, datagram, length);
        assert_int_equal(payloads, before + 1);
        assert_int_equal(last_type, PAYLOAD_SOL);
        assert_int_equal(last_length, payload_length);
        assert_memory_equal(last_bytes, payload, payload_length);
        return;
    }
    session->next_outbound = (uint32_t)vectors_number(entry, "/session_seq");
    assert_int_equal(rmcp_server_send_payload(peer->server, CONSOLE_BMC_ID, PAYLOAD_SOL, payload,
                                              payload_length),
                     0);
    assert_int_equal(peer->last.length, length);
    assert_memory_equal(peer->last.bytes, datagram, length);
}

static void test_vectors(void **state)
{
    struct json_object *vectors = vectors_load();
    size_t count = vectors_count(vectors, "/sol_packets/cases");

    assert_true(count >= 10);
    for (uint8_t suite = 3; suite <= 17; suite += 14) {
        teardown(state);
        assert_int_equal(setup(state), 0);
        remote_console_restart(&console); /* its first session is the one of the vectors */
        assert_int_equal(remote_console_login(&console, suite, CONSOLE_ROLE), RAKP_OK);
        for (size_t i = 0; i < count; i++) {
            struct json_object *entry = vectors_item(vectors, "/sol_packets/cases", i);
            if (vectors_number(entry, "/cipher_suite") == suite)
                test_vector(entry, &console);
        }
        assert_int_equal(payloads, 2);
    }
    json_object_put(vectors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_payload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unprotected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keeps_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended_with_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended_from_within, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vectors, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
