#include "vbmc/rmcp/asf.h"

#include <errno.h>

#include "vbmc/base/wire.h"
#include "vbmc/rmcp/header.h"

#define ENTERPRISE    4542 /* ASF's IANA enterprise number, the only big endian field here */
#define TYPE_PING     0x80
#define TYPE_PONG     0x40
#define PONG_LENGTH   16
#define ENTITIES_IPMI 0x81 /* IPMI supported, ASF 1.0 */

int asf_answer_ping(const uint8_t *bytes, size_t length, uint8_t pong[ASF_PONG_SIZE])
{
    struct wire_in in = wire_in_init(bytes, length);
    struct wire_out out = wire_out_init(pong, ASF_PONG_SIZE);
    uint8_t class;

    if (rmcp_header_parse(&in, &class) < 0 || class != RMCP_CLASS_ASF)
        return -EBADMSG;
    uint32_t enterprise = wire_u32_be(&in);
    uint8_t type = wire_u8(&in);
    uint8_t tag = wire_u8(&in);
    wire_skip(&in, 2); /* reserved, data length: a ping has no data */
    if (in.failed || enterprise != ENTERPRISE || type != TYPE_PING)
        return -EBADMSG;

    rmcp_header_put(&out, RMCP_CLASS_ASF);
    wire_put_u32_be(&out, ENTERPRISE);
    wire_put_u8(&out, TYPE_PONG);
    wire_put_u8(&out, tag);
    wire_put_u8(&out, 0);
    wire_put_u8(&out, PONG_LENGTH);
    wire_put_u32_be(&out, ENTERPRISE);
    wire_put_u32_be(&out, 0); /* OEM defined */
    wire_put_u8(&out, ENTITIES_IPMI);
    wire_put_zeros(&out, 7); /* no RMCP security extensions; reserved */
    return 0;
}
