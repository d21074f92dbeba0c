/* The way of a datagram:
 *
 *   RMCP header -> ASF ping                                               -> pong
 *               -> IPMI 1.5, no session, no authentication                 -> route_outside
 *               -> IPMI 1.5, session id                                    -> lan15_receive
 *               -> RMCP+, session id 0: clear IPMI message                 -> route_outside
 *                                       Open Session, RAKP 1, RAKP 3       -> rakp_receive
 *               -> RMCP+, session id: lengths, id, flags and code, window, -> route_in_session
 *                                     decryption, IPMI checksums
 *
 * Nothing about a session changes before all of the last line's checks are passed, so that a packet
 * that fails one neither answers nor keeps a session alive. Outside of a session the sequence
 * numbers mean nothing and are not looked at. */
#include "vbmc/rmcp/server.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/users.h"
#include "vbmc/net/login_log.h"
#include "vbmc/rmcp/asf.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/lan15_session.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/rakp.h"
#include "vbmc/rmcp/repeat.h"
#include "vbmc/rmcp/route.h"

static const char *const drop_names[] = {
    [RMCP_DROP_MALFORMED] = "malformed packet",
    [RMCP_DROP_CLASS] = "RMCP class not served",
    [RMCP_DROP_LAN15_SESSION] = "IPMI 1.5 session not offered, or authentication outside of one",
    [RMCP_DROP_UNKNOWN_SESSION] = "unknown session",
    [RMCP_DROP_AUTHENTICATION] = "authentication code or flags wrong",
    [RMCP_DROP_SEQUENCE] = "sequence number seen before or out of the window",
    [RMCP_DROP_PADDING] = "encryption padding wrong",
    [RMCP_DROP_MESSAGE] = "IPMI message malformed",
    [RMCP_DROP_PAYLOAD_TYPE] = "payload type not served",
    [RMCP_DROP_SETUP_STATE] = "message of a log-in out of turn",
    [RMCP_DROP_REPEAT] = "repeat of a running request",
    [RMCP_DROP_LATE] = "answer came after its session ended",
    [RMCP_DROP_UNANSWERABLE] = "answer could not be sent",
};
_Static_assert(sizeof drop_names / sizeof drop_names[0] == RMCP_DROP_COUNT,
               "every reason has a name");

const char *rmcp_drop_name(enum rmcp_drop reason)
{
    return drop_names[reason];
}

static struct session_limits config_limits(const struct rmcp_config *config)
{
    return (struct session_limits){
        .active = config->active_max ? config->active_max : RMCP_ACTIVE_MAX_DEFAULT,
        .half_open = config->half_open_max ? config->half_open_max : RMCP_HALF_OPEN_MAX_DEFAULT,
        .idle_ms = config->idle_ms ? config->idle_ms : RMCP_IDLE_MS_DEFAULT,
        .half_open_ms = config->half_open_ms ? config->half_open_ms : RMCP_HALF_OPEN_MS_DEFAULT,
    };
}

void rmcp_server_set_idle_ms(struct rmcp_server *server, uint64_t idle_ms)
{
    server->config.idle_ms = idle_ms;
    struct session_limits limits = config_limits(&server->config);
    session_table_set_limits(server->sessions, &limits);
}

static void on_session_ended(void *context, uint32_t session)
{
    struct rmcp_server *server = context;
    const struct rmcp_session_events *events = server->config.events;

    if (events && events->ended)
        events->ended(server->config.events_context, session);
}

static void on_session_lost(void *context, const struct session *session, enum session_loss loss)
{
    rakp_lost(context, session, loss);
}

static bool is_session_in_use(void *context, uint32_t session)
{
    const struct rmcp_server *server = context;
    const struct rmcp_session_events *events = server->config.events;

    return events && events->in_use && events->in_use(server->config.events_context, session);
}

static void on_session_evicted(void *context, const struct session *session, uint64_t idle_ms)
{
    char name[LOGIN_LOG_NAME_SIZE], address[ENDPOINT_TEXT_SIZE];

    (void)context;
    login_log_name(session->exchange.name, session->exchange.name_length, name);
    endpoint_address_format(&session->peer.remote, address);
    log_info("IPMI: session of %s, idle for %llu s, ended to make room: %s", address,
             (unsigned long long)idle_ms / 1000, name);
}

static const struct session_hooks session_hooks = {
    .ended = on_session_ended,
    .lost = on_session_lost,
    .in_use = is_session_in_use,
    .evicted = on_session_evicted,
};

struct rmcp_server *rmcp_server_new(const struct rmcp_config *config)
{
    struct session_limits limits = config_limits(config);
    struct rmcp_server *server;
    uint64_t key = 0;

    if (!config->users || !config->channel || !config->send || limits.active > RMCP_ACTIVE_MAX ||
        limits.half_open > RMCP_HALF_OPEN_MAX) {
        errno = EINVAL;
        return NULL;
    }
    server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->config = *config;
    if (!server->config.random)
        server->config.random = crypto_random;
    server->crypto = crypto_new();
    if (rmcp_core_random(server, (uint8_t *)&key, sizeof key) == 0) {
        server->openings = openings_new(key, limits.half_open_ms);
        server->sessions = session_table_new(&limits, key, &session_hooks, server);
    }
    if (!server->crypto || !server->openings || !server->sessions ||
        rmcp_core_random(server, server->nobodys_key, sizeof server->nobodys_key) < 0) {
        rmcp_server_free(server);
        errno = EIO;
        return NULL;
    }
    return server;
}

void rmcp_server_free(struct rmcp_server *server)
{
    if (!server)
        return;
    route_forget_waiting(server);
    session_table_free(server->sessions);
    openings_free(server->openings);
    crypto_free(server->crypto);
    crypto_wipe(server, sizeof *server);
    free(server);
}

static void receive_asf(struct rmcp_server *server, const struct endpoint *from,
                        const uint8_t *bytes, size_t length)
{
    uint8_t pong[ASF_PONG_SIZE];

    if (asf_answer_ping(bytes, length, pong) < 0)
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
    else
        rmcp_core_send(server, from, pong, sizeof pong);
}

static void receive_lan15(struct rmcp_server *server, const struct endpoint *from,
                          struct wire_in in, uint64_t now_ms)
{
    struct lan15_packet packet;

    if (lan15_parse(in, &packet) < 0)
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
    else if (packet.session != 0)
        lan15_receive(server, from, &packet, now_ms);
    else if (packet.type != LAN15_NONE)
        rmcp_core_drop(server, RMCP_DROP_LAN15_SESSION);
    else
        route_outside(server, from, ROUTE_LAN15,
                      wire_in_init(packet.message, packet.message_length), now_ms);
}

static void receive_clear(struct rmcp_server *server, const struct endpoint *from,
                          const struct rmcpplus_packet *packet, uint64_t now_ms)
{
    struct wire_in payload = wire_in_init(packet->payload, packet->payload_length);

    if (packet->authenticated || packet->encrypted)
        rmcp_core_drop(server, RMCP_DROP_UNKNOWN_SESSION);
    else if (packet->type == PAYLOAD_IPMI)
        route_outside(server, from, ROUTE_RMCPPLUS, payload, now_ms);
    else
        rakp_receive(server, from, packet->type, payload, now_ms);
}

static void receive_sealed(struct rmcp_server *server, const struct endpoint *from,
                           const struct rmcpplus_packet *packet, uint64_t now_ms)
{
    struct session *session = session_table_find_active(server->sessions, packet->session);
    uint8_t room[RMCP_DATAGRAM_MAX];
    const uint8_t *payload;
    size_t length = 0;

    if (!session || session->leaving || session->is_lan15) {
        rmcp_core_drop(server, RMCP_DROP_UNKNOWN_SESSION);
    } else if (!rmcpplus_verify(&session->secret->keys, packet)) {
        rmcp_core_drop(server, RMCP_DROP_AUTHENTICATION);
    } else if (!window_accepts(&session->inbound, packet->sequence)) {
        rmcp_core_drop(server, RMCP_DROP_SEQUENCE);
    } else if (rmcpplus_open(server->crypto, &session->secret->keys, packet, room, &payload,
                             &length) < 0) {
        rmcp_core_drop(server, RMCP_DROP_PADDING);
    } else if (!route_accepts(packet->type, payload, length)) {
        rmcp_core_drop(server, RMCP_DROP_MESSAGE);
    } else {
        session_heard(session, from, packet->sequence, now_ms);
        route_in_session(server, session, packet->type, payload, length, now_ms);
    }
    crypto_wipe(room, sizeof room); /* it may have been a password */
}

static void receive_ipmi(struct rmcp_server *server, const struct endpoint *from, struct wire_in in,
                         uint64_t now_ms)
{
    struct rmcpplus_packet packet;
    struct wire_in format = in;

    if (wire_u8(&format) != RMCPPLUS_FORMAT)
        receive_lan15(server, from, in, now_ms);
    else if (rmcpplus_parse(in, &packet) < 0)
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
    else if (packet.session == 0)
        receive_clear(server, from, &packet, now_ms);
    else
        receive_sealed(server, from, &packet, now_ms);
}

void rmcp_server_receive(struct rmcp_server *server, const struct endpoint *from,
                         const uint8_t *bytes, size_t length, uint64_t now_ms)
{
    struct wire_in in = wire_in_init(bytes, length);
    uint8_t class;

    server->counters.received++;
    rmcp_server_tick(server, now_ms);
    if (length > RMCP_DATAGRAM_MAX || rmcp_header_parse(&in, &class) < 0) {
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
        return;
    }
    server->busy = true;
    if (class == RMCP_CLASS_IPMI)
        receive_ipmi(server, from, in, now_ms);
    else if (class == RMCP_CLASS_ASF)
        receive_asf(server, from, bytes, length);
    else
        rmcp_core_drop(server, RMCP_DROP_CLASS);
    server->busy = false;
    session_table_sweep(server->sessions);
}

static unsigned clear_work(uint8_t type)
{
    switch (type) {
    case PAYLOAD_OPEN_SESSION_REQUEST:
        return RMCP_WORK_OPEN;
    case PAYLOAD_RAKP1:
        return RMCP_WORK_RAKP1;
    case PAYLOAD_RAKP3:
        return RMCP_WORK_RAKP3;
    default:
        return RMCP_WORK_LEAST;
    }
}

static struct rmcp_weight weigh_lan15(const struct rmcp_server *server, const struct endpoint *from,
                                      struct wire_in in)
{
    struct lan15_packet packet;

    if (lan15_parse(in, &packet) < 0 || packet.session == 0)
        return (struct rmcp_weight){RMCP_STRANGER, RMCP_WORK_LEAST};
    return lan15_weigh(server, from, &packet);
}

struct rmcp_weight rmcp_server_weigh(const struct rmcp_server *server, const struct endpoint *from,
                                     const uint8_t *bytes, size_t length)
{
    struct rmcp_weight weight = {RMCP_STRANGER, RMCP_WORK_LEAST};
    struct wire_in in = wire_in_init(bytes, length);
    struct rmcpplus_packet packet;
    uint8_t class;

    if (length > RMCP_DATAGRAM_MAX || rmcp_header_parse(&in, &class) < 0 ||
        class != RMCP_CLASS_IPMI)
        return weight;
    struct wire_in format = in;
    if (wire_u8(&format) != RMCPPLUS_FORMAT)
        return weigh_lan15(server, from, in);
    if (rmcpplus_peek_session(in) != 0)
        return (struct rmcp_weight){RMCP_IN_SESSION, 0};
    if (rmcpplus_parse(in, &packet) < 0)
        return weight;
    weight.work = clear_work(packet.type);
    if (rakp_expects(server, from, packet.type,
                     wire_in_init(packet.payload, packet.payload_length)))
        weight.sender = RMCP_PROVEN;
    return weight;
}

void rmcp_server_complete(struct rmcp_server *server, const struct ipmi_token *token,
                          const struct ipmi_response *response, uint64_t now_ms)
{
    rmcp_server_tick(server, now_ms);
    if (token->bmc != server->config.bmc_number)
        rmcp_core_drop(server, RMCP_DROP_LATE);
    else
        route_complete(server, token, response, now_ms);
}

int rmcp_server_send_payload(struct rmcp_server *server, uint32_t id, uint8_t type,
                             const uint8_t *bytes, size_t length)
{
    struct session *session = session_table_find_active(server->sessions, id);

    if (!session)
        return -ENOENT;
    rmcp_core_send_sealed(server, session, type, bytes, length);
    return 0;
}

void rmcp_server_tick(struct rmcp_server *server, uint64_t now_ms)
{
    server->now_ms = now_ms;
    openings_expire(server->openings, now_ms);
    session_table_expire(server->sessions, now_ms);
}

uint64_t rmcp_server_next_deadline(const struct rmcp_server *server)
{
    uint64_t sessions = session_table_deadline(server->sessions);
    uint64_t openings = openings_deadline(server->openings);

    return sessions < openings ? sessions : openings;
}

uint64_t rmcp_server_earliest_deadline(const struct rmcp_server *server)
{
    uint64_t sessions = session_table_earliest_deadline(server->sessions);
    uint64_t openings = openings_deadline(server->openings);

    return sessions < openings ? sessions : openings;
}

int rmcp_server_close_session(struct rmcp_server *server, uint32_t id)
{
    return rmcp_session_ops.close(server, id);
}

static void end_sessions(struct rmcp_server *server, uint8_t user_id, uint32_t except)
{
    session_table_close_user(server->sessions, user_id, except);
    if (!server->busy)
        session_table_sweep(server->sessions);
}

/* The user's own session, in which he was changed. */
static void follow_user(struct session *session, const struct user *user)
{
    enum privilege level = user_may_use_ipmi(user) ? user_level(user) : PRIVILEGE_HIGHEST;

    session->leaving = level < session->privilege;
    if (level < session->maximum)
        session->maximum = level;
    session->administrator = level >= PRIVILEGE_ADMINISTRATOR;
}

void rmcp_server_user_changed(struct rmcp_server *server, uint8_t user_id, uint32_t author)
{
    struct session *session =
        author != 0 ? session_table_find_active(server->sessions, author) : NULL;

    if (user_id < USER_ID_FIRST || user_id > USER_ID_MAX)
        return;
    if (session && session->user_id == user_id)
        follow_user(session, &server->config.users->by_id[user_id]);
    end_sessions(server, user_id, author);
}

void rmcp_server_end_all_sessions(struct rmcp_server *server)
{
    openings_clear(server->openings);
    end_sessions(server, 0, 0);
}

unsigned rmcp_server_count_sessions(const struct rmcp_server *server)
{
    return session_table_count_active(server->sessions);
}

bool rmcp_server_has_pending(const struct rmcp_server *server)
{
    const struct session *session;

    for (unsigned n = 1; (session = session_table_find_nth(server->sessions, n)); n++) {
        if (repeat_has_pending(session->repeats))
            return true;
    }
    return false;
}

const struct rmcp_counters *rmcp_server_counters(const struct rmcp_server *server)
{
    return &server->counters;
}
