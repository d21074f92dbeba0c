/* How a client of the SSH server logs in: by password, as the answer to a question too, or by key.
 * libssh's callbacks may come from inside any of its functions, so they only note what is to be
 * done. */
#include <stdio.h>
#include <string.h>

#include "sol/ssh/client.h"
#include "vbmc/base/log.h"

#define AUTH_METHODS                                                                               \
    (SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE)

static void tell_login(const struct ssh_connection *connection, const char *name, bool by_key,
                       const char *refused)
{
    const struct ssh_shared *shared = connection->shared;
    struct ssh_try attempt = {
        .remote = connection->remote,
        .by_key = by_key,
        .refused = refused,
        .one_bmc = connection->door->one_bmc,
        .uuid = connection->door->uuid,
    };

    snprintf(attempt.name, sizeof attempt.name, "%s", name);
    if (shared->ops.logged_in)
        shared->ops.logged_in(shared->context, &attempt);
}

static void note_grant(struct ssh_connection *connection, bool by_key)
{
    struct ssh_shared *shared = connection->shared;
    struct ssh_identity *identity = &connection->identity;

    memcpy(identity->account, connection->auth.account, sizeof identity->account);
    identity->privilege = connection->auth.privilege;
    identity->by_key = by_key;
    identity->one_bmc = connection->door->one_bmc;
    identity->uuid = connection->door->uuid;
    connection->traffic_ms = ssh_client_now(connection);
    connection->seat.account = identity->account;
    connection->seat.accounts = connection->door->accounts;
    connection->seat.is_over_all = ssh_client_is_over_all(identity);
    const char *excess = ssh_seat_take(shared, &connection->seat);
    if (excess) {
        log_warning("SSH: no room for %s from %s: %s, there are %u in all", identity->account,
                    identity->remote, excess, shared->sessions - 1);
        tell_login(connection, identity->account, by_key, excess);
        ssh_client_end(connection, excess);
        return;
    }
    tell_login(connection, identity->account, by_key, NULL);
    log_info("SSH: %s logged in from %s by %s", identity->account, identity->remote,
             by_key ? "key" : "password");
}

/* The name is the client's: it comes last and in no length, so that it can neither hide the address
 * nor look like another one where that is searched for. */
static void note_failure(struct ssh_connection *connection, const char *name, const char *what)
{
    const struct ssh_auth *auth = &connection->auth;

    log_info("SSH: refused %s: %s: %.*s", connection->identity.remote, what, SSH_NAME_MAX + 1,
             name);
    tell_login(connection, name, false, what);
    connection->paused_until_ms = ssh_client_now(connection) + ssh_auth_wait_ms(auth);
    if (ssh_sources_refuse(auth->sources, &auth->source, ssh_client_now(connection)))
        log_warning("SSH: too many failures from %s, it is refused for %u s",
                    connection->identity.remote, SSH_SOURCE_REFUSE_MS / 1000);
    if (ssh_auth_is_over(auth, ssh_client_now(connection)))
        ssh_client_end(connection, "too many failures");
}

static bool try_password(struct ssh_connection *connection, const char *name, const char *password)
{
    const struct ssh_ops *ops = &connection->shared->ops;

    if (connection->over)
        return false;
    bool right = ssh_auth_password(&connection->auth, name, password, ssh_client_now(connection));
    if (ops->tried && connection->auth.compared && connection->door->one_bmc)
        ops->tried(connection->shared->context, &connection->door->uuid, name, right);
    if (!right) {
        note_failure(connection, name, "wrong name or password");
        return false;
    }
    note_grant(connection, false);
    return true;
}

static int on_password(ssh_session session, const char *name, const char *password, void *userdata)
{
    (void)session;
    return try_password(userdata, name ? name : "", password ? password : "") ? SSH_AUTH_SUCCESS
                                                                              : SSH_AUTH_DENIED;
}

static enum ssh_signature signature_of(char state)
{
    switch (state) {
    case SSH_PUBLICKEY_STATE_NONE:
        return SSH_SIGNATURE_NONE;
    case SSH_PUBLICKEY_STATE_VALID:
        return SSH_SIGNATURE_VALID;
    default:
        return SSH_SIGNATURE_WRONG;
    }
}

static int on_key(ssh_session session, const char *name, struct ssh_key_struct *key, char state,
                  void *userdata)
{
    struct ssh_connection *connection = userdata;
    enum ssh_signature signature = signature_of(state);
    char *base64 = NULL;
    bool right;

    (void)session;
    if (connection->over || !name || ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return SSH_AUTH_DENIED;
    right = ssh_auth_key(&connection->auth, name, base64, signature, ssh_client_now(connection));
    ssh_string_free_char(base64);
    if (right && signature == SSH_SIGNATURE_VALID)
        note_grant(connection, true);
    else if (!right && signature != SSH_SIGNATURE_NONE)
        note_failure(connection, name, "wrong key");
    else if (ssh_auth_is_over(&connection->auth, ssh_client_now(connection)))
        ssh_client_end(connection, "too many keys");
    return right ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

/* libssh would otherwise ask Kerberos by itself, offered or not. */
static ssh_string refuse_gssapi(ssh_session session, const char *user, int n_oid, ssh_string *oids,
                                void *userdata)
{
    (void)session;
    (void)user;
    (void)n_oid;
    (void)oids;
    (void)userdata;
    return NULL;
}

static int refuse_gssapi_mic(ssh_session session, const char *user, const char *principal,
                             void *userdata)
{
    (void)session;
    (void)user;
    (void)principal;
    (void)userdata;
    return SSH_AUTH_DENIED;
}

/* RFC 4256: the password as the answer to a question, which some clients prefer. */
static int ask_password(struct ssh_connection *connection, ssh_message message)
{
    static const char *prompts[] = {"Password: "};
    const char *name = ssh_message_auth_user(message);
    const char *answer;
    char echo = 0;

    if (!ssh_message_auth_kbdint_is_response(message)) {
        snprintf(connection->asked_name, sizeof connection->asked_name, "%s", name ? name : "");
        ssh_message_auth_interactive_request(message, "", "", 1, prompts, &echo);
        return 0;
    }
    if (ssh_userauth_kbdint_getnanswers(connection->session) != 1)
        return 1;
    answer = ssh_userauth_kbdint_getanswer(connection->session, 0);
    if (!try_password(connection, connection->asked_name, answer ? answer : ""))
        return 1;
    ssh_message_auth_reply_success(message, 0);
    return 0;
}

/* What no other callback is for. 1: libssh is to give its default answer, which refuses. */
static int on_message(ssh_session session, ssh_message message, void *userdata)
{
    struct ssh_connection *connection = userdata;

    (void)session;
    if (ssh_message_type(message) == SSH_REQUEST_AUTH &&
        ssh_message_subtype(message) == SSH_AUTH_METHOD_INTERACTIVE && !connection->over &&
        !connection->auth.granted)
        return ask_password(connection, message);
    return 1;
}

void ssh_login_prepare(struct ssh_connection *connection)
{
    connection->callbacks.auth_password_function = on_password;
    connection->callbacks.auth_pubkey_function = on_key;
    connection->callbacks.auth_gssapi_mic_function = refuse_gssapi_mic;
    connection->callbacks.gssapi_select_oid_function = refuse_gssapi;
    ssh_set_message_callback(connection->session, on_message, connection);
    ssh_set_auth_methods(connection->session, AUTH_METHODS);
}
