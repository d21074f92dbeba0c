#include "vbmc/rmcp/cipher.h"

#include "vbmc/base/array.h"

/* Strongest first. Missing on purpose: suite 0 (no authentication at all), xRC4 (no client speaks
 * it), MD5-128 (11 and 12: ipmitool aborts on them). */
static const struct cipher_suite suites[] = {
    {17, CIPHER_RAKP_HMAC_SHA256, CIPHER_HMAC_SHA256_128, CIPHER_AES_CBC_128},
    {3, CIPHER_RAKP_HMAC_SHA1, CIPHER_HMAC_SHA1_96, CIPHER_AES_CBC_128},
    {8, CIPHER_RAKP_HMAC_MD5, CIPHER_HMAC_MD5_128, CIPHER_AES_CBC_128},
    {16, CIPHER_RAKP_HMAC_SHA256, CIPHER_HMAC_SHA256_128, CIPHER_CONFIDENTIALITY_NONE},
    {2, CIPHER_RAKP_HMAC_SHA1, CIPHER_HMAC_SHA1_96, CIPHER_CONFIDENTIALITY_NONE},
    {7, CIPHER_RAKP_HMAC_MD5, CIPHER_HMAC_MD5_128, CIPHER_CONFIDENTIALITY_NONE},
    {15, CIPHER_RAKP_HMAC_SHA256, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
    {1, CIPHER_RAKP_HMAC_SHA1, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
    {6, CIPHER_RAKP_HMAC_MD5, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
};

static const struct cipher_code rakp_codes[] = {
    [CIPHER_RAKP_HMAC_SHA1] = {CRYPTO_SHA1, 12},
    [CIPHER_RAKP_HMAC_MD5] = {CRYPTO_MD5, 16},
    [CIPHER_RAKP_HMAC_SHA256] = {CRYPTO_SHA256, 16},
};

static const struct cipher_code integrity_codes[] = {
    [CIPHER_HMAC_SHA1_96] = {CRYPTO_SHA1, 12},
    [CIPHER_HMAC_MD5_128] = {CRYPTO_MD5, 16},
    [CIPHER_HMAC_SHA256_128] = {CRYPTO_SHA256, 16},
};

static bool matches(uint8_t wanted, uint8_t offered)
{
    return wanted == CIPHER_ANY || wanted == offered;
}

const struct cipher_suite *cipher_suite_select(const struct channel *channel,
                                               uint8_t authentication, uint8_t integrity,
                                               uint8_t confidentiality)
{
    for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
        const struct cipher_suite *suite = &suites[i];
        if (matches(authentication, suite->authentication) &&
            matches(integrity, suite->integrity) &&
            matches(confidentiality, suite->confidentiality) &&
            channel_has_suite(channel, suite->id))
            return suite;
    }
    return NULL;
}

const struct cipher_suite *cipher_suite_find(uint8_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
        if (suites[i].id == id)
            return &suites[i];
    }
    return NULL;
}

struct cipher_code cipher_suite_rakp(const struct cipher_suite *suite)
{
    return rakp_codes[suite->authentication];
}

struct cipher_code cipher_suite_integrity(const struct cipher_suite *suite)
{
    return integrity_codes[suite->integrity];
}
