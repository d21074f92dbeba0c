#include "vbmc/rmcp/header.h"

#include <errno.h>

#include "vbmc/base/wire.h"

#define VERSION      0x06
#define NO_ACK       0xff
#define CLASS_MASK   0x1f
#define CLASS_IS_ACK 0x80

int rmcp_header_parse(struct wire_in *in, uint8_t *class)
{
    uint8_t version = wire_u8(in);

    wire_skip(in, 2); /* reserved, sequence */
    uint8_t byte = wire_u8(in);
    if (in->failed || version != VERSION || (byte & CLASS_IS_ACK) != 0)
        return -EBADMSG;
    *class = byte & CLASS_MASK;
    return 0;
}

void rmcp_header_put(struct wire_out *out, enum rmcp_class class)
{
    wire_put_u8(out, VERSION);
    wire_put_u8(out, 0);
    wire_put_u8(out, NO_ACK);
    wire_put_u8(out, (uint8_t) class);
}
