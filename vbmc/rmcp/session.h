/* The sessions of one BMC. Internal to rmcp: its files read and write the fields of a session. */
#ifndef VBMC_RMCP_SESSION_H
#define VBMC_RMCP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/rakp_keys.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/window.h"

/* What is taken in each state of RMCP+; everything else is dropped without an answer.
 *
 *   state        RAKP 1            RAKP 3                in-session packet   leaves it by
 *   CHALLENGED   the same again    yes                   no                  RAKP 3: right code
 *                                                                            -> ESTABLISHED, wrong
 *                                                                            code or status -> gone
 *   ESTABLISHED  no                the same again        yes                 first genuine packet
 *   ACTIVE       no                no                    yes                 Close Session, idle
 * time
 *
 * What comes before, from Open Session to RAKP 1, is in opening.h. CHALLENGED is half-open: nothing
 * is proven but that the sender gets what is sent to his address. Such a session lives for a few
 * seconds, and a flood of them pushes out its own kind only.
 *
 * A session of IPMI 1.5 begins in ESTABLISHED, in which it takes the same Activate Session again;
 * its way there is in lan15_login.h. */
enum session_state {
    SESSION_CHALLENGED,
    SESSION_ESTABLISHED,
    SESSION_ACTIVE,
};

/* What a session of IPMI 1.5 has instead of a cipher suite. */
struct session_lan15 {
    uint8_t type; /* enum lan15_type of its authentication codes */
    uint8_t rest; /* the same of all packets behind the log-in: `type`, or none */
};

/* What its packets are protected with, in memory that is locked (vbmc/base/locked.h). */
struct session_secret {
    struct rmcpplus_keys keys; /* RMCP+ */
    uint8_t lan15_key[LAN15_KEY_SIZE];
};

struct session {
    enum session_state state;
    bool is_lan15;                 /* of IPMI 1.5, else of RMCP+ */
    bool closing;                  /* goes with the next sweep; takes no packets any more */
    bool leaving;                  /* takes none either; closes when what runs is answered */
    uint64_t order;                /* of creation */
    uint64_t since_ms;             /* half-open: Open Session; else: the latest genuine packet */
    struct rakp_exchange exchange; /* .bmc_id names the session; IPMI 1.5: the name, and no more */
    uint8_t user_id;    /* 0: the name was unknown, its password is one that nobody has */
    bool administrator; /* the user's limit is that, whatever this session may do */
    bool pinned;        /* cannot make room for another, as of the last look */
    bool told;          /* half-open: its end needs no telling any more */
    bool is_known;      /* half-open: somebody has logged in from its source of late */
    unsigned messages;  /* RAKP messages that named it while half-open */
    uint8_t handle;     /* 0 while half-open */
    enum privilege maximum;
    enum privilege privilege;
    uint8_t icv[CRYPTO_DIGEST_MAX]; /* of RAKP 4 */
    struct session_secret *secret;  /* NULL while half-open */
    struct session_lan15 lan15;     /* IPMI 1.5 */
    uint32_t next_outbound;
    struct window inbound;
    struct endpoint peer;         /* where RAKP 1, later the latest genuine packet, came from */
    struct repeat_cache *repeats; /* NULL while half-open */
    uint64_t began_ms;            /* when RAKP was done */
};

struct session_limits {
    unsigned active; /* sessions that finished RAKP */
    unsigned half_open;
    uint64_t idle_ms;
    uint64_t half_open_ms;
};

struct session_table;

/* Why a session in CHALLENGED is gone that nobody established. */
enum session_loss {
    SESSION_LOSS_TIME,   /* no RAKP 3 in all its time */
    SESSION_LOSS_ROOM,   /* made room for newer ones */
    SESSION_LOSS_CLOSED, /* its user or the settings were changed */
};

struct session_hooks {
    /* A session that had finished RAKP is gone; it is not found any more. May use the table, but
     * not free it. */
    void (*ended)(void *context, uint32_t id);
    /* A session in CHALLENGED is gone that is not `told`. May not use the table. */
    void (*lost)(void *context, const struct session *session, enum session_loss loss);
    /* Something runs on the session that must not end to make room for another. */
    bool (*in_use)(void *context, uint32_t id);
    /* A session ends to make room for another. May not use the table. */
    void (*evicted)(void *context, const struct session *session, uint64_t idle_ms);
};

/* `key` is random, see crowd.h. NULL if there is no memory, or with more than CROWD_MAX sessions.
 * Freeing wipes all keys. */
struct session_table *session_table_new(const struct session_limits *limits, uint64_t key,
                                        const struct session_hooks *hooks, void *context);
void session_table_free(struct session_table *table);

/* A new session in CHALLENGED with the id of the exchange, which must be free and not 0; another
 * half-open one makes room if need be (see crowd.h). NULL if there is no memory. */
struct session *session_table_open(struct session_table *table,
                                   const struct rakp_exchange *exchange,
                                   const struct endpoint *peer, uint64_t since_ms);
/* From CHALLENGED to ESTABLISHED. Makes room if need be, see session_room.h. 0, or -ENOSPC (nobody
 * can make room), -ENOMEM. */
int session_table_establish(struct session_table *table, struct session *session, uint64_t now_ms);
/* Ends one session of the newcomer's user, see session_room.h. 0, or -ENOSPC (none can). */
int session_table_give_up_own(struct session_table *table, const struct session *newcomer,
                              uint64_t now_ms);
/* Gives the session its secret, zeroed. 0 or -ENOMEM. */
int session_make_secret(struct session *session);
/* Takes a genuine packet of an established session: its sequence number is used, its source is
 * where answers go, and the session has been active now. */
void session_heard(struct session *session, const struct endpoint *from, uint32_t sequence,
                   uint64_t now_ms);
/* Wipes and frees the session. */
void session_table_remove(struct session_table *table, struct session *session);
/* Marks a session as closing. */
void session_table_close(struct session_table *table, struct session *session);
/* Removes the sessions that are marked as closing. */
void session_table_sweep(struct session_table *table);
/* Removes the sessions whose time is over. */
void session_table_expire(struct session_table *table, uint64_t now_ms);
/* When the next session is over; UINT64_MAX if there are none. */
uint64_t session_table_deadline(const struct session_table *table);
/* The same or earlier, without a look at each: it may be that of a session that has been heard
 * since. */
uint64_t session_table_earliest_deadline(const struct session_table *table);

/* NULL if there is none. Closing sessions are not found. */
struct session *session_table_find(const struct session_table *table, uint32_t id);
/* As above, and only if RAKP is done. */
struct session *session_table_find_active(const struct session_table *table, uint32_t id);
struct session *session_table_find_handle(const struct session_table *table, uint8_t handle);
/* The n-th session, from 1, that finished RAKP. */
struct session *session_table_find_nth(const struct session_table *table, unsigned n);
unsigned session_table_count_active(const struct session_table *table);
unsigned session_table_count_half_open(const struct session_table *table);
/* The numbers of sessions must be those the table was made with. */
void session_table_set_limits(struct session_table *table, const struct session_limits *limits);
const struct session_limits *session_table_limits(const struct session_table *table);

/* Marks as closing every session of a user, or of everybody for id 0, except one (0: none). */
void session_table_close_user(struct session_table *table, uint8_t user_id, uint32_t except);
/* Sessions of a user that finished RAKP. */
unsigned session_table_count_user(const struct session_table *table, uint8_t user_id);

bool session_is_half_open(const struct session *session);
/* The sequence number of the next packet that is sent: 1 first, never 0 (IPMI 2.0,
 * section 6.12.11). */
uint32_t session_take_outbound(struct session *session);

#endif
