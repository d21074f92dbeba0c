/* One client, from the accepted socket to its end. libssh exchanges the keys and reads the packets;
 * it calls back here for each login and each channel. Its callbacks may come from inside any of its
 * functions, so they only note what is to be done, and connection_update does it. */
#include "sol/ssh/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define POLLS_A_TURN 16 /* libssh reads 4 KiB at a time */

/* Packets of a client until it has logged in; who exchanges keys, offers all that it may, and asks
 * now and then whether we are alive, needs about a hundred. libssh answers some by itself, and
 * wrong signatures not at all, so that no callback could count them. */
#define LOGIN_PACKETS 512

#define AUTH_METHODS                                                                               \
    (SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE)

struct channel_slot {
    struct ssh_relay *relay;
    bool gone; /* to be released between two turns */
};

struct ssh_connection {
    struct ssh_shared *shared;
    const struct ssh_door *door;
    /* libssh has a duplicate, because it closes its own when it likes. */
    struct ssh_watch watch;
    ssh_session session;
    ssh_event event;                   /* of this session alone: libssh polls it recursively */
    struct ssh_counter_struct traffic; /* packets */
    struct ssh_counter_struct bytes;   /* of the socket */
    bool told;                         /* why it failed to log in */
    struct ssh_server_callbacks_struct callbacks;
    union endpoint_address remote;
    struct ssh_auth auth;
    struct ssh_identity identity; /* once auth.granted; its remote from the beginning */
    struct ssh_seat seat;
    char asked_name[SSH_NAME_MAX + 2]; /* whose password is asked for; a longer one is cut, and
                                          remains wrong */
    uint64_t login_until_ms;
    uint64_t paused_until_ms;
    uint64_t traffic_ms;        /* while there is no channel */
    struct channel_slot *slots; /* shared->limits.channels of them */
    bool over;
    const char *reason;
};

/* ---- logging in ---- */

static uint64_t now_of(const struct ssh_connection *connection)
{
    return connection->shared->loop.now_ms;
}

static bool is_over_all(const struct ssh_identity *identity)
{
    return identity->privilege >= SSH_PRIVILEGE_ADMINISTRATOR && !identity->one_bmc;
}

static void note_grant(struct ssh_connection *connection, const char *by)
{
    struct ssh_shared *shared = connection->shared;
    struct ssh_identity *identity = &connection->identity;

    memcpy(identity->account, connection->auth.account, sizeof identity->account);
    identity->privilege = connection->auth.privilege;
    identity->one_bmc = connection->door->one_bmc;
    identity->uuid = connection->door->uuid;
    connection->traffic_ms = now_of(connection);
    connection->seat.account = identity->account;
    connection->seat.accounts = connection->door->accounts;
    connection->seat.is_over_all = is_over_all(identity);
    const char *excess = ssh_seat_take(shared, &connection->seat);
    if (excess) {
        log_warning("SSH: no room for %s from %s: %s, there are %u in all", identity->account,
                    identity->remote, excess, shared->sessions - 1);
        ssh_connection_end(connection, excess);
        return;
    }
    log_info("SSH: %s logged in from %s by %s", identity->account, identity->remote, by);
}

/* The name is the client's: it comes last and in no length, so that it can neither hide the address
 * nor look like another one where that is searched for. */
static void note_failure(struct ssh_connection *connection, const char *name, const char *what)
{
    const struct ssh_auth *auth = &connection->auth;

    log_info("SSH: refused %s: %s: %.*s", connection->identity.remote, what, SSH_NAME_MAX + 1,
             name);
    connection->paused_until_ms = now_of(connection) + ssh_auth_wait_ms(auth);
    if (ssh_sources_refuse(auth->sources, &auth->source, now_of(connection)))
        log_warning("SSH: too many failures from %s, it is refused for %u s",
                    connection->identity.remote, SSH_SOURCE_REFUSE_MS / 1000);
    if (ssh_auth_is_over(auth, now_of(connection)))
        ssh_connection_end(connection, "too many failures");
}

static bool try_password(struct ssh_connection *connection, const char *name, const char *password)
{
    if (connection->over)
        return false;
    if (!ssh_auth_password(&connection->auth, name, password, now_of(connection))) {
        note_failure(connection, name, "wrong name or password");
        return false;
    }
    note_grant(connection, "password");
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
    right = ssh_auth_key(&connection->auth, name, base64, signature, now_of(connection));
    ssh_string_free_char(base64);
    if (right && signature == SSH_SIGNATURE_VALID)
        note_grant(connection, "key");
    else if (!right && signature != SSH_SIGNATURE_NONE)
        note_failure(connection, name, "wrong key");
    else if (ssh_auth_is_over(&connection->auth, now_of(connection)))
        ssh_connection_end(connection, "too many keys");
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

/* ---- channels ---- */

static void connection_update(void *owner);

static ssh_channel on_channel(ssh_session session, void *userdata)
{
    struct ssh_connection *connection = userdata;

    if (!connection->auth.granted || connection->over)
        return NULL;
    for (unsigned i = 0; i < connection->shared->limits.channels; i++) {
        struct channel_slot *slot = &connection->slots[i];

        if (slot->relay)
            continue;
        slot->gone = false;
        slot->relay = ssh_relay_new(connection->shared, session, &connection->identity,
                                    connection_update, connection);
        return slot->relay ? ssh_relay_channel(slot->relay) : NULL;
    }
    return NULL;
}

/* ---- the socket ---- */

static bool is_flood(const struct ssh_connection *connection)
{
    return !connection->auth.granted && connection->traffic.in_packets > LOGIN_PACKETS;
}

/* Whether the client has yet to read what it was sent. Until then nothing is read of it, as each of
 * its packets may have an answer, which libssh would keep. */
static bool is_behind(const struct ssh_connection *connection)
{
    return ssh_get_poll_flags(connection->session) & SSH_WRITE_PENDING;
}

/* Who does not keep to the protocol before he has logged in counts as one who failed to. */
static void note_stranger(struct ssh_connection *connection, const char *what)
{
    connection->told = true;
    ssh_auth_fail(&connection->auth, now_of(connection));
    ssh_log_stranger(connection->shared, connection->identity.remote, what);
}

/* Whether it sent something, and that was not how an SSH client begins (RFC 4253, section 4.2). One
 * that only connects, as to see whether somebody listens, says nothing. */
static bool is_no_client(const struct ssh_connection *connection)
{
    const char *banner = ssh_get_clientbanner(connection->session);

    return connection->bytes.in_bytes > 0 && (!banner || strncmp(banner, "SSH-2.0-", 8) != 0);
}

/* Whether libssh has hung up on a client that would have gone on. One that has no algorithm in
 * common with us is an honest one, if an old one; it may reset the connection before we do, and
 * what libssh then says is "Socket error". */
static bool was_hung_up_on(const struct ssh_connection *connection)
{
    const char *text = ssh_get_error(connection->session);
    char byte;

    return ssh_get_error_code(connection->session) == SSH_FATAL &&
           strncmp(text, "Received SSH_MSG_DISCONNECT", 27) != 0 &&
           !strstr(text, "no match for method") && strncmp(text, "Socket error", 12) != 0 &&
           recv(connection->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

/* The end of one that has not logged in. libssh closes the connection by itself in most cases. */
static void note_end(struct ssh_connection *connection)
{
    if (!connection->session || connection->auth.granted || connection->told)
        return;
    if (is_no_client(connection))
        note_stranger(connection, "no SSH client");
    else if (!connection->reason && was_hung_up_on(connection))
        note_stranger(connection, ssh_get_error(connection->session));
}

/* libssh tells errors before the login in no other way. */
static void check_session(struct ssh_connection *connection)
{
    int status = ssh_get_status(connection->session);

    if (!ssh_is_connected(connection->session) || (status & (SSH_CLOSED | SSH_CLOSED_ERROR))) {
        ssh_connection_end(connection, NULL);
    } else if (!connection->auth.granted && ssh_get_error_code(connection->session) == SSH_FATAL) {
        note_stranger(connection, ssh_get_error(connection->session));
        ssh_connection_end(connection, "protocol error");
    } else if (is_flood(connection)) {
        note_stranger(connection, "too many packets before a login");
        ssh_connection_end(connection, "too many packets before a login");
    }
}

static bool update_relays(struct ssh_connection *connection)
{
    bool news = false;

    for (unsigned i = 0; i < connection->shared->limits.channels; i++) {
        struct channel_slot *slot = &connection->slots[i];

        if (slot->relay && !slot->gone)
            slot->gone = ssh_relay_update(slot->relay);
    }
    for (unsigned i = 0; i < connection->shared->limits.channels; i++) {
        struct channel_slot *slot = &connection->slots[i];

        if (!slot->relay || slot->gone)
            continue;
        news = news || ssh_relay_has_news(slot->relay);
        if (ssh_relay_is_lost(slot->relay))
            ssh_connection_end(connection, "the channel is broken");
    }
    return news;
}

static void connection_update(void *owner)
{
    struct ssh_connection *connection = owner;
    uint32_t events;

    if (!connection->over)
        check_session(connection);
    while (!connection->over && update_relays(connection))
        check_session(connection);
    if (!connection->over)
        check_session(connection);
    if (connection->over || now_of(connection) < connection->paused_until_ms)
        events = 0;
    else
        events = is_behind(connection) ? EPOLLOUT : EPOLLIN;
    if (ssh_watch_set(&connection->shared->loop, &connection->watch, events) < 0)
        ssh_connection_end(connection, NULL);
}

static void on_socket(struct ssh_watch *watch, uint32_t events)
{
    struct ssh_connection *connection = CONTAINER_OF(watch, struct ssh_connection, watch);

    (void)events;
    for (int i = 0; i < POLLS_A_TURN && !connection->over; i++) {
        if (ssh_event_dopoll(connection->event, 0) != SSH_OK ||
            now_of(connection) < connection->paused_until_ms || is_flood(connection) ||
            is_behind(connection))
            break;
    }
    connection_update(connection);
}

/* ---- beginning and end ---- */

static void set_callbacks(struct ssh_connection *connection)
{
    connection->callbacks = (struct ssh_server_callbacks_struct){
        .userdata = connection,
        .auth_password_function = on_password,
        .auth_pubkey_function = on_key,
        .auth_gssapi_mic_function = refuse_gssapi_mic,
        .gssapi_select_oid_function = refuse_gssapi,
        .channel_open_request_session_function = on_channel,
    };
    ssh_callbacks_init(&connection->callbacks);
    ssh_set_server_callbacks(connection->session, &connection->callbacks);
    ssh_set_message_callback(connection->session, on_message, connection);
    ssh_set_auth_methods(connection->session, AUTH_METHODS);
}

static int begin_session(struct ssh_connection *connection)
{
    int fd = fcntl(connection->watch.fd, F_DUPFD_CLOEXEC, 0);
    int rc;

    connection->session = ssh_new();
    connection->event = ssh_event_new();
    if (fd < 0 || !connection->session || !connection->event) {
        if (fd >= 0)
            close(fd);
        return -ENOMEM;
    }
    /* What a client sends packed could unpack to any size. */
    ssh_options_set(connection->session, SSH_OPTIONS_COMPRESSION, "none");
    rc = ssh_bind_accept_fd(connection->shared->bind, connection->session, fd);
    if (ssh_get_fd(connection->session) != fd)
        close(fd);
    if (rc != SSH_OK)
        return -EIO;
    set_callbacks(connection);
    ssh_set_counters(connection->session, &connection->bytes, &connection->traffic);
    ssh_set_blocking(connection->session, 0);
    rc = ssh_handle_key_exchange(connection->session);
    if (rc == SSH_ERROR || ssh_event_add_session(connection->event, connection->session) != SSH_OK)
        return -EIO;
    return ssh_watch_set(&connection->shared->loop, &connection->watch, EPOLLIN);
}

struct ssh_connection *ssh_connection_new(struct ssh_shared *shared, int fd,
                                          const union endpoint_address *remote,
                                          const struct ssh_door *door)
{
    struct ssh_connection *connection = calloc(1, sizeof *connection);

    if (!connection) {
        close(fd);
        return NULL;
    }
    connection->shared = shared;
    connection->door = door;
    connection->remote = *remote;
    connection->login_until_ms =
        shared->loop.now_ms + (uint64_t)shared->limits.login_seconds * 1000;
    connection->auth = (struct ssh_auth){
        .accounts = door->accounts, .sources = shared->sources, .source = *remote};
    endpoint_address_format(remote, connection->identity.remote);
    ssh_watch_init(&connection->watch, fd, on_socket);
    connection->slots = calloc(shared->limits.channels, sizeof connection->slots[0]);
    if (!connection->slots || begin_session(connection) < 0) {
        ssh_connection_free(connection);
        return NULL;
    }
    return connection;
}

const union endpoint_address *ssh_connection_remote(const struct ssh_connection *connection)
{
    return &connection->remote;
}

uint64_t ssh_connection_login_ms(const struct ssh_connection *connection)
{
    return connection->login_until_ms;
}

bool ssh_connection_is_logged_in(const struct ssh_connection *connection)
{
    return connection->auth.granted;
}

/* Whether the account was changed by this very client, and may still do what it does. */
static bool is_spared(const struct ssh_connection *connection)
{
    const struct ssh_spared *spared = &connection->shared->spared;
    bool is_author = false;

    for (unsigned i = 0; i < SSH_SPARED_MAX; i++)
        is_author |= strcmp(spared->remote[i], connection->identity.remote) == 0;
    return is_author && ssh_accounts_allow(connection->door->accounts, connection->auth.account,
                                           connection->auth.privilege);
}

void ssh_connection_set_door(struct ssh_connection *connection, const struct ssh_door *door)
{
    const struct ssh_door *before = connection->door;

    connection->door = door;
    connection->auth.accounts = door->accounts;
    connection->seat.accounts = door->accounts;
    if (!connection->auth.granted)
        return;
    if (door->one_bmc != before->one_bmc ||
        (door->one_bmc && !uuid_equal(&door->uuid, &before->uuid)))
        ssh_connection_end(connection, "this address serves another BMC now");
    else if (door->restarts != before->restarts)
        ssh_connection_end(connection, "the BMC restarts");
    else if (!ssh_accounts_agree(before->accounts, door->accounts, connection->auth.account) &&
             !is_spared(connection))
        ssh_connection_end(connection, "the account was changed");
}

void ssh_connection_end(struct ssh_connection *connection, const char *reason)
{
    if (connection->over)
        return;
    connection->over = true;
    connection->reason = reason;
    ssh_watch_set(&connection->shared->loop, &connection->watch, 0);
}

bool ssh_connection_is_over(const struct ssh_connection *connection)
{
    return connection->over;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t last_traffic(const struct ssh_connection *connection)
{
    uint64_t last = connection->traffic_ms;

    for (unsigned i = 0; i < connection->shared->limits.channels; i++)
        if (connection->slots[i].relay && ssh_relay_traffic_ms(connection->slots[i].relay) > last)
            last = ssh_relay_traffic_ms(connection->slots[i].relay);
    return last;
}

static uint64_t check_idle(struct ssh_connection *connection)
{
    uint64_t idle_ms = (uint64_t)connection->shared->idle_seconds * 1000, until;

    if (idle_ms == 0)
        return UINT64_MAX;
    until = last_traffic(connection) + idle_ms;
    if (now_of(connection) >= until)
        ssh_connection_end(connection, "idle for too long");
    return until;
}

static void release_gone(struct ssh_connection *connection)
{
    for (unsigned i = 0; i < connection->shared->limits.channels; i++) {
        struct channel_slot *slot = &connection->slots[i];

        if (!slot->gone)
            continue;
        connection->traffic_ms = last_traffic(connection);
        ssh_relay_free(slot->relay, false);
        *slot = (struct channel_slot){0};
    }
}

uint64_t ssh_connection_tick(struct ssh_connection *connection)
{
    uint64_t now = now_of(connection), next = UINT64_MAX;

    if (connection->over)
        return now;
    release_gone(connection);
    if (!connection->auth.granted) {
        if (now >= connection->login_until_ms)
            ssh_connection_end(connection, "no login within the time allowed");
        next = connection->login_until_ms;
    } else {
        next = check_idle(connection);
    }
    if (connection->paused_until_ms != 0 && now >= connection->paused_until_ms) {
        connection->paused_until_ms = 0;
        connection_update(connection);
    }
    if (connection->paused_until_ms != 0)
        next = earlier(next, connection->paused_until_ms);
    for (unsigned i = 0; i < connection->shared->limits.channels; i++) {
        struct ssh_relay *relay = connection->slots[i].relay;

        if (!relay || connection->slots[i].gone)
            continue;
        if (now >= ssh_relay_deadline_ms(relay))
            connection_update(connection);
        next = earlier(next, ssh_relay_deadline_ms(relay));
    }
    return connection->over ? now : next;
}

/* The last words go out if the socket takes them at once; nobody waits for a client that does not
 * read. libssh learns only by polling that it may write. */
static void say_goodbye(struct ssh_connection *connection)
{
    if (!connection->session || !ssh_is_connected(connection->session))
        return;
    ssh_event_dopoll(connection->event, 0);
    if (connection->reason)
        ssh_session_set_disconnect_message(connection->session, connection->reason);
}

void ssh_connection_free(struct ssh_connection *connection)
{
    connection->over = true;
    for (unsigned i = 0; connection->slots && i < connection->shared->limits.channels; i++)
        if (connection->slots[i].relay)
            ssh_relay_free(connection->slots[i].relay, true);
    free(connection->slots);
    connection->slots = NULL;
    note_end(connection);
    if (connection->seat.taken) {
        ssh_seat_leave(connection->shared, &connection->seat);
        log_info("SSH: %s from %s has gone%s%s", connection->identity.account,
                 connection->identity.remote, connection->reason ? ": " : "",
                 connection->reason ? connection->reason : "");
    }
    if (connection->session) {
        say_goodbye(connection);
        ssh_disconnect(connection->session);
    }
    ssh_event_free(connection->event);
    ssh_free(connection->session);
    ssh_watch_close(&connection->shared->loop, &connection->watch);
    explicit_bzero(&connection->auth, sizeof connection->auth);
    free(connection);
}
