/* Serial over LAN from the console's datagrams to the guest's serial port and back: real sessions,
 * real commands, real hub and real store, with a serial port, a clock and a struct console
 * of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/solparams.h"
#include "tests/unit/rmcp_console.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/stream.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/console/console.h"
#include "vbmc/console/sol.h"
#include "vbmc/console/sol_session.h"
#include "vbmc/store/sol.h"
#include "vbmc/store/sql.h"

#define PORT        6230
#define PACKETS_MAX 64

/* ---- the console of the guest ---- */

struct console {
    struct hub *hub;
    unsigned replay;
    unsigned people;
    char who[CONSOLE_WHO_SIZE];
    const char *problem;
    unsigned looks;
};

struct console_user {
    struct console *console;
};

static struct console guest;

struct hub *console_hub(struct console *console)
{
    return console->hub;
}

unsigned console_replay_lines(const struct console *console)
{
    return console->replay;
}

const char *console_problem(const struct console *console)
{
    return console->problem;
}

void console_look_again(struct console *console)
{
    console->looks++;
}

struct console_user *console_join(struct console *console, const char *who)
{
    struct console_user *person = malloc(sizeof *person);

    assert_non_null(person);
    person->console = console;
    console->people++;
    snprintf(console->who, sizeof console->who, "%s", who);
    return person;
}

void console_leave(struct console_user *person)
{
    if (person)
        person->console->people--;
    free(person);
}

static struct {
    struct stream stream;
    size_t room;
    char written[4096];
    size_t size;
    unsigned breaks;
} port;

static void port_open(struct stream *stream)
{
    (void)stream;
}

static ssize_t port_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    size_t taken = size < port.room ? size : port.room;

    (void)stream;
    assert_true(port.size + taken < sizeof port.written);
    memcpy(port.written + port.size, bytes, taken);
    port.size += taken;
    port.room -= taken;
    return (ssize_t)taken;
}

static void port_close(struct stream *stream)
{
    (void)stream;
}

static int port_break(void *context)
{
    assert_ptr_equal(context, &port);
    port.breaks++;
    return 0;
}

static void plug_in(void)
{
    static const struct stream_ops ops = {port_open, port_write, port_close};

    memset(&port, 0, sizeof port);
    port.stream.ops = &ops;
    port.room = SIZE_MAX;
    hub_attach(guest.hub, &port.stream);
    hub_set_break(guest.hub, port_break, &port);
    stream_report_state(&port.stream, STREAM_CONNECTED, "there");
}

static void guest_says(const char *text)
{
    stream_report_received(&port.stream, (const uint8_t *)text, strlen(text));
}

static void assert_typed(const char *text)
{
    assert_int_equal(port.size, strlen(text));
    assert_memory_equal(port.written, text, port.size);
    port.size = 0;
}

/* ---- the BMC ---- */

static uv_loop_t loop;
static char folder[64];
static struct store *store;
static struct bmc bmc;
static struct saves *saves;
static struct console_sol *sol;
static struct remote_console console, other; /* two consoles of one server */
static uint64_t wake_at_ms;
static unsigned replies; /* that came late */

/* What came for one of the consoles. */
struct packet {
    const struct remote_console *to;
    uint8_t type;
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t size;
};

static struct packet packets[PACKETS_MAX];
static unsigned packet_count, packets_read;
static struct remote_console *sender; /* gets what cannot be opened: the clear packets of a login */

static bool open_packet(const struct remote_console *to, const uint8_t *bytes, size_t length)
{
    struct wire_in in = wire_in_init(bytes, length);
    struct packet *packet = &packets[packet_count];
    struct rmcpplus_packet parsed;
    const uint8_t *payload;

    wire_skip(&in, RMCP_HEADER_SIZE);
    if (!to->keys.suite || rmcpplus_parse(in, &parsed) < 0 || parsed.session != CONSOLE_ID ||
        !rmcpplus_verify(to->crypto, &to->keys, &parsed) ||
        rmcpplus_open(to->crypto, &to->keys, &parsed, packet->bytes, &payload, &packet->size) < 0)
        return false;
    memmove(packet->bytes, payload, packet->size);
    packet->to = to;
    packet->type = parsed.type;
    packet_count++;
    return true;
}

static void receive(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length)
{
    assert_ptr_equal(context, &console);
    assert_true(packet_count < PACKETS_MAX);
    if (!open_packet(&console, bytes, length))
        open_packet(&other, bytes, length);
    sender->sent++;
    sender->last.to = *to;
    sender->last.length = length;
    memcpy(sender->last.bytes, bytes, length);
}

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    assert_ptr_equal(context, &console);
    replies++;
    if (console.server)
        rmcp_server_complete(console.server, token, response, console.now_ms);
}

static const struct ipmi_sink sink = {.reply = reply, .context = &console};

static void hook_changed(const struct bmc_core *core, enum bmc_part part,
                         const struct bmc_ticket *ticket)
{
    (void)core;
    (void)part;
    bmc_ticket_finish(ticket, 0);
}

static void hook_wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    assert_ptr_equal(core, &bmc.core);
    if (at_ms < wake_at_ms)
        wake_at_ms = at_ms;
}

static uint64_t hook_now(const struct bmc_core *core)
{
    assert_ptr_equal(core, &bmc.core);
    return console.now_ms;
}

static const struct bmc_hooks hooks = {
    .changed = hook_changed,
    .wake_at = hook_wake_at,
    .now = hook_now,
};

/* Lets time pass as the timer of an instance does. */
static void advance(uint64_t ms)
{
    uint64_t end = console.now_ms + ms;

    for (unsigned ticks = 0; wake_at_ms <= end; ticks++) {
        assert_true(ticks < 1000);
        if (wake_at_ms > console.now_ms)
            console.now_ms = wake_at_ms;
        wake_at_ms = UINT64_MAX;
        rmcp_server_tick(console.server, console.now_ms);
        console_sol_tick(sol, console.now_ms);
        hook_wake_at(&bmc.core, console_sol_next_deadline(sol));
    }
    console.now_ms = end;
}

static void log_in(struct remote_console *who, uint8_t suite)
{
    static const uint8_t level = PRIVILEGE_ADMINISTRATOR;

    sender = who;
    who->now_ms = console.now_ms;
    assert_int_equal(remote_console_login(who, suite, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_command(who, NETFN_APP, 0x3b, &level, 1), CC_SUCCESS);
    packet_count = packets_read = 0;
}

static void make_hub(size_t history)
{
    const struct hub_options options = {.history_size = history};

    assert_int_equal(hub_new(&options, &guest.hub), 0);
    plug_in();
}

static void make_sol(void)
{
    static const struct uuid uuid = {{1, 2, 3}};

    bmc_init(&bmc, CONSOLE_BMC, &uuid, &hooks, NULL);
    bmc.users = console.users;
    bmc.channel = console.channel;
    saves = saves_new(store, "the test");
    sol = console_sol_new(&bmc, saves);
    assert_non_null(sol);
    console.config.bmc = &bmc;
    console.config.users = &bmc.users;
    console.config.channel = &bmc.channel;
    console.config.sink = &sink;
    console.config.send = receive;
    console.config.send_context = &console;
    console.config.events = &console_sol_events;
    console.config.events_context = sol;
    remote_console_restart(&console);
    other.server = console.server;
    console_sol_connect(sol, console.server, &guest);
    console_sol_set_port(sol, PORT);
}

static void free_sol(void)
{
    rmcp_server_free(console.server);
    console.server = other.server = NULL;
    saves_free(saves, NULL, NULL);
    console_sol_free(sol);
    bmc_clear(&bmc);
}

static int setup(void **state)
{
    char error[512];

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-sol-XXXXXX");
    if (!mkdtemp(folder) || store_open(&loop, folder, &store, error, sizeof error) < 0)
        return -1;
    wake_at_ms = UINT64_MAX;
    packet_count = packets_read = 0;
    guest = (struct console){.replay = 2};
    make_hub(0);
    remote_console_init(&console);
    remote_console_init(&other);
    rmcp_server_free(other.server);
    endpoint_address_parse("192.0.2.1", 40000, &console.from.remote);
    endpoint_address_parse("192.0.2.2", 40000, &other.from.remote);
    make_sol();
    log_in(&console, 17);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    free_sol();
    assert_int_equal(guest.people, 0);
    hub_free(guest.hub);
    remote_console_free(&console);
    remote_console_free(&other);
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return uv_loop_close(&loop) || system(command);
}

/* ---- what a console does and gets ---- */

/* The next packet; NULL if there is none. */
static const struct packet *next_packet(void)
{
    return packets_read < packet_count ? &packets[packets_read++] : NULL;
}

static void assert_silent(void)
{
    assert_int_equal(packets_read, packet_count);
    packet_count = packets_read = 0;
}

/* A command and the completion code of its answer, which may come when the disk has it. */
static int command(struct remote_console *who, uint8_t netfn, uint8_t number, const void *data,
                   size_t size)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    sender = who;
    who->now_ms = console.now_ms;
    who->rq_seq = (who->rq_seq + 1) & 0x3f;
    remote_console_send_sealed(who, PAYLOAD_IPMI, message,
                               remote_console_message(who, netfn, number, data, size, message));
    while (packets_read == packet_count && uv_loop_alive(&loop))
        uv_run(&loop, UV_RUN_ONCE);
    const struct packet *packet = next_packet();
    assert_non_null(packet);
    assert_ptr_equal(packet->to, who);
    assert_int_equal(packet->type, PAYLOAD_IPMI);
    assert_int_equal(packet->bytes[5], number);
    return packet->bytes[6];
}

static const uint8_t instance_1[] = {1, 1, 0xc6, 0, 0, 0};
static const uint8_t instance_1_off[] = {1, 1, 0, 0, 0, 0};

static int activate(struct remote_console *who)
{
    return command(who, NETFN_APP, 0x48, instance_1, sizeof instance_1);
}

static int deactivate(struct remote_console *who)
{
    return command(who, NETFN_APP, 0x49, instance_1_off, sizeof instance_1_off);
}

static int set_parameter(struct remote_console *who, uint8_t number, uint8_t first, int second)
{
    const uint8_t data[] = {CHANNEL_LAN, number, first, (uint8_t)second};

    return command(who, NETFN_TRANSPORT, 0x21, data, second < 0 ? 3 : 4);
}

/* The parameter's bytes as a number, the first one lowest. */
static int get_parameter(struct remote_console *who, uint8_t number)
{
    const uint8_t data[] = {CHANNEL_LAN, number, 0, 0};

    if (command(who, NETFN_TRANSPORT, 0x22, data, sizeof data) != CC_SUCCESS)
        return -1;
    const struct packet *packet = &packets[packets_read - 1];
    assert_int_equal(packet->bytes[7], 0x11);
    return packet->size == 10 ? packet->bytes[8] : packet->bytes[8] | packet->bytes[9] << 8;
}

static int get_device_id(struct remote_console *who)
{
    return command(who, NETFN_APP, 0x01, NULL, 0);
}

static void type(struct remote_console *who, uint8_t sequence, uint8_t operation, const char *text)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX] = {sequence, 0, 0, operation};

    sender = who;
    who->now_ms = console.now_ms;
    memcpy(payload + 4, text, strlen(text));
    remote_console_send_sealed(who, PAYLOAD_SOL, payload, 4 + strlen(text));
}

static void acknowledge(struct remote_console *who, uint8_t sequence, uint8_t count)
{
    const uint8_t payload[] = {0, sequence, count, 0};

    sender = who;
    who->now_ms = console.now_ms;
    remote_console_send_sealed(who, PAYLOAD_SOL, payload, sizeof payload);
}

static void expect_sol(const struct remote_console *to, uint8_t sequence, uint8_t acknowledged,
                       uint8_t accepted, uint8_t status, const char *text)
{
    const struct packet *packet = next_packet();

    assert_non_null(packet);
    assert_ptr_equal(packet->to, to);
    assert_int_equal(packet->type, PAYLOAD_SOL);
    assert_int_equal(packet->bytes[0], sequence);
    assert_int_equal(packet->bytes[1], acknowledged);
    assert_int_equal(packet->bytes[2], accepted);
    assert_int_equal(packet->bytes[3], status);
    assert_int_equal(packet->size, 4 + strlen(text));
    assert_memory_equal(packet->bytes + 4, text, strlen(text));
}

/* ---- activation ---- */

static void test_activate(void **state)
{
    static const uint8_t answer[] = {0,    0,    0,           0,         0x03, 0x01,
                                     0x03, 0x01, PORT & 0xff, PORT >> 8, 0xff, 0xff};
    const struct packet *packet;

    (void)state;
    guest_says("one\r\ntwo\r\nthree\r\n");
    assert_int_equal(activate(&console), CC_SUCCESS);
    assert_silent(); /* the response alone */
    packet = &packets[0];
    assert_int_equal(packet->size, 8 + sizeof answer);
    assert_memory_equal(packet->bytes + 7, answer, sizeof answer);
    assert_int_equal(guest.people, 1);
    assert_string_equal(guest.who, "admin by SOL from 192.0.2.1");
    assert_true(wake_at_ms <= console.now_ms);
    advance(59);
    assert_silent();
    advance(1); /* the accumulate interval is over */
    expect_sol(&console, 1, 0, 0, 0, "two\r\nthree\r\n");
    assert_silent();
    acknowledge(&console, 1, 12);
    advance(10000);
    assert_silent();
    assert_int_equal(activate(&console), 0x80);
    assert_int_equal(deactivate(&console), CC_SUCCESS);
    assert_silent(); /* who deactivates it himself needs no news */
    assert_int_equal(guest.people, 0);
    assert_int_equal(hub_count_readers(guest.hub) + hub_count_writers(guest.hub), 0);
    assert_int_equal(deactivate(&console), 0x80);
    assert_int_equal(activate(&console), CC_SUCCESS);
}

/* The retransmitted request is answered from memory and activates nothing again. */
static void test_activate_repeated(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    (void)state;
    size_t size =
        remote_console_message(&console, NETFN_APP, 0x48, instance_1, sizeof instance_1, message);
    for (int i = 0; i < 3; i++) {
        remote_console_send_sealed(&console, PAYLOAD_IPMI, message, size);
        const struct packet *packet = next_packet();
        assert_non_null(packet);
        assert_int_equal(packet->bytes[6], CC_SUCCESS);
        assert_int_equal(packet->size, 20);
    }
    assert_silent();
    assert_int_equal(guest.people, 1);
}

static void test_no_console(void **state)
{
    (void)state;
    hub_free(guest.hub);
    guest.hub = NULL;
    assert_int_equal(activate(&console), CC_NODE_BUSY);
    assert_int_equal(deactivate(&console), 0x80);
    make_hub(0);
    assert_int_equal(activate(&console), CC_SUCCESS);
}

/* ---- characters ---- */

static void test_type(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    type(&console, 1, 0, "ls\r"); /* even before the first tick */
    assert_typed("ls\r");
    expect_sol(&console, 0, 1, 3, 0, "");
    guest_says("ls\r\n");
    advance(60);
    expect_sol(&console, 1, 0, 0, 0, "ls\r\n");
    /* An acknowledgement together with characters. */
    sender = &console;
    remote_console_send_sealed(&console, PAYLOAD_SOL, (const uint8_t[]){2, 1, 4, 0, 'x'}, 5);
    expect_sol(&console, 0, 2, 1, 0, "");
    assert_typed("x");
    type(&console, 2, 0, "x"); /* a repeat is acknowledged and not typed */
    expect_sol(&console, 0, 2, 1, 0, "");
    assert_typed("");
    advance(10000);
    assert_silent();
    remote_console_send_sealed(&console, PAYLOAD_SOL, (const uint8_t[]){3, 0, 0},
                               3); /* too short */
    assert_silent();
}

/* The threshold is reached: at once. */
static void test_much_output(void **state)
{
    char text[600];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(0);
    guest_says(text);
    expect_sol(&console, 1, 0, 0, 0, text + 599 - 255);
    assert_silent();
    acknowledge(&console, 1, 255);
    expect_sol(&console, 2, 0, 0, 0, text + 599 - 255);
    acknowledge(&console, 2, 255);
    advance(60);
    expect_sol(&console, 3, 0, 0, 0, text + 599 - 89);
    assert_silent();
}

static void test_resend(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    guest_says("login: ");
    advance(0);
    advance(60);
    for (int i = 0; i <= 7; i++) {
        expect_sol(&console, 1, 0, 0, 0, "login: ");
        assert_silent();
        advance(500);
    }
    advance(10000);
    assert_silent();
    assert_int_equal(get_device_id(&console), CC_SUCCESS); /* it is there after all */
    expect_sol(&console, 1, 0, 0, 0, "login: ");
    acknowledge(&console, 1, 7);
    advance(5000);
    assert_silent();
}

static void test_break(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    type(&console, 1, SOLPROTO_OPERATION_BREAK, "");
    expect_sol(&console, 0, 1, 0, 0, "");
    assert_int_equal(port.breaks, 1);
    type(&console, 1, SOLPROTO_OPERATION_BREAK, "");
    expect_sol(&console, 0, 1, 0, 0, "");
    assert_int_equal(port.breaks, 1);
}

static void test_flush(void **state)
{
    (void)state;
    guest_says("old\r\n");
    assert_int_equal(activate(&console), CC_SUCCESS);
    type(&console, 1, SOLPROTO_OPERATION_FLUSH_INBOUND, "");
    expect_sol(&console, 0, 1, 0, 0, "");
    advance(1000);
    assert_silent();
}

/* What is typed for a guest that is off is taken and forgotten. */
static void test_guest_off(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    stream_report_state(&port.stream, STREAM_DISCONNECTED, "off");
    hub_notify(guest.hub, HUB_NOTICE_GUEST_OFF, "off");
    type(&console, 1, 0, "for nobody");
    expect_sol(&console, 0, 1, 10, 0, "");
    stream_report_state(&port.stream, STREAM_CONNECTED, "on");
    assert_typed("");
    type(&console, 2, 0, "x");
    expect_sol(&console, 0, 2, 1, 0, "");
    assert_typed("x");
    guest_says("again");
    advance(60);
    expect_sol(&console, 1, 0, 0, 0, "again");
}

/* What a running guest says while nobody is connected to its serial port is lost. */
static void test_source_lost(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    stream_report_state(&port.stream, STREAM_DISCONNECTED, "libvirtd restarts");
    stream_report_state(&port.stream, STREAM_CONNECTED, "back");
    guest_says("behind it");
    advance(60);
    expect_sol(&console, 1, 0, 0, 0x08, "behind it");
    acknowledge(&console, 1, 9);
    guest_says("more");
    advance(60);
    expect_sol(&console, 2, 0, 0, 0, "more");
}

/* The guest takes nothing: hub and queue fill up, the acknowledgement is held back, nothing is
 * lost. */
static void test_guest_slow(void **state)
{
    (void)state;
    hub_free(guest.hub);
    const struct hub_options options = {.queue_size = 4};
    assert_int_equal(hub_new(&options, &guest.hub), 0);
    plug_in();
    port.room = 0;
    assert_int_equal(activate(&console), CC_SUCCESS);
    type(&console, 1, 0, "0123456789");
    assert_silent();
    advance(SOLPROTO_HOLD_MS - 1);
    assert_silent();
    advance(1);
    expect_sol(&console, 0, 1, 10, 0, "");
    type(&console, 2, 0, "abc");
    assert_silent();
    port.room = SIZE_MAX;
    stream_report_writable(&port.stream);
    expect_sol(&console, 0, 2, 3, 0, "");
    assert_typed("0123456789abc");
}

/* The ring went round before the console had taken what was in it. */
static void test_overrun(void **state)
{
    char text[6000];

    (void)state;
    memset(text, 'b', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hub_free(guest.hub);
    make_hub(4096);
    assert_int_equal(activate(&console), CC_SUCCESS);
    guest_says("first");
    advance(0);
    advance(60);
    expect_sol(&console, 1, 0, 0, 0, "first");
    guest_says(text);
    guest_says(text);
    acknowledge(&console, 1, 5);
    const struct packet *packet = next_packet();
    assert_non_null(packet);
    acknowledge(&console, 2, (uint8_t)(packet->size - 4));
    const struct packet *following = next_packet();
    assert_non_null(following);
    /* Each text had its beginning overwritten; what was collected of the first lies between. */
    assert_int_equal(packet->bytes[3], SOLPROTO_STATUS_OVERRUN);
    assert_int_equal(following->bytes[3], SOLPROTO_STATUS_OVERRUN);
    acknowledge(&console, 3, (uint8_t)(following->size - 4));
    packet = next_packet();
    assert_non_null(packet);
    assert_int_equal(packet->bytes[3], 0);
}

/* ---- the end ---- */

static void expect_nobody(void)
{
    assert_int_equal(guest.people, 0);
    assert_int_equal(hub_count_readers(guest.hub), 0);
    assert_int_equal(hub_count_writers(guest.hub), 0);
    assert_int_equal(console_sol_next_deadline(sol), UINT64_MAX);
}

static void test_session_ends(void **state)
{
    uint8_t id[4];
    struct wire_out out = wire_out_init(id, sizeof id);

    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    type(&console, 1, 0, "last words");
    next_packet();
    wire_put_u32(&out, console.exchange.bmc_id);
    assert_int_equal(command(&console, NETFN_APP, 0x3c, id, sizeof id), CC_SUCCESS);
    assert_typed("last words");
    expect_nobody();
    advance(10000);
    assert_silent();
    log_in(&console, 17);
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(RMCP_IDLE_MS_DEFAULT);
    rmcp_server_tick(console.server, console.now_ms);
    expect_nobody();
}

static void test_take_over(void **state)
{
    static const uint8_t instance[] = {1, 1};

    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    log_in(&other, 3);
    assert_int_equal(activate(&other), 0x80);
    sender = &other;
    other.now_ms = console.now_ms;
    uint8_t message[RMCP_DATAGRAM_MAX];
    other.rq_seq++;
    remote_console_send_sealed(&other, PAYLOAD_IPMI, message,
                               remote_console_message(&other, NETFN_APP, 0x49, instance_1_off,
                                                      sizeof instance_1_off, message));
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    const struct packet *packet = next_packet();
    assert_ptr_equal(packet->to, &other);
    assert_int_equal(packet->bytes[6], CC_SUCCESS);
    assert_silent();
    assert_int_equal(guest.people, 0);
    assert_int_equal(activate(&other), CC_SUCCESS);
    assert_string_equal(guest.who, "admin by SOL from 192.0.2.2");

    /* The loser talks on to nobody. */
    uint64_t dropped = rmcp_server_counters(console.server)->dropped[RMCP_DROP_PAYLOAD_TYPE];
    type(&console, 1, 0, "rm -rf");
    assert_silent();
    assert_typed("");
    assert_int_equal(rmcp_server_counters(console.server)->dropped[RMCP_DROP_PAYLOAD_TYPE],
                     dropped + 1);
    assert_int_equal(command(&console, NETFN_APP, 0x4b, instance, sizeof instance), CC_SUCCESS);
    struct wire_in in = wire_in_init(packets[packets_read - 1].bytes + 7, 4);
    assert_int_equal(wire_u32(&in), other.exchange.bmc_id);
    advance(CONSOLE_SOL_GRACE_MS - 1);
    assert_int_equal(rmcp_server_count_sessions(console.server), 2);
    advance(1);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
    assert_int_equal(get_device_id(&other), CC_SUCCESS);
    assert_int_equal(guest.people, 1);
}

/* Who takes the console back in time keeps its session, and then the other one goes. */
static void test_take_back(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    log_in(&other, 3);
    for (int i = 0; i < 2; i++) {
        struct remote_console *loser = i == 0 ? &console : &other;
        struct remote_console *winner = i == 0 ? &other : &console;
        uint8_t message[RMCP_DATAGRAM_MAX];
        advance(1000);
        sender = winner;
        winner->now_ms = console.now_ms;
        winner->rq_seq++;
        remote_console_send_sealed(winner, PAYLOAD_IPMI, message,
                                   remote_console_message(winner, NETFN_APP, 0x49, instance_1_off,
                                                          sizeof instance_1_off, message));
        expect_sol(loser, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
        assert_int_equal(next_packet()->bytes[6], CC_SUCCESS);
        if (i == 0)
            assert_int_equal(activate(winner), CC_SUCCESS);
    }
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(CONSOLE_SOL_GRACE_MS);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
    assert_int_equal(get_device_id(&console), CC_SUCCESS);
}

static void test_hub_gone(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(0);
    hub_free(guest.hub);
    guest.hub = NULL;
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    type(&console, 1, SOLPROTO_OPERATION_BREAK, "x");
    advance(0);
    assert_int_equal(guest.people, 0);
    assert_int_equal(deactivate(&console), 0x80);
    assert_silent();
}

static void test_ended_by_the_bmc(void **state)
{
    (void)state;
    console_sol_end(sol); /* nobody there */
    assert_int_equal(activate(&console), CC_SUCCESS);
    console_sol_end(sol);
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    expect_nobody();
    advance(CONSOLE_SOL_GRACE_MS);
    assert_int_equal(get_device_id(&console), CC_SUCCESS); /* its session is not closed */
}

/* A guest that has no serial port is found out before, or only because somebody came. */
static void test_no_serial_port(void **state)
{
    (void)state;
    guest.problem = "g1 has no serial port";
    assert_int_equal(activate(&console), 0x81);
    assert_int_equal(guest.looks, 1);
    guest.problem = NULL;
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(1000);
    hub_notify(guest.hub, HUB_NOTICE_MESSAGE, "something else");
    advance(1000);
    assert_silent();
    guest.problem = "g1 has no serial port";
    hub_notify(guest.hub, HUB_NOTICE_MESSAGE, guest.problem);
    advance(0);
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    expect_nobody();
    guest.problem = NULL;
}

/* ---- configuration ---- */

static void break_store(void)
{
    CLEANUP_FREE char *text = NULL;
    sqlite3 *db;

    assert_true(asprintf(&text, "%s/state.db", folder) > 0);
    assert_int_equal(sqlite3_open(text, &db), SQLITE_OK);
    assert_int_equal(sql_run(db, "DROP TABLE sol"), 0);
    sqlite3_close(db);
}

static void test_disabled(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ENABLE, 0, -1), CC_SUCCESS);
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    assert_silent();
    expect_nobody();
    assert_int_equal(activate(&console), 0x81);
    assert_int_equal(deactivate(&console), 0x81);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ENABLE, 1, -1), CC_SUCCESS);
    assert_int_equal(activate(&console), CC_SUCCESS);
}

static void test_user_denied(void **state)
{
    static const uint8_t deny[] = {CHANNEL_LAN, 0x40 | USER_ID_FIRST, 2, 0, 0, 0};
    static const uint8_t allow[] = {CHANNEL_LAN, USER_ID_FIRST, 2, 0, 0, 0};
    static const uint8_t nobody[] = {CHANNEL_LAN, USER_ID_FIRST + 1, 2, 0, 0, 0};
    CLEANUP_FREE struct store_sol *rows = NULL;
    size_t count;

    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    assert_int_equal(command(&console, NETFN_APP, 0x4c, deny, sizeof deny), CC_SUCCESS);
    expect_sol(&console, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    assert_int_equal(activate(&console), 0x81);
    assert_int_equal(command(&console, NETFN_APP, 0x4c, nobody, sizeof nobody),
                     CC_INVALID_DATA_FIELD);
    assert_int_equal(store_sol_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].denied[0], CONSOLE_NAME);

    /* By name: another user under the id may, and this one may not under another id. */
    strcpy(bmc.users.by_id[USER_ID_FIRST].name, "other");
    strcpy(bmc.users.by_id[USER_ID_FIRST + 3].name, CONSOLE_NAME);
    assert_true(bmc.payload->user_may(sol, USER_ID_FIRST));
    assert_false(bmc.payload->user_may(sol, USER_ID_FIRST + 3));
    assert_false(bmc.payload->user_may(sol, USER_ID_FIRST + 1)); /* nobody */
    strcpy(bmc.users.by_id[USER_ID_FIRST].name, CONSOLE_NAME);
    assert_int_equal(command(&console, NETFN_APP, 0x4c, allow, sizeof allow), CC_SUCCESS);
    assert_int_equal(activate(&console), CC_SUCCESS);
}

/* However many users come and go, there is room to deny the present ones. */
static void test_many_denied(void **state)
{
    const struct bmc_ticket nobody = {.done = NULL};
    struct user *user = &bmc.users.by_id[USER_ID_MAX];

    (void)state;
    for (int i = 0; i < 3 * USER_ID_MAX; i++) {
        memcpy(user->name, "a-name-of-size16", sizeof user->name);
        user->name[14] = (char)('a' + i / 26);
        user->name[15] = (char)('a' + i % 26);
        assert_true(bmc.payload->user_may(sol, USER_ID_MAX));
        assert_int_equal(bmc.payload->set_user_access(sol, USER_ID_MAX, false, &nobody), 0);
        assert_false(bmc.payload->user_may(sol, USER_ID_MAX));
    }
    assert_true(bmc.payload->user_may(sol, USER_ID_FIRST));
    assert_int_equal(bmc.payload->set_user_access(sol, USER_ID_MAX, true, &nobody), 0);
    assert_true(bmc.payload->user_may(sol, USER_ID_MAX));
}

static void test_timing(void **state)
{
    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    advance(0);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ACCUMULATE, 2, 5), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_RETRY, 1, 3), CC_SUCCESS);
    guest_says("abc");
    advance(10);
    expect_sol(&console, 1, 0, 0, 0, "abc");
    advance(30);
    expect_sol(&console, 1, 0, 0, 0, "abc");
    advance(5000);
    assert_silent();
}

static void test_parameters_stored(void **state)
{
    CLEANUP_FREE struct store_sol *rows = NULL;
    size_t count;

    (void)state;
    assert_int_equal(set_parameter(&console, SOLPARAMS_AUTHENTICATION, 0x03, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ACCUMULATE, 7, 8), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_RETRY, 3, 9), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_BIT_RATE, 6, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_VOLATILE_BIT_RATE, 7, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_PAYLOAD_CHANNEL, 1, -1), 0x82);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ENABLE, 2, -1), CC_INVALID_DATA_FIELD);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ENABLE, 0, 0), CC_REQUEST_LENGTH_INVALID);
    assert_int_equal(set_parameter(&console, 9, 0, 0), 0x80);
    assert_int_equal(get_parameter(&console, SOLPARAMS_PAYLOAD_PORT), PORT);
    assert_int_equal(get_parameter(&console, SOLPARAMS_PAYLOAD_CHANNEL), CHANNEL_LAN);

    free_sol();
    make_sol();
    assert_int_equal(store_sol_load_all(store, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&rows[0].uuid, &bmc.core.uuid));
    console_sol_restore(sol, &rows[0]);
    log_in(&console, 17);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&console, SOLPARAMS_AUTHENTICATION), 0x03);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
    assert_int_equal(get_parameter(&console, SOLPARAMS_RETRY), 3 | 9 << 8);
    assert_int_equal(get_parameter(&console, SOLPARAMS_BIT_RATE), 6);
    assert_int_equal(get_parameter(&console, SOLPARAMS_VOLATILE_BIT_RATE), 6);

    /* What cannot have been stored by us is not taken. */
    log_set_target(LOG_TARGET_SYSLOG);
    rows[0].accumulate[0] = 0;
    rows[0].enable = 0;
    console_sol_restore(sol, &rows[0]);
    log_set_target(LOG_TARGET_STDERR);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
}

/* What is not on disk was not set. */
static void test_store_fails(void **state)
{
    static const uint8_t deny[] = {CHANNEL_LAN, 0x40 | USER_ID_FIRST, 2, 0, 0, 0};

    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_ACCUMULATE, 7, 8), CC_SUCCESS);
    break_store();
    log_set_target(LOG_TARGET_SYSLOG);
    assert_int_not_equal(set_parameter(&console, SOLPARAMS_ENABLE, 0, -1), CC_SUCCESS);
    assert_int_not_equal(command(&console, NETFN_APP, 0x4c, deny, sizeof deny), CC_SUCCESS);
    assert_int_not_equal(set_parameter(&console, SOLPARAMS_ACCUMULATE, 1, 1), CC_SUCCESS);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ENABLE), 1);
    assert_int_equal(get_parameter(&console, SOLPARAMS_ACCUMULATE), 7 | 8 << 8);
    log_set_target(LOG_TARGET_STDERR);
    assert_true(bmc.payload->user_may(sol, USER_ID_FIRST));
    assert_int_equal(guest.people, 1);
    assert_silent();
}

static void test_freed_while_a_save_runs(void **state)
{
    uint8_t message[RMCP_DATAGRAM_MAX];
    const uint8_t data[] = {CHANNEL_LAN, SOLPARAMS_ENABLE, 0};

    (void)state;
    assert_int_equal(activate(&console), CC_SUCCESS);
    console.rq_seq++;
    remote_console_send_sealed(
        &console, PAYLOAD_IPMI, message,
        remote_console_message(&console, NETFN_TRANSPORT, 0x21, data, sizeof data, message));
    assert_silent();
    replies = 0;
    rmcp_server_free(console.server);
    console.server = other.server = NULL;
    saves_flush(saves);
    console_sol_free(sol);
    sol = NULL;
    assert_null(bmc.payload);
    while (replies == 0)
        uv_run(&loop, UV_RUN_ONCE);
    saves_free(saves, NULL, NULL);
    make_sol(); /* for the teardown */
}

static void test_set_in_progress(void **state)
{
    (void)state;
    log_in(&other, 3);
    assert_int_equal(set_parameter(&other, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), 0x81);
    assert_int_equal(get_parameter(&console, SOLPARAMS_SET_IN_PROGRESS), 1);
    assert_int_equal(rmcp_server_close_session(console.server, other.exchange.bmc_id), 0);
    assert_int_equal(get_parameter(&console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 2, -1), CC_SUCCESS);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 0, -1), CC_SUCCESS);
    assert_int_equal(get_parameter(&console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    console_sol_host_event(sol, HOST_EVENT_RESET);
    assert_int_equal(get_parameter(&console, SOLPARAMS_SET_IN_PROGRESS), 0);
    assert_int_equal(set_parameter(&console, SOLPARAMS_SET_IN_PROGRESS, 1, -1), CC_SUCCESS);
    console_sol_host_event(sol, HOST_EVENT_STOPPED);
    assert_int_equal(get_parameter(&console, SOLPARAMS_SET_IN_PROGRESS), 0);
    /* Boot options of the same session as well. */
    bmc.boot.set_in_progress = 1;
    bmc.boot.setting_session = console.exchange.bmc_id;
    assert_int_equal(rmcp_server_close_session(console.server, console.exchange.bmc_id), 0);
    assert_int_equal(bmc.boot.set_in_progress, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_activate),
        TEST(test_activate_repeated),
        TEST(test_no_console),
        TEST(test_no_serial_port),
        TEST(test_type),
        TEST(test_much_output),
        TEST(test_resend),
        TEST(test_break),
        TEST(test_flush),
        TEST(test_guest_off),
        TEST(test_source_lost),
        TEST(test_guest_slow),
        TEST(test_overrun),
        TEST(test_session_ends),
        TEST(test_take_over),
        TEST(test_take_back),
        TEST(test_hub_gone),
        TEST(test_ended_by_the_bmc),
        TEST(test_disabled),
        TEST(test_user_denied),
        TEST(test_many_denied),
        TEST(test_timing),
        TEST(test_parameters_stored),
        TEST(test_store_fails),
        TEST(test_freed_while_a_save_runs),
        TEST(test_set_in_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
