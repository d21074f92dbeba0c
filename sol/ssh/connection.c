/* One client, from the accepted socket to its end. libssh exchanges the keys and reads the packets;
 * it calls back here for each login and each channel. Its callbacks may come from inside any of its
 * functions, so they only note what is to be done, and connection_update does it. */
#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "sol/ssh/client.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define POLLS_A_TURN 16 /* libssh reads 4 KiB at a time */

/* Packets of a client until it has logged in; who exchanges keys, offers all that it may, and asks
 * now and then whether we are alive, needs about a hundred. libssh answers some by itself, and
 * wrong signatures not at all, so that no callback could count them. */
#define LOGIN_PACKETS 512

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
    ssh_auth_fail(&connection->auth, ssh_client_now(connection));
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
    if (connection->over || ssh_client_now(connection) < connection->paused_until_ms)
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
            ssh_client_now(connection) < connection->paused_until_ms || is_flood(connection) ||
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
        .channel_open_request_session_function = on_channel,
    };
    ssh_login_prepare(connection);
    ssh_callbacks_init(&connection->callbacks);
    ssh_set_server_callbacks(connection->session, &connection->callbacks);
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
    ssh_client_end(connection, reason);
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
    if (ssh_client_now(connection) >= until)
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
    uint64_t now = ssh_client_now(connection), next = UINT64_MAX;

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
