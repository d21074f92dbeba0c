#include "vbmc/rmcp/crypto.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define POOL_SIZE 1024

static const struct {
    const char *name;
    size_t size;
} hashes[CRYPTO_HASH_COUNT] = {
    [CRYPTO_MD5] = {"MD5", 16},
    [CRYPTO_SHA1] = {"SHA1", 20},
    [CRYPTO_SHA256] = {"SHA256", 32},
};

/* Keyless contexts: each call works on a copy and frees it, which wipes the key. */
struct crypto {
    EVP_MAC_CTX *hmac[CRYPTO_HASH_COUNT];
    EVP_CIPHER *aes;
};

static EVP_MAC_CTX *hmac_context(EVP_MAC *mac, const char *hash)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);

    if (context && EVP_MAC_CTX_set_params(context, parameters) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

struct crypto *crypto_new(void)
{
    struct crypto *crypto = calloc(1, sizeof *crypto);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    if (crypto && mac) {
        for (size_t i = 0; i < CRYPTO_HASH_COUNT; i++)
            crypto->hmac[i] = hmac_context(mac, hashes[i].name);
        crypto->aes = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    }
    EVP_MAC_free(mac);
    if (crypto && !crypto->aes) {
        crypto_free(crypto);
        return NULL;
    }
    return crypto;
}

void crypto_free(struct crypto *crypto)
{
    if (!crypto)
        return;
    for (size_t i = 0; i < CRYPTO_HASH_COUNT; i++)
        EVP_MAC_CTX_free(crypto->hmac[i]);
    EVP_CIPHER_free(crypto->aes);
    free(crypto);
}

size_t crypto_digest_size(enum crypto_hash hash)
{
    return hashes[hash].size;
}

int crypto_hmac(struct crypto *crypto, enum crypto_hash hash, const uint8_t *key, size_t key_length,
                const uint8_t *bytes, size_t length, uint8_t digest[CRYPTO_DIGEST_MAX])
{
    size_t size = 0;

    if (!crypto->hmac[hash])
        return -ENOTSUP;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(crypto->hmac[hash]);
    bool done = context && EVP_MAC_init(context, key, key_length, NULL) == 1 &&
                EVP_MAC_update(context, bytes, length) == 1 &&
                EVP_MAC_final(context, digest, &size, CRYPTO_DIGEST_MAX) == 1;
    EVP_MAC_CTX_free(context);
    return done && size == hashes[hash].size ? 0 : -EIO;
}

int crypto_digest(enum crypto_hash hash, const uint8_t *bytes, size_t length,
                  uint8_t digest[CRYPTO_DIGEST_MAX])
{
    size_t size = 0;

    if (EVP_Q_digest(NULL, hashes[hash].name, NULL, bytes, length, digest, &size) != 1)
        return -ENOTSUP;
    return size == hashes[hash].size ? 0 : -EIO;
}

static int aes_cbc(struct crypto *crypto, int encrypt, const uint8_t *key, const uint8_t *iv,
                   const uint8_t *from, size_t length, uint8_t *to)
{
    int written = 0;

    if (length % CRYPTO_BLOCK_SIZE != 0 || length > INT_MAX)
        return -EINVAL;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && EVP_CipherInit_ex2(context, crypto->aes, key, iv, encrypt, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                EVP_CipherUpdate(context, to, &written, from, (int)length) == 1;
    EVP_CIPHER_CTX_free(context);
    return done && (size_t)written == length ? 0 : -EIO;
}

int crypto_encrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to)
{
    return aes_cbc(crypto, 1, key, iv, from, length, to);
}

int crypto_decrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to)
{
    return aes_cbc(crypto, 0, key, iv, from, length, to);
}

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
    OPENSSL_cleanse(bytes, length);
}
