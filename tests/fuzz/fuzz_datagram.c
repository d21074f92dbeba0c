/* libFuzzer target: whatever a network may send to one BMC, before and after authentication.
 *
 * Files: vbmc/ipmi vbmc/rmcp
 *
 * The input is a list of records: a mode byte, a length (16 bits, little endian; cut to what is
 * left) and that many bytes. Mode bits 1..0 say what the bytes are:
 *
 *   0  a datagram, as it is
 *   1  a datagram, as it is, with a session of the harness alive
 *   2  NetFn, command, rqSeq and data of a request, which the harness turns into an IPMI message,
 *      seals with the session's keys and sends. Where bits 7..6 of the NetFn are not 0, it and the
 *      command are an index of a row of the command tables, so that every body is reached, and the
 *      data is brought to a length that it takes: in the session (1), outside (2), as the guest (3)
 *   3  a payload type and a payload, which the harness seals and sends
 *
 * A record of mode 1 to 3 makes the harness log in where it has no session. Bits 3..2 of that
 * record choose the cipher suite. Bits 7..4 are seconds that pass before each record. Random is
 * fixed, so that an input runs the same way every time. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fake/fake_sol.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/rmcp_console.h"
#include "vbmc/alert/pet.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sel_book.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/platform/platform.h"

#define MODE_MASK   0x03
#define SUITE_SHIFT 2
#define SUITE_MASK  0x03
#define TIME_SHIFT  4
#define DATA_MAX    300 /* more than a request may have */

/* The NetFn of mode 2. */
#define NETFN_MASK  0x3f
#define HOW_SHIFT   6
#define HOW_AS_IS   0
#define HOW_OUTSIDE 2
#define HOW_GUEST   3

enum mode {
    MODE_RAW,
    MODE_RAW_IN_SESSION,
    MODE_MESSAGE,
    MODE_PAYLOAD,
};

static const uint8_t suites[] = {3, 17, 2, 15};

/* The real commands over a whole server, whose guest finishes every second action at once and the
 * others when the next record comes; the event log's store does the same. Late answers reach the
 * server the way the daemon brings them. */
struct target {
    struct remote_console console;
    struct bmc bmc;
    struct host_domain domain;
    char name[8];
    struct host_hardware hardware;
    struct facility facility;
    bool restarts;
    unsigned actions;
    host_done_fn *done; /* the action under way, or NULL */
    void *done_context;
    unsigned sel_saves;
    void (*sel_saved)(void *context, int result); /* of the save under way, or NULL */
    void *sel_context;
};

static struct target target;

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    (void)context;
    rmcp_server_complete(target.console.server, token, response, target.console.now_ms);
}

static const struct ipmi_sink sink = {.reply = reply};

static void finish_action(void)
{
    host_done_fn *done = target.done;

    target.done = NULL;
    if (done)
        done(target.done_context, 0, NULL);
}

static void begin_action(host_done_fn *done, void *context)
{
    finish_action();
    target.done = done;
    target.done_context = context;
    if (target.actions++ % 2 == 0)
        finish_action();
}

static void guest_power(struct host_domain *domain, enum host_power_action action,
                        unsigned cycle_interval_s, host_done_fn *done, void *context)
{
    (void)cycle_interval_s;
    domain->state = action == HOST_POWER_ACTION_DOWN ? HOST_POWER_OFF : HOST_POWER_RUNNING;
    begin_action(done, context);
}

static void guest_set_boot(struct host_domain *domain, const struct host_boot_override *override,
                           host_done_fn *done, void *context)
{
    (void)domain;
    (void) override;
    begin_action(done, context);
}

static void guest_set_link(struct host_domain *domain, const uint8_t mac[6], bool up,
                           host_done_fn *done, void *context)
{
    (void)domain;
    (void)mac;
    (void)up;
    done(context, 0, NULL);
}

static void guest_set_cpu_quota(struct host_domain *domain, unsigned permille, host_done_fn *done,
                                void *context)
{
    (void)domain;
    done(context, permille % 2 == 0 ? 0 : -EIO, NULL);
}

static void guest_cancel(struct host_domain *domain, void *context)
{
    (void)domain;
    (void)context;
    target.done = NULL;
}

static const struct host_ops host_ops = {
    .power = guest_power,
    .set_boot = guest_set_boot,
    .set_link = guest_set_link,
    .set_cpu_quota = guest_set_cpu_quota,
    .cancel = guest_cancel,
};

static void changed(const struct bmc_core *core, enum bmc_part part,
                    const struct bmc_ticket *ticket)
{
    (void)core;
    (void)part;
    bmc_ticket_finish(ticket, 0);
}

static bool is_stored(const struct bmc_core *core, enum bmc_part part)
{
    (void)core, (void)part;
    return true;
}

static void wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    (void)core;
    (void)at_ms;
}

/* Done when the record that asks for it is over. */
static void restart(const struct bmc_core *core)
{
    (void)core;
    target.restarts = true;
}

static void user_changed(const struct bmc_core *core, uint8_t id, const struct user_author *by)
{
    (void)core;
    rmcp_server_user_changed(target.console.server, id, by ? by->session : 0);
}

static uint64_t now(const struct bmc_core *core)
{
    (void)core;
    return target.console.now_ms;
}

static int64_t machine_time(void *context)
{
    (void)context;
    return 1700000000 + (int64_t)(target.console.now_ms / 1000);
}

static int64_t wall_time(const struct bmc_core *core)
{
    (void)core;
    return sel_time(target.bmc.sel, machine_time(NULL));
}

static void finish_sel_save(void)
{
    void (*saved)(void *context, int result) = target.sel_saved;

    target.sel_saved = NULL;
    if (saved)
        saved(target.sel_context, 0);
}

static void save_sel(void *context, const struct sel_change *change,
                     void (*done)(void *done_context, int result), void *done_context)
{
    (void)context;
    (void)change;
    if (target.sel_saved)
        abort(); /* one at a time */
    target.sel_saved = done;
    target.sel_context = done_context;
    if (target.sel_saves++ % 2 == 0)
        finish_sel_save();
}

static const struct sel_ops sel_ops = {.save = save_sel, .machine_time = machine_time};

static void on_sensor_event(void *context, const struct sensor_event *event)
{
    (void)context;
    uint8_t record[SEL_RECORD_SIZE];

    sel_record_of_event(event, record);
    messaging_put_event(&target.bmc.messaging, record);
    if (event->number != SENSOR_SEL && messaging_logs_own_events(&target.bmc.messaging))
        sel_log(target.bmc.sel, event);
}

static const struct sensors_ops sensors_ops = {on_sensor_event};

/* A client that activates SOL gets back what it sends, and is thrown out by the last user. */
static void on_displaced(uint32_t session)
{
    rmcp_server_close_session(target.console.server, session);
}

static bool on_payload(void *context, uint32_t session, uint8_t type, const uint8_t *bytes,
                       size_t length, uint64_t now_ms)
{
    (void)context;
    (void)now_ms;
    if (type != PAYLOAD_SOL || session != fake_sol.owner.session)
        return false;
    rmcp_server_send_payload(target.console.server, session, type, bytes, length);
    return true;
}

static void on_ended(void *context, uint32_t session)
{
    (void)context;
    if (rmcp_server_send_payload(target.console.server, session, PAYLOAD_SOL, NULL, 0) == 0)
        abort(); /* it is gone */
    if (session == fake_sol.owner.session)
        fake_sol.owner.session = 0;
}

static const struct rmcp_session_events events = {.payload = on_payload, .ended = on_ended};

static const struct bmc_hooks hooks = {
    .changed = changed,
    .is_stored = is_stored,
    .wake_at = wake_at,
    .restart = restart,
    .user_changed = user_changed,
    .now = now,
    .wall_time = wall_time,
};

/* An alert goes no further than to its bytes. */
static int send_alert(void *context, const struct lan_destination *to, const struct alert *alert)
{
    char community[LAN_COMMUNITY_SIZE + 1];
    uint8_t bytes[TRAP_SIZE_MAX];

    (void)context, (void)to;
    lan_community(&target.bmc.lan, community);
    int length = pet_encode(&(struct pet){.community = community}, alert, bytes);
    if (length <= 0)
        abort();
    return 0;
}

static const struct alerts_ops alerts_ops = {.send = send_alert};

static void start_server(void)
{
    struct bmc *bmc = &target.bmc;
    struct facility_settings room;
    struct server_settings settings;
    struct host_hardware *hardware = &target.hardware;

    facility_settings_set_defaults(&room);
    facility_init(&target.facility, &room);
    server_settings_set_defaults(&settings);
    settings.enforce_power_limit = true;
    *hardware = (struct host_hardware){.sockets = 2, .vcpus = 4, .dimms = 2};
    hardware->disk_count = hardware->nic_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(hardware->disks[i].target, sizeof hardware->disks[i].target, "vd%c", 'a' + (int)i);
        hardware->nics[i].mac[5] = (uint8_t)(1 + i);
    }
    target.domain.hardware = hardware;
    bmc->sel = sel_new(&bmc->core, &sel_ops, NULL);
    bmc->sensors = sensors_new(&sensors_ops, NULL);
    bmc->fru = fru_new();
    bmc->dcmi = dcmi_new(&bmc->core, &bmc->chassis, bmc->sensors);
    bmc->platform = platform_new(bmc, &target.facility);
    bmc->core.listener = &platform_listener;
    bmc->core.listener_context = bmc->platform;
    platform_configure(bmc->platform, &settings);
    pef_set_log(&bmc->pef, bmc->sel);
    alerts_set_ops(&bmc->alerts, &alerts_ops, NULL);
    target.sel_saves = 0;
}

static void stop_server(void)
{
    struct bmc *bmc = &target.bmc;

    pef_set_log(&bmc->pef, NULL);
    bmc->core.listener = NULL;
    platform_free(bmc->platform);
    dcmi_free(bmc->dcmi);
    fru_free(bmc->fru);
    sensors_free(bmc->sensors);
    sel_free(bmc->sel);
    bmc->platform = NULL;
    bmc->dcmi = NULL;
    bmc->fru = NULL;
    bmc->sensors = NULL;
    bmc->sel = NULL;
    finish_sel_save();
}

/* Two seconds in which the guest has worked with half of its power. */
static void step_server(void)
{
    struct host_sample *sample = &target.domain.sample;

    sample->taken_ns += UINT64_C(2000000000);
    sample->vcpus = 4;
    for (unsigned i = 0; i < 2; i++) {
        sample->socket_vcpus[i] = 2;
        sample->socket_ns[i] += UINT64_C(2000000000);
    }
    bmc_host_event(&target.bmc, HOST_EVENT_SAMPLED);
    platform_step(target.bmc.platform);
}

static void start(void)
{
    static const struct uuid uuid = {{1, 2, 3, 4}};
    struct remote_console *console = &target.console;

    log_set_level(LOG_LEVEL_ERROR);
    remote_console_init(console);
    console->channel.suite_count = sizeof suites;
    for (size_t i = 0; i < sizeof suites; i++)
        console->channel.suites[i] = suites[i];
    console->channel.authentication_types = CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD;
    bmc_init(&target.bmc, CONSOLE_BMC, &uuid, &hooks, NULL);
    users_add(&target.bmc.users, CONSOLE_NAME, CONSOLE_PASSWORD, PRIVILEGE_ADMINISTRATOR);
    target.bmc.channel = console->channel;
    target.domain =
        (struct host_domain){.ops = &host_ops, .name = target.name, .state = HOST_POWER_OFF};
    target.actions = 0;
    target.restarts = false;
    target.done = NULL;
    start_server();
    bmc_set_host(&target.bmc, &target.domain);
    target.bmc.payload = &fake_sol_ops;
    fake_sol_reset();
    fake_sol.displaced = on_displaced;
    console->config.events = &events;
    console->config.sink = &sink;
    console->config.bmc = &target.bmc;
    console->config.users = &target.bmc.users; /* those that requests change */
    console->config.channel = &target.bmc.channel;
    remote_console_restart(console);
}

static void finish_restart(void)
{
    if (!target.restarts)
        return;
    target.restarts = false;
    rmcp_server_end_all_sessions(target.console.server);
    bmc_restart(&target.bmc);
}

static void stop(void)
{
    stop_server(); /* in the daemon's order */
    bmc_clear(&target.bmc);
    chassis_clear(&target.bmc.chassis);
    remote_console_free(&target.console);
}

/* The rows of all tables, one after the other and round again. */
static const struct command *find_row(size_t index)
{
    for (;;) {
        for (size_t t = 0; t < ipmi_commands.count; t++) {
            const struct command_table *table = ipmi_commands.tables[t];
            if (index < table->count)
                return &table->rows[index];
            index -= table->count;
        }
    }
}

static void ask_as_guest(const struct command *row, const uint8_t *data, size_t length)
{
    uint8_t *exact = malloc(length);
    struct ipmi_response response;

    for (size_t i = 0; i < length; i++)
        exact[i] = data[i];
    const struct ipmi_msg msg = {
        .rs_address = IPMI_BMC_ADDRESS,
        .netfn = row->netfn,
        .command = row->number,
        .data = exact,
        .data_length = length,
    };
    const struct ipmi_request request = {
        .bmc = &target.bmc,
        .msg = &msg,
        .token = {.bmc = CONSOLE_BMC},
        .origin = IPMI_ORIGIN_SYSTEM_INTERFACE,
        .channel = CHANNEL_SYSTEM_INTERFACE,
        .privilege = PRIVILEGE_ADMINISTRATOR,
        .sink = &sink,
        .now_ms = target.console.now_ms,
    };
    ipmi_dispatch(&request, &response);
    free(exact);
}

/* Asks for the command of a row, with data of a length that it takes. */
static void send_row(struct remote_console *console, unsigned how, const struct command *row,
                     struct wire_in record)
{
    uint8_t message[2 * RMCP_DATAGRAM_MAX], data[IPMI_MSG_DATA_MAX] = {0};
    size_t left = wire_left(&record), length = left;

    length = length < row->data_min ? row->data_min : length;
    length = length > row->data_max ? row->data_max : length;
    wire_copy(&record, data, left < length ? left : length);
    if (row->netfn == NETFN_GROUP_EXTENSION && length > 0)
        data[0] = GROUP_DCMI;
    if (how == HOW_GUEST) {
        ask_as_guest(row, data, length);
        return;
    }
    length = remote_console_message(console, row->netfn, row->number, data, length, message);
    if (how == HOW_OUTSIDE)
        remote_console_send_clear(console, PAYLOAD_IPMI, message, length);
    else
        remote_console_send_sealed(console, PAYLOAD_IPMI, message, length);
}

static void send_message(struct remote_console *console, struct wire_in record)
{
    uint8_t message[2 * RMCP_DATAGRAM_MAX];
    uint8_t first = wire_u8(&record), netfn = first & NETFN_MASK;
    uint8_t command = wire_u8(&record);

    console->rq_seq = wire_u8(&record) & 0x3f;
    if (first >> HOW_SHIFT != HOW_AS_IS && !record.failed) {
        send_row(console, first >> HOW_SHIFT, find_row((size_t)netfn << 8 | command), record);
        return;
    }
    size_t length = wire_left(&record) < DATA_MAX ? wire_left(&record) : DATA_MAX;
    const uint8_t *data = wire_bytes(&record, length);
    if (record.failed)
        return;
    length = remote_console_message(console, netfn, command, data, length, message);
    remote_console_send_sealed(console, PAYLOAD_IPMI, message, length);
}

static void send_payload(struct remote_console *console, struct wire_in record)
{
    uint8_t type = wire_u8(&record) & 0x3f;
    size_t length =
        wire_left(&record) < RMCPPLUS_PAYLOAD_MAX ? wire_left(&record) : RMCPPLUS_PAYLOAD_MAX;
    const uint8_t *payload = wire_bytes(&record, length);

    if (!record.failed)
        remote_console_send_sealed(console, type, payload, length);
}

/* From memory of exactly that size, so that a read behind it is seen. */
static void send_raw(struct remote_console *console, struct wire_in record)
{
    size_t length = wire_left(&record);
    uint8_t *exact = malloc(length);

    wire_copy(&record, exact, length);
    remote_console_send(console, exact, length);
    free(exact);
}

static void run_record(struct remote_console *console, uint8_t mode, struct wire_in record)
{
    switch ((enum mode)(mode & MODE_MASK)) {
    case MODE_RAW:
    case MODE_RAW_IN_SESSION:
        send_raw(console, record);
        break;
    case MODE_MESSAGE:
        send_message(console, record);
        break;
    case MODE_PAYLOAD:
        send_payload(console, record);
        break;
    }
}

/* A session may have ended: by Close Session, a reset of the BMC, in time. */
static bool is_logged_in(struct remote_console *console)
{
    return session_table_find_active(console->server->sessions, console->exchange.bmc_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_in in = wire_in_init(bytes, size);
    struct remote_console *console = &target.console;

    start();
    while (wire_left(&in) >= 3) {
        uint8_t mode = wire_u8(&in);
        size_t length = wire_u16(&in);
        length = length < wire_left(&in) ? length : wire_left(&in);
        console->now_ms += (uint64_t)(mode >> TIME_SHIFT) * 1000;
        finish_restart();
        finish_action();
        finish_sel_save();
        bmc_tick(&target.bmc);
        if (mode >> TIME_SHIFT > 0)
            step_server();
        if ((mode & MODE_MASK) != MODE_RAW && !is_logged_in(console)) {
            uint8_t suite = suites[mode >> SUITE_SHIFT & SUITE_MASK];
            if (remote_console_login(console, suite, CONSOLE_ROLE) != RAKP_OK)
                break;
        }
        run_record(console, mode, wire_slice(&in, length));
    }
    stop();
    return 0;
}
