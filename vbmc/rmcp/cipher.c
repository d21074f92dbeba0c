#include "vbmc/rmcp/cipher.h"

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/privilege.h"

static const struct cipher_code rakp_codes[] = {
    [CIPHER_RAKP_HMAC_SHA1] = {CRYPTO_SHA1, 12},
    [CIPHER_RAKP_HMAC_MD5] = {CRYPTO_MD5, 16},
    [CIPHER_RAKP_HMAC_SHA256] = {CRYPTO_SHA256, 16},
};

static const struct cipher_code integrity_codes[] = {
    [CIPHER_HMAC_SHA1_96] = {CRYPTO_SHA1, 12},
    [CIPHER_HMAC_MD5_128] = {CRYPTO_MD5, 16},
    [CIPHER_MD5_128] = {CRYPTO_MD5, 16},
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
    for (size_t i = 0; i < cipher_suite_count; i++) {
        const struct cipher_suite *suite = &cipher_suites[i];
        if (matches(authentication, suite->authentication) &&
            matches(integrity, suite->integrity) &&
            matches(confidentiality, suite->confidentiality) &&
            channel_has_suite(channel, suite->id) &&
            channel_suite_limit(channel, suite->id) != PRIVILEGE_NO_ACCESS)
            return suite;
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
