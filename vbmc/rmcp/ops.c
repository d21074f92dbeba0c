#include "vbmc/rmcp/ops.h"

#include <errno.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/session.h"

static int set_privilege(void *context, uint32_t current, enum privilege level)
{
    struct rmcp_server *server = context;
    struct session *session = session_table_find_active(server->sessions, current);

    if (!session || level < PRIVILEGE_CALLBACK || level > session->maximum)
        return -EPERM;
    session->privilege = level;
    return 0;
}

static int close_session(void *context, uint32_t id)
{
    struct rmcp_server *server = context;
    struct session *session = session_table_find_active(server->sessions, id);

    if (!session)
        return -ENOENT;
    session_table_close(server->sessions, session);
    if (!server->busy)
        session_table_sweep(server->sessions);
    return 0;
}

static uint32_t find_handle(void *context, uint8_t handle)
{
    struct rmcp_server *server = context;
    const struct session *session = session_table_find_handle(server->sessions, handle);

    return session ? session->exchange.bmc_id : 0;
}

static uint32_t find_nth(void *context, unsigned n)
{
    struct rmcp_server *server = context;
    const struct session *session = session_table_find_nth(server->sessions, n);

    return session ? session->exchange.bmc_id : 0;
}

static int info(void *context, uint32_t id, struct ipmi_session_info *info)
{
    struct rmcp_server *server = context;
    const struct session *session = session_table_find_active(server->sessions, id);

    if (!session)
        return -ENOENT;
    const struct cipher_suite *suite = session->exchange.suite;
    *info = (struct ipmi_session_info){
        .handle = session->handle,
        .user_id = session->user_id,
        .privilege = session->privilege,
        .channel = CHANNEL_LAN,
        .rmcp_plus = !session->is_lan15,
        .authenticated = session->is_lan15 ? session->lan15.rest != LAN15_NONE
                                           : suite->integrity != CIPHER_INTEGRITY_NONE,
        .encrypted = !session->is_lan15 && suite->confidentiality != CIPHER_CONFIDENTIALITY_NONE,
        .remote = session->peer.remote,
        .began_ms = session->began_ms,
        .heard_ms = session->since_ms,
    };
    return 0;
}

static void count(void *context, unsigned *slots, unsigned *active)
{
    struct rmcp_server *server = context;

    *slots = session_table_limits(server->sessions)->active;
    *active = session_table_count_active(server->sessions);
}

const struct ipmi_session_ops rmcp_session_ops = {
    .set_privilege = set_privilege,
    .close = close_session,
    .find_handle = find_handle,
    .find_nth = find_nth,
    .info = info,
    .count = count,
};
