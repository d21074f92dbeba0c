#include "vbmc/rmcp/lan15_session.h"

#include <string.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/lan15_login.h"
#include "vbmc/rmcp/login.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/route.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/rmcp/session.h"
#include "vbmc/rmcp/window.h"

#define CMD_ACTIVATE_SESSION 0x3a

static bool is_activation(const struct lan15_packet *packet)
{
    struct ipmi_msg msg;

    return ipmi_msg_parse(packet->message, packet->message_length, &msg) == 0 &&
           msg.netfn == NETFN_APP && msg.command == CMD_ACTIVATE_SESSION;
}

/* The temporary session takes Activate Session alone. */
static void receive_activation(struct rmcp_server *server, const struct endpoint *from,
                               struct opening *opening, const struct lan15_packet *packet,
                               uint64_t now_ms)
{
    struct login_attempt attempt = {
        .remote = &from->remote,
        .name = opening->lan15.name,
        .name_length = opening->lan15.name_length,
    };
    uint8_t key[LAN15_KEY_SIZE];

    opening->messages++;
    if (!is_activation(packet)) {
        rmcp_core_drop(server, RMCP_DROP_SETUP_STATE);
        return;
    }
    if (packet->type != opening->lan15.type) {
        rmcp_core_drop(server, RMCP_DROP_AUTHENTICATION);
        return;
    }
    memcpy(key, lan15_login_key(server, opening, &attempt.user_id), sizeof key);
    if (lan15_verify(packet, opening->lan15.type, key)) {
        route_activation(server, from, packet, key, now_ms);
    } else {
        rmcp_core_drop(server, RMCP_DROP_AUTHENTICATION);
        login_failed(server, &attempt, login_wrong);
        openings_remove(server->openings, packet->session);
    }
    crypto_wipe(key, sizeof key);
}

static bool is_authentic(const struct rmcp_server *server, const struct session *session,
                         const struct lan15_packet *packet)
{
    struct ipmi_msg msg;

    if (packet->type != LAN15_NONE)
        return lan15_verify(packet, session->lan15.type, session->secret->lan15_key);
    if (session->lan15.rest == LAN15_NONE)
        return true;
    return server->config.channel->user_level_off &&
           ipmi_msg_parse(packet->message, packet->message_length, &msg) == 0 &&
           ipmi_is_user_level(&msg);
}

static void receive_in_session(struct rmcp_server *server, const struct endpoint *from,
                               struct session *session, const struct lan15_packet *packet,
                               uint64_t now_ms)
{
    const uint8_t *message = packet->message;
    size_t length = packet->message_length;

    if (session->leaving) {
        rmcp_core_drop(server, RMCP_DROP_UNKNOWN_SESSION);
    } else if (!is_authentic(server, session, packet)) {
        rmcp_core_drop(server, RMCP_DROP_AUTHENTICATION);
    } else if (packet->sequence == 0 && session->state == SESSION_ESTABLISHED &&
               packet->type != LAN15_NONE && is_activation(packet)) {
        route_activation(server, from, packet, session->secret->lan15_key, now_ms);
    } else if (!window_accepts(&session->inbound, packet->sequence)) {
        rmcp_core_drop(server, RMCP_DROP_SEQUENCE);
    } else if (!route_accepts(PAYLOAD_IPMI, message, length)) {
        rmcp_core_drop(server, RMCP_DROP_MESSAGE);
    } else {
        session_heard(session, from, packet->sequence, now_ms);
        route_in_session(server, session, PAYLOAD_IPMI, message, length, now_ms);
    }
}

static struct session *find_session(const struct rmcp_server *server, uint32_t id)
{
    struct session *session = session_table_find_active(server->sessions, id);

    return session && session->is_lan15 ? session : NULL;
}

void lan15_receive(struct rmcp_server *server, const struct endpoint *from,
                   const struct lan15_packet *packet, uint64_t now_ms)
{
    struct session *session = find_session(server, packet->session);
    struct opening *opening = openings_find(server->openings, packet->session);

    if (session)
        receive_in_session(server, from, session, packet, now_ms);
    else if (opening && !opening->suite)
        receive_activation(server, from, opening, packet, now_ms);
    else if (server->config.channel->authentication_types == 0)
        rmcp_core_drop(server, RMCP_DROP_LAN15_SESSION);
    else
        rmcp_core_drop(server, RMCP_DROP_UNKNOWN_SESSION);
}

struct rmcp_weight lan15_weigh(const struct rmcp_server *server, const struct endpoint *from,
                               const struct lan15_packet *packet)
{
    if (find_session(server, packet->session))
        return (struct rmcp_weight){RMCP_IN_SESSION, 0};
    if (openings_expect(server->openings, packet->session, &from->remote))
        return (struct rmcp_weight){RMCP_PROVEN, RMCP_WORK_ACTIVATE};
    return (struct rmcp_weight){RMCP_STRANGER, RMCP_WORK_ACTIVATE};
}
