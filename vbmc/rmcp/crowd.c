#include "vbmc/rmcp/crowd.h"

#include <string.h>

#include "vbmc/base/endpoint.h"

#define TALLY_SIZE (2 * CROWD_MAX) /* a power of two, of which at least half stays empty */

/* How often each value occurs: a hash table of values that are hashes already. */
struct tally {
    struct {
        uint64_t value;
        unsigned count;
    } rows[TALLY_SIZE];
};

static unsigned *tally_row(struct tally *tally, uint64_t value)
{
    size_t i = (size_t)(value % TALLY_SIZE);

    while (tally->rows[i].count > 0 && tally->rows[i].value != value)
        i = (i + 1) % TALLY_SIZE;
    tally->rows[i].value = value;
    return &tally->rows[i].count;
}

/* Of the bytes of an address only the first `bytes` count. */
static uint64_t network_hash(const union endpoint_address *remote, size_t bytes, uint64_t key)
{
    union endpoint_address network = *remote;

    if (!endpoint_address_v4(remote))
        memset(network.in6.sin6_addr.s6_addr + bytes, 0, 16 - bytes);
    return endpoint_source_hash(&network, key);
}

struct crowd_member crowd_member(const union endpoint_address *remote, uint64_t key, uint64_t order)
{
    uint64_t source = endpoint_source_hash(remote, key);
    uint64_t port = endpoint_address_port(remote);

    return (struct crowd_member){
        .levels =
            {
                [CROWD_SITE] = network_hash(remote, 48 / 8, key),
                [CROWD_LINK] = network_hash(remote, 56 / 8, key),
                [CROWD_SOURCE] = source,
                [CROWD_ENDPOINT] = source + (port + 1) * UINT64_C(0x9e3779b97f4a7c15),
            },
        .order = order,
    };
}

static bool goes_before(const struct crowd_member *a, const struct crowd_member *b)
{
    return a->is_known != b->is_known ? b->is_known : a->order < b->order;
}

/* Leaves those that share the most frequent value of a level, of which there may be several. */
static size_t keep_most(size_t *candidates, size_t count, const struct crowd_member *members,
                        enum crowd_level level)
{
    struct tally tally = {0};
    unsigned most = 0;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned n = ++*tally_row(&tally, members[candidates[i]].levels[level]);
        most = n > most ? n : most;
    }
    for (size_t i = 0; i < count; i++) {
        if (*tally_row(&tally, members[candidates[i]].levels[level]) == most)
            candidates[kept++] = candidates[i];
    }
    return kept;
}

size_t crowd_choose(const struct crowd_member *members, size_t count)
{
    size_t candidates[CROWD_MAX], left = 0, chosen = count;

    for (size_t i = 0; i < count; i++) {
        if (members[i].order != CROWD_FREE)
            candidates[left++] = i;
    }
    for (enum crowd_level level = 0; level < CROWD_LEVELS; level++)
        left = keep_most(candidates, left, members, level);
    for (size_t i = 0; i < left; i++) {
        if (chosen == count || goes_before(&members[candidates[i]], &members[chosen]))
            chosen = candidates[i];
    }
    return chosen;
}
