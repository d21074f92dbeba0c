#include "vbmc/bmc/channel_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "vbmc/base/locked.h"
#include "vbmc/base/uuid.h"

struct channel_key *channel_key_new(void)
{
    return locked_calloc(1, sizeof(struct channel_key));
}

void channel_key_free(struct channel_key *key)
{
    locked_free(key, sizeof *key);
}

static void take_fingerprint(const struct channel_key *key, const struct uuid *uuid,
                             uint8_t fingerprint[CHANNEL_KEY_FINGERPRINT_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned size = 0;

    HMAC(EVP_sha256(), uuid->bytes, sizeof uuid->bytes, key->configured, sizeof key->configured,
         digest, &size);
    memcpy(fingerprint, digest, CHANNEL_KEY_FINGERPRINT_SIZE);
}

static const uint8_t *key_that_holds(const struct channel_key *key)
{
    return key->is_clients ? key->clients : key->configured;
}

static void forget_clients(struct channel_key *key)
{
    key->is_clients = false;
    OPENSSL_cleanse(key->clients, sizeof key->clients);
}

bool channel_key_configure(struct channel_key *key, const struct uuid *uuid,
                           const uint8_t *configured)
{
    static const uint8_t none[CHANNEL_KG_SIZE];
    uint8_t fingerprint[CHANNEL_KEY_FINGERPRINT_SIZE];

    memcpy(key->configured, configured ? configured : none, sizeof key->configured);
    take_fingerprint(key, uuid, fingerprint);
    if (!key->is_clients || memcmp(fingerprint, key->replaced, sizeof fingerprint) == 0)
        return false;
    forget_clients(key);
    return true;
}

bool channel_key_set(struct channel_key *key, const struct uuid *uuid,
                     const uint8_t clients[CHANNEL_KG_SIZE])
{
    if (CRYPTO_memcmp(key_that_holds(key), clients, CHANNEL_KG_SIZE) == 0)
        return false;
    if (CRYPTO_memcmp(key->configured, clients, CHANNEL_KG_SIZE) == 0) {
        forget_clients(key);
        return true;
    }
    key->is_clients = true;
    memcpy(key->clients, clients, sizeof key->clients);
    take_fingerprint(key, uuid, key->replaced);
    return true;
}

void channel_key_restore(struct channel_key *key, const struct uuid *uuid,
                         const uint8_t clients[CHANNEL_KG_SIZE],
                         const uint8_t replaced[CHANNEL_KEY_FINGERPRINT_SIZE])
{
    uint8_t fingerprint[CHANNEL_KEY_FINGERPRINT_SIZE];

    forget_clients(key);
    take_fingerprint(key, uuid, fingerprint);
    if (!clients || memcmp(fingerprint, replaced, sizeof fingerprint) != 0)
        return;
    key->is_clients = true;
    memcpy(key->clients, clients, sizeof key->clients);
    memcpy(key->replaced, replaced, sizeof key->replaced);
}

void channel_key_apply(const struct channel_key *key, struct channel *channel)
{
    static const uint8_t none[CHANNEL_KG_SIZE];

    channel->kg = key_that_holds(key);
    channel->has_kg = CRYPTO_memcmp(channel->kg, none, sizeof none) != 0;
}

bool channel_equal(const struct channel *a, const struct channel *b)
{
    return a->limit == b->limit && a->has_kg == b->has_kg &&
           (!a->has_kg || CRYPTO_memcmp(a->kg, b->kg, CHANNEL_KG_SIZE) == 0) &&
           a->suite_count == b->suite_count && memcmp(a->suites, b->suites, a->suite_count) == 0 &&
           a->authentication_types == b->authentication_types;
}
