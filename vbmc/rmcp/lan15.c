#include "vbmc/rmcp/lan15.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/wire.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/rmcp/header.h"

#define COVERED_MAX (LAN15_KEY_SIZE + 4 + UINT8_MAX + 4 + LAN15_KEY_SIZE)

int lan15_parse(struct wire_in in, struct lan15_packet *packet)
{
    *packet = (struct lan15_packet){.type = wire_u8(&in)};
    packet->sequence = wire_u32(&in);
    packet->session = wire_u32(&in);
    if (packet->type != LAN15_NONE)
        packet->code = wire_bytes(&in, LAN15_CODE_SIZE);
    packet->message_length = wire_u8(&in);
    packet->message = wire_bytes(&in, packet->message_length);
    return in.failed || wire_left(&in) > 1 ? -EBADMSG : 0;
}

/* Section 22.17.1: MD5 over password, session id, message, sequence number and password. */
static int authentication_code(const struct lan15_header *header, const uint8_t *message,
                               size_t length, uint8_t code[CRYPTO_DIGEST_MAX])
{
    uint8_t covered[COVERED_MAX];
    struct wire_out out = wire_out_init(covered, sizeof covered);

    if (header->type == LAN15_PASSWORD) {
        memcpy(code, header->key, LAN15_KEY_SIZE);
        return 0;
    }
    wire_put_bytes(&out, header->key, LAN15_KEY_SIZE);
    wire_put_u32(&out, header->session);
    wire_put_bytes(&out, message, length);
    wire_put_u32(&out, header->sequence);
    wire_put_bytes(&out, header->key, LAN15_KEY_SIZE);
    int error = out.failed ? -EMSGSIZE : crypto_digest(CRYPTO_MD5, covered, out.pos, code);
    crypto_wipe(covered, sizeof covered);
    return error;
}

bool lan15_verify(const struct lan15_packet *packet, enum lan15_type type,
                  const uint8_t key[LAN15_KEY_SIZE])
{
    const struct lan15_header header = {type, packet->sequence, packet->session, key};
    uint8_t expected[CRYPTO_DIGEST_MAX];

    if (packet->type != type || !packet->code)
        return false;
    bool right =
        authentication_code(&header, packet->message, packet->message_length, expected) == 0 &&
        crypto_equal(expected, packet->code, LAN15_CODE_SIZE);
    crypto_wipe(expected, sizeof expected);
    return right;
}

int lan15_build(const struct lan15_header *header, const uint8_t *message, size_t message_length,
                uint8_t *bytes, size_t size)
{
    struct wire_out out = wire_out_init(bytes, size);
    uint8_t code[CRYPTO_DIGEST_MAX];
    int error = 0;

    if (message_length > UINT8_MAX)
        return -EMSGSIZE;
    rmcp_header_put(&out, RMCP_CLASS_IPMI);
    wire_put_u8(&out, (uint8_t)header->type);
    wire_put_u32(&out, header->sequence);
    wire_put_u32(&out, header->session);
    if (header->type != LAN15_NONE) {
        error = authentication_code(header, message, message_length, code);
        if (error < 0)
            return error;
        wire_put_bytes(&out, code, LAN15_CODE_SIZE);
        crypto_wipe(code, sizeof code);
    }
    wire_put_u8(&out, (uint8_t)message_length);
    wire_put_bytes(&out, message, message_length);
    return out.failed ? -EMSGSIZE : (int)out.pos;
}
