/* The cipher suites that this program can speak (IPMI 2.0, section 22.15.2, table 22-20). Which of
 * them a BMC offers is its channel's decision. */
#ifndef VBMC_BMC_CIPHER_SUITES_H
#define VBMC_BMC_CIPHER_SUITES_H

#include <stddef.h>
#include <stdint.h>

/* Algorithm numbers of tables 13-17 to 13-19. */
enum cipher_authentication {
    CIPHER_RAKP_NONE = 0,
    CIPHER_RAKP_HMAC_SHA1 = 1,
    CIPHER_RAKP_HMAC_MD5 = 2,
    CIPHER_RAKP_HMAC_SHA256 = 3,
    CIPHER_RAKP_LAST = CIPHER_RAKP_HMAC_SHA256,
};

enum cipher_integrity {
    CIPHER_INTEGRITY_NONE = 0,
    CIPHER_HMAC_SHA1_96 = 1,
    CIPHER_HMAC_MD5_128 = 2,
    CIPHER_MD5_128 = 3,
    CIPHER_HMAC_SHA256_128 = 4,
    CIPHER_INTEGRITY_LAST = CIPHER_HMAC_SHA256_128,
};

enum cipher_confidentiality {
    CIPHER_CONFIDENTIALITY_NONE = 0,
    CIPHER_AES_CBC_128 = 1,
    CIPHER_XRC4_128 = 2,
    CIPHER_XRC4_40 = 3,
    CIPHER_CONFIDENTIALITY_LAST = CIPHER_XRC4_40,
};

struct cipher_suite {
    uint8_t id;
    uint8_t authentication;
    uint8_t integrity;
    uint8_t confidentiality;
};

/* Strongest first. */
extern const struct cipher_suite cipher_suites[];
extern const size_t cipher_suite_count;

/* The suite of that id, offered or not; NULL if this program cannot speak it. */
const struct cipher_suite *cipher_suite_find(uint8_t id);

#endif
