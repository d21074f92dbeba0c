#include "vbmc/rmcp/lan15_login.h"

#include <errno.h>
#include <string.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/login.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/session.h"
#include "vbmc/rmcp/window.h"

/* The id of who may log in as an opening says, or 0. As in RAKP (rakp.c) all of it is done for
 * everybody: how long it takes tells nobody whose account it is. */
static uint8_t find_user(const struct users *users, const struct opening *opening)
{
    uint8_t id =
        users_find_id(users, (const char *)opening->lan15.name, opening->lan15.name_length);
    const struct user *user = &users->by_id[id];
    bool may = user_may_use_ipmi(user) & (user->password_size == LAN15_KEY_SIZE);

    return (uint8_t)(id & -may);
}

const uint8_t *lan15_login_key(const struct rmcp_server *server, const struct opening *opening,
                               uint8_t *user_id)
{
    const struct users *users = server->config.users;
    uint8_t id = find_user(users, opening);
    const uint8_t *const keys[] = {server->nobodys_key, users->by_id[id].password};
    bool is_locked_out = login_is_locked_out(server, id);

    if (user_id)
        *user_id = id;
    return keys[(id != 0) & !is_locked_out];
}

static int challenge(void *context, uint8_t type, const uint8_t *name, size_t length, uint32_t *id,
                     uint8_t challenge[IPMI_LOGIN_CHALLENGE_SIZE])
{
    const struct lan15_login *login = context;
    struct rmcp_server *server = login->server;
    struct opening opening = {
        .since_ms = login->now_ms,
        .is_known = login_is_from_known(server, &login->from->remote),
        .lan15 = {.type = type, .name_length = (uint8_t)length},
    };

    if (length == 0)
        return -ENOENT;
    memcpy(opening.lan15.name, name, length);
    opening.id = rmcp_core_make_session_id(server);
    if (opening.id == 0 ||
        rmcp_core_random(server, opening.lan15.challenge, LAN15_CHALLENGE_SIZE) < 0)
        return -EIO;
    int error = openings_add(server->openings, &opening, &login->from->remote);
    if (error < 0)
        return error;
    *id = opening.id;
    memcpy(challenge, opening.lan15.challenge, LAN15_CHALLENGE_SIZE);
    return 0;
}

static int check(const struct rmcp_server *server, const struct opening *opening,
                 const struct user *user, const struct ipmi_activation *asked)
{
    const struct channel *channel = server->config.channel;

    if (asked->type != opening->lan15.type ||
        (channel_authentication_types(channel, asked->wanted) & 1U << asked->type) == 0 ||
        !crypto_equal(asked->challenge, opening->lan15.challenge, LAN15_CHALLENGE_SIZE))
        return -EINVAL;
    if (asked->outbound == 0)
        return -ERANGE;
    return channel->is_closed || asked->wanted > user_level(user) || asked->wanted > channel->limit
               ? -EPERM
               : 0;
}

static int establish(const struct lan15_login *login, const struct opening *opening,
                     const struct user *user, uint8_t user_id, struct session **result)
{
    struct session_table *sessions = login->server->sessions;
    struct rakp_exchange exchange = {
        .bmc_id = opening->id,
        .name_length = opening->lan15.name_length,
    };

    memcpy(exchange.name, opening->lan15.name, exchange.name_length);
    struct session *session =
        session_table_open(sessions, &exchange, login->from, opening->since_ms);
    if (!session)
        return -ENOMEM;
    session->is_lan15 = true;
    session->told = true; /* the password was right */
    session->user_id = user_id;
    session->administrator = user_level(user) >= PRIVILEGE_ADMINISTRATOR;
    int error = login_user_is_full(login->server, session) ? -EUSERS : session_make_secret(session);
    if (error == 0)
        error = session_table_establish(sessions, session, login->now_ms);
    if (error < 0) {
        session_table_remove(sessions, session);
        return error;
    }
    *result = session;
    return 0;
}

/* The answer to an Activate Session that came again, before any other packet of the session. */
static int repeat(const struct session *session, const struct ipmi_activation *asked,
                  struct ipmi_activated *activated)
{
    if (!session->is_lan15 || session->state != SESSION_ESTABLISHED)
        return -ENOENT;
    if (asked->type != session->lan15.type || asked->wanted != session->maximum)
        return -EINVAL;
    *activated = (struct ipmi_activated){
        .rest = session->lan15.rest,
        .session = session->exchange.bmc_id,
        .inbound = session->inbound.highest + 1,
        .maximum = session->maximum,
    };
    return 0;
}

static int activate(void *context, const struct ipmi_activation *asked,
                    struct ipmi_activated *activated)
{
    const struct lan15_login *login = context;
    struct rmcp_server *server = login->server;
    const struct opening *found = openings_find(server->openings, login->id);
    struct session *session = session_table_find_active(server->sessions, login->id);
    uint32_t first;

    if (login->id != 0 && session)
        return repeat(session, asked, activated);
    if (login->id == 0 || !found || found->suite)
        return -ENOENT;
    const struct opening opening = *found;
    uint8_t user_id = find_user(server->config.users, &opening);
    const struct user *user = &server->config.users->by_id[user_id];
    if (user_id == 0)
        return -ENOENT;
    int error = check(server, &opening, user, asked);
    if (error < 0)
        return error;
    if (rmcp_core_random(server, (uint8_t *)&first, sizeof first) < 0)
        return -EIO;
    error = establish(login, &opening, user, user_id, &session);
    if (error == -ENOSPC || error == -EUSERS)
        login_no_room(server, &(struct login_attempt){&login->from->remote, opening.lan15.name,
                                                      opening.lan15.name_length, user_id});
    if (error < 0)
        return error;
    bool is_plain = server->config.channel->per_message_off;
    session->lan15.type = asked->type;
    session->lan15.rest = is_plain ? LAN15_NONE : asked->type;
    memcpy(session->secret->lan15_key, user->password, LAN15_KEY_SIZE);
    session->maximum = asked->wanted;
    session->privilege = asked->wanted < PRIVILEGE_USER ? asked->wanted : PRIVILEGE_USER;
    session->next_outbound = asked->outbound;
    first = first == 0 ? 1 : first;
    session->inbound = window_lan15(first);
    *activated = (struct ipmi_activated){session->lan15.rest, opening.id, first, asked->wanted};
    login_succeeded(server, session);
    openings_remove(server->openings, opening.id);
    return 0;
}

const struct ipmi_login_ops lan15_login_ops = {.challenge = challenge, .activate = activate};
