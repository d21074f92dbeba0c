/* Sessions of IPMI 1.5 over the real commands: windows, repeats, levels, time, and what goes
 * without an authentication code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/lan15_console.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/session.h"
#include "vbmc/rmcp/window.h"

static struct session *the_session(void)
{
    return session_table_find_active(console15.server->sessions, console15.id);
}

static void test_window(void **state)
{
    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = console15.sequence;
    assert_int_equal(first, INBOUND);
    assert_false(console15_takes(0));
    assert_false(console15_takes(first - 1));
    assert_false(console15_takes(first + WINDOW_LAN15));
    assert_true(console15_takes(first));
    assert_false(console15_takes(first));
    assert_true(console15_takes(first + WINDOW_LAN15));
    for (uint32_t i = 1; i < WINDOW_LAN15; i++) {
        assert_true(console15_takes(first + i));
        assert_false(console15_takes(first + i));
    }
    assert_false(console15_takes(first));
    assert_true(console15_takes(first + 2 * WINDOW_LAN15));
    assert_false(console15_takes(first + WINDOW_LAN15));
    assert_true(console15_takes(first + WINDOW_LAN15 + 1));
    assert_false(console15_takes(first + 3 * WINDOW_LAN15 + 1));
    the_session()->inbound = window_lan15(UINT32_MAX);
    assert_true(console15_takes(UINT32_MAX));
    assert_false(console15_takes(0));
    assert_true(console15_takes(1));
    assert_true(console15_dropped(RMCP_DROP_SEQUENCE) > 12);
    the_session()->inbound = window_lan15(1);
    assert_false(console15_takes(0));
    assert_false(console15_takes(UINT32_MAX));
    assert_true(console15_takes(1));
}

static void test_outbound(void **state)
{
    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15.answer.sequence, OUTBOUND);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(console15_get_device_id(), CC_SUCCESS);
        assert_int_equal(console15.answer.sequence, OUTBOUND + i);
    }
    the_session()->next_outbound = UINT32_MAX;
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    assert_int_equal(console15.answer.sequence, UINT32_MAX);
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    assert_int_equal(console15.answer.sequence, 1);
}

/* A request that comes again, under a new session number, is not run twice. */
static void test_repeated_request(void **state)
{
    uint8_t message[UINT8_MAX];

    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    size_t length = console15_make_message(0x3b, (const uint8_t *)"\x02", 1, message);
    uint64_t requests = rmcp_server_counters(console15.server)->requests;
    for (int i = 0; i < 3; i++) {
        const struct lan15_header header = console15_header_of(console15.sequence++);
        assert_int_equal(console15_send_message(&header, message, length), CC_SUCCESS);
    }
    assert_int_equal(rmcp_server_counters(console15.server)->requests, requests + 1);
    assert_int_equal(rmcp_server_counters(console15.server)->repeats, 2);
}

static void test_privilege(void **state)
{
    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_OPERATOR), CC_SUCCESS);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\0", 1), CC_SUCCESS);
    assert_int_equal(console15.answer.message[7], PRIVILEGE_USER);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x03", 1), CC_SUCCESS);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x04", 1), 0x81);
    assert_int_equal(console15_login("admin", PRIVILEGE_CALLBACK), CC_SUCCESS);
    assert_int_equal(console15_get_device_id(), CC_INSUFFICIENT_PRIVILEGE);
}

/* Get Session Info and Close Session, by handle and id, of both versions' table. */
static void test_info_and_close(void **state)
{
    uint8_t request[5] = {0xff};

    (void)state;
    endpoint_address_parse("192.0.2.7", 40000, &console15.from.remote);
    assert_int_equal(console15_login("op", PRIVILEGE_USER), NO_ANSWER);
    console15_use_password("1234567890123456");
    assert_int_equal(console15_login("op", PRIVILEGE_USER), CC_SUCCESS);
    uint32_t first = console15.id;
    console15_use_password("vbmc-test-pass");
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x04", 1), CC_SUCCESS);
    for (unsigned i = 0; i < 4; i++)
        request[1 + i] = (uint8_t)(first >> 8 * i);
    assert_int_equal(console15_ask(0x3d, request, sizeof request), CC_SUCCESS);
    /* Handle, slots, active, user, level, version 1.5 and channel, address, MAC, port. */
    assert_memory_equal(console15.answer.message + 7,
                        "\x01\x05\x02\x03\x02\x01\xc0\x00\x02\x07\0\0\0\0\0\0\x40\x9c", 18);
    assert_int_equal(console15_ask(0x3d, (const uint8_t *)"\x02", 1), CC_SUCCESS);
    assert_memory_equal(console15.answer.message + 7, "\x02\x05\x02\x02\x04\x01", 6);
    assert_int_equal(console15_ask(0x3c, (const uint8_t *)"\0\0\0\0\x01", 5), CC_SUCCESS);
    assert_int_equal(console15.ended, 1);
    assert_int_equal(console15_ask(0x3c, request + 1, 4), 0x87);
    for (unsigned i = 0; i < 4; i++)
        request[1 + i] = (uint8_t)(console15.id >> 8 * i);
    assert_int_equal(console15_ask(0x3c, request + 1, 4), CC_SUCCESS);
    assert_int_equal(console15.ended, 2);
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
}

/* The session in which a user was changed goes on with what is left to him. */
static void test_user_changes(void **state)
{
    struct user *user = &console15.fake.bmc.users.by_id[USER_ID_FIRST];

    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    user_set_password(user, (const uint8_t *)"another", 7, 16);
    rmcp_server_user_changed(console15.server, USER_ID_FIRST, console15.id);
    assert_int_equal(console15_get_device_id(), CC_SUCCESS); /* under the old password */
    user->limit = PRIVILEGE_OPERATOR;
    rmcp_server_user_changed(console15.server, USER_ID_FIRST, console15.id);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x04", 1), 0x81);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x03", 1), CC_SUCCESS);
    rmcp_server_user_changed(console15.server, USER_ID_FIRST, 0); /* by somebody else */
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    console15_use_password("another");
    assert_int_equal(console15_login("admin", PRIVILEGE_OPERATOR), CC_SUCCESS);
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(console15_challenge_for(LAN15_MD5, "admin"), CC_SUCCESS);
    console15.fake.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    assert_int_equal(console15_activate(PRIVILEGE_USER), NO_ANSWER);
    assert_int_equal(console15.failures, 0);
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    console15.fake.now_ms += RMCP_IDLE_MS_DEFAULT - 1;
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    console15.fake.now_ms += RMCP_IDLE_MS_DEFAULT;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    assert_int_equal(console15.ended, 1);
    rmcp_server_user_changed(console15.server, 2, 0);
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    rmcp_server_user_changed(console15.server, 2, 0);
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
}

static void test_without_per_message_authentication(void **state)
{
    (void)state;
    console15.fake.bmc.channel.per_message_off = true;
    assert_int_equal(console15_login("admin", PRIVILEGE_USER), CC_SUCCESS);
    assert_int_equal(console15.answer.type, LAN15_MD5);
    assert_int_equal(console15.answer.message[7], LAN15_NONE); /* for the rest */
    console15.type = LAN15_NONE;
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    assert_int_equal(console15.answer.type, LAN15_NONE);
    console15.sequence--;
    assert_int_equal(console15_get_device_id(), NO_ANSWER); /* numbers count all the same */
    console15.type = LAN15_MD5;
    assert_int_equal(console15_get_device_id(), CC_SUCCESS);
    console15.key[0] ^= 1;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
}

static void test_without_user_level_authentication(void **state)
{
    (void)state;
    assert_int_equal(console15_login("admin", PRIVILEGE_ADMINISTRATOR), CC_SUCCESS);
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x04", 1), CC_SUCCESS);
    console15.type = LAN15_NONE;
    assert_int_equal(console15_get_device_id(), NO_ANSWER);
    console15.fake.bmc.channel.user_level_off = true;
    struct lan15_header header = console15_header_of(console15.sequence++);
    header.type = LAN15_NONE;
    uint8_t message[UINT8_MAX], bytes[RMCP_DATAGRAM_MAX];
    size_t length = console15_make_message(0x01, NULL, 0, message);
    int size = lan15_build(&header, message, length, bytes, sizeof bytes);
    assert_int_equal(console15_send_bytes(bytes, (size_t)size), 1);
    assert_int_equal(console15.last[RMCP_HEADER_SIZE], LAN15_MD5); /* what the BMC says is proved */
    assert_int_equal(console15_ask(0x3b, (const uint8_t *)"\x02", 1),
                     NO_ANSWER); /* the session's own */
    assert_int_equal(console15_ask(0x06, (const uint8_t *)"\0\0", 2),
                     NO_ANSWER);                                       /* an administrator's */
    assert_int_equal(console15_ask(0x34, message, length), NO_ANSWER); /* Send Message: any */
    console15.type = LAN15_MD5;
    assert_int_equal(console15_ask(0x06, (const uint8_t *)"\0\0", 2), CC_SUCCESS);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, console15_setup, console15_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_window),
        TEST(test_outbound),
        TEST(test_repeated_request),
        TEST(test_privilege),
        TEST(test_info_and_close),
        TEST(test_user_changes),
        TEST(test_time),
        TEST(test_without_per_message_authentication),
        TEST(test_without_user_level_authentication),
    };

    return cmocka_run_group_tests_name("sessions of IPMI 1.5", tests, NULL, NULL);
}
