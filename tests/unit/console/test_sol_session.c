/* Serial over LAN from the console's datagrams to the guest's serial port and back. Its parameters
 * are in test_sol_settings.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/console/sol_rig.h"
#include "vbmc/base/log.h"
#include "vbmc/ipmi/codes.h"

/* ---- activation ---- */

static void test_activate(void **state)
{
    static const uint8_t answer[] = {
        0, 0, 0, 0, 0x03, 0x01, 0x03, 0x01, SOL_RIG_PORT & 0xff, SOL_RIG_PORT >> 8, 0xff, 0xff};
    const struct sol_packet *packet;

    (void)state;
    sol_rig_guest_says("one\r\ntwo\r\nthree\r\n");
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_assert_silent(); /* the response alone */
    packet = &sol_rig.packets[0];
    assert_int_equal(packet->size, 8 + sizeof answer);
    assert_memory_equal(packet->bytes + 7, answer, sizeof answer);
    assert_int_equal(sol_rig.guest.people, 1);
    assert_string_equal(sol_rig.guest.who, "admin by SOL from 192.0.2.1");
    assert_true(sol_rig.wake_at_ms <= sol_rig.console.now_ms);
    sol_rig_advance(59);
    sol_rig_assert_silent();
    sol_rig_advance(1); /* the accumulate interval is over */
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "two\r\nthree\r\n");
    sol_rig_assert_silent();
    sol_rig_acknowledge(&sol_rig.console, 1, 12);
    sol_rig_advance(10000);
    sol_rig_assert_silent();
    assert_int_equal(sol_rig_activate(&sol_rig.console), 0x80);
    assert_int_equal(sol_rig_deactivate(&sol_rig.console), CC_SUCCESS);
    sol_rig_assert_silent(); /* who deactivates it himself needs no news */
    assert_int_equal(sol_rig.guest.people, 0);
    assert_int_equal(hub_count_readers(sol_rig.guest.hub) + hub_count_writers(sol_rig.guest.hub),
                     0);
    assert_int_equal(sol_rig_deactivate(&sol_rig.console), 0x80);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
}

/* The retransmitted request is answered from memory and activates nothing again. */
static void test_activate_repeated(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    (void)state;
    size_t size = remote_console_message(&sol_rig.console, NETFN_APP, 0x48, sol_rig_instance_on,
                                         sizeof sol_rig_instance_on, message);
    for (int i = 0; i < 3; i++) {
        remote_console_send_sealed(&sol_rig.console, PAYLOAD_IPMI, message, size);
        const struct sol_packet *packet = sol_rig_next_packet();
        assert_non_null(packet);
        assert_int_equal(packet->bytes[6], CC_SUCCESS);
        assert_int_equal(packet->size, 20);
    }
    sol_rig_assert_silent();
    assert_int_equal(sol_rig.guest.people, 1);
}

static void test_no_console(void **state)
{
    (void)state;
    hub_free(sol_rig.guest.hub);
    sol_rig.guest.hub = NULL;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_NODE_BUSY);
    assert_int_equal(sol_rig_deactivate(&sol_rig.console), 0x80);
    sol_rig_make_hub(0);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
}

/* ---- characters ---- */

static void test_type(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_type(&sol_rig.console, 1, 0, "ls\r"); /* even before the first tick */
    sol_rig_assert_typed("ls\r");
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 3, 0, "");
    sol_rig_guest_says("ls\r\n");
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "ls\r\n");
    /* An acknowledgement together with characters. */
    sol_rig.sender = &sol_rig.console;
    remote_console_send_sealed(&sol_rig.console, PAYLOAD_SOL, (const uint8_t[]){2, 1, 4, 0, 'x'},
                               5);
    sol_rig_expect_sol(&sol_rig.console, 0, 2, 1, 0, "");
    sol_rig_assert_typed("x");
    sol_rig_type(&sol_rig.console, 2, 0, "x"); /* a repeat is acknowledged and not typed */
    sol_rig_expect_sol(&sol_rig.console, 0, 2, 1, 0, "");
    sol_rig_assert_typed("");
    sol_rig_advance(10000);
    sol_rig_assert_silent();
    remote_console_send_sealed(&sol_rig.console, PAYLOAD_SOL, (const uint8_t[]){3, 0, 0},
                               3); /* too short */
    sol_rig_assert_silent();
}

/* The threshold is reached: at once. */
static void test_much_output(void **state)
{
    char text[600];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(0);
    sol_rig_guest_says(text);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, text + 599 - 255);
    sol_rig_assert_silent();
    sol_rig_acknowledge(&sol_rig.console, 1, 255);
    sol_rig_expect_sol(&sol_rig.console, 2, 0, 0, 0, text + 599 - 255);
    sol_rig_acknowledge(&sol_rig.console, 2, 255);
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 3, 0, 0, 0, text + 599 - 89);
    sol_rig_assert_silent();
}

static void test_resend(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_guest_says("login: ");
    sol_rig_advance(0);
    sol_rig_advance(60);
    for (int i = 0; i <= 7; i++) {
        sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "login: ");
        sol_rig_assert_silent();
        sol_rig_advance(500);
    }
    sol_rig_advance(10000);
    sol_rig_assert_silent();
    assert_int_equal(sol_rig_get_device_id(&sol_rig.console),
                     CC_SUCCESS); /* it is there after all */
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "login: ");
    sol_rig_acknowledge(&sol_rig.console, 1, 7);
    sol_rig_advance(5000);
    sol_rig_assert_silent();
}

static void test_break(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_type(&sol_rig.console, 1, SOLPROTO_OPERATION_BREAK, "");
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 0, 0, "");
    assert_int_equal(sol_rig.port.breaks, 1);
    sol_rig_type(&sol_rig.console, 1, SOLPROTO_OPERATION_BREAK, "");
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 0, 0, "");
    assert_int_equal(sol_rig.port.breaks, 1);
}

static void test_flush(void **state)
{
    (void)state;
    sol_rig_guest_says("old\r\n");
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_type(&sol_rig.console, 1, SOLPROTO_OPERATION_FLUSH_INBOUND, "");
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 0, 0, "");
    sol_rig_advance(1000);
    sol_rig_assert_silent();
}

/* What is typed for a guest that is off is taken and forgotten. */
static void test_guest_off(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    stream_report_state(&sol_rig.port.stream, STREAM_DISCONNECTED, "off");
    hub_notify(sol_rig.guest.hub, HUB_NOTICE_GUEST_OFF, "off");
    sol_rig_type(&sol_rig.console, 1, 0, "for nobody");
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 10, 0, "");
    stream_report_state(&sol_rig.port.stream, STREAM_CONNECTED, "on");
    sol_rig_assert_typed("");
    sol_rig_type(&sol_rig.console, 2, 0, "x");
    sol_rig_expect_sol(&sol_rig.console, 0, 2, 1, 0, "");
    sol_rig_assert_typed("x");
    sol_rig_guest_says("again");
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "again");
}

/* What a running guest says while nobody is connected to its serial port is lost. */
static void test_source_lost(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    stream_report_state(&sol_rig.port.stream, STREAM_DISCONNECTED, "libvirtd restarts");
    stream_report_state(&sol_rig.port.stream, STREAM_CONNECTED, "back");
    sol_rig_guest_says("behind it");
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0x08, "behind it");
    sol_rig_acknowledge(&sol_rig.console, 1, 9);
    sol_rig_guest_says("more");
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 2, 0, 0, 0, "more");
}

/* The guest takes nothing: hub and queue fill up, the acknowledgement is held back, nothing is
 * lost. */
static void test_guest_slow(void **state)
{
    (void)state;
    hub_free(sol_rig.guest.hub);
    const struct hub_options options = {.queue_size = 4};
    assert_int_equal(hub_new(&options, &sol_rig.guest.hub), 0);
    sol_rig_plug_in();
    sol_rig.port.room = 0;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_type(&sol_rig.console, 1, 0, "0123456789");
    sol_rig_assert_silent();
    sol_rig_advance(SOLPROTO_HOLD_MS - 1);
    sol_rig_assert_silent();
    sol_rig_advance(1);
    sol_rig_expect_sol(&sol_rig.console, 0, 1, 10, 0, "");
    sol_rig_type(&sol_rig.console, 2, 0, "abc");
    sol_rig_assert_silent();
    sol_rig.port.room = SIZE_MAX;
    stream_report_writable(&sol_rig.port.stream);
    sol_rig_expect_sol(&sol_rig.console, 0, 2, 3, 0, "");
    sol_rig_assert_typed("0123456789abc");
}

/* The ring went round before the console had taken what was in it. */
static void test_overrun(void **state)
{
    char text[6000];

    (void)state;
    memset(text, 'b', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hub_free(sol_rig.guest.hub);
    sol_rig_make_hub(4096);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_guest_says("first");
    sol_rig_advance(0);
    sol_rig_advance(60);
    sol_rig_expect_sol(&sol_rig.console, 1, 0, 0, 0, "first");
    sol_rig_guest_says(text);
    sol_rig_guest_says(text);
    sol_rig_acknowledge(&sol_rig.console, 1, 5);
    const struct sol_packet *packet = sol_rig_next_packet();
    assert_non_null(packet);
    sol_rig_acknowledge(&sol_rig.console, 2, (uint8_t)(packet->size - 4));
    const struct sol_packet *following = sol_rig_next_packet();
    assert_non_null(following);
    /* Each text had its beginning overwritten; what was collected of the first lies between. */
    assert_int_equal(packet->bytes[3], SOLPROTO_STATUS_OVERRUN);
    assert_int_equal(following->bytes[3], SOLPROTO_STATUS_OVERRUN);
    sol_rig_acknowledge(&sol_rig.console, 3, (uint8_t)(following->size - 4));
    packet = sol_rig_next_packet();
    assert_non_null(packet);
    assert_int_equal(packet->bytes[3], 0);
}

/* ---- the end ---- */

static void test_session_ends(void **state)
{
    uint8_t id[4];
    struct wire_out out = wire_out_init(id, sizeof id);

    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_type(&sol_rig.console, 1, 0, "last words");
    sol_rig_next_packet();
    wire_put_u32(&out, sol_rig.console.exchange.bmc_id);
    assert_int_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x3c, id, sizeof id), CC_SUCCESS);
    sol_rig_assert_typed("last words");
    sol_rig_expect_nobody();
    sol_rig_advance(10000);
    sol_rig_assert_silent();
    sol_rig_log_in(&sol_rig.console, 17);
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(RMCP_IDLE_MS_DEFAULT);
    rmcp_server_tick(sol_rig.console.server, sol_rig.console.now_ms);
    sol_rig_expect_nobody();
}

static void test_take_over(void **state)
{
    static const uint8_t instance[] = {1, 1};

    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_log_in(&sol_rig.other, 3);
    assert_int_equal(sol_rig_activate(&sol_rig.other), 0x80);
    sol_rig.sender = &sol_rig.other;
    sol_rig.other.now_ms = sol_rig.console.now_ms;
    uint8_t message[RMCP_DATAGRAM_MAX];
    sol_rig.other.rq_seq++;
    remote_console_send_sealed(&sol_rig.other, PAYLOAD_IPMI, message,
                               remote_console_message(&sol_rig.other, NETFN_APP, 0x49,
                                                      sol_rig_instance_off,
                                                      sizeof sol_rig_instance_off, message));
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    const struct sol_packet *packet = sol_rig_next_packet();
    assert_ptr_equal(packet->to, &sol_rig.other);
    assert_int_equal(packet->bytes[6], CC_SUCCESS);
    sol_rig_assert_silent();
    assert_int_equal(sol_rig.guest.people, 0);
    assert_int_equal(sol_rig_activate(&sol_rig.other), CC_SUCCESS);
    assert_string_equal(sol_rig.guest.who, "admin by SOL from 192.0.2.2");

    /* The loser talks on to nobody. */
    uint64_t dropped =
        rmcp_server_counters(sol_rig.console.server)->dropped[RMCP_DROP_PAYLOAD_TYPE];
    sol_rig_type(&sol_rig.console, 1, 0, "rm -rf");
    sol_rig_assert_silent();
    sol_rig_assert_typed("");
    assert_int_equal(rmcp_server_counters(sol_rig.console.server)->dropped[RMCP_DROP_PAYLOAD_TYPE],
                     dropped + 1);
    assert_int_equal(sol_rig_command(&sol_rig.console, NETFN_APP, 0x4b, instance, sizeof instance),
                     CC_SUCCESS);
    struct wire_in in = wire_in_init(sol_rig.packets[sol_rig.packets_read - 1].bytes + 7, 4);
    assert_int_equal(wire_u32(&in), sol_rig.other.exchange.bmc_id);
    sol_rig_advance(CONSOLE_SOL_GRACE_MS - 1);
    assert_int_equal(rmcp_server_count_sessions(sol_rig.console.server), 2);
    sol_rig_advance(1);
    assert_int_equal(rmcp_server_count_sessions(sol_rig.console.server), 1);
    assert_int_equal(sol_rig_get_device_id(&sol_rig.other), CC_SUCCESS);
    assert_int_equal(sol_rig.guest.people, 1);
}

/* Who takes the console back in time keeps its session, and then the other one goes. */
static void test_take_back(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_log_in(&sol_rig.other, 3);
    for (int i = 0; i < 2; i++) {
        struct remote_console *loser = i == 0 ? &sol_rig.console : &sol_rig.other;
        struct remote_console *winner = i == 0 ? &sol_rig.other : &sol_rig.console;
        uint8_t message[RMCP_DATAGRAM_MAX];
        sol_rig_advance(1000);
        sol_rig.sender = winner;
        winner->now_ms = sol_rig.console.now_ms;
        winner->rq_seq++;
        remote_console_send_sealed(winner, PAYLOAD_IPMI, message,
                                   remote_console_message(winner, NETFN_APP, 0x49,
                                                          sol_rig_instance_off,
                                                          sizeof sol_rig_instance_off, message));
        sol_rig_expect_sol(loser, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
        assert_int_equal(sol_rig_next_packet()->bytes[6], CC_SUCCESS);
        if (i == 0)
            assert_int_equal(sol_rig_activate(winner), CC_SUCCESS);
    }
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(CONSOLE_SOL_GRACE_MS);
    assert_int_equal(rmcp_server_count_sessions(sol_rig.console.server), 1);
    assert_int_equal(sol_rig_get_device_id(&sol_rig.console), CC_SUCCESS);
}

static void test_hub_gone(void **state)
{
    (void)state;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(0);
    hub_free(sol_rig.guest.hub);
    sol_rig.guest.hub = NULL;
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    sol_rig_type(&sol_rig.console, 1, SOLPROTO_OPERATION_BREAK, "x");
    sol_rig_advance(0);
    assert_int_equal(sol_rig.guest.people, 0);
    assert_int_equal(sol_rig_deactivate(&sol_rig.console), 0x80);
    sol_rig_assert_silent();
}

static void test_ended_by_the_bmc(void **state)
{
    (void)state;
    console_sol_end(sol_rig.sol); /* nobody there */
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    console_sol_end(sol_rig.sol);
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    sol_rig_expect_nobody();
    sol_rig_advance(CONSOLE_SOL_GRACE_MS);
    assert_int_equal(sol_rig_get_device_id(&sol_rig.console),
                     CC_SUCCESS); /* its session is not closed */
}

/* A guest that has no serial port is found out before, or only because somebody came. */
static void test_no_serial_port(void **state)
{
    (void)state;
    sol_rig.guest.problem = "g1 has no serial port";
    assert_int_equal(sol_rig_activate(&sol_rig.console), 0x81);
    assert_int_equal(sol_rig.guest.looks, 1);
    sol_rig.guest.problem = NULL;
    assert_int_equal(sol_rig_activate(&sol_rig.console), CC_SUCCESS);
    sol_rig_advance(1000);
    hub_notify(sol_rig.guest.hub, HUB_NOTICE_MESSAGE, "something else");
    sol_rig_advance(1000);
    sol_rig_assert_silent();
    sol_rig.guest.problem = "g1 has no serial port";
    hub_notify(sol_rig.guest.hub, HUB_NOTICE_MESSAGE, sol_rig.guest.problem);
    sol_rig_advance(0);
    sol_rig_expect_sol(&sol_rig.console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    sol_rig_expect_nobody();
    sol_rig.guest.problem = NULL;
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sol_rig_setup, sol_rig_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_activate),    TEST(test_activate_repeated),
        TEST(test_no_console),  TEST(test_no_serial_port),
        TEST(test_type),        TEST(test_much_output),
        TEST(test_resend),      TEST(test_break),
        TEST(test_flush),       TEST(test_guest_off),
        TEST(test_source_lost), TEST(test_guest_slow),
        TEST(test_overrun),     TEST(test_session_ends),
        TEST(test_take_over),   TEST(test_take_back),
        TEST(test_hub_gone),    TEST(test_ended_by_the_bmc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
