#include "vbmc/net/limiter.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vbmc/base/endpoint.h"

#define KNOWN_WAYS 8
#define KNOWN_SETS (LIMITER_KNOWN_MAX / KNOWN_WAYS)

struct bucket {
    uint64_t filled_at_ms;
    uint32_t tokens;
};

struct budget {
    uint32_t rate;
    uint32_t burst;
};

static const struct budget pair_budget = {LIMITER_PAIR_RATE, LIMITER_PAIR_BURST};
static const struct budget source_budget = {LIMITER_SOURCE_RATE, LIMITER_SOURCE_BURST};
static const struct budget proven_budget = {LIMITER_PROVEN_RATE, LIMITER_PROVEN_BURST};
static const struct budget known_budget = {LIMITER_KNOWN_RATE, LIMITER_KNOWN_BURST};
static const struct budget known_proven_budget = {LIMITER_KNOWN_PROVEN_RATE,
                                                  LIMITER_KNOWN_PROVEN_BURST};
static const struct budget first_budget = {LIMITER_FIRST_RATE, LIMITER_FIRST_BURST};
static const struct budget common_budget = {LIMITER_COMMON_RATE, LIMITER_COMMON_BURST};

/* Of one address, port and BMC at a time: the next source takes it over. */
struct first {
    uint64_t endpoint;
    struct bucket bucket;
};

/* A source that has logged in. */
struct known {
    uint64_t source;
    bool is_used;
    uint64_t login_ms;
    struct bucket proven;
    struct bucket rest;
};

struct limiter {
    uint64_t key;
    struct bucket common;
    struct bucket pairs[LIMITER_BUCKETS];
    struct bucket sources[LIMITER_BUCKETS];
    struct bucket proven[LIMITER_BUCKETS];
    struct first firsts[LIMITER_BUCKETS];
    struct known known[KNOWN_SETS][KNOWN_WAYS];
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
    limiter->common.tokens = common_budget.burst;
    for (size_t i = 0; i < LIMITER_BUCKETS; i++) {
        limiter->pairs[i].tokens = pair_budget.burst;
        limiter->sources[i].tokens = source_budget.burst;
        limiter->proven[i].tokens = proven_budget.burst;
    }
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    free(limiter);
}

/* Whether there is so much. What has been earned in no whole token yet is not lost. */
static bool fill(struct bucket *bucket, const struct budget *budget, unsigned work, uint64_t now_ms)
{
    uint64_t elapsed = now_ms - bucket->filled_at_ms;
    uint64_t earned =
        elapsed > UINT64_MAX / budget->rate ? budget->burst : elapsed * budget->rate / 1000;

    if (earned >= budget->burst - bucket->tokens) {
        bucket->tokens = budget->burst;
        bucket->filled_at_ms = now_ms;
    } else if (earned > 0) {
        bucket->tokens += (uint32_t)earned;
        bucket->filled_at_ms += earned * 1000 / budget->rate;
    }
    return bucket->tokens >= work;
}

static bool take(struct bucket *bucket, const struct budget *budget, unsigned work, uint64_t now_ms)
{
    bool is_enough = fill(bucket, budget, work, now_ms);

    if (is_enough)
        bucket->tokens -= work;
    return is_enough;
}

/* The finaliser of MurmurHash3. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static bool admit_first(struct limiter *limiter, uint64_t endpoint, unsigned work, uint64_t now_ms)
{
    struct first *first = &limiter->firsts[endpoint % LIMITER_BUCKETS];

    if (first->endpoint != endpoint)
        *first = (struct first){endpoint, {now_ms, first_budget.burst}};
    if (!fill(&first->bucket, &first_budget, work, now_ms) ||
        !take(&limiter->common, &common_budget, work, now_ms))
        return false;
    first->bucket.tokens -= work;
    return true;
}

/* One BMC's flood must not use up what the source may send to the others. */
static bool admit_stranger(struct limiter *limiter, uint64_t source, uint64_t pair, unsigned work,
                           uint64_t now_ms)
{
    struct bucket *of_pair = &limiter->pairs[pair % LIMITER_BUCKETS];

    if (!fill(of_pair, &pair_budget, work, now_ms) ||
        !take(&limiter->sources[source % LIMITER_BUCKETS], &source_budget, work, now_ms))
        return false;
    of_pair->tokens -= work;
    return true;
}

/* NULL: it has not logged in within the hour. */
static struct known *find_known(struct limiter *limiter, uint64_t source, uint64_t now_ms)
{
    struct known *set = limiter->known[source % KNOWN_SETS];

    for (size_t i = 0; i < KNOWN_WAYS; i++) {
        if (set[i].is_used && set[i].source == source)
            return now_ms - set[i].login_ms < LIMITER_KNOWN_MS ? &set[i] : NULL;
    }
    return NULL;
}

bool limiter_admit(struct limiter *limiter, uint32_t bmc, const union endpoint_address *remote,
                   struct limiter_load load, uint64_t now_ms)
{
    uint64_t source = endpoint_source_hash(remote, limiter->key);
    uint64_t pair = mix(source + bmc);
    struct known *known = find_known(limiter, source, now_ms);
    bool is_admitted;

    if (known && load.is_proven)
        is_admitted = take(&known->proven, &known_proven_budget, load.work, now_ms);
    else if (known)
        is_admitted = take(&known->rest, &known_budget, load.work, now_ms);
    else if (load.is_proven)
        is_admitted =
            take(&limiter->proven[source % LIMITER_BUCKETS], &proven_budget, load.work, now_ms);
    else
        is_admitted = admit_stranger(limiter, source, pair, load.work, now_ms);
    return is_admitted ||
           admit_first(limiter, mix(pair + endpoint_address_port(remote)), load.work, now_ms);
}

bool limiter_knows(struct limiter *limiter, const union endpoint_address *remote, uint64_t now_ms)
{
    return find_known(limiter, endpoint_source_hash(remote, limiter->key), now_ms) != NULL;
}

void limiter_note_login(struct limiter *limiter, const union endpoint_address *remote,
                        uint64_t now_ms)
{
    uint64_t source = endpoint_source_hash(remote, limiter->key);
    struct known *known = find_known(limiter, source, now_ms);
    struct known *set = limiter->known[source % KNOWN_SETS];

    if (known) {
        known->login_ms = now_ms;
        return;
    }
    known = &set[0];
    for (size_t i = 0; i < KNOWN_WAYS; i++) {
        bool is_same = set[i].is_used && set[i].source == source;
        if (is_same || !set[i].is_used || (known->is_used && set[i].login_ms < known->login_ms))
            known = &set[i];
        if (is_same)
            break;
    }
    *known = (struct known){
        .source = source,
        .is_used = true,
        .login_ms = now_ms,
        .proven = {now_ms, known_proven_budget.burst},
        .rest = {now_ms, known_budget.burst},
    };
}
