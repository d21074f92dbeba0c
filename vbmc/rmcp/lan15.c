#include "vbmc/rmcp/lan15.h"

#include <errno.h>

#include "vbmc/rmcp/header.h"

#define AUTHENTICATION_NONE 0

int lan15_parse(struct wire_in in, struct wire_in *message)
{
    uint8_t authentication = wire_u8(&in);

    wire_skip(&in, 4); /* session sequence number: means nothing outside of a session */
    uint32_t session = wire_u32(&in);
    if (!in.failed && (authentication != AUTHENTICATION_NONE || session != 0))
        return -EACCES;
    *message = wire_slice(&in, wire_u8(&in));
    return in.failed || message->failed || wire_left(&in) > 1 ? -EBADMSG : 0;
}

/* The whole datagram's lengths that old network chips could not receive (section 13.6). */
static bool needs_legacy_pad(size_t length)
{
    return length == 56 || length == 84 || length == 112 || length == 128 || length == 156;
}

int lan15_build(const uint8_t *message, size_t message_length, uint8_t *bytes, size_t size)
{
    struct wire_out out = wire_out_init(bytes, size);

    if (message_length > UINT8_MAX)
        return -EMSGSIZE;
    rmcp_header_put(&out, RMCP_CLASS_IPMI);
    wire_put_u8(&out, AUTHENTICATION_NONE);
    wire_put_u32(&out, 0); /* session sequence number */
    wire_put_u32(&out, 0); /* session id */
    wire_put_u8(&out, (uint8_t)message_length);
    wire_put_bytes(&out, message, message_length);
    if (needs_legacy_pad(out.pos))
        wire_put_u8(&out, 0);
    return out.failed ? -EMSGSIZE : (int)out.pos;
}
