/* How much work strangers may cause: by what belongs to no session. Anybody can send such under any
 * address, so a flood must neither grow anything nor use up what the owner of the address needs for
 * a log-in.
 *
 * What a datagram costs is said in units, of which the cheapest (a ping) is one. There are token
 * buckets in tables of fixed size:
 *
 *   a source and a BMC                            LIMITER_PAIR_*
 *   a source (IPv4: the address, IPv6: its /64)   LIMITER_SOURCE_*
 *   a source, of what only it can have sent       LIMITER_PROVEN_*
 *   a source that has logged in within the hour   LIMITER_KNOWN_* instead of all these, and
 *                                                 LIMITER_KNOWN_PROVEN_* of what only it can have
 * sent
 *
 * "Only it can have sent" is what brings back a session id that the source was given: no address is
 * spoofed then. Sources that share a bucket share its tokens; a random key decides who does, and
 * what a known source has it shares with nobody. Where a bucket is empty, the first few datagrams
 * of an address and port to a BMC are admitted all the same, which is all that a few log-ins take
 * (LIMITER_FIRST_*), out of a budget for everybody (LIMITER_COMMON_*). So a flood from one's own
 * address keeps nobody out that it does not hit upon the port of, up to that budget.
 *
 * There is room for LIMITER_KNOWN_MAX known sources; the one whose log-in is longest ago makes room
 * for another, so that strangers, who log in nowhere, push nobody out. */
#ifndef VBMC_NET_LIMITER_H
#define VBMC_NET_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_BUCKETS   4096
#define LIMITER_KNOWN_MAX 4096
#define LIMITER_KNOWN_MS  (60 * 60 * UINT64_C(1000))

/* Units a second, and how many at once. */
#define LIMITER_PAIR_RATE    2000
#define LIMITER_PAIR_BURST   4000
#define LIMITER_SOURCE_RATE  40000
#define LIMITER_SOURCE_BURST 80000
#define LIMITER_PROVEN_RATE  5000
#define LIMITER_PROVEN_BURST 10000
#define LIMITER_KNOWN_RATE   400000
#define LIMITER_KNOWN_BURST  400000
/* 200,000 log-ins a second: more than a processor can do, so that who logs in honestly, however
 * often, has no datagram dropped. */
#define LIMITER_KNOWN_PROVEN_RATE  4000000
#define LIMITER_KNOWN_PROVEN_BURST 4000000
#define LIMITER_FIRST_RATE         32
#define LIMITER_FIRST_BURST        128
#define LIMITER_COMMON_RATE        40000
#define LIMITER_COMMON_BURST       40000

struct limiter;
union endpoint_address;

/* What comes in: what it costs, in units, at most LIMITER_FIRST_BURST; and whether only its source
 * can have sent it. */
struct limiter_load {
    unsigned work;
    bool is_proven;
};

/* NULL if there is no memory or no random. */
struct limiter *limiter_new(void);
void limiter_free(struct limiter *limiter);
/* Takes the load's tokens; false if there are too few and the datagram should be dropped. `bmc` is
 * its number. */
bool limiter_admit(struct limiter *limiter, uint32_t bmc, const union endpoint_address *remote,
                   struct limiter_load load, uint64_t now_ms);
/* Whether somebody has logged in from there within the hour. */
bool limiter_knows(struct limiter *limiter, const union endpoint_address *remote, uint64_t now_ms);
/* Somebody has logged in from there, at whatever BMC. */
void limiter_note_login(struct limiter *limiter, const union endpoint_address *remote,
                        uint64_t now_ms);

#endif
