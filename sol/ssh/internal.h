/* What the parts of the SSH server share on its thread. For sol/ssh_*.c only. */
#ifndef SOL_SSH_INTERNAL_H
#define SOL_SSH_INTERNAL_H

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sol/ssh/loop.h"
#include "sol/ssh/server.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/rate.h"
#include "vbmc/base/uuid.h"

/* A session that has logged in, as it counts against the limits. */
struct ssh_seat {
    bool taken;
    bool is_over_all;                    /* an administrator of all BMCs */
    const char *account;                 /* borrowed, as are the accounts it is one of */
    const struct ssh_accounts *accounts; /* exchanged with the door's */
    struct ssh_seat *next;
};

/* Clients that changed their own accounts; of more than that the first are forgotten. */
#define SSH_SPARED_MAX 8
struct ssh_spared {
    char remote[SSH_SPARED_MAX][ENDPOINT_TEXT_SIZE];
    unsigned count; /* ever */
};

struct ssh_shared {
    struct ssh_loop loop;
    char *program;
    char *name;
    atomic_uint idle_seconds;
    struct ssh_limits limits; /* no zeros */
    struct ssh_ops ops;
    void *context;
    ssh_bind bind; /* the host key and the algorithms */
    struct ssh_sources *sources;
    struct ssh_process *leaving; /* programs that were asked to go */
    unsigned sessions;           /* logged in */
    unsigned lesser_sessions;    /* of them, those of no administrator of all BMCs */
    struct ssh_seat *seats;
    struct ssh_spared spared; /* by the listeners that are about to be exchanged */
    struct rate strangers;    /* of log lines about them */
    unsigned strangers_left_out;
};

/* ---- limits: limits.c ---- */

/* Counts a session. NULL, or of what there are too many now: a constant. To be left in any case.
 * Who is no administrator of all BMCs shares three quarters of all with the like, and one account
 * has a part, so that nobody can keep the others out. */
const char *ssh_seat_take(struct ssh_shared *shared, struct ssh_seat *seat);
/* Nothing if it is not taken. */
void ssh_seat_leave(struct ssh_shared *shared, struct ssh_seat *seat);
/* A log line, if there were not too many of late. */
void ssh_log_stranger(struct ssh_shared *shared, const char *remote, const char *what);

/* ---- one channel: relay.c ---- */

struct ssh_relay;

/* For a channel that the client has just opened. NULL: no memory. `identity` is borrowed. */
struct ssh_relay *ssh_relay_new(struct ssh_shared *shared, ssh_session session,
                                const struct ssh_identity *identity, void (*touched)(void *owner),
                                void *owner);
ssh_channel ssh_relay_channel(const struct ssh_relay *relay);
/* Does what has become possible; to be called after libssh was, outside of its callbacks. True once
 * nothing is left of the channel on either side. */
bool ssh_relay_update(struct ssh_relay *relay);
/* Whether a callback has left something for ssh_relay_update since that began. */
bool ssh_relay_has_news(const struct ssh_relay *relay);
/* Whether the session has to end: the client has sent far more than it was allowed to, there was no
 * memory for it, or libssh can send it nothing. */
bool ssh_relay_is_lost(const struct ssh_relay *relay);
/* When something last went through it. */
uint64_t ssh_relay_traffic_ms(const struct ssh_relay *relay);
/* When ssh_relay_update wants to be called at the latest; UINT64_MAX: never. */
uint64_t ssh_relay_deadline_ms(const struct ssh_relay *relay);
/* Only between two turns of the loop. The program, if there still is one, is asked to go. When the
 * whole session ends libssh frees the channel: one that is closed before would have the client
 * leave before it is told why. */
void ssh_relay_free(struct ssh_relay *relay, bool session_ends);

/* ---- one client: connection.c ---- */

struct ssh_connection;

/* What a listener says of those that come in there; it is the server's, and exchanged by it. */
struct ssh_door {
    struct ssh_accounts *accounts;
    bool one_bmc;
    struct uuid uuid;
    unsigned restarts;
};

/* Takes over `fd`. NULL: no memory, and `fd` is closed. */
struct ssh_connection *ssh_connection_new(struct ssh_shared *shared, int fd,
                                          const union endpoint_address *remote,
                                          const struct ssh_door *door);
const union endpoint_address *ssh_connection_remote(const struct ssh_connection *connection);
/* Until when it must have logged in: the oldest has the least. */
uint64_t ssh_connection_login_ms(const struct ssh_connection *connection);
bool ssh_connection_is_logged_in(const struct ssh_connection *connection);
/* The door it came through is another one now. Ends it if it would not get in as it did. */
void ssh_connection_set_door(struct ssh_connection *connection, const struct ssh_door *door);
/* Marks it as over; `reason`, a constant, is what the client is told. */
void ssh_connection_end(struct ssh_connection *connection, const char *reason);
bool ssh_connection_is_over(const struct ssh_connection *connection);
/* Does what is due; the time at which to come again, UINT64_MAX: never. */
uint64_t ssh_connection_tick(struct ssh_connection *connection);
/* Only between two turns of the loop. */
void ssh_connection_free(struct ssh_connection *connection);

/* ---- a set of listeners and their clients: listening.c ---- */

struct ssh_listening;

/* Any thread. NULL, and why in `error`: -ENOMEM, or -EINVAL for an account out of range. */
struct ssh_listening *ssh_listening_new(struct ssh_shared *shared,
                                        const struct ssh_listener *listeners, size_t count,
                                        int *error);
/* The new set takes the sockets and clients of the one before, which is released, and listens where
 * that did not. */
void ssh_listening_replace(struct ssh_listening *before, struct ssh_listening *wanted);
/* Does what is due, releases what has ended; the time at which to come again. */
uint64_t ssh_listening_tick(struct ssh_listening *listening);
/* Ends all clients and listens no more. */
void ssh_listening_close(struct ssh_listening *listening, const char *reason);
/* Of a set that has no clients. NULL is allowed. */
void ssh_listening_free(struct ssh_listening *listening);

#endif
