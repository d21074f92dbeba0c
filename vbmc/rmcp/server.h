/* The LAN side of one BMC: datagrams in, datagrams out (IPMI 2.0, chapter 13). No sockets and no
 * clock: bytes, addresses and the time come with each call. Not safe for several threads. */
#ifndef VBMC_RMCP_SERVER_H
#define VBMC_RMCP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RMCP_IDLE_MS_DEFAULT       63000 /* 60 s and a little tolerance (section 6.12.15) */
#define RMCP_HALF_OPEN_MS_DEFAULT  10000 /* ipmitool waits 1 s for each step */
#define RMCP_ACTIVE_MAX_DEFAULT    40    /* 32 of one source, see session_room.h */
#define RMCP_HALF_OPEN_MAX_DEFAULT 128
#define RMCP_ACTIVE_MAX            128 /* handles are one byte */
#define RMCP_HALF_OPEN_MAX         128

struct endpoint;
union endpoint_address;

/* What happens in sessions beside IPMI messages. Each may be NULL. They may call
 * rmcp_server_send_payload and rmcp_server_close_session, and must not free the server. */
struct rmcp_session_events {
    /* A genuine payload of another type than IPMI, protected as the session's cipher suite has it.
     * False if nobody serves it there: it is counted as dropped. */
    bool (*payload)(void *context, uint32_t session, uint8_t type, const uint8_t *bytes,
                    size_t length, uint64_t now_ms);
    /* Any other genuine packet came; its answer, if there is one already, has left. */
    void (*heard)(void *context, uint32_t session, uint64_t now_ms);
    /* A session that had finished RAKP is gone, for whatever reason: once for each, and nothing can
     * be sent to it any more. Also from within rmcp_server_free. */
    void (*ended)(void *context, uint32_t session);
    /* Whether something runs on the session, so that it must not make room for another. */
    bool (*in_use)(void *context, uint32_t session);
};

struct rmcp_config {
    uint32_t bmc_number; /* of the tokens */
    struct bmc *bmc;     /* only handed on to ipmi_dispatch */
    const struct users *users;
    const struct channel *channel;
    uint8_t guid[16]; /* IPMI byte order */
    const struct ipmi_sink *sink;
    /* Sends one datagram to to->remote, from to->local; what it cannot send is lost. Must not call
     * back into the server. */
    void (*send)(void *context, const struct endpoint *to, const uint8_t *bytes, size_t length);
    void *send_context;
    /* Fills bytes with strong random; 0 or a negative error. NULL: OpenSSL's. */
    int (*random)(void *context, uint8_t *bytes, size_t length);
    void *random_context;
    const struct rmcp_session_events *events; /* may be NULL */
    void *events_context;
    /* A log-in failed: the console got what it takes to guess a password (RAKP 2) and did not
     * prove to know it, for whatever reason. user_id is 0 for a name that nobody has. NULL: nobody
     * wants to know. */
    void (*login_failed)(void *context, uint8_t user_id);
    /* A log-in succeeded, from there. NULL: the same. */
    void (*logged_in)(void *context, uint8_t user_id, const union endpoint_address *remote);
    /* Whether no password of that user is right for now. NULL: of nobody. */
    bool (*is_locked_out)(void *context, uint8_t user_id);
    /* Whether somebody has logged in from there of late, at whatever BMC. NULL: from nowhere. */
    bool (*is_known)(void *context, const union endpoint_address *remote);
    void *login_context;
    struct login_log *login_log; /* of all BMCs; NULL: failed log-ins are not logged */
    unsigned active_max;         /* sessions; 0: RMCP_ACTIVE_MAX_DEFAULT */
    unsigned half_open_max;      /* sessions between RAKP 1 and 3; 0: RMCP_HALF_OPEN_MAX_DEFAULT */
    uint64_t idle_ms;            /* 0: RMCP_IDLE_MS_DEFAULT */
    uint64_t half_open_ms;       /* 0: RMCP_HALF_OPEN_MS_DEFAULT */
};

/* Why a datagram or an answer was dropped without a word. */
enum rmcp_drop {
    RMCP_DROP_MALFORMED,       /* lengths or headers that do not fit */
    RMCP_DROP_CLASS,           /* neither ASF nor IPMI */
    RMCP_DROP_LAN15_SESSION,   /* IPMI 1.5: a session, which is off, or a code outside of one */
    RMCP_DROP_UNKNOWN_SESSION, /* no such session, or its RAKP is not done */
    RMCP_DROP_AUTHENTICATION,  /* missing flag, wrong trailer or authentication code */
    RMCP_DROP_SEQUENCE,        /* sequence number 0, seen before or out of the window */
    RMCP_DROP_PADDING,         /* wrong confidentiality padding */
    RMCP_DROP_MESSAGE,         /* checksums, addresses or NetFn of the IPMI message */
    RMCP_DROP_PAYLOAD_TYPE,    /* a payload type that nobody serves there */
    RMCP_DROP_SETUP_STATE,     /* a message of a log-in that is not waited for */
    RMCP_DROP_REPEAT,          /* repeat of a request that is still being worked on */
    RMCP_DROP_LATE,            /* a late answer whose session or request is gone */
    RMCP_DROP_UNANSWERABLE,    /* the answer could not be built, or may not come late */
    RMCP_DROP_COUNT,
};

struct rmcp_counters {
    uint64_t received;
    uint64_t sent;
    uint64_t requests;       /* IPMI messages that ran */
    uint64_t repeats;        /* requests answered from memory */
    uint64_t sessions;       /* sessions established */
    uint64_t login_failures; /* as login_failed was told of */
    uint64_t dropped[RMCP_DROP_COUNT];
};

struct ipmi_response;
struct ipmi_token;
struct rmcp_server;

/* What the configuration points at stays the caller's and must outlive the server. NULL with errno
 * EINVAL (users, channel or send missing, a number of sessions over its bound), ENOMEM, or EIO
 * (no random, no OpenSSL). */
struct rmcp_server *rmcp_server_new(const struct rmcp_config *config);
/* Ends all sessions and wipes their keys. */
void rmcp_server_free(struct rmcp_server *server);

/* Takes one datagram. Answers, if any, leave through config.send before this returns, except those
 * that ipmi_dispatch promised for later. now_ms is monotonic. */
void rmcp_server_receive(struct rmcp_server *server, const struct endpoint *from,
                         const uint8_t *bytes, size_t length, uint64_t now_ms);

/* Who sends a datagram. A session id can be guessed or overheard, but the most that a packet with
 * one costs is the check of its code, so that it needs no limit. */
enum rmcp_sender {
    RMCP_STRANGER,
    RMCP_PROVEN, /* goes on with a log-in, by the id it was given: it gets what is sent to it */
    RMCP_IN_SESSION,
};

/* What a datagram outside of a session costs, beside a ping. */
#define RMCP_WORK_LEAST    1 /* a ping, a message such as Get Channel Authentication Capabilities */
#define RMCP_WORK_OPEN     2 /* a place among the openings */
#define RMCP_WORK_RAKP1    8 /* a session, and an HMAC */
#define RMCP_WORK_RAKP3    12 /* five HMACs */
#define RMCP_WORK_ACTIVATE 4  /* of IPMI 1.5: a session, and hashes */

struct rmcp_weight {
    enum rmcp_sender sender;
    unsigned work;
};

/* What to ask of the limits for strangers before the datagram is handed over. */
struct rmcp_weight rmcp_server_weigh(const struct rmcp_server *server, const struct endpoint *from,
                                     const uint8_t *bytes, size_t length);

/* The late answer to a request that was pending, in a session or outside of one. Dropped if nobody
 * waits for it any more, or if the token is another BMC's. */
void rmcp_server_complete(struct rmcp_server *server, const struct ipmi_token *token,
                          const struct ipmi_response *response, uint64_t now_ms);

/* Sends a payload of a type other than IPMI (up to RMCPPLUS_PAYLOAD_MAX bytes) to the console of a
 * session. 0, or -ENOENT if the session is gone or going; what else fails is counted as dropped. */
int rmcp_server_send_payload(struct rmcp_server *server, uint32_t session, uint8_t type,
                             const uint8_t *bytes, size_t length);

/* Ends the sessions whose time is over. They are dead in any case: this only frees them sooner. */
void rmcp_server_tick(struct rmcp_server *server, uint64_t now_ms);
/* When rmcp_server_tick has something to do next; UINT64_MAX if there are neither sessions nor
 * answered Open Session Requests. */
uint64_t rmcp_server_next_deadline(const struct rmcp_server *server);
/* The same or earlier, for less work: after each datagram. */
uint64_t rmcp_server_earliest_deadline(const struct rmcp_server *server);

/* Changes config.idle_ms; it holds for the present sessions too. */
void rmcp_server_set_idle_ms(struct rmcp_server *server, uint64_t idle_ms);

/* Ends one session. Inside of a request of its own its answer still leaves. 0 or -ENOENT. */
int rmcp_server_close_session(struct rmcp_server *server, uint32_t session);
/* A user was changed: ends all of its sessions but that of who did it (0: nobody's). That one goes
 * on with what the user may still do; where that is less than its present level, it takes no more
 * requests and ends when those that run are answered. */
void rmcp_server_user_changed(struct rmcp_server *server, uint8_t user_id, uint32_t author);
/* Ends all sessions: after a change of Kg or of the cipher suites, on a reset of the BMC. */
void rmcp_server_end_all_sessions(struct rmcp_server *server);

unsigned rmcp_server_count_sessions(const struct rmcp_server *server);
/* Whether a request of any session is still to be answered. */
bool rmcp_server_has_pending(const struct rmcp_server *server);
/* Valid as long as the server. */
const struct rmcp_counters *rmcp_server_counters(const struct rmcp_server *server);
/* A short text for the log. */
const char *rmcp_drop_name(enum rmcp_drop reason);

#endif
