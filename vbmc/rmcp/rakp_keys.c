#include "vbmc/rmcp/rakp_keys.h"

#include <string.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/rmcpplus.h"

#define INPUT_MAX       128
#define K_CONSTANT_SIZE 20
#define K1_NUMBER       1
#define K2_NUMBER       2

static enum crypto_hash exchange_hash(const struct rakp_exchange *exchange)
{
    return cipher_suite_rakp(exchange->suite).hash;
}

static void put_identity(struct wire_out *out, const struct rakp_exchange *exchange)
{
    wire_put_u8(out, exchange->role);
    wire_put_u8(out, exchange->name_length);
    wire_put_bytes(out, exchange->name, exchange->name_length);
}

int rakp_code2(struct crypto *crypto, const struct rakp_exchange *exchange,
               const uint8_t kuid[RAKP_KEY_SIZE], uint8_t code[CRYPTO_DIGEST_MAX])
{
    uint8_t input[INPUT_MAX];
    struct wire_out out = wire_out_init(input, sizeof input);

    wire_put_u32(&out, exchange->console_id);
    wire_put_u32(&out, exchange->bmc_id);
    wire_put_bytes(&out, exchange->rm, RAKP_RANDOM_SIZE);
    wire_put_bytes(&out, exchange->rc, RAKP_RANDOM_SIZE);
    wire_put_bytes(&out, exchange->guid, RAKP_GUID_SIZE);
    put_identity(&out, exchange);
    return crypto_hmac(crypto, exchange_hash(exchange), kuid, RAKP_KEY_SIZE, input, out.pos, code);
}

int rakp_code3(struct crypto *crypto, const struct rakp_exchange *exchange,
               const uint8_t kuid[RAKP_KEY_SIZE], uint8_t code[CRYPTO_DIGEST_MAX])
{
    uint8_t input[INPUT_MAX];
    struct wire_out out = wire_out_init(input, sizeof input);

    wire_put_bytes(&out, exchange->rc, RAKP_RANDOM_SIZE);
    wire_put_u32(&out, exchange->console_id);
    put_identity(&out, exchange);
    return crypto_hmac(crypto, exchange_hash(exchange), kuid, RAKP_KEY_SIZE, input, out.pos, code);
}

int rakp_sik(struct crypto *crypto, const struct rakp_exchange *exchange,
             const uint8_t kg[RAKP_KEY_SIZE], uint8_t sik[CRYPTO_DIGEST_MAX])
{
    uint8_t input[INPUT_MAX];
    struct wire_out out = wire_out_init(input, sizeof input);

    wire_put_bytes(&out, exchange->rm, RAKP_RANDOM_SIZE);
    wire_put_bytes(&out, exchange->rc, RAKP_RANDOM_SIZE);
    put_identity(&out, exchange);
    return crypto_hmac(crypto, exchange_hash(exchange), kg, RAKP_KEY_SIZE, input, out.pos, sik);
}

int rakp_icv(struct crypto *crypto, const struct rakp_exchange *exchange,
             const uint8_t sik[CRYPTO_DIGEST_MAX], uint8_t icv[CRYPTO_DIGEST_MAX])
{
    enum crypto_hash hash = exchange_hash(exchange);
    uint8_t input[INPUT_MAX];
    struct wire_out out = wire_out_init(input, sizeof input);

    wire_put_bytes(&out, exchange->rm, RAKP_RANDOM_SIZE);
    wire_put_u32(&out, exchange->bmc_id);
    wire_put_bytes(&out, exchange->guid, RAKP_GUID_SIZE);
    return crypto_hmac(crypto, hash, sik, crypto_digest_size(hash), input, out.pos, icv);
}

int rakp_k(struct crypto *crypto, const struct rakp_exchange *exchange,
           const uint8_t sik[CRYPTO_DIGEST_MAX], uint8_t number, uint8_t k[CRYPTO_DIGEST_MAX])
{
    enum crypto_hash hash = exchange_hash(exchange);
    uint8_t constant[K_CONSTANT_SIZE];

    memset(constant, number, sizeof constant);
    return crypto_hmac(crypto, hash, sik, crypto_digest_size(hash), constant, sizeof constant, k);
}

int rakp_derive_keys(struct crypto *crypto, const struct rakp_exchange *exchange,
                     const uint8_t kuid[RAKP_KEY_SIZE], const uint8_t sik[CRYPTO_DIGEST_MAX],
                     struct rmcpplus_keys *keys)
{
    enum crypto_hash hash = exchange_hash(exchange);
    uint8_t k1[CRYPTO_DIGEST_MAX], k2[CRYPTO_DIGEST_MAX];
    int error = rakp_k(crypto, exchange, sik, K1_NUMBER, k1);

    if (error == 0)
        error = crypto_hmac_prepare(crypto, hash, k1, crypto_digest_size(hash), &keys->k1);
    if (error == 0)
        error = rakp_k(crypto, exchange, sik, K2_NUMBER, k2);
    if (error == 0) {
        keys->suite = exchange->suite;
        memcpy(keys->aes, k2, sizeof keys->aes);
        if (exchange->suite->integrity == CIPHER_MD5_128)
            memcpy(keys->password, kuid, sizeof keys->password);
    }
    crypto_wipe(k1, sizeof k1);
    crypto_wipe(k2, sizeof k2);
    return error;
}
