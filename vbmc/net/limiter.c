#include "vbmc/net/limiter.h"

#include <stddef.h>
#include <stdlib.h>
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

static size_t bucket_index(const struct limiter *limiter, const union endpoint_address *source)
{
    return (size_t)(endpoint_source_hash(source, limiter->key) % LIMITER_BUCKETS);
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
