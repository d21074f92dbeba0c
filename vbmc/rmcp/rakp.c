/* RAKP, the way into a session. The states of a session and what each takes are in session.h; this
 * file moves a session through them:
 *
 *   Open Session Request  ->  an opening   algorithms chosen: rakp_open.c
 *   RAKP 1                ->  CHALLENGED   user looked up, Rc made, RAKP 2 proves that we know Kuid
 *   RAKP 3                ->  ESTABLISHED  the console proved that it knows Kuid; keys made
 *
 * Repeats. FreeIPMI sends a single message again under a new tag: a RAKP 1 with the same Rm, role
 * and name gets the same Rc, a right RAKP 3 gets RAKP 4 again until the session is used. A
 * different RAKP 1 in CHALLENGED is dropped, or anybody could take a set-up away from its owner.
 *
 * Unknown names. Status 0Dh would tell an attacker which names exist (and makes pyghmi try again as
 * an operator). A name that does not exist, is disabled or may not use the LAN is therefore
 * answered like any other, under a key that nobody has; clients then report a wrong password. One
 * difference is left: a name whose limit is below the privilege asked for gets 09h in RAKP 2,
 * because clients show a useful text for it only there. It is 09h and not 0Ah, which the table has
 * for it just as well, because on 09h pyghmi (and Ansible and Ironic by it) tries again as
 * operator. For ipmitool and FreeIPMI both are the same.
 *
 * Locked out. Who is (vbmc/bmc/lockout.h) gets what a wrong password gets, all the way.
 *
 * Times. All of these get their answers by the same work, so that how long one takes tells nobody
 * which of them it is: the key is chosen without a branch, and everything that it depends on is
 * looked at in any case.
 *
 * Failures. A client that gets RAKP 2 can guess the password at leisure. So every session that gets
 * there and does not get established counts as a failed log-in, whatever ends it; all but one: a
 * right password for which there is no room.
 *
 * Statuses. An algorithm number that the specification does not define gets 04h, 05h or 10h;
 * defined ones in a combination that is not offered get 11h, for which clients have a text. A wrong
 * RAKP 3 ends the session, so each guess at a password costs a whole set-up. */
#include "vbmc/rmcp/rakp.h"

#include <stdio.h>
#include <string.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/users.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/login.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/rakp_answer.h"
#include "vbmc/rmcp/rakp_open.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/rmcp/session.h"

#define ROLE_NAME_ONLY 0x10

/* RAKP 1 and 2 (sections 13.20 and 13.21) */

struct rakp1 {
    uint8_t rm[RAKP_RANDOM_SIZE];
    uint8_t role;
    uint8_t name_length;
    uint8_t name[RAKP_NAME_MAX];
};

/* False for a payload whose length cannot be right. The name may be padded to 16 bytes. */
static bool read_rakp1(struct wire_in *in, struct rakp1 *message)
{
    wire_copy(in, message->rm, sizeof message->rm);
    message->role = wire_u8(in);
    wire_skip(in, 2);
    message->name_length = wire_u8(in);
    if (message->name_length > RAKP_NAME_MAX)
        return !in->failed;
    wire_copy(in, message->name, message->name_length);
    return !in->failed && wire_left(in) <= RAKP_NAME_MAX - (size_t)message->name_length;
}

/* The id of the user who may log in with that name and role, or 0. With name-only look-up off the
 * entry's limit has to be the privilege asked for (section 13.20, byte 25). */
static uint8_t find_user(const struct users *users, const struct rakp1 *message)
{
    uint8_t id = users_find_id(users, (const char *)message->name, message->name_length);
    const struct user *user = &users->by_id[id];
    uint8_t wanted = message->role & RAKP_PRIVILEGE_MASK;
    bool by_name = (message->role & ROLE_NAME_ONLY) != 0 || wanted == PRIVILEGE_HIGHEST;
    bool may = user_may_use_ipmi(user) & (by_name | (user_level(user) == (enum privilege)wanted));

    return (uint8_t)(id & -may);
}

/* What a session of that user may have at most, where the cipher suite allows `limit`. A name that
 * nobody has is not told by less. */
static enum privilege lower_limit(const struct users *users, uint8_t id, enum privilege limit)
{
    enum privilege level = user_level(&users->by_id[id]);
    unsigned of_level = -(unsigned)((id != 0) & (level < limit));

    return (enum privilege)((level & of_level) | (limit & ~of_level));
}

static bool is_same_rakp1(const struct rakp_exchange *exchange, const struct rakp1 *message)
{
    return memcmp(exchange->rm, message->rm, RAKP_RANDOM_SIZE) == 0 &&
           exchange->role == message->role && exchange->name_length == message->name_length &&
           memcmp(exchange->name, message->name, message->name_length) == 0;
}

/* What both sides know once RAKP 1 has come. */
static int make_exchange(struct rmcp_server *server, const struct opening *opening,
                         const struct rakp1 *message, struct rakp_exchange *exchange)
{
    *exchange = (struct rakp_exchange){
        .suite = opening->suite,
        .console_id = opening->console_id,
        .bmc_id = opening->id,
        .role = message->role,
        .name_length = message->name_length,
    };
    memcpy(exchange->guid, server->config.guid, RAKP_GUID_SIZE);
    memcpy(exchange->rm, message->rm, RAKP_RANDOM_SIZE);
    memcpy(exchange->name, message->name, message->name_length);
    return rmcp_core_random(server, exchange->rc, RAKP_RANDOM_SIZE);
}

/* Makes a session of what was opened and of RAKP 1's contents. */
static enum rakp_status challenge(struct rmcp_server *server, const struct endpoint *from,
                                  const struct opening *opening, const struct rakp1 *message,
                                  struct session **result)
{
    struct rakp_exchange exchange;
    uint8_t wanted = message->role & RAKP_PRIVILEGE_MASK;
    const struct users *users = server->config.users;
    enum rakp_status status;

    if (message->name_length > RAKP_NAME_MAX)
        return RAKP_INVALID_NAME_LENGTH;
    if (server->config.channel->is_closed) /* clients have a text for it here, not before */
        return RAKP_UNAUTHORIZED_ROLE;
    uint8_t id = find_user(users, message);
    enum privilege limit =
        lower_limit(users, id, channel_suite_limit(server->config.channel, opening->suite->id));
    status = rakp_check_privilege(wanted, limit, RAKP_INVALID_ROLE);
    if (status != RAKP_OK)
        return status;
    if (make_exchange(server, opening, message, &exchange) < 0)
        return RAKP_NO_RESOURCES;
    struct session *session =
        session_table_open(server->sessions, &exchange, from, opening->since_ms);
    if (!session)
        return RAKP_NO_RESOURCES;
    session->is_known = opening->is_known;
    session->user_id = id;
    session->administrator = (id != 0) & (user_level(&users->by_id[id]) >= PRIVILEGE_ADMINISTRATOR);
    if (wanted == PRIVILEGE_HIGHEST)
        wanted = opening->role;
    session->maximum = wanted != PRIVILEGE_HIGHEST && (enum privilege)wanted < limit
                           ? (enum privilege)wanted
                           : limit;
    openings_remove(server->openings, exchange.bmc_id);
    *result = session;
    return RAKP_OK;
}

/* Kuid: the user's password as long as the account is still what it was when RAKP 1 came, and is
 * not locked out; else the key that nobody has. Both are looked at in any case. */
static void find_kuid(const struct rmcp_server *server, const struct session *session,
                      uint8_t kuid[RAKP_KEY_SIZE])
{
    const struct rakp_exchange *exchange = &session->exchange;
    const struct users *users = server->config.users;
    uint8_t id = users_find_id(users, (const char *)exchange->name, exchange->name_length);
    const struct user *user = &users->by_id[id];
    bool may = user_may_use_ipmi(user);
    bool is_locked_out = login_is_locked_out(server, session->user_id);
    bool is_same = may & (session->user_id != 0) & (id == session->user_id) & !is_locked_out;
    uint8_t of_user = (uint8_t)-is_same;
    for (size_t i = 0; i < RAKP_KEY_SIZE; i++)
        kuid[i] = (uint8_t)((user->password[i] & of_user) | (server->nobodys_key[i] & ~of_user));
}

static void send_rakp2(struct rmcp_server *server, const struct endpoint *to, uint8_t tag,
                       const struct session *session)
{
    const struct rakp_exchange *exchange = &session->exchange;
    uint8_t kuid[RAKP_KEY_SIZE], code[CRYPTO_DIGEST_MAX];
    uint8_t room[RAKP_ANSWER_MAX];
    struct wire_out out = rakp_answer_begin(room, tag, RAKP_OK, 0, exchange->console_id);

    find_kuid(server, session, kuid);
    int error = rakp_code2(server->crypto, exchange, kuid, code);
    crypto_wipe(kuid, sizeof kuid);
    if (error < 0) {
        rakp_answer_error(server, to, PAYLOAD_RAKP2, tag, RAKP_NO_RESOURCES, exchange->console_id);
        return;
    }
    wire_put_bytes(&out, exchange->rc, RAKP_RANDOM_SIZE);
    wire_put_bytes(&out, exchange->guid, RAKP_GUID_SIZE);
    wire_put_bytes(&out, code, crypto_digest_size(cipher_suite_rakp(exchange->suite).hash));
    rmcp_core_send_clear(server, to, PAYLOAD_RAKP2, room, out.pos);
}

/* Those of IPMI 1.5 are none for RAKP. */
static struct opening *find_opening(const struct rmcp_server *server, uint32_t id)
{
    struct opening *opening = openings_find(server->openings, id);

    return opening && opening->suite ? opening : NULL;
}

static struct session *find_session(const struct rmcp_server *server, uint32_t id)
{
    struct session *session = session_table_find(server->sessions, id);

    return session && !session->is_lan15 ? session : NULL;
}

/* The first RAKP 1 with that id. */
static void begin_session(struct rmcp_server *server, const struct endpoint *from, uint8_t tag,
                          uint32_t id, const struct rakp1 *message)
{
    struct opening *opening = find_opening(server, id);
    struct session *session = NULL;

    if (!opening) {
        rakp_answer_error(server, from, PAYLOAD_RAKP2, tag, RAKP_INVALID_SESSION_ID, 0);
        return;
    }
    opening->messages++;
    const struct opening of = *opening;
    enum rakp_status status = challenge(server, from, &of, message, &session);
    if (status == RAKP_OK)
        send_rakp2(server, from, tag, session);
    else
        rakp_answer_error(server, from, PAYLOAD_RAKP2, tag, status, of.console_id);
}

static void receive_rakp1(struct rmcp_server *server, const struct endpoint *from,
                          struct wire_in *in)
{
    struct rakp1 message = {.name_length = 0};
    uint8_t tag = wire_u8(in);

    wire_skip(in, 3);
    uint32_t id = wire_u32(in);
    if (!read_rakp1(in, &message)) {
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
        return;
    }
    struct session *session = find_session(server, id);
    if (!session) {
        begin_session(server, from, tag, id, &message);
    } else if (session->state != SESSION_CHALLENGED ||
               !is_same_rakp1(&session->exchange, &message)) {
        rmcp_core_drop(server, RMCP_DROP_SETUP_STATE);
    } else {
        session->messages++;
        send_rakp2(server, from, tag, session);
    }
}

/* RAKP 3 and 4 (sections 13.22 and 13.23) */

static bool code3_is_right(struct rmcp_server *server, const struct session *session,
                           const uint8_t *code, size_t length)
{
    const struct rakp_exchange *exchange = &session->exchange;
    uint8_t kuid[RAKP_KEY_SIZE], expected[CRYPTO_DIGEST_MAX];

    if (length != crypto_digest_size(cipher_suite_rakp(exchange->suite).hash))
        return false;
    find_kuid(server, session, kuid);
    int error = rakp_code3(server->crypto, exchange, kuid, expected);
    crypto_wipe(kuid, sizeof kuid);
    bool is_equal = crypto_equal(expected, code, length);
    bool is_locked_out = login_is_locked_out(server, session->user_id);
    return (error == 0) & is_equal & (session->user_id != 0) & !is_locked_out;
}

static enum rakp_status establish(struct rmcp_server *server, const struct endpoint *from,
                                  struct session *session, uint64_t now_ms)
{
    const struct rakp_exchange *exchange = &session->exchange;
    const struct channel *channel = server->config.channel;
    uint8_t kuid[RAKP_KEY_SIZE], sik[CRYPTO_DIGEST_MAX];

    enum privilege limit = channel_suite_limit(channel, exchange->suite->id);
    if (channel->is_closed || limit == PRIVILEGE_NO_ACCESS) /* since RAKP 1 */
        return RAKP_UNAUTHORIZED_ROLE;
    if (session->maximum > limit)
        session->maximum = limit;
    if (login_user_is_full(server, session))
        return RAKP_NO_RESOURCES;
    find_kuid(server, session, kuid);
    bool derived =
        session_make_secret(session) == 0 &&
        rakp_sik(server->crypto, exchange, channel->has_kg ? channel->kg : kuid, sik) == 0 &&
        rakp_icv(server->crypto, exchange, sik, session->icv) == 0 &&
        rakp_derive_keys(server->crypto, exchange, kuid, sik, &session->secret->keys) == 0;
    crypto_wipe(kuid, sizeof kuid);
    crypto_wipe(sik, sizeof sik);
    if (!derived || session_table_establish(server->sessions, session, now_ms) < 0)
        return RAKP_NO_RESOURCES;
    session->privilege = session->maximum < PRIVILEGE_USER ? session->maximum : PRIVILEGE_USER;
    session->peer = *from;
    return RAKP_OK;
}

static void send_rakp4(struct rmcp_server *server, const struct endpoint *to, uint8_t tag,
                       const struct session *session)
{
    uint8_t room[RAKP_ANSWER_MAX];
    struct wire_out out = rakp_answer_begin(room, tag, RAKP_OK, 0, session->exchange.console_id);

    wire_put_bytes(&out, session->icv, cipher_suite_rakp(session->exchange.suite).size);
    rmcp_core_send_clear(server, to, PAYLOAD_RAKP4, room, out.pos);
}

static struct login_attempt attempt_of(const struct session *session, const struct endpoint *from)
{
    return (struct login_attempt){
        .remote = &from->remote,
        .name = session->exchange.name,
        .name_length = session->exchange.name_length,
        .user_id = session->user_id,
    };
}

void rakp_lost(struct rmcp_server *server, const struct session *session, enum session_loss loss)
{
    static const char *const reasons[] = {
        [SESSION_LOSS_TIME] = "no answer to RAKP 2, as with a wrong name or password",
        [SESSION_LOSS_ROOM] = "no answer to RAKP 2 before it made room for other log-ins",
        [SESSION_LOSS_CLOSED] = "no answer to RAKP 2 before users or settings changed",
    };

    const struct login_attempt attempt = attempt_of(session, &session->peer);
    login_failed(server, &attempt, reasons[loss]);
}

/* Tells of a failed log-in and ends it. */
static void fail(struct rmcp_server *server, const struct endpoint *from, struct session *session,
                 const char *reason)
{
    const struct login_attempt attempt = attempt_of(session, from);

    login_failed(server, &attempt, reason);
    session->told = true;
    session_table_remove(server->sessions, session);
}

/* The console gave up. One that checks RAKP 2 may say that its password is another. */
static void give_up(struct rmcp_server *server, const struct endpoint *from,
                    struct session *session, uint8_t status)
{
    char reason[64];

    if (status == RAKP_INVALID_INTEGRITY_CHECK_VALUE) {
        fail(server, from, session, login_wrong);
        return;
    }
    snprintf(reason, sizeof reason, "it gave up with status %02xh after RAKP 2", status);
    fail(server, from, session, reason);
}

/* RAKP 3 of a session in CHALLENGED. */
static void finish(struct rmcp_server *server, const struct endpoint *from, uint8_t tag,
                   struct session *session, bool right, uint64_t now_ms)
{
    uint32_t console_id = session->exchange.console_id;
    enum rakp_status status =
        right ? establish(server, from, session, now_ms) : RAKP_INVALID_INTEGRITY_CHECK_VALUE;

    if (status == RAKP_OK) {
        login_succeeded(server, session);
        send_rakp4(server, from, tag, session);
        return;
    }
    if (right) { /* which is no failed log-in */
        const struct login_attempt attempt = attempt_of(session, from);
        if (status == RAKP_UNAUTHORIZED_ROLE)
            login_closed(server, &attempt);
        else
            login_no_room(server, &attempt);
        session->told = true;
        session_table_remove(server->sessions, session);
    } else {
        fail(server, from, session, login_wrong);
    }
    rakp_answer_error(server, from, PAYLOAD_RAKP4, tag, status, console_id);
}

static void receive_rakp3(struct rmcp_server *server, const struct endpoint *from,
                          struct wire_in *in, uint64_t now_ms)
{
    uint8_t tag = wire_u8(in);
    uint8_t status = wire_u8(in);

    wire_skip(in, 2);
    uint32_t id = wire_u32(in);
    size_t length = wire_left(in);
    const uint8_t *code = wire_bytes(in, length);
    if (in->failed) {
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
        return;
    }
    struct session *session = find_session(server, id);
    if (!session && !find_opening(server, id)) {
        rakp_answer_error(server, from, PAYLOAD_RAKP4, tag, RAKP_INVALID_SESSION_ID, 0);
        return;
    }
    if (!session) {
        rmcp_core_drop(server, RMCP_DROP_SETUP_STATE);
        return;
    }
    session->messages++;
    if (session->state != SESSION_CHALLENGED && session->state != SESSION_ESTABLISHED) {
        rmcp_core_drop(server, RMCP_DROP_SETUP_STATE);
        return;
    }
    bool right = status == RAKP_OK && code3_is_right(server, session, code, length);
    if (session->state == SESSION_CHALLENGED && status != RAKP_OK)
        give_up(server, from, session, status);
    else if (session->state == SESSION_CHALLENGED)
        finish(server, from, tag, session, right, now_ms);
    else if (right)
        send_rakp4(server, from, tag, session);
    else
        rmcp_core_drop(server, RMCP_DROP_SETUP_STATE);
}

#define OFFSET_ID 4 /* in RAKP 1 and 3 */

bool rakp_expects(const struct rmcp_server *server, const struct endpoint *from, uint8_t type,
                  struct wire_in payload)
{
    if (type != PAYLOAD_RAKP1 && type != PAYLOAD_RAKP3)
        return false;
    wire_skip(&payload, OFFSET_ID);
    uint32_t id = wire_u32(&payload);
    if (payload.failed)
        return false;
    const struct session *session = session_table_find(server->sessions, id);
    if (!session)
        return openings_expect(server->openings, id, &from->remote);
    return session->messages < OPENING_MESSAGES_MAX &&
           endpoint_source(&session->peer.remote) == endpoint_source(&from->remote);
}

void rakp_receive(struct rmcp_server *server, const struct endpoint *from, uint8_t type,
                  struct wire_in payload, uint64_t now_ms)
{
    switch (type) {
    case PAYLOAD_OPEN_SESSION_REQUEST:
        rakp_receive_open(server, from, &payload, now_ms);
        break;
    case PAYLOAD_RAKP1:
        receive_rakp1(server, from, &payload);
        break;
    case PAYLOAD_RAKP3:
        receive_rakp3(server, from, &payload, now_ms);
        break;
    default:
        rmcp_core_drop(server, RMCP_DROP_PAYLOAD_TYPE);
        break;
    }
}
