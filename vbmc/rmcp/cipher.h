/* The cipher suites this program can speak (IPMI 2.0, section 22.15.2, table 22-20). Which of them
 * a BMC offers is its channel's decision. */
#ifndef VBMC_RMCP_CIPHER_H
#define VBMC_RMCP_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/rmcp/crypto.h"

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

#define CIPHER_ANY 0xff /* "the BMC may choose" */

struct cipher_suite {
    uint8_t id;
    uint8_t authentication;
    uint8_t integrity;
    uint8_t confidentiality;
};

/* A hash and how many bytes of it travel. */
struct cipher_code {
    enum crypto_hash hash;
    size_t size;
};

/* The suite of exactly these algorithms, each possibly CIPHER_ANY, that the channel offers: the
 * strongest if several do. NULL if there is none. Valid for ever. */
const struct cipher_suite *cipher_suite_select(const struct channel *channel,
                                               uint8_t authentication, uint8_t integrity,
                                               uint8_t confidentiality);

/* The suite of that id, offered or not; NULL if this program cannot speak it. */
const struct cipher_suite *cipher_suite_find(uint8_t id);

/* Hash of the RAKP messages and keys, and size of RAKP 4's integrity check value (section 13.28).
 */
struct cipher_code cipher_suite_rakp(const struct cipher_suite *suite);

/* Hash and size of the authentication code of a packet's trailer; size 0 for a suite without
 * integrity (section 13.28.4). */
struct cipher_code cipher_suite_integrity(const struct cipher_suite *suite);

#endif
