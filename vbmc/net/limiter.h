/* How many datagrams one source may send before it has a session: a token bucket per source address
 * (IPv4: the address, IPv6: its /64) in a table of fixed size that no flood of spoofed sources can
 * grow. Sources that share a bucket share its tokens; a random key decides who does. */
#ifndef VBMC_NET_LIMITER_H
#define VBMC_NET_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"

#define LIMITER_BUCKETS 4096
#define LIMITER_RATE    1000 /* datagrams a second */
#define LIMITER_BURST   2000

struct limiter;

/* NULL if there is no memory or no random. */
struct limiter *limiter_new(void);
void limiter_free(struct limiter *limiter);
/* Takes a token; false if there is none and the datagram should be dropped. */
bool limiter_admit(struct limiter *limiter, const union endpoint_address *source, uint64_t now_ms);

#endif
