#include "vbmc/rmcp/login.h"

#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/users.h"
#include "vbmc/net/login_log.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/session.h"

const char login_wrong[] = "wrong name or password";

static void write_log(struct rmcp_server *server, const struct login_attempt *attempt,
                      const char *what, const char *reason)
{
    login_log_write(server->config.login_log, what, attempt->remote, attempt->name,
                    attempt->name_length, reason, server->now_ms);
}

bool login_is_locked_out(const struct rmcp_server *server, uint8_t user_id)
{
    return server->config.is_locked_out &&
           server->config.is_locked_out(server->config.login_context, user_id);
}

bool login_is_from_known(const struct rmcp_server *server, const union endpoint_address *remote)
{
    return server->config.is_known && server->config.is_known(server->config.login_context, remote);
}

bool login_user_is_full(struct rmcp_server *server, const struct session *newcomer)
{
    uint8_t limit = server->config.users->by_id[newcomer->user_id].sessions;

    while (limit != 0 && session_table_count_user(server->sessions, newcomer->user_id) >= limit) {
        if (!newcomer->administrator ||
            session_table_give_up_own(server->sessions, newcomer, server->now_ms) < 0)
            return true;
    }
    return false;
}

void login_succeeded(struct rmcp_server *server, const struct session *session)
{
    char name[LOGIN_LOG_NAME_SIZE], address[ENDPOINT_TEXT_SIZE];

    server->counters.sessions++;
    login_log_name(session->exchange.name, session->exchange.name_length, name);
    endpoint_address_format(&session->peer.remote, address);
    log_info("%s: logged in from %s: %s", session->is_lan15 ? "IPMI 1.5" : "IPMI", address, name);
    if (server->config.logged_in)
        server->config.logged_in(server->config.login_context, session->user_id,
                                 &session->peer.remote);
}

void login_failed(struct rmcp_server *server, const struct login_attempt *attempt,
                  const char *reason)
{
    write_log(server, attempt, "refused", reason);
    server->counters.login_failures++;
    if (server->config.login_failed)
        server->config.login_failed(server->config.login_context, attempt->user_id);
}

void login_closed(struct rmcp_server *server, const struct login_attempt *attempt)
{
    write_log(server, attempt, "refused", "the channel takes no such log-in any more");
}

void login_no_room(struct rmcp_server *server, const struct login_attempt *attempt)
{
    write_log(server, attempt, "no room for", "all sessions it may have are taken");
}
