#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/console/sol_rig.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/console/sol_session.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dispatch.h"

struct sol_rig sol_rig;

/* ---- the console of the guest ---- */

struct console_user {
    struct console *console;
};

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

static void port_open(struct stream *stream)
{
    (void)stream;
}

static ssize_t port_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    size_t taken = size < sol_rig.port.room ? size : sol_rig.port.room;

    (void)stream;
    assert_true(sol_rig.port.size + taken < sizeof sol_rig.port.written);
    memcpy(sol_rig.port.written + sol_rig.port.size, bytes, taken);
    sol_rig.port.size += taken;
    sol_rig.port.room -= taken;
    return (ssize_t)taken;
}

static void port_close(struct stream *stream)
{
    (void)stream;
}

static int port_break(void *context)
{
    assert_ptr_equal(context, &sol_rig.port);
    sol_rig.port.breaks++;
    return 0;
}

void sol_rig_plug_in(void)
{
    static const struct stream_ops ops = {port_open, port_write, port_close};

    memset(&sol_rig.port, 0, sizeof sol_rig.port);
    sol_rig.port.stream.ops = &ops;
    sol_rig.port.room = SIZE_MAX;
    hub_attach(sol_rig.guest.hub, &sol_rig.port.stream);
    hub_set_break(sol_rig.guest.hub, port_break, &sol_rig.port);
    stream_report_state(&sol_rig.port.stream, STREAM_CONNECTED, "there");
}

void sol_rig_guest_says(const char *text)
{
    stream_report_received(&sol_rig.port.stream, (const uint8_t *)text, strlen(text));
}

void sol_rig_assert_typed(const char *text)
{
    assert_int_equal(sol_rig.port.size, strlen(text));
    assert_memory_equal(sol_rig.port.written, text, sol_rig.port.size);
    sol_rig.port.size = 0;
}

/* ---- the BMC ---- */

static bool open_packet(const struct remote_console *to, const uint8_t *bytes, size_t length)
{
    struct wire_in in = wire_in_init(bytes, length);
    struct sol_packet *packet = &sol_rig.packets[sol_rig.packet_count];
    struct rmcpplus_packet parsed;
    const uint8_t *payload;

    wire_skip(&in, RMCP_HEADER_SIZE);
    if (!to->keys.suite || rmcpplus_parse(in, &parsed) < 0 || parsed.session != CONSOLE_ID ||
        !rmcpplus_verify(&to->keys, &parsed) ||
        rmcpplus_open(to->crypto, &to->keys, &parsed, packet->bytes, &payload, &packet->size) < 0)
        return false;
    memmove(packet->bytes, payload, packet->size);
    packet->to = to;
    packet->type = parsed.type;
    sol_rig.packet_count++;
    return true;
}

static void receive(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length)
{
    assert_ptr_equal(context, &sol_rig.console);
    assert_true(sol_rig.packet_count < SOL_RIG_PACKETS_MAX);
    if (!open_packet(&sol_rig.console, bytes, length))
        open_packet(&sol_rig.other, bytes, length);
    sol_rig.sender->sent++;
    sol_rig.sender->last.to = *to;
    sol_rig.sender->last.length = length;
    memcpy(sol_rig.sender->last.bytes, bytes, length);
}

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    assert_ptr_equal(context, &sol_rig.console);
    sol_rig.replies++;
    if (sol_rig.console.server)
        rmcp_server_complete(sol_rig.console.server, token, response, sol_rig.console.now_ms);
}

static const struct ipmi_sink sink = {.reply = reply, .context = &sol_rig.console};

static void hook_changed(const struct bmc_core *core, enum bmc_part part,
                         const struct bmc_ticket *ticket)
{
    (void)core;
    (void)part;
    bmc_ticket_finish(ticket, 0);
}

static void hook_wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    assert_ptr_equal(core, &sol_rig.bmc.core);
    if (at_ms < sol_rig.wake_at_ms)
        sol_rig.wake_at_ms = at_ms;
}

static uint64_t hook_now(const struct bmc_core *core)
{
    assert_ptr_equal(core, &sol_rig.bmc.core);
    return sol_rig.console.now_ms;
}

static const struct bmc_hooks hooks = {
    .changed = hook_changed,
    .wake_at = hook_wake_at,
    .now = hook_now,
};

/* Lets time pass as the timer of an instance does. */
void sol_rig_advance(uint64_t ms)
{
    uint64_t end = sol_rig.console.now_ms + ms;

    for (unsigned ticks = 0; sol_rig.wake_at_ms <= end; ticks++) {
        assert_true(ticks < 1000);
        if (sol_rig.wake_at_ms > sol_rig.console.now_ms)
            sol_rig.console.now_ms = sol_rig.wake_at_ms;
        sol_rig.wake_at_ms = UINT64_MAX;
        rmcp_server_tick(sol_rig.console.server, sol_rig.console.now_ms);
        console_sol_tick(sol_rig.sol, sol_rig.console.now_ms);
        hook_wake_at(&sol_rig.bmc.core, console_sol_next_deadline(sol_rig.sol));
    }
    sol_rig.console.now_ms = end;
}

void sol_rig_log_in(struct remote_console *who, uint8_t suite)
{
    static const uint8_t level = PRIVILEGE_ADMINISTRATOR;

    sol_rig.sender = who;
    who->now_ms = sol_rig.console.now_ms;
    assert_int_equal(remote_console_login(who, suite, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_command(who, NETFN_APP, 0x3b, &level, 1), CC_SUCCESS);
    sol_rig.packet_count = sol_rig.packets_read = 0;
}

void sol_rig_make_hub(size_t history)
{
    const struct hub_options options = {.history_size = history};

    assert_int_equal(hub_new(&options, &sol_rig.guest.hub), 0);
    sol_rig_plug_in();
}

void sol_rig_make_sol(void)
{
    static const struct uuid uuid = {{1, 2, 3}};

    bmc_init(&sol_rig.bmc, CONSOLE_BMC, &uuid, &hooks, NULL);
    assert_int_equal(users_configure(&sol_rig.bmc.users, &sol_rig.console.users, NULL), 0);
    sol_rig.bmc.channel = sol_rig.console.channel;
    sol_rig.saves = saves_new(sol_rig.store, "the test");
    sol_rig.sol = console_sol_new(&sol_rig.bmc, sol_rig.saves);
    assert_non_null(sol_rig.sol);
    sol_rig.console.config.bmc = &sol_rig.bmc;
    sol_rig.console.config.users = &sol_rig.bmc.users;
    sol_rig.console.config.channel = &sol_rig.bmc.channel;
    sol_rig.console.config.sink = &sink;
    sol_rig.console.config.send = receive;
    sol_rig.console.config.send_context = &sol_rig.console;
    sol_rig.console.config.events = &console_sol_events;
    sol_rig.console.config.events_context = sol_rig.sol;
    remote_console_restart(&sol_rig.console);
    sol_rig.other.server = sol_rig.console.server;
    console_sol_connect(sol_rig.sol, sol_rig.console.server, &sol_rig.guest);
    console_sol_set_port(sol_rig.sol, SOL_RIG_PORT);
}

void sol_rig_free_sol(void)
{
    rmcp_server_free(sol_rig.console.server);
    sol_rig.console.server = sol_rig.other.server = NULL;
    saves_free(sol_rig.saves, NULL, NULL);
    console_sol_free(sol_rig.sol);
    bmc_clear(&sol_rig.bmc);
    chassis_clear(&sol_rig.bmc.chassis);
}

int sol_rig_setup(void **state)
{
    char error[512];

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&sol_rig.loop);
    snprintf(sol_rig.folder, sizeof sol_rig.folder, "/tmp/vbmc-test-sol-XXXXXX");
    if (!mkdtemp(sol_rig.folder) ||
        store_open(&sol_rig.loop, sol_rig.folder, &sol_rig.store, error, sizeof error) < 0)
        return -1;
    sol_rig.wake_at_ms = UINT64_MAX;
    sol_rig.packet_count = sol_rig.packets_read = 0;
    sol_rig.guest = (struct console){.replay = 2};
    sol_rig_make_hub(0);
    remote_console_init(&sol_rig.console);
    remote_console_init(&sol_rig.other);
    rmcp_server_free(sol_rig.other.server);
    endpoint_address_parse("192.0.2.1", 40000, &sol_rig.console.from.remote);
    endpoint_address_parse("192.0.2.2", 40000, &sol_rig.other.from.remote);
    sol_rig_make_sol();
    sol_rig_log_in(&sol_rig.console, 17);
    return 0;
}

int sol_rig_teardown(void **state)
{
    char sol_rig_command[128];

    (void)state;
    sol_rig_free_sol();
    assert_int_equal(sol_rig.guest.people, 0);
    hub_free(sol_rig.guest.hub);
    remote_console_free(&sol_rig.console);
    remote_console_free(&sol_rig.other);
    store_close(sol_rig.store);
    uv_run(&sol_rig.loop, UV_RUN_DEFAULT);
    snprintf(sol_rig_command, sizeof sol_rig_command, "rm -rf %s", sol_rig.folder);
    return uv_loop_close(&sol_rig.loop) || system(sol_rig_command);
}

/* ---- what a console does and gets ---- */

/* The next packet; NULL if there is none. */
const struct sol_packet *sol_rig_next_packet(void)
{
    return sol_rig.packets_read < sol_rig.packet_count ? &sol_rig.packets[sol_rig.packets_read++]
                                                       : NULL;
}

void sol_rig_assert_silent(void)
{
    assert_int_equal(sol_rig.packets_read, sol_rig.packet_count);
    sol_rig.packet_count = sol_rig.packets_read = 0;
}

/* A command and the completion code of its answer, which may come when the disk has it. */
int sol_rig_command(struct remote_console *who, uint8_t netfn, uint8_t number, const void *data,
                    size_t size)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    sol_rig.sender = who;
    who->now_ms = sol_rig.console.now_ms;
    who->rq_seq = (who->rq_seq + 1) & 0x3f;
    remote_console_send_sealed(who, PAYLOAD_IPMI, message,
                               remote_console_message(who, netfn, number, data, size, message));
    while (sol_rig.packets_read == sol_rig.packet_count && uv_loop_alive(&sol_rig.loop))
        uv_run(&sol_rig.loop, UV_RUN_ONCE);
    const struct sol_packet *packet = sol_rig_next_packet();
    assert_non_null(packet);
    assert_ptr_equal(packet->to, who);
    assert_int_equal(packet->type, PAYLOAD_IPMI);
    assert_int_equal(packet->bytes[5], number);
    return packet->bytes[6];
}

const uint8_t sol_rig_instance_on[] = {1, 1, 0xc6, 0, 0, 0};
const uint8_t sol_rig_instance_off[] = {1, 1, 0, 0, 0, 0};

int sol_rig_activate(struct remote_console *who)
{
    return sol_rig_command(who, NETFN_APP, 0x48, sol_rig_instance_on, sizeof sol_rig_instance_on);
}

int sol_rig_deactivate(struct remote_console *who)
{
    return sol_rig_command(who, NETFN_APP, 0x49, sol_rig_instance_off, sizeof sol_rig_instance_off);
}

int sol_rig_get_device_id(struct remote_console *who)
{
    return sol_rig_command(who, NETFN_APP, 0x01, NULL, 0);
}

void sol_rig_type(struct remote_console *who, uint8_t sequence, uint8_t operation, const char *text)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX] = {sequence, 0, 0, operation};

    sol_rig.sender = who;
    who->now_ms = sol_rig.console.now_ms;
    memcpy(payload + 4, text, strlen(text));
    remote_console_send_sealed(who, PAYLOAD_SOL, payload, 4 + strlen(text));
}

void sol_rig_acknowledge(struct remote_console *who, uint8_t sequence, uint8_t count)
{
    const uint8_t payload[] = {0, sequence, count, 0};

    sol_rig.sender = who;
    who->now_ms = sol_rig.console.now_ms;
    remote_console_send_sealed(who, PAYLOAD_SOL, payload, sizeof payload);
}

void sol_rig_expect_sol(const struct remote_console *to, uint8_t sequence, uint8_t acknowledged,
                        uint8_t accepted, uint8_t status, const char *text)
{
    const struct sol_packet *packet = sol_rig_next_packet();

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

void sol_rig_expect_nobody(void)
{
    assert_int_equal(sol_rig.guest.people, 0);
    assert_int_equal(hub_count_readers(sol_rig.guest.hub), 0);
    assert_int_equal(hub_count_writers(sol_rig.guest.hub), 0);
    assert_int_equal(console_sol_next_deadline(sol_rig.sol), UINT64_MAX);
}
