/* The channel key Kg of two-key log-ins (IPMI 2.0, sections 13.31 and 22.25): the one of the
 * configuration, or one that a client has set, which holds until the configured one changes. */
#ifndef VBMC_BMC_CHANNEL_KEY_H
#define VBMC_BMC_CHANNEL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/channel.h"

struct uuid;

#define CHANNEL_KEY_FINGERPRINT_SIZE 16

/* All zeros: there is no key. In memory that is locked, of which the channel has a pointer. */
struct channel_key {
    uint8_t configured[CHANNEL_KG_SIZE];
    bool is_clients;
    uint8_t clients[CHANNEL_KG_SIZE];
    uint8_t replaced[CHANNEL_KEY_FINGERPRINT_SIZE]; /* of the configured key that it replaced */
};

/* NULL if there is no memory. Freeing wipes; NULL is allowed. */
struct channel_key *channel_key_new(void);
void channel_key_free(struct channel_key *key);
/* Follows the configuration (NULL: it has none). True if a client's key no longer holds for that.
 * `uuid`, here and below, is the BMC's, with which fingerprints are made. */
bool channel_key_configure(struct channel_key *key, const struct uuid *uuid,
                           const uint8_t *configured);
/* A client sets it. False: that is what there is. */
bool channel_key_set(struct channel_key *key, const struct uuid *uuid,
                     const uint8_t clients[CHANNEL_KG_SIZE]);
/* Takes over what is stored of a client's key (NULL: nothing), unless another key is configured
 * than the one that it replaced. */
void channel_key_restore(struct channel_key *key, const struct uuid *uuid,
                         const uint8_t clients[CHANNEL_KG_SIZE],
                         const uint8_t replaced[CHANNEL_KEY_FINGERPRINT_SIZE]);
/* Has the channel point to the one that holds. */
void channel_key_apply(const struct channel_key *key, struct channel *channel);

/* Whether limit, Kg, suites and authentication types are the same. */
bool channel_equal(const struct channel *a, const struct channel *b);

#endif
