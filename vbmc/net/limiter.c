#include "vbmc/net/limiter.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vbmc/base/endpoint.h"

struct bucket {
    uint64_t filled_at_ms;
    uint32_t tokens;
};

/* Of one address, port and BMC at a time: the next source takes it over. */
struct first {
    uint64_t endpoint;
    struct bucket bucket;
};

struct limiter {
    uint64_t key;
    struct bucket common;
    struct bucket pairs[LIMITER_BUCKETS];
    struct bucket sources[LIMITER_BUCKETS];
    struct first firsts[LIMITER_BUCKETS];
};

struct limiter *limiter_new(void)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);

    if (!limiter)
        return NULL;
    if (getrandom(&limiter->key, sizeof limiter->key, 0) != (ssize_t)sizeof limiter->key) {
        free(limiter);
        return NULL;
    }
    limiter->common.tokens = LIMITER_COMMON_BURST;
    for (size_t i = 0; i < LIMITER_BUCKETS; i++) {
        limiter->pairs[i].tokens = LIMITER_BURST;
        limiter->sources[i].tokens = LIMITER_SOURCE_BURST;
    }
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    free(limiter);
}

/* Whether there is a token. What has been earned in no whole token yet is not lost. */
static bool fill(struct bucket *bucket, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
    uint64_t elapsed = now_ms - bucket->filled_at_ms;
    uint64_t earned = elapsed > UINT64_MAX / rate ? burst : elapsed * rate / 1000;

    if (earned >= burst - bucket->tokens) {
        bucket->tokens = burst;
        bucket->filled_at_ms = now_ms;
    } else if (earned > 0) {
        bucket->tokens += (uint32_t)earned;
        bucket->filled_at_ms += earned * 1000 / rate;
    }
    return bucket->tokens > 0;
}

/* The finaliser of MurmurHash3. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static bool admit_first(struct limiter *limiter, uint64_t endpoint, uint64_t now_ms)
{
    struct first *first = &limiter->firsts[endpoint % LIMITER_BUCKETS];

    if (first->endpoint != endpoint)
        *first = (struct first){endpoint, {now_ms, LIMITER_FIRST_BURST}};
    if (!fill(&first->bucket, LIMITER_FIRST_RATE, LIMITER_FIRST_BURST, now_ms) ||
        !fill(&limiter->common, LIMITER_COMMON_RATE, LIMITER_COMMON_BURST, now_ms))
        return false;
    first->bucket.tokens--;
    limiter->common.tokens--;
    return true;
}

bool limiter_admit(struct limiter *limiter, uint32_t bmc, const union endpoint_address *remote,
                   uint64_t now_ms)
{
    uint64_t source = endpoint_source_hash(remote, limiter->key);
    uint64_t pair = mix(source + bmc);
    struct bucket *of_pair = &limiter->pairs[pair % LIMITER_BUCKETS];
    struct bucket *of_source = &limiter->sources[source % LIMITER_BUCKETS];

    /* One BMC's flood must not use up what the source may send to the others. */
    if (!fill(of_pair, LIMITER_RATE, LIMITER_BURST, now_ms) ||
        !fill(of_source, LIMITER_SOURCE_RATE, LIMITER_SOURCE_BURST, now_ms))
        return admit_first(limiter, mix(pair + endpoint_address_port(remote)), now_ms);
    of_pair->tokens--;
    of_source->tokens--;
    return true;
}
