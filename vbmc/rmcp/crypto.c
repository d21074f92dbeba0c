/* The hashes are used by OpenSSL's functions of old (SHA1_Init and the like), which it calls
 * deprecated: their state is a plain struct. So what a session's HMAC key has become lies in memory
 * that is locked and is wiped (EVP_MAC has it in memory of its own that is neither), a code takes a
 * third of the time and nothing is allocated (OpenSSL 3.0 does it twice for each by EVP_MAC). The
 * code they run is the same. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vbmc/rmcp/crypto.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#define POOL_SIZE  1024
#define HASH_BLOCK 64 /* of all three */
#define INNER_PAD  0x36
#define OUTER_PAD  0x5c

static const struct {
    const char *name;
    size_t size;
} hashes[CRYPTO_HASH_COUNT] = {
    [CRYPTO_MD5] = {"MD5", 16},
    [CRYPTO_SHA1] = {"SHA1", 20},
    [CRYPTO_SHA256] = {"SHA256", 32},
};

struct crypto {
    unsigned users;
    bool has_hash[CRYPTO_HASH_COUNT];
    EVP_CIPHER_CTX *encrypting, *decrypting;
    bool has_key; /* either of them */
};

static struct crypto shared;

static const uint8_t no_key[CRYPTO_BLOCK_SIZE], no_iv[CRYPTO_BLOCK_SIZE];

/* Padding makes no difference to whole blocks that are encrypted, but that OpenSSL would tell
 * itself each time that there is none. */
static EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *cipher, int encrypt)
{
    EVP_CIPHER_CTX *context = cipher ? EVP_CIPHER_CTX_new() : NULL;

    if (context && (EVP_CipherInit_ex2(context, cipher, no_key, no_iv, encrypt, NULL) != 1 ||
                    (!encrypt && EVP_CIPHER_CTX_set_padding(context, 0) != 1))) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

struct crypto *crypto_new(void)
{
    if (shared.users++ > 0)
        return &shared;
    for (size_t i = 0; i < CRYPTO_HASH_COUNT; i++) {
        EVP_MD *hash = EVP_MD_fetch(NULL, hashes[i].name, NULL);
        shared.has_hash[i] = hash != NULL;
        EVP_MD_free(hash);
    }
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    shared.encrypting = cipher_context(aes, 1);
    shared.decrypting = cipher_context(aes, 0);
    EVP_CIPHER_free(aes);
    if (shared.encrypting && shared.decrypting)
        return &shared;
    crypto_free(&shared);
    return NULL;
}

void crypto_free(struct crypto *crypto)
{
    if (!crypto || --crypto->users > 0)
        return;
    EVP_CIPHER_CTX_free(crypto->encrypting); /* wipes */
    EVP_CIPHER_CTX_free(crypto->decrypting);
    *crypto = (struct crypto){.users = 0};
}

bool crypto_has_key(void)
{
    return shared.has_key;
}

void crypto_forget(void)
{
    if (!shared.has_key)
        return;
    shared.has_key = EVP_CipherInit_ex2(shared.encrypting, NULL, no_key, no_iv, 1, NULL) != 1 ||
                     EVP_CipherInit_ex2(shared.decrypting, NULL, no_key, no_iv, 0, NULL) != 1;
}

size_t crypto_digest_size(enum crypto_hash hash)
{
    return hashes[hash].size;
}

/* ---- HMAC ---- */

union hash_state {
    SHA256_CTX sha256;
    SHA_CTX sha1;
    MD5_CTX md5;
};

static void hash_begin(enum crypto_hash hash, union hash_state *state)
{
    if (hash == CRYPTO_SHA256)
        SHA256_Init(&state->sha256);
    else if (hash == CRYPTO_SHA1)
        SHA1_Init(&state->sha1);
    else
        MD5_Init(&state->md5);
}

static void hash_bytes_of(enum crypto_hash hash, union hash_state *state, const uint8_t *bytes,
                          size_t length)
{
    if (hash == CRYPTO_SHA256)
        SHA256_Update(&state->sha256, bytes, length);
    else if (hash == CRYPTO_SHA1)
        SHA1_Update(&state->sha1, bytes, length);
    else
        MD5_Update(&state->md5, bytes, length);
}

static void hash_end(enum crypto_hash hash, union hash_state *state,
                     uint8_t digest[CRYPTO_DIGEST_MAX])
{
    if (hash == CRYPTO_SHA256)
        SHA256_Final(digest, &state->sha256);
    else if (hash == CRYPTO_SHA1)
        SHA1_Final(digest, &state->sha1);
    else
        MD5_Final(digest, &state->md5);
}

/* The chaining value, which is all there is to a state behind a whole block but the length; it is
 * first in all three. */
static uint32_t *chaining_value(union hash_state *state)
{
    _Static_assert(offsetof(SHA256_CTX, h) == 0 && offsetof(SHA_CTX, h0) == 0 &&
                       offsetof(SHA_CTX, h4) == 16 && offsetof(MD5_CTX, A) == 0 &&
                       offsetof(MD5_CTX, D) == 12,
                   "words in a row");
    return state->sha256.h;
}

static void absorb_pad(enum crypto_hash hash, const uint8_t key[HASH_BLOCK], uint8_t pad,
                       uint32_t *value)
{
    uint8_t block[HASH_BLOCK];
    union hash_state state;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    hash_begin(hash, &state);
    hash_bytes_of(hash, &state, block, sizeof block);
    memcpy(value, chaining_value(&state), hashes[hash].size);
    crypto_wipe(block, sizeof block);
    crypto_wipe(&state, sizeof state);
}

int crypto_hmac_prepare(struct crypto *crypto, enum crypto_hash hash, const uint8_t *key,
                        size_t key_length, struct crypto_hmac_key *prepared)
{
    uint8_t block[HASH_BLOCK] = {0};

    if (!crypto->has_hash[hash] || key_length > sizeof block)
        return -ENOTSUP;
    memcpy(block, key, key_length);
    *prepared = (struct crypto_hmac_key){.hash = hash};
    absorb_pad(hash, block, INNER_PAD, prepared->inner);
    absorb_pad(hash, block, OUTER_PAD, prepared->outer);
    crypto_wipe(block, sizeof block);
    return 0;
}

static void hash_resume(enum crypto_hash hash, union hash_state *state, const uint32_t *value)
{
    hash_begin(hash, state);
    memcpy(chaining_value(state), value, hashes[hash].size);
    if (hash == CRYPTO_SHA256)
        state->sha256.Nl = HASH_BLOCK * CHAR_BIT;
    else if (hash == CRYPTO_SHA1)
        state->sha1.Nl = HASH_BLOCK * CHAR_BIT;
    else
        state->md5.Nl = HASH_BLOCK * CHAR_BIT;
}

void crypto_hmac_code(const struct crypto_hmac_key *key, const uint8_t *bytes, size_t length,
                      uint8_t digest[CRYPTO_DIGEST_MAX])
{
    union hash_state state;

    hash_resume(key->hash, &state, key->inner);
    hash_bytes_of(key->hash, &state, bytes, length);
    hash_end(key->hash, &state, digest);
    hash_resume(key->hash, &state, key->outer);
    hash_bytes_of(key->hash, &state, digest, hashes[key->hash].size);
    hash_end(key->hash, &state, digest);
    crypto_wipe(&state, sizeof state);
}

int crypto_hmac(struct crypto *crypto, enum crypto_hash hash, const uint8_t *key, size_t key_length,
                const uint8_t *bytes, size_t length, uint8_t digest[CRYPTO_DIGEST_MAX])
{
    struct crypto_hmac_key prepared;
    int error = crypto_hmac_prepare(crypto, hash, key, key_length, &prepared);

    if (error < 0)
        return error;
    crypto_hmac_code(&prepared, bytes, length, digest);
    crypto_wipe(&prepared, sizeof prepared);
    return 0;
}

int crypto_digest(enum crypto_hash hash, const uint8_t *bytes, size_t length,
                  uint8_t digest[CRYPTO_DIGEST_MAX])
{
    size_t size = 0;

    if (EVP_Q_digest(NULL, hashes[hash].name, NULL, bytes, length, digest, &size) != 1)
        return -ENOTSUP;
    return size == hashes[hash].size ? 0 : -EIO;
}

/* ---- AES ---- */

static int aes_cbc(struct crypto *crypto, EVP_CIPHER_CTX *context, const uint8_t *key,
                   const uint8_t *iv, const uint8_t *from, size_t length, uint8_t *to)
{
    int written = 0;

    if (length % CRYPTO_BLOCK_SIZE != 0 || length > INT_MAX)
        return -EINVAL;
    crypto->has_key = true;
    bool done = EVP_CipherInit_ex2(context, NULL, key, iv, -1, NULL) == 1 &&
                EVP_CipherUpdate(context, to, &written, from, (int)length) == 1;
    return done && (size_t)written == length ? 0 : -EIO;
}

int crypto_encrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to)
{
    return aes_cbc(crypto, crypto->encrypting, key, iv, from, length, to);
}

int crypto_decrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to)
{
    return aes_cbc(crypto, crypto->decrypting, key, iv, from, length, to);
}

/* ---- the rest ---- */

bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

/* RAND_bytes makes system calls each time, which cost as much as all the HMACs of a log-in. What is
 * handed out is gone from here at once. */
static _Thread_local struct {
    uint8_t bytes[POOL_SIZE];
    size_t left;
} pool;

int crypto_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    if (length > POOL_SIZE)
        return -EINVAL;
    if (pool.left < length) {
        if (RAND_bytes(pool.bytes, POOL_SIZE) != 1)
            return -EIO;
        pool.left = POOL_SIZE;
    }
    pool.left -= length;
    memcpy(bytes, pool.bytes + pool.left, length);
    crypto_wipe(pool.bytes + pool.left, length);
    return 0;
}

void crypto_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}
