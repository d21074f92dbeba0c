/* From a request to the command that serves it: by NetFn and command, after the checks of LUN,
 * channel, privilege and length that its table row asks for. Nothing here knows packets. */
#ifndef VBMC_IPMI_DISPATCH_H
#define VBMC_IPMI_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/privilege.h"

struct ipmi_msg;
struct ipmi_response;

/* Names a request that is answered later. Never a pointer: the BMC or the session it names may be
 * gone when the answer comes, which is then dropped. */
struct ipmi_token {
    uint32_t bmc;     /* number of the BMC, never used twice in a process */
    uint32_t session; /* session id; 0 outside a session */
    uint32_t request; /* number of the request in its session, never used twice */
};

/* Where late answers go. The context outlives every request. */
struct ipmi_sink {
    void (*reply)(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response);
    void *context;
};

/* One session as Get Session Info tells of it. */
struct ipmi_session_info {
    uint8_t handle; /* never 0 */
    uint8_t user_id;
    enum privilege privilege;
    uint8_t channel;
    bool rmcp_plus;
    bool authenticated; /* every packet carries an authentication code */
    bool encrypted;     /* every packet is encrypted */
    union endpoint_address remote;
    uint64_t began_ms; /* monotonic: log-in, and the latest genuine packet */
    uint64_t heard_ms;
};

/* What session commands may ask of the server that keeps the sessions. `current` is the session of
 * the request. */
struct ipmi_session_ops {
    /* Raises or lowers the session's present level; its maximum level bounds it. 0, or -EPERM. */
    int (*set_privilege)(void *context, uint32_t current, enum privilege level);
    /* Closes a session after the answer to the present request has left. 0, or -ENOENT. */
    int (*close)(void *context, uint32_t session);
    /* Session id of a handle; 0 if there is none. */
    uint32_t (*find_handle)(void *context, uint8_t handle);
    /* The n-th active session (n from 1); 0 if there are fewer. */
    uint32_t (*find_nth)(void *context, unsigned n);
    /* 0, or -ENOENT. */
    int (*info)(void *context, uint32_t session, struct ipmi_session_info *info);
    /* Number of slots and of active sessions. */
    void (*count)(void *context, unsigned *slots, unsigned *active);
};

#define IPMI_LOGIN_NAME_MAX       16
#define IPMI_LOGIN_CHALLENGE_SIZE 16

/* Activate Session (section 22.17), as it was asked for and as it is answered. */
struct ipmi_activation {
    uint8_t type; /* of authentication: 2 MD5, 4 straight password */
    enum privilege wanted;
    uint8_t challenge[IPMI_LOGIN_CHALLENGE_SIZE];
    uint32_t outbound; /* the first sequence number that the BMC uses */
};

struct ipmi_activated {
    uint8_t rest; /* type of authentication of all further packets: as asked for, or 0 */
    uint32_t session;
    uint32_t inbound; /* the first sequence number that the console uses */
    enum privilege maximum;
};

/* How IPMI 1.5 logs in; for packets of IPMI 1.5 outside of a session. */
struct ipmi_login_ops {
    /* Gives a temporary session id and a challenge to whoever asks with that name (`length` bytes,
     * which need not be anybody's) and a type that the channel offers. 0; -ENOENT: the null user
     * may not log in; -EIO or -ENOMEM. */
    int (*challenge)(void *context, uint8_t type, const uint8_t *name, size_t length, uint32_t *id,
                     uint8_t challenge[IPMI_LOGIN_CHALLENGE_SIZE]);
    /* Makes a session of a request whose authentication code is right, once. 0; -ENOENT: it came
     * without a temporary id; -EINVAL: another challenge, or a type that was not asked for or is
     * not offered at that level; -ERANGE: a sequence number 0; -EPERM: above the limit of the user
     * or the channel; -ENOSPC: no session is left; -EUSERS: the user has as many as he may have;
     * -EIO or -ENOMEM. */
    int (*activate)(void *context, const struct ipmi_activation *activation,
                    struct ipmi_activated *activated);
};

enum ipmi_origin {
    IPMI_ORIGIN_LAN_OUTSIDE_SESSION,
    IPMI_ORIGIN_LAN_SESSION,
    IPMI_ORIGIN_SYSTEM_INTERFACE, /* the guest; no privilege check (section 6.8) */
};

struct ipmi_request {
    struct bmc *bmc;
    const struct ipmi_msg *msg;
    struct ipmi_token token;
    enum ipmi_origin origin;
    bool read_only;           /* by the system interface: nothing of the BMC may be changed */
    uint8_t channel;          /* real number, never CHANNEL_THIS */
    enum privilege privilege; /* present level of the session */
    uint8_t user_id;
    const struct ipmi_session_ops *sessions; /* NULL where there are none */
    void *sessions_context;
    const struct ipmi_login_ops *logins; /* NULL but for IPMI 1.5 outside of a session */
    void *logins_context;
    const struct ipmi_sink *sink;
    uint64_t now_ms; /* monotonic */
    /* For commands that are about commands; put in by ipmi_dispatch. */
    const struct command_directory *directory;
};

enum ipmi_outcome {
    IPMI_ANSWERED, /* *response is complete */
    IPMI_PENDING,  /* the sink will get the response, later but exactly once */
};

enum ipmi_outcome ipmi_dispatch(const struct ipmi_request *request, struct ipmi_response *response);

/* True for a command that changes nothing, so that a request that comes twice may run twice. */
bool ipmi_only_reads(const struct ipmi_msg *msg);
/* True for what a guest may ask of a BMC that it may not change: the above, reservations, and what
 * its driver needs of the system interface itself. */
bool ipmi_is_for_read_only(const struct ipmi_request *request);
/* True for a command whose request must not be kept. It may run twice as well: what it sets is then
 * there already. */
bool ipmi_carries_secret(const struct ipmi_msg *msg);

/* True for a command of the User level, which needs no authentication code of its own in IPMI 1.5
 * where user-level authentication is off (section 22.23): those that concern the session itself
 * always need one, and so does Send Message, which may carry any other. */
bool ipmi_is_user_level(const struct ipmi_msg *msg);

#endif
