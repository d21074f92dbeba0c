/* The RMCP+ packet of IPMI 2.0 (section 13.6): header, optional OEM payload header, payload, and
 * for an authenticated packet the trailer of pad, pad length, next header and authentication code.
 */
#ifndef VBMC_RMCP_RMCPPLUS_H
#define VBMC_RMCP_RMCPPLUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/wire.h"
#include "vbmc/rmcp/crypto.h"

struct crypto;

#define RMCPPLUS_FORMAT        0x06 /* the byte that tells RMCP+ from IPMI 1.5 */
#define RMCPPLUS_PASSWORD_SIZE 20
#define RMCPPLUS_PAYLOAD_MAX   512 /* longest payload built, before encryption */

/* Section 13.27.3. */
enum rmcpplus_payload {
    PAYLOAD_IPMI = 0x00,
    PAYLOAD_SOL = 0x01,
    PAYLOAD_OEM_EXPLICIT = 0x02,
    PAYLOAD_OPEN_SESSION_REQUEST = 0x10,
    PAYLOAD_OPEN_SESSION_RESPONSE = 0x11,
    PAYLOAD_RAKP1 = 0x12,
    PAYLOAD_RAKP2 = 0x13,
    PAYLOAD_RAKP3 = 0x14,
    PAYLOAD_RAKP4 = 0x15,
};

/* The pointers lead into the datagram that was parsed. */
struct rmcpplus_packet {
    bool encrypted;
    bool authenticated;
    uint8_t type; /* enum rmcpplus_payload, or another value of 0..3Fh */
    uint32_t session;
    uint32_t sequence;
    const uint8_t *payload; /* IV and ciphertext if encrypted */
    size_t payload_length;
    const uint8_t *covered; /* from the format byte: what the authentication code covers */
    size_t header_length;   /* bytes of `covered` in front of the payload */
    struct wire_in trailer; /* what follows the payload of an authenticated packet */
};

/* What a session protects its packets with. */
struct rmcpplus_keys {
    const struct cipher_suite *suite;
    struct crypto_hmac_key k1;
    uint8_t aes[CRYPTO_BLOCK_SIZE];
    uint8_t password[RMCPPLUS_PASSWORD_SIZE]; /* Kuid, zero padded; only for MD5-128 */
};

/* Takes a packet apart, from the byte behind the RMCP header. A clear packet may be followed by one
 * byte (the legacy pad). 0, or -EBADMSG. Nothing is proven yet about an authenticated packet. */
int rmcpplus_parse(struct wire_in in, struct rmcpplus_packet *packet);

/* The session id of such a packet, whatever else is in it; 0 if it is too short. */
uint32_t rmcpplus_peek_session(struct wire_in in);

/* True if the packet has the flags that the session's suite asks for, and its trailer (section
 * 13.28.4) is whole and its code right. */
bool rmcpplus_verify(const struct rmcpplus_keys *keys, const struct rmcpplus_packet *packet);

/* The plain payload of a packet that was verified. A clear payload is not copied, an encrypted one
 * is decrypted into `room`, which must hold RMCP_DATAGRAM_MAX bytes. 0, or -EBADMSG for wrong
 * padding (section 13.29.3). */
int rmcpplus_open(struct crypto *crypto, const struct rmcpplus_keys *keys,
                  const struct rmcpplus_packet *packet, uint8_t *room, const uint8_t **payload,
                  size_t *length);

/* Builds a datagram outside of a session: id 0, sequence 0, no flags. Returns its length, or
 * -EMSGSIZE. */
int rmcpplus_build(uint8_t type, const uint8_t *payload, size_t payload_length, uint8_t *bytes,
                   size_t size);

/* Builds a datagram of a session. `iv` is used if the suite encrypts. Returns its length, or
 * -EMSGSIZE, -EIO. */
int rmcpplus_seal(struct crypto *crypto, const struct rmcpplus_keys *keys, uint8_t type,
                  uint32_t session, uint32_t sequence, const uint8_t iv[CRYPTO_BLOCK_SIZE],
                  const uint8_t *payload, size_t payload_length, uint8_t *bytes, size_t size);

#endif
