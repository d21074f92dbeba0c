/* The formulas of RAKP (IPMI 2.0, sections 13.31 and 13.32). No state, no packets. */
#ifndef VBMC_RMCP_RAKP_KEYS_H
#define VBMC_RMCP_RAKP_KEYS_H

#include <stdint.h>

#include "vbmc/rmcp/crypto.h"

struct crypto;
struct rmcpplus_keys;

#define RAKP_RANDOM_SIZE 16
#define RAKP_GUID_SIZE   16
#define RAKP_NAME_MAX    16
#define RAKP_KEY_SIZE    20 /* Kuid and Kg, zero padded */

/* What both sides put into their codes. */
struct rakp_exchange {
    const struct cipher_suite *suite;
    uint32_t console_id;
    uint32_t bmc_id;
    uint8_t rm[RAKP_RANDOM_SIZE];
    uint8_t rc[RAKP_RANDOM_SIZE];
    uint8_t guid[RAKP_GUID_SIZE];
    uint8_t role; /* the whole byte of RAKP 1, reserved bits included */
    uint8_t name_length;
    uint8_t name[RAKP_NAME_MAX];
};

/* Each writes one whole digest of the suite's hash; 0 or a negative error of crypto_hmac. */
int rakp_code2(struct crypto *crypto, const struct rakp_exchange *exchange,
               const uint8_t kuid[RAKP_KEY_SIZE], uint8_t code[CRYPTO_DIGEST_MAX]);
int rakp_code3(struct crypto *crypto, const struct rakp_exchange *exchange,
               const uint8_t kuid[RAKP_KEY_SIZE], uint8_t code[CRYPTO_DIGEST_MAX]);
int rakp_sik(struct crypto *crypto, const struct rakp_exchange *exchange,
             const uint8_t kg[RAKP_KEY_SIZE], uint8_t sik[CRYPTO_DIGEST_MAX]);
/* Of this code only the first cipher_suite_rakp().size bytes travel. */
int rakp_icv(struct crypto *crypto, const struct rakp_exchange *exchange,
             const uint8_t sik[CRYPTO_DIGEST_MAX], uint8_t icv[CRYPTO_DIGEST_MAX]);
/* K1 and K2: HMAC(SIK, number x 20). The constant is 20 bytes long with every hash. */
int rakp_k(struct crypto *crypto, const struct rakp_exchange *exchange,
           const uint8_t sik[CRYPTO_DIGEST_MAX], uint8_t number, uint8_t k[CRYPTO_DIGEST_MAX]);
/* K1, the AES key and the password where the suite's integrity needs it, ready for use. */
int rakp_derive_keys(struct crypto *crypto, const struct rakp_exchange *exchange,
                     const uint8_t kuid[RAKP_KEY_SIZE], const uint8_t sik[CRYPTO_DIGEST_MAX],
                     struct rmcpplus_keys *keys);

#endif
