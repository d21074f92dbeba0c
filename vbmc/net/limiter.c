#include "vbmc/net/limiter.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct bucket {
    uint64_t filled_at_ms;
    uint32_t tokens;
};

struct limiter {
    uint64_t key;
    struct bucket buckets[LIMITER_BUCKETS];
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
    for (size_t i = 0; i < LIMITER_BUCKETS; i++)
        limiter->buckets[i].tokens = LIMITER_BURST;
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    free(limiter);
}

/* The part of an address that counts as one source. */
static uint64_t source_number(const union endpoint_address *source)
{
    const uint8_t *bytes = endpoint_address_v4(source);
    uint32_t v4;
    uint64_t v6;

    if (bytes) {
        memcpy(&v4, bytes, sizeof v4);
        return v4;
    }
    memcpy(&v6, source->in6.sin6_addr.s6_addr, sizeof v6);
    return v6;
}

/* The finaliser of SplitMix64 over the keyed source: enough to spread sources over the buckets in a
 * way that cannot be foreseen from outside. */
static size_t bucket_index(const struct limiter *limiter, const union endpoint_address *source)
{
    uint64_t x = source_number(source) ^ limiter->key;

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((x ^ x >> 31) % LIMITER_BUCKETS);
}

bool limiter_admit(struct limiter *limiter, const union endpoint_address *source, uint64_t now_ms)
{
    struct bucket *bucket = &limiter->buckets[bucket_index(limiter, source)];
    uint64_t earned = (now_ms - bucket->filled_at_ms) * LIMITER_RATE / 1000;

    if (earned > 0) {
        bucket->filled_at_ms = now_ms;
        bucket->tokens = earned + bucket->tokens > LIMITER_BURST
                             ? LIMITER_BURST
                             : bucket->tokens + (uint32_t)earned;
    }
    if (bucket->tokens == 0)
        return false;
    bucket->tokens--;
    return true;
}
