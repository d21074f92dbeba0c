/* libFuzzer target: log-ins and sessions as a grammar. The input is a list of steps that a console
 * could take, right ones for the most part, each with changes to the datagram that leaves; what is
 * sealed can be changed before its authentication code is made, and so get behind it.
 *
 * Files: vbmc/rmcp/rakp.c vbmc/rmcp/rakp_keys.c vbmc/rmcp/opening.c vbmc/rmcp/login.c
 * vbmc/rmcp/server.c vbmc/rmcp/route.c vbmc/rmcp/repeat.c vbmc/rmcp/window.c vbmc/rmcp/session.c
 * vbmc/rmcp/session_room.c vbmc/rmcp/rmcpplus.c vbmc/rmcp/lan15.c vbmc/rmcp/lan15_login.c
 * vbmc/rmcp/lan15_session.c vbmc/ipmi/cmd_session.c
 *
 * A step is a byte (bits 3..0: which, see below; bits 6..4: how many changes; bit 7: the changes
 * are made before the code), two arguments, the changes (two bytes each: a place, counted round,
 * and what it is xored with, or 0: the datagram ends there), and for some a length and as many
 * bytes.
 *
 * Whatever comes, a datagram has one answer at most; nobody is logged in who has not shown to know
 * the password; and a packet of a session whose code is wrong, or that was seen before, does
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_bmc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_console15.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/rmcp/session.h"

#define HEADER      16 /* bytes of RMCP and RMCP+ in front of a payload */
#define CODE_AT     24 /* of RAKP 3, in the datagram */
#define CODE15_AT   13 /* of IPMI 1.5 */
#define SLOTS       4
#define CHANGES_MAX 7

enum step {
    STEP_OPEN,     /* Open Session: suite, role */
    STEP_ANY_OPEN, /* the same with any algorithms */
    STEP_RAKP1,    /* name, role */
    STEP_RAKP3,    /* 1: again with the tag changed */
    STEP_LOGIN,    /* all three: suite, name */
    STEP_REQUEST,  /* sealed; its bytes: NetFn, command, data */
    STEP_PAYLOAD,  /* sealed: type; its bytes: the payload */
    STEP_REPLAY,   /* the last datagram, once more */
    STEP_SEQUENCE, /* of the next packet: forwards, backwards */
    STEP_CLEAR,    /* outside of a session: as STEP_REQUEST */
    STEP_RAW,      /* its bytes, as they are */
    STEP_TIME,     /* seconds */
    STEP_SLOT,     /* another session of the console: which, from which address */
    STEP_ADMIN,    /* what the daemon does: what, to whom */
    STEP_LAN15,    /* IPMI 1.5: what, with which type; its bytes: as STEP_REQUEST */
    STEP_LATE,     /* the guest has done what it was asked for */
};

static const uint8_t suites[] = {3, 17, 8, 12, 2, 15};
static const char *const names[] = {CONSOLE_NAME, "op", "", "nobody", "a name of 16 b.."};
static const uint8_t roles[] = {0x14, 0x04, 0x13, 0x12, 0x11, 0x15, 0x10, 0xff};

struct slot {
    struct rakp_exchange exchange;
    struct rmcpplus_keys keys;
    uint32_t sequence;
};

static struct target {
    struct fake_bmc fake;
    struct remote_console console;
    struct slot slots[SLOTS];
    unsigned slot;
    struct remote_session15 old;
    uint64_t proofs; /* that a password is known */
    /* Of the present step. */
    uint8_t change_count;
    uint8_t changes[CHANGES_MAX][2];
    size_t first_change; /* of the datagram that has left; SIZE_MAX: none */
    bool behind_code;
    uint8_t last[RMCP_DATAGRAM_MAX]; /* as it has left */
    size_t last_size;
} target;

/* ---- the BMC ---- */

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    (void)context;
    rmcp_server_complete(target.console.server, token, response, target.console.now_ms);
}

static const struct ipmi_sink sink = {.reply = reply};

static bool on_payload(void *context, uint32_t session, uint8_t type, const uint8_t *bytes,
                       size_t length, uint64_t now_ms)
{
    (void)context, (void)now_ms;
    if (type == PAYLOAD_SOL && length > 4)
        rmcp_server_send_payload(target.console.server, session, type, bytes, length);
    if (type == PAYLOAD_SOL && length == 1)
        rmcp_server_close_session(target.console.server, session);
    return type == PAYLOAD_SOL;
}

static bool in_use(void *context, uint32_t session)
{
    (void)context;
    return session % 4 == 0;
}

static const struct rmcp_session_events events = {.payload = on_payload, .in_use = in_use};

static size_t mutate(void *context, uint8_t bytes[RMCP_DATAGRAM_MAX], size_t length)
{
    uint8_t before[RMCP_DATAGRAM_MAX];
    size_t size = length, same = 0;

    (void)context;
    memcpy(before, bytes, size);
    for (unsigned i = 0; i < target.change_count && !target.behind_code && length > 0; i++) {
        size_t at = target.changes[i][0] % length;
        if (target.changes[i][1] == 0)
            length = at;
        else
            bytes[at] ^= target.changes[i][1];
    }
    while (same < length && bytes[same] == before[same])
        same++;
    target.first_change = same == size ? SIZE_MAX : same;
    memcpy(target.last, bytes, length);
    target.last_size = length;
    return length;
}

static void start(void)
{
    struct remote_console *console = &target.console;
    struct bmc *bmc = &target.fake.bmc;

    log_set_level(LOG_LEVEL_ERROR);
    memset(&target, 0, sizeof target);
    fake_bmc_init(&target.fake, HOST_POWER_RUNNING);
    target.fake.host.waits = true;
    remote_console_init(console);
    users_add(&bmc->users, names[0], CONSOLE_PASSWORD, PRIVILEGE_ADMINISTRATOR);
    users_add(&bmc->users, names[1], CONSOLE_PASSWORD, PRIVILEGE_OPERATOR);
    bmc->channel.suite_count = ARRAY_SIZE(suites);
    memcpy(bmc->channel.suites, suites, sizeof suites);
    bmc->channel.authentication_types = CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD;
    console->config.bmc_number = FAKE_BMC_NUMBER;
    console->config.bmc = bmc;
    console->config.users = &bmc->users;
    console->config.channel = &bmc->channel;
    console->config.sink = &sink;
    console->config.events = &events;
    console->config.active_max = SLOTS + 1;
    console->config.half_open_max = SLOTS + 1;
    console->mutate = mutate;
    remote_console_restart(console);
    console->exchange.suite = cipher_suite_find(suites[0]);
    console->keys.suite = console->exchange.suite;
    for (unsigned i = 0; i < SLOTS; i++)
        target.slots[i] = (struct slot){.exchange = console->exchange, .keys = console->keys};
}

static void stop(void)
{
    bmc_set_host(&target.fake.bmc, NULL); /* answers what waits for it, while there is a server */
    remote_console_free(&target.console);
    fake_bmc_clear(&target.fake);
}

/* ---- what must hold ---- */

static const struct rmcp_counters *counters(void)
{
    return rmcp_server_counters(target.console.server);
}

/* Of a sealed packet that was changed behind its code. */
static void check_refused(uint64_t requests)
{
    bool has_code = target.console.keys.suite->integrity != CIPHER_INTEGRITY_NONE;

    if (!has_code || target.first_change < HEADER || target.first_change == SIZE_MAX)
        return;
    fuzz_require(target.console.sent == 0 && counters()->requests == requests);
}

/* ---- steps ---- */

static void open_session(uint8_t suite, uint8_t role)
{
    target.console.open_role = role & 0x0f;
    target.console.tag++;
    remote_console_open(&target.console, suites[suite % ARRAY_SIZE(suites)]);
}

static void send_rakp1(uint8_t name, uint8_t role)
{
    struct remote_console *console = &target.console;

    remote_console_rakp1(console, names[name % ARRAY_SIZE(names)], roles[role % ARRAY_SIZE(roles)]);
}

/* Keys are made whatever the status was: a wrong one must not open anything either. */
static void send_rakp3(uint8_t again)
{
    struct remote_console *console = &target.console;
    uint64_t sessions = counters()->sessions;
    uint8_t sik[CRYPTO_DIGEST_MAX];

    console->tag = (uint8_t)(console->tag + again % 2);
    int status = remote_console_rakp3(console);
    bool is_changed = target.first_change != SIZE_MAX && target.first_change >= CODE_AT;
    fuzz_require(!is_changed || (status != RAKP_OK && counters()->sessions == sessions));
    target.proofs += !is_changed;
    if (rakp_sik(console->crypto, &console->exchange, console->kg, sik) == 0)
        rakp_derive_keys(console->crypto, &console->exchange, console->kuid, sik, &console->keys);
    if (status == RAKP_OK && counters()->sessions > sessions)
        console->sequence = 1;
}

static void login(uint8_t suite, uint8_t name)
{
    open_session(suite, 0);
    send_rakp1(name, 0);
    send_rakp3(0);
}

/* Changes `bytes` as the datagram would have been. */
static size_t change_payload(uint8_t *bytes, size_t length)
{
    for (unsigned i = 0; i < target.change_count && target.behind_code && length > 0; i++) {
        size_t at = target.changes[i][0] % length;
        if (target.changes[i][1] == 0)
            length = at;
        else
            bytes[at] ^= target.changes[i][1];
    }
    return length;
}

static void send_payload(uint8_t type, uint8_t *payload, size_t length)
{
    struct remote_console *console = &target.console;
    uint64_t requests = counters()->requests;

    length = change_payload(payload, length < RMCPPLUS_PAYLOAD_MAX ? length : RMCPPLUS_PAYLOAD_MAX);
    remote_console_send_sealed(console, type & 0x3f, payload, length);
    check_refused(requests);
}

/* Of NetFn, command and data; its length. */
static size_t make_message(const uint8_t *bytes, size_t length, uint8_t message[RMCP_DATAGRAM_MAX])
{
    if (length < 2)
        return 0;
    target.console.rq_seq = (target.console.rq_seq + 1) & 0x3f;
    return remote_console_message(&target.console, bytes[0] & 0x3f, bytes[1], bytes + 2, length - 2,
                                  message);
}

static void replay(void)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t size = target.last_size;
    uint64_t requests = counters()->requests;

    memcpy(bytes, target.last, size);
    bool of_session = size > HEADER && bytes[4] == RMCPPLUS_FORMAT && (bytes[5] & 0x40) != 0 &&
                      memcmp(bytes + 6, "\0\0\0", 4) != 0;
    target.change_count = 0;
    remote_console_send(&target.console, bytes, size);
    fuzz_require(!of_session || counters()->requests == requests);
}

static void use_slot(uint8_t slot, uint8_t address)
{
    struct remote_console *console = &target.console;

    target.slots[target.slot] = (struct slot){
        .exchange = console->exchange, .keys = console->keys, .sequence = console->sequence};
    target.slot = slot % SLOTS;
    console->exchange = target.slots[target.slot].exchange;
    console->keys = target.slots[target.slot].keys;
    console->sequence = target.slots[target.slot].sequence;
    console->from.remote.in.sin_port = htons((uint16_t)(40000 + address % 4));
    console->from.remote.in.sin_addr.s_addr = htonl(0x7f000001U + address / 4 % 4);
}

static void administer(uint8_t what, uint8_t whom)
{
    struct rmcp_server *server = target.console.server;
    uint8_t user = (uint8_t)(USER_ID_FIRST + whom % 2);

    switch (what % 5) {
    case 0:
        rmcp_server_user_changed(server, user, whom & 4 ? target.console.exchange.bmc_id : 0);
        break;
    case 1:
        rmcp_server_end_all_sessions(server);
        break;
    case 2:
        rmcp_server_close_session(server, target.console.exchange.bmc_id);
        break;
    case 3:
        rmcp_server_set_idle_ms(server, (1 + whom) * UINT64_C(1000));
        break;
    default:
        target.console.random_fails = whom & 1;
        break;
    }
}

static void pass_time(uint8_t seconds)
{
    struct remote_console *console = &target.console;

    console->now_ms += seconds * UINT64_C(1000);
    target.fake.now_ms =
        console->now_ms > target.fake.now_ms ? console->now_ms : target.fake.now_ms;
    rmcp_server_tick(console->server, console->now_ms);
    fuzz_require(rmcp_server_next_deadline(console->server) > console->now_ms);
}

static void finish_late(uint8_t result)
{
    struct fake_host *host = &target.fake.host;

    while (host->finished < host->count)
        fake_host_finish(host, result % 2 ? -5 : 0);
    host->finished = host->count = 0;
}

/* ---- IPMI 1.5 ---- */

/* 0: challenge, 1: activation, 2: both, 3: a request in the session, 4: the same without a code. */
static void speak15(uint8_t what, uint8_t how, const uint8_t *bytes, size_t length)
{
    struct remote_session15 *old = &target.old;
    uint8_t message[RMCP_DATAGRAM_MAX];

    old->type = how % 2 ? LAN15_PASSWORD : LAN15_MD5;
    memcpy(old->key, CONSOLE_PASSWORD, strlen(CONSOLE_PASSWORD));
    if (what % 5 == 0 || what % 5 == 2)
        remote_console15_challenge(&target.console, old, names[how / 2 % ARRAY_SIZE(names)]);
    if (what % 5 == 1 || what % 5 == 2) {
        remote_console15_activate(&target.console, old, (uint8_t)(1 + how / 16 % 5));
        target.proofs += target.first_change < CODE15_AT || target.first_change == SIZE_MAX;
    }
    if (what % 5 < 3)
        return;
    size_t size = change_payload(message, make_message(bytes, length, message));
    remote_console15_send(&target.console, old, what % 5 == 4 ? LAN15_NONE : old->type, message,
                          size);
}

/* ---- the list ---- */

static void run_clear(const uint8_t *bytes, size_t length)
{
    uint8_t message[RMCP_DATAGRAM_MAX];
    size_t size = change_payload(message, make_message(bytes, length, message));

    if (length % 2)
        remote_console15_send_clear(&target.console, message, size);
    else
        remote_console_send_clear(&target.console, PAYLOAD_IPMI, message, size);
}

/* Steps that come with bytes of their own. */
static void run_with_bytes(enum step step, const uint8_t *arguments, const uint8_t *bytes,
                           size_t length)
{
    uint8_t payload[RMCP_DATAGRAM_MAX] = {0};

    switch (step) {
    case STEP_REQUEST:
        send_payload(PAYLOAD_IPMI, payload, make_message(bytes, length, payload));
        break;
    case STEP_PAYLOAD:
        memcpy(payload, bytes, length);
        send_payload(arguments[0], payload, length);
        break;
    case STEP_CLEAR:
        run_clear(bytes, length);
        break;
    case STEP_LAN15:
        speak15(arguments[0], arguments[1], bytes, length);
        break;
    default:
        remote_console_send(&target.console, bytes, length);
        break;
    }
}

static void run_step(enum step step, const uint8_t *arguments)
{
    switch (step) {
    case STEP_OPEN:
        open_session(arguments[0], arguments[1]);
        break;
    case STEP_ANY_OPEN:
        remote_console_open_algorithms(&target.console, arguments[0] & 7, arguments[0] >> 4,
                                       arguments[1]);
        break;
    case STEP_RAKP1:
        send_rakp1(arguments[0], arguments[1]);
        break;
    case STEP_RAKP3:
        send_rakp3(arguments[0]);
        break;
    case STEP_LOGIN:
        login(arguments[0], arguments[1]);
        break;
    case STEP_REPLAY:
        replay();
        break;
    case STEP_SEQUENCE:
        target.console.sequence += (uint32_t)arguments[0] * 16 - arguments[1];
        break;
    case STEP_TIME:
        pass_time(arguments[0]);
        break;
    case STEP_SLOT:
        use_slot(arguments[0], arguments[1]);
        break;
    case STEP_ADMIN:
        administer(arguments[0], arguments[1]);
        break;
    default:
        finish_late(arguments[0]);
        break;
    }
}

static bool has_bytes(enum step step)
{
    return step == STEP_REQUEST || step == STEP_PAYLOAD || step == STEP_CLEAR || step == STEP_RAW ||
           step == STEP_LAN15;
}

static void take_step(struct wire_in *in)
{
    uint8_t first = wire_u8(in);
    const uint8_t *arguments = wire_bytes(in, 2);
    enum step step = (enum step)(first & 0x0f);

    target.change_count = first >> 4 & CHANGES_MAX;
    target.behind_code = first & 0x80;
    wire_copy(in, target.changes, target.change_count * sizeof target.changes[0]);
    size_t length = has_bytes(step) ? wire_u8(in) : 0;
    length = length < wire_left(in) ? length : wire_left(in);
    const uint8_t *bytes = wire_bytes(in, length);
    if (in->failed)
        return;
    target.console.sent = 0;
    target.first_change = SIZE_MAX;
    uint8_t *exact = fuzz_copy(bytes, length);
    if (has_bytes(step))
        run_with_bytes(step, arguments, exact, length);
    else
        run_step(step, arguments);
    free(exact);
    fuzz_require(step == STEP_ADMIN || step == STEP_LATE || target.console.sent <= 1);
    fuzz_require(counters()->sessions <= target.proofs);
    if (target.fake.host.count > FAKE_HOST_CALLS_MAX / 2)
        finish_late(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_in in = wire_in_init(bytes, size);

    start();
    while (wire_left(&in) >= 3)
        take_step(&in);
    stop();
    return 0;
}
