/* A day of a BMC by a clock of its own, in which everything happens that may: clients log in,
 * guess, vanish, set timers and power the guest; the guest works, crashes and is gone for a while;
 * the room fails; the disk refuses events. Each half hour ends with ten minutes of quiet, and then
 * is looked at what has to be so whenever nobody wants anything: no timer is left, nor a session,
 * nor memory, and what is shown makes sense. */
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/unit/rmcp_console.h"
#include "tests/unit/seeds.h"
#include "tests/unit/sent_alerts.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/power_history.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/instance/server.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/platform/inject.h"
#include "vbmc/platform/platform.h"
#include "vbmc/rmcp/opening.h"

#define CLIENTS        6
#define HALVES         48
#define HALF_HOUR_S    1800
#define QUIET_FROM_S   1200
#define MEMORY_MORE    ((size_t)64 * 1024) /* than after the first half hour */
#define HEARD_LEAST    50                  /* percent of what was asked was answered at once */
#define WAKES_IN_QUIET 60                  /* for what ends then */

static struct remote_console clients[CLIENTS];
static bool is_in[CLIENTS];
static struct facility facility;
static uint64_t chance; /* state of the random numbers */
static bool is_quiet;   /* nothing happens, and nothing fails */
static unsigned wakes;  /* that the model asked for */
static int64_t runs;    /* of the guest */
static uint64_t on_ms;  /* how long the guest was on */
static unsigned asked, heard;
static unsigned powered, alerted; /* how often the guest was, and somebody */

static uint32_t draw(uint32_t below)
{
    return seeds_random(&chance, below);
}

static struct rmcp_server *server(void)
{
    return clients[0].server;
}

/* ---- the world ---- */

static void deliver(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length)
{
    unsigned n = ntohs(to->remote.in.sin_port) - 40000U;

    (void)context;
    assert_true(n < CLIENTS);
    clients[n].sent++;
    clients[n].last.length = length;
    memcpy(clients[n].last.bytes, bytes, length);
}

static void complete(void *context, const struct ipmi_token *token,
                     const struct ipmi_response *response)
{
    (void)context;
    rmcp_server_complete(server(), token, response, fake_bmc.now_ms);
}

static const struct ipmi_sink sink = {.reply = complete};

static void session_ended(void *context, uint32_t session)
{
    (void)context;
    bmc_session_ended(&fake_bmc.bmc, session);
}

static const struct rmcp_session_events session_events = {.ended = session_ended};

static void login_failed(void *context, uint8_t user_id)
{
    (void)context;
    platform_note_login_failure(fake_bmc.bmc.platform);
    bmc_note_login(&fake_bmc.bmc, user_id, false);
}

static void logged_in(void *context, uint8_t user_id, const union endpoint_address *remote)
{
    (void)context, (void)remote;
    bmc_note_login(&fake_bmc.bmc, user_id, true);
}

static bool is_locked_out(void *context, uint8_t user_id)
{
    (void)context;
    return lockout_is_locked(&fake_bmc.bmc.lockout, user_id);
}

static void connect_clients(void)
{
    for (unsigned n = 0; n < CLIENTS; n++) {
        remote_console_init(&clients[n]);
        clients[n].from.remote.in.sin_port = htons((uint16_t)(40000 + n));
        is_in[n] = false;
    }
    struct rmcp_config *config = &clients[0].config;
    config->bmc_number = FAKE_BMC_NUMBER;
    config->bmc = &fake_bmc.bmc;
    config->users = &fake_bmc.bmc.users;
    config->channel = &fake_bmc.bmc.channel;
    config->sink = &sink;
    config->send = deliver;
    config->events = &session_events;
    config->login_failed = login_failed;
    config->logged_in = logged_in;
    config->is_locked_out = is_locked_out;
    users_add(&fake_bmc.bmc.users, CONSOLE_NAME, CONSOLE_PASSWORD, PRIVILEGE_ADMINISTRATOR);
    remote_console_restart(&clients[0]);
    for (unsigned n = 1; n < CLIENTS; n++) {
        rmcp_server_free(clients[n].server);
        clients[n].server = server();
    }
}

static void disconnect_clients(void)
{
    for (unsigned n = 0; n < CLIENTS; n++) {
        if (n > 0)
            clients[n].server = NULL;
    }
    for (unsigned n = CLIENTS; n-- > 0;)
        remote_console_free(&clients[n]);
}

static int begin(void **state)
{
    struct facility_settings room;
    struct server_settings settings;
    struct bmc *bmc = &fake_bmc.bmc;

    fake_sel_setup(state);
    bmc_set_host(bmc, NULL);
    facility_settings_set_defaults(&room);
    facility_init(&facility, &room);
    server_settings_set_defaults(&settings);
    assert_int_equal(instance_server_attach(bmc, &facility), 0);
    platform_configure(bmc->platform, &settings);
    bmc_set_host(bmc, &fake_bmc.host.domain);
    fake_sel_fill(SEL_RECORDS_MAX); /* and then wraps */
    fake_bmc.host.count = fake_bmc.host.finished = 0;
    fake_bmc.host.waits = fake_bmc.saves_wait = fake_sel.waits = true;
    keep_alerts();
    connect_clients();
    for (uint8_t n = 1; n <= 2; n++)
        set_destination(n, n == 1 ? 0x80 : 0, 4, 2);
    on_ms = 0;
    asked = heard = powered = alerted = 0;
    return 0;
}

static int end(void **state)
{
    disconnect_clients();
    bmc_set_host(&fake_bmc.bmc, NULL);
    instance_server_detach(&fake_bmc.bmc);
    return fake_sel_teardown(state);
}

/* ---- the guest, which does what it was asked ---- */

static bool is_on(void)
{
    return host_power_state_is_on(fake_bmc.host.domain.state);
}

/* As the driver numbers them. */
static void begin_run(bool on)
{
    fake_bmc.host.domain.run = on ? ++runs : -1;
    fake_bmc.host.domain.booted = on;
    fake_bmc.host.domain.stop_reason = on ? HOST_STOP_UNKNOWN : HOST_STOP_DESTROYED;
}

static void switch_guest(bool on)
{
    if (on == is_on())
        return;
    begin_run(on);
    fake_bmc_set_state(&fake_bmc, on ? HOST_POWER_RUNNING : HOST_POWER_OFF);
}

static void carry_out(const struct fake_host_call *call)
{
    if (call->kind != FAKE_HOST_POWER)
        return;
    powered++;
    switch (call->action) {
    case HOST_POWER_ACTION_UP:
        switch_guest(true);
        break;
    case HOST_POWER_ACTION_DOWN:
        switch_guest(false);
        break;
    case HOST_POWER_ACTION_CYCLE:
        switch_guest(false);
        switch_guest(true);
        break;
    default:
        if (is_on())
            bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
        break;
    }
}

static bool fails(void)
{
    return !is_quiet && draw(20) == 0;
}

/* What was asked of the hypervisor and of the disk comes to its end; now and then it fails. */
static void settle(void)
{
    struct fake_host *host = &fake_bmc.host;

    for (;;) {
        if (fake_bmc.saves_finished < fake_bmc.save_count) {
            fake_bmc_finish_save(&fake_bmc, 0);
        } else if (fake_sel.done) {
            fake_sel_finish(fails() ? -ENOSPC : 0);
        } else if (host->finished < host->count) {
            int result = fails() ? -EIO : 0;
            if (result == 0)
                carry_out(&host->calls[host->finished]);
            fake_host_finish(host, result);
        } else {
            break;
        }
    }
    host->count = host->finished = 0;
}

static void sample(void)
{
    struct host_sample *sample = &fake_bmc.host.domain.sample;
    uint64_t busy_ns = is_quiet ? 0 : draw(2000000000);

    sample->vcpus = sample->socket_vcpus[0] = 1;
    sample->taken_ns += 2000000000;
    sample->socket_ns[0] += busy_ns;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_SAMPLED);
}

static void advance_a_second(void)
{
    uint64_t end_ms = fake_bmc.now_ms + 1000;

    for (; fake_bmc.wake_at_ms <= end_ms; wakes++) {
        uint64_t at_ms = fake_bmc.wake_at_ms;
        fake_bmc_advance(&fake_bmc, at_ms > fake_bmc.now_ms ? at_ms - fake_bmc.now_ms : 0);
        settle();
    }
    fake_bmc_advance(&fake_bmc, end_ms - fake_bmc.now_ms);
}

static void let_a_second_pass(void)
{
    alerted += sent.count;
    sent.count = 0;
    fake_sel.machine_time++;
    fake_bmc.wall_time++;
    on_ms += is_on() ? 1000 : 0;
    advance_a_second();
    rmcp_server_tick(server(), fake_bmc.now_ms);
    facility_step(&facility, 1);
    platform_step(fake_bmc.bmc.platform);
    if (fake_bmc.now_ms / 1000 % 2 == 0 && is_on())
        sample();
    settle();
    for (unsigned n = 0; n < CLIENTS; n++)
        clients[n].now_ms = fake_bmc.now_ms;
}

/* ---- what happens ---- */

static size_t read_hex(const char *text, uint8_t *bytes)
{
    size_t length = 0;

    for (char *rest; *text; text = rest + strspn(rest, " "))
        bytes[length++] = (uint8_t)strtoul(text, &rest, 16);
    return length;
}

/* In a session: NetFn, command, data. Bytes of "xx" are random. */
static const char *const requests[] = {
    "00 01",                   /* Get Chassis Status */
    "00 02 00",                /* Chassis Control: down */
    "00 02 01",                /* up */
    "00 02 02",                /* cycle */
    "00 02 03",                /* reset */
    "00 06 02",                /* Set Power Restore Policy */
    "00 08 05 c0 04 00 00 00", /* Set System Boot Options: PXE */
    "00 08 00 01",             /* set in progress */
    "00 0f",                   /* Get POH Counter */
    "06 01",                   /* Get Device ID */
    "06 22",                   /* Reset Watchdog Timer */
    "06 24 04 01 00 00 2c 01", /* Set Watchdog Timer: reset in 30 s */
    "06 24 03 22 05 00 c8 00", /* diagnostic interrupt, then down, in 20 s */
    "06 24 44 03 00 00 b8 0b", /* cycle in 300 s, without a record; goes on if it runs */
    "06 25",                   /* Get Watchdog Timer */
    "04 10",                   /* Get PEF Capabilities */
    "04 11 14",                /* Arm PEF Postpone Timer: 20 s */
    "04 11 00",                /* disarmed */
    "04 12 01 01",             /* Set PEF Configuration: on */
    "04 12 01 0f",             /* with both startup delays */
    "04 12 03 14",             /* of 20 s */
    "04 12 04 0a",             /* of 10 s */
    "04 12 06 20 80 01 01 10 ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 00", /* alerts of all */
    "04 12 09 01 18 11 00",                                  /* to destination 1 */
    "04 12 09 02 18 12 00",                                  /* and 2 */
    "04 16 01 01 00",                                        /* Alert Immediate */
    "04 02 04 04 30 6f 01 ff ff",                            /* Platform Event */
    "04 2d 01",                                              /* Get Sensor Reading */
    "0a 40",                                                 /* Get SEL Info */
    "0a 44 00 00 02 00 00 00 00 41 00 04 01 30 01 57 60 55", /* Add SEL Entry */
    "0a 48",                                                 /* Get SEL Time */
    "2c 02 dc 01 00 00",                                     /* Get Power Reading */
    "2c 04 dc 00 00 00 00 64 00 d0 07 00 00 00 00 05 00",    /* Set Power Limit: 100 W */
    "2c 05 dc 01 00 00",                                     /* Activate it */
    "2c 05 dc 00 00 00",                                     /* and not */
};

static void ask(unsigned n)
{
    uint8_t bytes[64] = {0}, message[RMCP_DATAGRAM_MAX];
    size_t length = read_hex(requests[draw(ARRAY_SIZE(requests))], bytes);
    struct remote_console *client = &clients[n];

    client->rq_seq = (client->rq_seq + 1) & 0x3f;
    length = remote_console_message(client, bytes[0], bytes[1], bytes + 2, length - 2, message);
    remote_console_send_sealed(client, PAYLOAD_IPMI, message, length);
    settle();
    asked++;
    heard += client->sent > 0;
}

static void visit(unsigned n)
{
    struct remote_console *client = &clients[n];
    const uint8_t *id = (const uint8_t *)&client->exchange.bmc_id;
    const uint8_t administrator = PRIVILEGE_ADMINISTRATOR;

    switch (draw(is_in[n] ? 12 : 6)) {
    case 0: /* knocks and goes */
        remote_console_open(client, 17);
        is_in[n] = false;
        break;
    case 1: /* half of a log-in */
        if (remote_console_open(client, 3) == RAKP_OK)
            remote_console_rakp1(client, CONSOLE_NAME, CONSOLE_ROLE);
        is_in[n] = false;
        break;
    case 2: /* guesses */
        client->kuid[0] ^= 1;
        assert_int_not_equal(remote_console_login(client, 17, CONSOLE_ROLE), RAKP_OK);
        client->kuid[0] ^= 1;
        is_in[n] = false;
        break;
    case 3: /* whoever was in there has vanished */
        is_in[n] = remote_console_login(client, draw(2) ? 17 : 3, CONSOLE_ROLE) == RAKP_OK;
        assert_true(is_in[n]);
        remote_console_command(client, 0x06, 0x3b, &administrator, 1);
        break;
    case 4:
        if (is_in[n])
            remote_console_command(client, 0x06, 0x3c, id, 4); /* Close Session */
        is_in[n] = false;
        break;
    default:
        if (is_in[n])
            ask(n);
        break;
    }
    settle();
}

static void lose_hypervisor(unsigned seconds)
{
    bool was_on = is_on(), is_back_on = draw(3) > 0;

    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    for (unsigned i = 0; i < seconds; i++) {
        let_a_second_pass();
        visit(draw(CLIENTS));
    }
    if (was_on != is_back_on)
        begin_run(is_back_on);
    else if (was_on)
        on_ms += seconds * UINT64_C(1000);
    fake_bmc_set_state(&fake_bmc, is_back_on ? HOST_POWER_RUNNING : HOST_POWER_OFF);
    if (was_on != is_back_on)
        bmc_host_event(&fake_bmc.bmc, is_back_on ? HOST_EVENT_STARTED : HOST_EVENT_STOPPED);
}

static void break_something(void)
{
    static const char *const items[][2] = {
        {"utility", "lost"}, {"utility", "ok"}, {"crac", "failed"}, {"crac", "ok"}};
    static const enum host_event events[] = {HOST_EVENT_RESET, HOST_EVENT_PANICKED,
                                             HOST_EVENT_INTERNAL_ERROR, HOST_EVENT_AGENT_CONNECTED};
    char error[128];
    uint32_t which = draw(ARRAY_SIZE(items));

    switch (draw(6)) {
    case 0:
        facility_set(&facility, items[which][0], NULL, items[which][1], error, sizeof error);
        break;
    case 1:
        if (is_on())
            bmc_host_event(&fake_bmc.bmc, events[draw(ARRAY_SIZE(events))]);
        break;
    case 2: /* by hand */
        switch_guest(draw(2));
        break;
    case 3:
        lose_hypervisor(draw(30));
        break;
    case 4:
        fake_bmc.saves_wait = false; /* its answer waits for the disk */
        if (alerted > 0)
            acknowledge();
        fake_bmc.saves_wait = true;
        break;
    default:
        fake_sel_log((uint8_t)(0x30 + draw(4)));
        break;
    }
    settle();
}

/* ---- what is true in quiet ---- */

static size_t memory(void)
{
    return mallinfo2().uordblks;
}

static void check_sensors(void)
{
    struct sensor_view view;

    for (unsigned number = 1; number < 256; number++) {
        if (sensors_view(fake_bmc.bmc.sensors, (uint8_t)number, &view) < 0 || !view.is_threshold ||
            !view.available)
            continue;
        assert_true(isfinite(view.value));
        if (strcmp(view.unit, "C") == 0)
            assert_in_range(view.value * 10, 50, 1300);
        else
            assert_true(view.value >= 0);
    }
    assert_true(facility.battery >= 0 && facility.battery <= 1);
}

/* The buckets have been used again a hundred times. */
static void check_power(void)
{
    struct power_statistics power;

    for (unsigned i = 0; power_history_windows[i] > 0; i++) {
        unsigned window_s = power_history_windows[i];
        if (dcmi_power_statistics(fake_bmc.bmc.dcmi, window_s, &power) < 0)
            continue;
        assert_true(power.known_ms <= window_s * 1000);
        assert_true(power.least <= power.average + 0.01 && power.average <= power.most + 0.01);
        assert_true(power.least >= 0 && power.most < 5000);
    }
}

static void check_log(void)
{
    assert_null(fake_sel.done);
    assert_in_range(sel_count(fake_sel.sel), 1, SEL_RECORDS_MAX);
    fake_sel_expect_on_disk();
    assert_true(fake_sel_time_of(fake_sel_newest()) <= fake_sel.machine_time);
}

static void check_quiet(void)
{
    const struct bmc *bmc = &fake_bmc.bmc;

    assert_int_equal(rmcp_server_count_sessions(server()), 0);
    assert_int_equal(remote_console_half_open(&clients[0]), 0);
    assert_true(rmcp_server_next_deadline(server()) == UINT64_MAX);
    assert_true(bmc_next_deadline(bmc) == UINT64_MAX);
    assert_false(bmc->watchdog.running);
    assert_int_equal(bmc->chassis.queued, 0);
    assert_int_equal(bmc->pef.held_count, 0);
    assert_null(bmc->alerts.runs);
    check_sensors();
    check_power();
    check_log();
}

/* ---- a day ---- */

static void mend_room(void)
{
    static const char *const items[] = {"utility", "crac"};
    char error[128];

    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        facility_set(&facility, items[i], NULL, "ok", error, sizeof error);
}

static void live_half_an_hour(void)
{
    is_quiet = false;
    for (unsigned second = 0; second < QUIET_FROM_S; second++) {
        let_a_second_pass();
        visit(draw(CLIENTS));
        if (draw(20) == 0)
            break_something();
    }
    switch_guest(draw(2));
    is_quiet = true;
    mend_room();
    wakes = 0;
    for (unsigned second = QUIET_FROM_S; second < HALF_HOUR_S; second++)
        let_a_second_pass();
    assert_in_range(wakes, 0, WAKES_IN_QUIET);
    check_quiet();
}

/* Or what was looked at in quiet would say nothing. */
static void check_it_was_a_day(void)
{
    const struct rmcp_counters *counters = rmcp_server_counters(server());
    uint32_t minutes = chassis_poh_minutes(&fake_bmc.bmc.chassis);

    assert_in_range(minutes, on_ms / 60000 - 1, on_ms / 60000 + 1);
    assert_true(heard * 100 > asked * HEARD_LEAST);
    assert_true(counters->sessions > 1000 && counters->login_failures > 1000);
    assert_true(powered > 100 && alerted > 1000);
    assert_true(fake_sel.saves > SEL_RECORDS_MAX + 1000);
}

static void test_day(void **state)
{
    log_set_target(LOG_TARGET_SYSLOG);
    seeds_begin(2, 100);
    for (uint64_t seed; seeds_next(&seed);) {
        size_t first = 0;
        chance = seed;
        begin(state);
        for (unsigned half = 0; half < HALVES; half++) {
            live_half_an_hour();
            if (half == 0)
                first = memory();
            assert_true(memory() <= first + MEMORY_MORE);
        }
        check_it_was_a_day();
        end(state);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_day)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
