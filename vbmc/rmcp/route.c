/* A request of a session lives in its repeat cache from the moment it runs:
 *
 *   new      -> pending            ipmi_dispatch has it
 *   pending  -> answered           at once, or by route_complete; sent when that happens
 *   answered -> forgotten          after its lifetime, pushed out by newer requests, when its rqSeq
 *                                  carries other bytes, or at once if it only reads
 *
 * The same bytes again while pending are ignored, as the answer will come; while answered they get
 * the stored answer under a new session sequence number. When as many requests as the cache holds
 * are pending, further ones are told that the node is busy.
 *
 * Outside of a session nothing is remembered but who waits for a late answer (PET Acknowledge). */
#include "vbmc/rmcp/route.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/ipmi/bridge.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/lan15_login.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/repeat.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/rmcp/session.h"

static struct ipmi_request make_request(struct rmcp_server *server, const struct ipmi_msg *msg,
                                        uint64_t now_ms)
{
    return (struct ipmi_request){
        .bmc = server->config.bmc,
        .msg = msg,
        .token = {.bmc = server->config.bmc_number},
        .origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION,
        .channel = CHANNEL_LAN,
        .sink = server->config.sink,
        .now_ms = now_ms,
    };
}

static void send_lan15(struct rmcp_server *server, const struct endpoint *to,
                       const struct lan15_header *header, const uint8_t *message, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = lan15_build(header, message, length, bytes, sizeof bytes);

    rmcp_core_send_built(server, to, bytes, size);
}

static uint32_t take_serial(struct rmcp_server *server)
{
    if (++server->last_serial == 0)
        server->last_serial = 1;
    return server->last_serial;
}

/* ---- outside of a session ---- */

/* Who waits for an answer. */
struct route_waiting {
    struct route_waiting *next;
    uint32_t serial;
    struct endpoint to;
    enum route_wrapper wrapper;
    struct ipmi_msg msg; /* without data */
    bool is_kept;        /* behind the call that has dispatched it */
};

/* Builds the message of the answer. Its length, or 0: there is none. */
static size_t build_outside(struct rmcp_server *server, const struct ipmi_msg *msg,
                            const struct ipmi_response *response,
                            uint8_t answer[REPEAT_RESPONSE_MAX])
{
    int size = ipmi_msg_build_response(msg, response, answer, REPEAT_RESPONSE_MAX);

    if (size < 0)
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
    return size < 0 ? 0 : (size_t)size;
}

static void answer_outside(struct rmcp_server *server, const struct route_waiting *waiting,
                           const struct ipmi_response *response)
{
    uint8_t answer[REPEAT_RESPONSE_MAX];
    size_t size = build_outside(server, &waiting->msg, response, answer);

    if (size > 0 && waiting->wrapper == ROUTE_LAN15)
        send_lan15(server, &waiting->to, &(struct lan15_header){.type = LAN15_NONE}, answer, size);
    else if (size > 0)
        rmcp_core_send_clear(server, &waiting->to, PAYLOAD_IPMI, answer, size);
}

static struct route_waiting **find_waiting(struct rmcp_server *server, uint32_t serial)
{
    struct route_waiting **place = &server->outside;

    while (*place && (*place)->serial != serial)
        place = &(*place)->next;
    return place;
}

/* Keeps a copy until the answer comes. */
static void keep_waiting(struct rmcp_server *server, const struct route_waiting *waiting)
{
    struct route_waiting **end = &server->outside, *kept = NULL;
    unsigned count = 0;

    for (; *end; end = &(*end)->next)
        count++;
    if (count < ROUTE_WAITING_MAX)
        kept = malloc(sizeof *kept);
    if (!kept) {
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
        return;
    }
    *kept = *waiting;
    kept->next = NULL;
    kept->msg.data = NULL;
    kept->msg.data_length = 0;
    kept->is_kept = true;
    *end = kept;
}

static void complete_outside(struct rmcp_server *server, const struct ipmi_token *token,
                             const struct ipmi_response *response)
{
    struct route_waiting **place = find_waiting(server, token->request), *waiting = *place;

    if (!waiting) {
        rmcp_core_drop(server, RMCP_DROP_LATE);
        return;
    }
    *place = waiting->next;
    answer_outside(server, waiting, response);
    if (waiting->is_kept)
        free(waiting);
}

void route_forget_waiting(struct rmcp_server *server)
{
    while (server->outside) {
        struct route_waiting *waiting = server->outside;
        server->outside = waiting->next;
        free(waiting);
    }
}

/* While it is dispatched its answer may come (complete_outside); then it is no longer in the list.
 */
static void begin_waiting(struct rmcp_server *server, struct route_waiting *waiting)
{
    waiting->next = server->outside;
    server->outside = waiting;
}

void route_outside(struct rmcp_server *server, const struct endpoint *from,
                   enum route_wrapper wrapper, struct wire_in message, uint64_t now_ms)
{
    struct lan15_login login = {.server = server, .from = from, .now_ms = now_ms};
    struct ipmi_response response = {.completion_code = CC_UNSPECIFIED};
    size_t length = wire_left(&message);
    struct ipmi_msg msg;

    if (ipmi_msg_parse(wire_bytes(&message, length), length, &msg) < 0) {
        rmcp_core_drop(server, RMCP_DROP_MESSAGE);
        return;
    }
    struct ipmi_request request = make_request(server, &msg, now_ms);
    if (wrapper == ROUTE_LAN15) {
        request.logins = &lan15_login_ops;
        request.logins_context = &login;
    }
    struct route_waiting waiting = {
        .serial = take_serial(server), .to = *from, .wrapper = wrapper, .msg = msg};
    request.token.request = waiting.serial;
    server->counters.requests++;
    begin_waiting(server, &waiting);
    enum ipmi_outcome outcome = ipmi_dispatch(&request, &response);
    struct route_waiting **place = find_waiting(server, waiting.serial);
    if (!*place)
        return; /* route_complete was called meanwhile */
    *place = waiting.next;
    if (outcome == IPMI_ANSWERED)
        answer_outside(server, &waiting, &response);
    else
        keep_waiting(server, &waiting);
}

void route_activation(struct rmcp_server *server, const struct endpoint *from,
                      const struct lan15_packet *packet, const uint8_t *key, uint64_t now_ms)
{
    struct lan15_login login = {server, from, packet->session, now_ms};
    struct ipmi_response response = {.completion_code = CC_UNSPECIFIED};
    uint8_t answer[REPEAT_RESPONSE_MAX];
    struct ipmi_msg msg;

    if (ipmi_msg_parse(packet->message, packet->message_length, &msg) < 0) {
        rmcp_core_drop(server, RMCP_DROP_MESSAGE);
        return;
    }
    struct ipmi_request request = make_request(server, &msg, now_ms);
    request.logins = &lan15_login_ops;
    request.logins_context = &login;
    server->counters.requests++;
    if (ipmi_dispatch(&request, &response) != IPMI_ANSWERED) {
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE); /* it never waits */
        return;
    }
    size_t size = build_outside(server, &msg, &response, answer);
    if (size == 0)
        return;
    /* With an authentication code even where no other packet has one. */
    struct session *session = session_table_find_active(server->sessions, packet->session);
    const struct lan15_header header = {
        .type = packet->type,
        .sequence = session ? session_take_outbound(session) : 0,
        .session = packet->session,
        .key = key,
    };
    send_lan15(server, session ? &session->peer : from, &header, answer, size);
}

bool route_accepts(uint8_t type, const uint8_t *payload, size_t length)
{
    struct ipmi_msg msg;

    return type != PAYLOAD_IPMI || ipmi_msg_parse(payload, length, &msg) != -EBADMSG;
}

static void send_code(struct rmcp_server *server, struct session *session,
                      const struct ipmi_msg *msg, enum completion_code code)
{
    struct ipmi_response response = {.completion_code = (uint8_t)code};
    uint8_t answer[REPEAT_RESPONSE_MAX];
    int size = ipmi_msg_build_response(msg, &response, answer, sizeof answer);

    if (size > 0)
        rmcp_core_send_sealed(server, session, PAYLOAD_IPMI, answer, (size_t)size);
}

static void send_entry(struct rmcp_server *server, struct session *session,
                       const struct repeat_entry *entry)
{
    if (entry->response_length == 0)
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
    else
        rmcp_core_send_sealed(server, session, PAYLOAD_IPMI, entry->response,
                              entry->response_length);
}

/* Sends the answer of an entry for the first time. A session that is leaving goes with its last
 * one, at the next sweep. */
static void answer_entry(struct rmcp_server *server, struct session *session,
                         struct repeat_entry *entry, const struct ipmi_msg *msg)
{
    send_entry(server, session, entry);
    repeat_sent(entry, ipmi_only_reads(msg) || ipmi_carries_secret(msg));
    if (session->leaving && !repeat_has_pending(session->repeats))
        session_table_close(server->sessions, session);
}

/* The response is there. A message that was sent on and is tracked has two: that of Send Message,
 * and what came back, as a message of its own. */
static void finish_entry(struct rmcp_server *server, struct session *session,
                         struct repeat_entry *entry, const struct ipmi_msg *msg,
                         const struct ipmi_response *response, uint64_t now_ms)
{
    bool has_second = ipmi_bridge_is_tracked(msg) && response->completion_code == CC_SUCCESS &&
                      response->data_length > 0;

    const struct ipmi_response without_data = {.completion_code = response->completion_code};
    repeat_finish(entry, msg, has_second ? &without_data : response, now_ms);
    answer_entry(server, session, entry, msg);
    if (has_second)
        rmcp_core_send_sealed(server, session, PAYLOAD_IPMI, response->data, response->data_length);
}

/* Runs a message for the first time. */
static void run(struct rmcp_server *server, struct session *session, const struct ipmi_msg *msg,
                const uint8_t *bytes, size_t length, uint64_t now_ms)
{
    struct ipmi_request request = make_request(server, msg, now_ms);
    struct ipmi_response response = {.completion_code = CC_UNSPECIFIED};
    struct repeat_entry *entry = repeat_begin(session->repeats, take_serial(server), bytes, length);

    if (!entry) {
        send_code(server, session, msg, CC_NODE_BUSY);
        return;
    }
    request.token.session = session->exchange.bmc_id;
    request.token.request = entry->serial;
    request.origin = IPMI_ORIGIN_LAN_SESSION;
    request.privilege = session->privilege;
    request.user_id = session->user_id;
    request.sessions = &rmcp_session_ops;
    request.sessions_context = server;
    server->counters.requests++;
    if (ipmi_dispatch(&request, &response) != IPMI_ANSWERED)
        return;
    finish_entry(server, session, entry, msg, &response, now_ms);
}

static void route_ipmi(struct rmcp_server *server, struct session *session, const uint8_t *bytes,
                       size_t length, uint64_t now_ms)
{
    struct ipmi_msg msg;
    int error = ipmi_msg_parse(bytes, length, &msg);

    if (error == -EBADMSG) {
        rmcp_core_drop(server, RMCP_DROP_MESSAGE);
        return;
    }
    if (error < 0) {
        send_code(server, session, &msg, CC_REQUEST_LENGTH_EXCEEDED);
        return;
    }
    repeat_supersede(session->repeats, bytes, length);
    const struct repeat_entry *known = repeat_find(session->repeats, bytes, length, now_ms);
    if (!known) {
        run(server, session, &msg, bytes, length, now_ms);
    } else if (known->pending) {
        rmcp_core_drop(server, RMCP_DROP_REPEAT);
    } else {
        server->counters.repeats++;
        send_entry(server, session, known);
    }
}

void route_in_session(struct rmcp_server *server, struct session *session, uint8_t type,
                      const uint8_t *payload, size_t length, uint64_t now_ms)
{
    const struct rmcp_session_events *events = server->config.events;
    void *context = server->config.events_context;
    uint32_t id = session->exchange.bmc_id;

    if (type == PAYLOAD_IPMI) {
        route_ipmi(server, session, payload, length, now_ms);
    } else if (events && events->payload &&
               events->payload(context, id, type, payload, length, now_ms)) {
        return;
    } else {
        rmcp_core_drop(server, RMCP_DROP_PAYLOAD_TYPE);
    }
    if (events && events->heard)
        events->heard(context, id, now_ms);
}

void route_complete(struct rmcp_server *server, const struct ipmi_token *token,
                    const struct ipmi_response *response, uint64_t now_ms)
{
    if (token->session == 0) {
        complete_outside(server, token, response);
        return;
    }
    struct session *session = session_table_find_active(server->sessions, token->session);
    struct repeat_entry *entry =
        session ? repeat_find_pending(session->repeats, token->request) : NULL;

    if (!entry) {
        rmcp_core_drop(server, RMCP_DROP_LATE);
        return;
    }
    struct ipmi_response late = *response;
    struct ipmi_msg msg;
    if (ipmi_msg_parse(entry->request, entry->request_length, &msg) < 0) {
        rmcp_core_drop(server, RMCP_DROP_LATE);
        return;
    }
    ipmi_bridge_complete(&msg, &late);
    finish_entry(server, session, entry, &msg, &late, now_ms);
    if (!server->busy)
        session_table_sweep(server->sessions);
}
