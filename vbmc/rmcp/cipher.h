/* What the cipher suites (vbmc/bmc/cipher_suites.h) are made of: which one a console gets, hashes
 * and sizes. */
#ifndef VBMC_RMCP_CIPHER_H
#define VBMC_RMCP_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/rmcp/crypto.h"

struct channel;
struct cipher_suite;

#define CIPHER_ANY 0xff /* "the BMC may choose" */

/* A hash and how many bytes of it travel. */
struct cipher_code {
    enum crypto_hash hash;
    size_t size;
};

/* The suite of exactly these algorithms, each possibly CIPHER_ANY, that the channel offers and that
 * is not unused: the strongest if several are. NULL if there is none. Valid for ever. */
const struct cipher_suite *cipher_suite_select(const struct channel *channel,
                                               uint8_t authentication, uint8_t integrity,
                                               uint8_t confidentiality);

/* Hash of the RAKP messages and keys, and size of RAKP 4's integrity check value (section 13.28).
 */
struct cipher_code cipher_suite_rakp(const struct cipher_suite *suite);

/* Hash and size of the authentication code of a packet's trailer; size 0 for a suite without
 * integrity (section 13.28.4). MD5-128 is no HMAC: its hash goes over the password, the packet and
 * the password again. */
struct cipher_code cipher_suite_integrity(const struct cipher_suite *suite);

#endif
