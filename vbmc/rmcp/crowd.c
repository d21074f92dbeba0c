#include "vbmc/rmcp/crowd.h"

#include <stdbool.h>

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

struct crowd_member crowd_member(const union endpoint_address *remote, uint64_t key, uint64_t order)
{
    uint64_t source = endpoint_source_hash(remote, key);
    uint64_t port = endpoint_address_port(remote);

    return (struct crowd_member){source, source + (port + 1) * UINT64_C(0x9e3779b97f4a7c15), order};
}

size_t crowd_choose(const struct crowd_member *members, size_t count)
{
    struct tally sources = {0}, endpoints = {0};
    unsigned most_source = 0, most_endpoint = 0;
    size_t chosen = count;

    for (size_t i = 0; i < count; i++) {
        if (members[i].order == CROWD_FREE)
            continue;
        ++*tally_row(&sources, members[i].source);
        ++*tally_row(&endpoints, members[i].endpoint);
    }
    for (size_t i = 0; i < count; i++) {
        if (members[i].order == CROWD_FREE)
            continue;
        unsigned source = *tally_row(&sources, members[i].source);
        unsigned endpoint = *tally_row(&endpoints, members[i].endpoint);
        bool is_more = source != most_source ? source > most_source
                       : endpoint != most_endpoint
                           ? endpoint > most_endpoint
                           : chosen == count || members[i].order < members[chosen].order;
        if (is_more) {
            most_source = source;
            most_endpoint = endpoint;
            chosen = i;
        }
    }
    return chosen;
}
