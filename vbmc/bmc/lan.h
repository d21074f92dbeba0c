/* The LAN channel of one BMC as clients set it: channel access (IPMI 2.0, sections 6.6, 22.22 and
 * 22.23) and the LAN configuration parameters (section 23.2, lan_parameters.h). What follows of
 * them for log-ins stands in the BMC's struct channel.
 *
 * "Set in progress" has a roll-back: what its session writes meanwhile can be read at once, holds
 * and is stored from the commit on, and is forgotten if there is none. It ends with its session,
 * with a reset of the guest and when it loses power. Others' writes meanwhile hold at once. */
#ifndef VBMC_BMC_LAN_H
#define VBMC_BMC_LAN_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/channel_key.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/host/host.h"

struct bmc_core;
struct bmc_ticket;

#define LAN_DESTINATIONS   16 /* of alerts; number 0 is volatile (section 17.12) */
#define LAN_COMMUNITY_SIZE 18
#define LAN_PORT_DEFAULT   623

/* What the BMC really answers at, as the parameters have it: in network order. */
struct lan_network {
    bool has_v4, has_v6;
    uint8_t ip[4], mask[4], mac[6], gateway[4];
    uint8_t ipv6[16], ipv6_prefix, ipv6_gateway[16];
    uint16_t port; /* in host order */
};

/* Get IP/UDP/RMCP Statistics (section 23.4), without those of the proxy. They stop at FFFFh. */
struct lan_statistics {
    uint16_t received, sent, valid; /* datagrams; those that were RMCP */
};

struct lan_ops {
    void (*network)(void *context, struct lan_network *network);
    void (*statistics)(void *context, struct lan_statistics *statistics);
    void (*clear_statistics)(void *context);
};

/* Section 22.22. */
enum lan_access_mode {
    LAN_ACCESS_DISABLED = 0,
    LAN_ACCESS_PRE_BOOT = 1, /* log-ins only while the guest is off */
    LAN_ACCESS_ALWAYS = 2,
    LAN_ACCESS_SHARED = 3, /* for a LAN the same as always */
};

struct lan_access {
    enum lan_access_mode mode;
    bool alerting_off, per_message_off, user_level_off;
    enum privilege limit; /* PRIVILEGE_HIGHEST: as configured */
};

/* Set Channel Access says for the access and for the limit which of the two settings it is of. */
enum lan_which {
    LAN_KEEP = 0,
    LAN_NON_VOLATILE = 1, /* holds when the BMC starts */
    LAN_VOLATILE = 2,     /* holds now */
};

struct lan_access_change {
    enum lan_which access_of, limit_of;
    struct lan_access access; /* limit: PRIVILEGE_CALLBACK to PRIVILEGE_OEM */
};

struct lan_values; /* lan_values.h */

struct lan {
    const struct bmc_core *core;
    struct channel *channel;         /* what holds for log-ins; follows */
    enum privilege configured_limit; /* of the channel */
    enum privilege limit_over;       /* the configured limit that a client's replaced */
    bool address_is_writable;        /* a client may store another address, which is only shown */
    struct channel_key *key;         /* in locked memory, once there is one ... */
    struct channel_key no_key;       /* ... else this one, or where there was no memory at all */
    struct lan_access stored, present;
    bool present_is_own;               /* clients have set access since the BMC started */
    struct lan_values *held, *pending; /* NULL: the defaults; no set is in progress */
    bool is_set_in_progress;
    uint32_t setting_session;  /* who began it; 0: the system interface */
    const struct lan_ops *ops; /* NULL: the defaults of everything */
    void *ops_context;
};

/* `channel` outlives it. */
void lan_init(struct lan *lan, const struct bmc_core *core, struct channel *channel);
void lan_clear(struct lan *lan);
void lan_set_ops(struct lan *lan, const struct lan_ops *ops, void *context);

/* Follows the configuration: what it has of the channel, and whether clients may store another
 * address. A limit that a client has set holds until the configured one changes. True if the
 * channel is another for log-ins, so that those who are in have to go. */
bool lan_configure(struct lan *lan, const struct channel *configured, bool address_is_writable);

/* ---- channel access ---- */

/* `which` is one of the two settings; the limit is what it stands for. */
struct lan_access lan_access(const struct lan *lan, enum lan_which which);
/* 0: done, -EINPROGRESS: the ticket is finished when it is stored. */
int lan_set_access(struct lan *lan, const struct lan_access_change *change,
                   const struct bmc_ticket *ticket);

/* Sets the channel key; all zeros: none. The sessions that there are go on. As above. */
int lan_set_key(struct lan *lan, const uint8_t key[CHANNEL_KG_SIZE],
                const struct bmc_ticket *ticket);

/* ---- alerts: what PEF goes by ---- */

enum lan_destination_type {
    LAN_DESTINATION_TRAP = 0, /* Platform Event Trap */
    LAN_DESTINATION_OEM1 = 6,
    LAN_DESTINATION_OEM2 = 7,
};

struct lan_destination {
    enum lan_destination_type type;
    bool is_acknowledged; /* goes on until PET Acknowledge */
    unsigned timeout_s;   /* for that, and between retries; 1 to 256 */
    unsigned retries;     /* 0 to 7 */
    bool has_v6;
    uint8_t ip[16]; /* network order; the first 4 bytes unless has_v6; all 0: none is set */
};

/* Number 0 to 15. */
struct lan_destination lan_destination(const struct lan *lan, uint8_t number);
/* Copies the community string, always terminated. */
void lan_community(const struct lan *lan, char text[LAN_COMMUNITY_SIZE + 1]);

/* ---- bad passwords: what lockout.h goes by (parameter 26) ---- */

struct lan_password_rule {
    bool is_logged;      /* a lock-out is an event */
    uint8_t threshold;   /* 0: nobody is locked out */
    uint32_t reset_s;    /* how long failures count; 0: until a log-in succeeds */
    uint32_t lock_out_s; /* 0: until the user is enabled again */
};

struct lan_password_rule lan_password_rule(const struct lan *lan);

/* ---- for lan_parameters.c and the way to the disk ---- */

/* What a reader is shown, and what holds. */
const struct lan_values *lan_shown(const struct lan *lan);
const struct lan_values *lan_held(const struct lan *lan);
/* 0; -EALREADY: a set is in progress; -ENOMEM. */
int lan_begin_set(struct lan *lan, uint32_t session);
/* 0: there was nothing to commit, and what holds is on disk; -EINPROGRESS as above; -ENOMEM. */
int lan_commit_set(struct lan *lan, const struct bmc_ticket *ticket);
void lan_end_set(struct lan *lan);
/* Whether what `session` writes is pending until it commits. */
bool lan_is_setting(const struct lan *lan, uint32_t session);
/* Values that what `session` writes goes to: what holds, what is pending, or both; NULL where it
 * goes to one. -ENOMEM. */
int lan_writable(struct lan *lan, uint32_t session, struct lan_values *values[2]);
/* What log-ins go by follows from what holds. */
void lan_apply(struct lan *lan);
/* Replaces what is stored; before the first client the present access follows. True: the limit is
 * over another than the configured one, and was left out. */
bool lan_restore_access(struct lan *lan, const struct lan_access *access,
                        enum privilege limit_over);

/* The same for a client's channel key, as channel_key_restore. */
bool lan_restore_key(struct lan *lan, const uint8_t *key, const uint8_t *replaced);

/* ---- for bmc.c ---- */

void lan_host_event(struct lan *lan, enum host_event event);
void lan_session_ended(struct lan *lan, uint32_t session);
/* The BMC restarts (Cold Reset): what is volatile is as when it came up. */
void lan_restart(struct lan *lan);

#endif
