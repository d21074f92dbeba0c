/* One client of the SSH server, for connection.c and login.c. */
#ifndef SOL_SSH_CLIENT_H
#define SOL_SSH_CLIENT_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "sol/ssh/internal.h"

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

static inline uint64_t ssh_client_now(const struct ssh_connection *connection)
{
    return connection->shared->loop.now_ms;
}

static inline bool ssh_client_is_over_all(const struct ssh_identity *identity)
{
    return identity->privilege >= SSH_PRIVILEGE_ADMINISTRATOR && !identity->one_bmc;
}

/* As ssh_connection_end. */
static inline void ssh_client_end(struct ssh_connection *connection, const char *reason)
{
    if (connection->over)
        return;
    connection->over = true;
    connection->reason = reason;
    ssh_watch_set(&connection->shared->loop, &connection->watch, 0);
}

/* Has libssh call login.c for each log-in of the session: sets those members of
 * connection->callbacks, the message callback and the methods that are offered. */
void ssh_login_prepare(struct ssh_connection *connection);

#endif
