#include "vbmc/rmcp/rmcpplus.h"

#include <errno.h>
#include <string.h>

#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/header.h"

#define FLAG_ENCRYPTED     0x80
#define FLAG_AUTHENTICATED 0x40
#define TYPE_MASK          0x3f
#define OEM_HEADER_SIZE    6
#define HEADER_SIZE        12 /* from the format byte to the payload, without an OEM header */
#define INTEGRITY_PAD      0xff
#define NEXT_HEADER        0x07
#define TRAILER_FIXED      2 /* pad length and next header */

int rmcpplus_parse(struct wire_in in, struct rmcpplus_packet *packet)
{
    size_t start = in.pos;

    *packet = (struct rmcpplus_packet){.covered = in.base + in.pos};
    if (wire_u8(&in) != RMCPPLUS_FORMAT)
        return -EBADMSG;
    uint8_t type = wire_u8(&in);
    packet->encrypted = (type & FLAG_ENCRYPTED) != 0;
    packet->authenticated = (type & FLAG_AUTHENTICATED) != 0;
    packet->type = type & TYPE_MASK;
    if (packet->type == PAYLOAD_OEM_EXPLICIT)
        wire_skip(&in, OEM_HEADER_SIZE);
    packet->session = wire_u32(&in);
    packet->sequence = wire_u32(&in);
    packet->payload_length = wire_u16(&in);
    packet->header_length = in.pos - start;
    packet->payload = wire_bytes(&in, packet->payload_length);
    if (in.failed || (!packet->authenticated && wire_left(&in) > 1))
        return -EBADMSG;
    packet->trailer = wire_slice(&in, wire_left(&in));
    return 0;
}

uint32_t rmcpplus_peek_session(struct wire_in in)
{
    wire_skip(&in, 1);
    if ((wire_u8(&in) & TYPE_MASK) == PAYLOAD_OEM_EXPLICIT)
        wire_skip(&in, OEM_HEADER_SIZE);
    return wire_u32(&in);
}

/* Pad bytes that bring the covered part to a multiple of four. */
static size_t integrity_pad(size_t header_and_payload)
{
    return (4 - (header_and_payload + TRAILER_FIXED) % 4) % 4;
}

/* MD5-128 (section 13.28.4): no HMAC, but a hash with the password at both ends. */
static int md5_code(const struct rmcpplus_keys *keys, const uint8_t *covered, size_t length,
                    uint8_t code[CRYPTO_DIGEST_MAX])
{
    uint8_t input[RMCP_DATAGRAM_MAX + 2 * RMCPPLUS_PASSWORD_SIZE];
    struct wire_out out = wire_out_init(input, sizeof input);

    wire_put_bytes(&out, keys->password, sizeof keys->password);
    wire_put_bytes(&out, covered, length);
    wire_put_bytes(&out, keys->password, sizeof keys->password);
    int error = out.failed ? -EMSGSIZE : crypto_digest(CRYPTO_MD5, input, out.pos, code);
    crypto_wipe(input, sizeof input);
    return error;
}

static int integrity_code(const struct rmcpplus_keys *keys, const uint8_t *covered, size_t length,
                          uint8_t code[CRYPTO_DIGEST_MAX])
{
    if (keys->suite->integrity == CIPHER_MD5_128)
        return md5_code(keys, covered, length, code);
    crypto_hmac_code(&keys->k1, covered, length, code);
    return 0;
}

bool rmcpplus_verify(const struct rmcpplus_keys *keys, const struct rmcpplus_packet *packet)
{
    bool wants_code = keys->suite->integrity != CIPHER_INTEGRITY_NONE;
    bool wants_encryption = keys->suite->confidentiality != CIPHER_CONFIDENTIALITY_NONE;
    size_t code_size = cipher_suite_integrity(keys->suite).size;
    size_t length = packet->header_length + packet->payload_length;
    size_t pad = integrity_pad(length);
    struct wire_in trailer = packet->trailer;
    uint8_t expected[CRYPTO_DIGEST_MAX];
    bool well_formed = true;

    if (packet->authenticated != wants_code || packet->encrypted != wants_encryption)
        return false;
    if (!wants_code)
        return true;
    for (size_t i = 0; i < pad; i++)
        well_formed = wire_u8(&trailer) == INTEGRITY_PAD && well_formed;
    well_formed = wire_u8(&trailer) == pad && well_formed;
    well_formed = wire_u8(&trailer) == NEXT_HEADER && well_formed;
    const uint8_t *code = wire_bytes(&trailer, code_size);
    if (!well_formed || !code || wire_left(&trailer) > 1)
        return false;
    return integrity_code(keys, packet->covered, length + pad + TRAILER_FIXED, expected) == 0 &&
           crypto_equal(expected, code, code_size);
}

/* Plaintext ends in pad bytes 01 02 03 .. and their number (section 13.29.3). */
static int strip_padding(const uint8_t *plain, size_t *length)
{
    size_t pad = plain[*length - 1];

    if (pad >= CRYPTO_BLOCK_SIZE || pad + 1 > *length)
        return -EBADMSG;
    for (size_t i = 0; i < pad; i++) {
        if (plain[*length - 1 - pad + i] != i + 1)
            return -EBADMSG;
    }
    *length -= pad + 1;
    return 0;
}

int rmcpplus_open(struct crypto *crypto, const struct rmcpplus_keys *keys,
                  const struct rmcpplus_packet *packet, uint8_t *room, const uint8_t **payload,
                  size_t *length)
{
    struct wire_in in = wire_in_init(packet->payload, packet->payload_length);

    if (!packet->encrypted) {
        *payload = packet->payload;
        *length = packet->payload_length;
        return 0;
    }
    const uint8_t *iv = wire_bytes(&in, CRYPTO_BLOCK_SIZE);
    *length = wire_left(&in);
    const uint8_t *sealed = wire_bytes(&in, *length);
    if (in.failed || *length == 0 || *length > RMCP_DATAGRAM_MAX ||
        crypto_decrypt(crypto, keys->aes, iv, sealed, *length, room) < 0)
        return -EBADMSG;
    *payload = room;
    return strip_padding(room, length);
}

static void put_header(struct wire_out *out, uint8_t type, uint32_t session, uint32_t sequence,
                       size_t payload_length)
{
    rmcp_header_put(out, RMCP_CLASS_IPMI);
    wire_put_u8(out, RMCPPLUS_FORMAT);
    wire_put_u8(out, type);
    wire_put_u32(out, session);
    wire_put_u32(out, sequence);
    wire_put_u16(out, (uint16_t)payload_length);
}

int rmcpplus_build(uint8_t type, const uint8_t *payload, size_t payload_length, uint8_t *bytes,
                   size_t size)
{
    struct wire_out out = wire_out_init(bytes, size);

    if (payload_length > RMCPPLUS_PAYLOAD_MAX)
        return -EMSGSIZE;
    put_header(&out, type, 0, 0, payload_length);
    wire_put_bytes(&out, payload, payload_length);
    return out.failed ? -EMSGSIZE : (int)out.pos;
}

/* IV, then the payload with its padding, which is encrypted where it is. */
static int put_encrypted(struct crypto *crypto, const uint8_t *key, const uint8_t *iv,
                         const uint8_t *payload, size_t length, struct wire_out *out)
{
    size_t pad = CRYPTO_BLOCK_SIZE - 1 - length % CRYPTO_BLOCK_SIZE;

    wire_put_bytes(out, iv, CRYPTO_BLOCK_SIZE);
    uint8_t *place = wire_reserve(out, length + pad + 1);
    if (!place)
        return -EMSGSIZE;
    memcpy(place, payload, length);
    for (size_t i = 1; i <= pad; i++)
        place[length + i - 1] = (uint8_t)i;
    place[length + pad] = (uint8_t)pad;
    return crypto_encrypt(crypto, key, iv, place, length + pad + 1, place);
}

static int put_trailer(const struct rmcpplus_keys *keys, struct wire_out *out)
{
    uint8_t code[CRYPTO_DIGEST_MAX];
    size_t pad = integrity_pad(out->pos - RMCP_HEADER_SIZE);

    for (size_t i = 0; i < pad; i++)
        wire_put_u8(out, INTEGRITY_PAD);
    wire_put_u8(out, (uint8_t)pad);
    wire_put_u8(out, NEXT_HEADER);
    if (out->failed)
        return -EMSGSIZE;
    int error =
        integrity_code(keys, out->base + RMCP_HEADER_SIZE, out->pos - RMCP_HEADER_SIZE, code);
    wire_put_bytes(out, code, cipher_suite_integrity(keys->suite).size);
    return error;
}

int rmcpplus_seal(struct crypto *crypto, const struct rmcpplus_keys *keys, uint8_t type,
                  uint32_t session, uint32_t sequence, const uint8_t iv[CRYPTO_BLOCK_SIZE],
                  const uint8_t *payload, size_t payload_length, uint8_t *bytes, size_t size)
{
    struct wire_out out = wire_out_init(bytes, size);
    bool authenticate = keys->suite->integrity != CIPHER_INTEGRITY_NONE;
    bool encrypt = keys->suite->confidentiality != CIPHER_CONFIDENTIALITY_NONE;
    size_t wire_length = payload_length;
    int error = 0;

    if (payload_length > RMCPPLUS_PAYLOAD_MAX)
        return -EMSGSIZE;
    if (encrypt) /* IV, payload, pad and pad length, up to the next whole block */
        wire_length = (payload_length / CRYPTO_BLOCK_SIZE + 2) * CRYPTO_BLOCK_SIZE;
    type =
        (uint8_t)(type | (encrypt ? FLAG_ENCRYPTED : 0) | (authenticate ? FLAG_AUTHENTICATED : 0));
    put_header(&out, type, session, sequence, wire_length);
    if (encrypt)
        error = put_encrypted(crypto, keys->aes, iv, payload, payload_length, &out);
    else
        wire_put_bytes(&out, payload, payload_length);
    if (error == 0 && authenticate)
        error = put_trailer(keys, &out);
    if (error == 0 && out.failed)
        error = -EMSGSIZE;
    return error < 0 ? error : (int)out.pos;
}
