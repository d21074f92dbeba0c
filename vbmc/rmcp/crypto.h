/* What RMCP+ needs of OpenSSL: HMAC, AES-CBC-128, random bytes, comparison in constant time.
 * Nothing is allocated but by crypto_new. Not safe for several threads. */
#ifndef VBMC_RMCP_CRYPTO_H
#define VBMC_RMCP_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_DIGEST_MAX 32
#define CRYPTO_BLOCK_SIZE 16 /* AES block, key and IV */

enum crypto_hash {
    CRYPTO_MD5,
    CRYPTO_SHA1,
    CRYPTO_SHA256,
    CRYPTO_HASH_COUNT,
};

struct crypto;

/* One of HMAC: what a hash has come to behind the key and its padding (RFC 2104), so that a code
 * takes half the work it takes with the key itself. Who has it can make codes as with the key. */
struct crypto_hmac_key {
    uint32_t inner[CRYPTO_DIGEST_MAX / 4];
    uint32_t outer[CRYPTO_DIGEST_MAX / 4];
    enum crypto_hash hash;
};

/* The algorithms, fetched once: all who ask share them. NULL if OpenSSL has no AES-CBC or no
 * memory. A single hash it refuses (MD5 under FIPS) shows when it is used. */
struct crypto *crypto_new(void);
void crypto_free(struct crypto *crypto);
/* Whether an AES key is left in OpenSSL's memory, where the one that was used last stays until the
 * next one; and wipes it. */
bool crypto_has_key(void);
void crypto_forget(void);

/* 16, 20 or 32 bytes. */
size_t crypto_digest_size(enum crypto_hash hash);

/* Writes the whole digest. 0, or -ENOTSUP (no such hash), -EIO. */
int crypto_hmac(struct crypto *crypto, enum crypto_hash hash, const uint8_t *key, size_t key_length,
                const uint8_t *bytes, size_t length, uint8_t digest[CRYPTO_DIGEST_MAX]);

/* The same in two steps: the first, done once, fails as crypto_hmac does; the second cannot. */
int crypto_hmac_prepare(struct crypto *crypto, enum crypto_hash hash, const uint8_t *key,
                        size_t key_length, struct crypto_hmac_key *prepared);
void crypto_hmac_code(const struct crypto_hmac_key *key, const uint8_t *bytes, size_t length,
                      uint8_t digest[CRYPTO_DIGEST_MAX]);

/* The plain hash, without a key. 0, or -ENOTSUP (no such hash), -EIO. */
int crypto_digest(enum crypto_hash hash, const uint8_t *bytes, size_t length,
                  uint8_t digest[CRYPTO_DIGEST_MAX]);

/* AES-CBC-128 without padding: length is a multiple of 16, to holds as many bytes as from, and may
 * be the same. 0, -EINVAL for another length, or -EIO. */
int crypto_encrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to);
int crypto_decrypt(struct crypto *crypto, const uint8_t key[CRYPTO_BLOCK_SIZE],
                   const uint8_t iv[CRYPTO_BLOCK_SIZE], const uint8_t *from, size_t length,
                   uint8_t *to);

/* In a time that does not depend on the contents. */
bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t length);

/* Cryptographically strong random bytes; the context is not used. Not for a process that was forked
 * and is the same program still: it would get what its parent gets. 0, -EIO, or -EINVAL for more
 * than 1024. */
int crypto_random(void *context, uint8_t *bytes, size_t length);

/* Overwrites in a way that the compiler cannot leave out. */
void crypto_wipe(void *bytes, size_t length);

#endif
