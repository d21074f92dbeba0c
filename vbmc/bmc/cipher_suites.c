#include "vbmc/bmc/cipher_suites.h"

#include "vbmc/base/array.h"

/* Missing on purpose: suite 0 (no authentication at all) and xRC4 (no client speaks it). */
const struct cipher_suite cipher_suites[] = {
    {17, CIPHER_RAKP_HMAC_SHA256, CIPHER_HMAC_SHA256_128, CIPHER_AES_CBC_128},
    {3, CIPHER_RAKP_HMAC_SHA1, CIPHER_HMAC_SHA1_96, CIPHER_AES_CBC_128},
    {8, CIPHER_RAKP_HMAC_MD5, CIPHER_HMAC_MD5_128, CIPHER_AES_CBC_128},
    {12, CIPHER_RAKP_HMAC_MD5, CIPHER_MD5_128, CIPHER_AES_CBC_128},
    {16, CIPHER_RAKP_HMAC_SHA256, CIPHER_HMAC_SHA256_128, CIPHER_CONFIDENTIALITY_NONE},
    {2, CIPHER_RAKP_HMAC_SHA1, CIPHER_HMAC_SHA1_96, CIPHER_CONFIDENTIALITY_NONE},
    {7, CIPHER_RAKP_HMAC_MD5, CIPHER_HMAC_MD5_128, CIPHER_CONFIDENTIALITY_NONE},
    {11, CIPHER_RAKP_HMAC_MD5, CIPHER_MD5_128, CIPHER_CONFIDENTIALITY_NONE},
    {15, CIPHER_RAKP_HMAC_SHA256, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
    {1, CIPHER_RAKP_HMAC_SHA1, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
    {6, CIPHER_RAKP_HMAC_MD5, CIPHER_INTEGRITY_NONE, CIPHER_CONFIDENTIALITY_NONE},
};
const size_t cipher_suite_count = ARRAY_SIZE(cipher_suites);

const struct cipher_suite *cipher_suite_find(uint8_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(cipher_suites); i++) {
        if (cipher_suites[i].id == id)
            return &cipher_suites[i];
    }
    return NULL;
}
