/* How many datagrams strangers may send: those that belong to no session, and with which nobody has
 * yet shown that he gets what is sent to his address. Anybody can send such under any address, so a
 * flood must neither grow anything nor use up what the owner of the address needs for a log-in.
 *
 * There are token buckets in tables of fixed size:
 *
 *   a source (IPv4: the address, IPv6: its /64) and a BMC     LIMITER_RATE, LIMITER_BURST
 *   a source                                                  LIMITER_SOURCE_*
 *
 * Sources that share a bucket share its tokens; a random key decides who does. Where one is empty,
 * the first few datagrams of an address and port to a BMC are admitted all the same, which is all
 * that a log-in takes (LIMITER_FIRST_*), out of a budget for everybody (LIMITER_COMMON_*). So a
 * flood from one's own address keeps nobody out that it does not hit upon the port of, up to that
 * budget. */
#ifndef VBMC_NET_LIMITER_H
#define VBMC_NET_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_BUCKETS 4096

/* Datagrams a second, and how many at once. */
#define LIMITER_RATE         1000
#define LIMITER_BURST        2000
#define LIMITER_SOURCE_RATE  20000
#define LIMITER_SOURCE_BURST 40000
#define LIMITER_FIRST_RATE   4
#define LIMITER_FIRST_BURST  16
#define LIMITER_COMMON_RATE  20000
#define LIMITER_COMMON_BURST 20000

struct limiter;
union endpoint_address;

/* NULL if there is no memory or no random. */
struct limiter *limiter_new(void);
void limiter_free(struct limiter *limiter);
/* Takes a token; false if there is none and the datagram should be dropped. `bmc` is its number. */
bool limiter_admit(struct limiter *limiter, uint32_t bmc, const union endpoint_address *remote,
                   uint64_t now_ms);

#endif
