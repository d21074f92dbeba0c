#include "vbmc/ipmi/msg.h"

#include <errno.h>
#include <stdbool.h>

#include "vbmc/base/wire.h"
#include "vbmc/ipmi/codes.h"

uint8_t ipmi_msg_checksum(const uint8_t *bytes, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

int ipmi_msg_parse(const uint8_t *bytes, size_t length, struct ipmi_msg *request)
{
    if (length < IPMI_MSG_OVERHEAD)
        return -EBADMSG;
    if (ipmi_msg_checksum(bytes, 3) != 0 || ipmi_msg_checksum(bytes + 3, length - 3) != 0)
        return -EBADMSG;

    struct wire_in in = wire_in_init(bytes, length);
    uint8_t byte;
    request->rs_address = wire_u8(&in);
    byte = wire_u8(&in);
    request->netfn = byte >> 2;
    request->rs_lun = byte & 3;
    wire_skip(&in, 1);
    request->rq_address = wire_u8(&in);
    byte = wire_u8(&in);
    request->rq_seq = byte >> 2;
    request->rq_lun = byte & 3;
    request->command = wire_u8(&in);
    request->data_length = wire_left(&in) - 1;
    request->data = wire_bytes(&in, request->data_length);
    if (request->rs_address != IPMI_BMC_ADDRESS || (request->netfn & 1) != 0)
        return -EBADMSG;
    return request->data_length > IPMI_MSG_DATA_MAX ? -EMSGSIZE : 0;
}

/* Success and command-specific codes may carry data (section 5.2), general errors may not; a group
 * extension repeats its group byte even then. */
size_t ipmi_msg_response_data_length(const struct ipmi_msg *request,
                                     const struct ipmi_response *response)
{
    bool general_error = response->completion_code >= CC_NODE_BUSY;

    if (!general_error)
        return response->data_length;
    return request->netfn == NETFN_GROUP_EXTENSION && response->data_length > 0 ? 1 : 0;
}

int ipmi_msg_build_response(const struct ipmi_msg *request, const struct ipmi_response *response,
                            uint8_t *bytes, size_t size)
{
    struct wire_out out = wire_out_init(bytes, size);

    wire_put_u8(&out, request->rq_address);
    wire_put_u8(&out, (uint8_t)((request->netfn | 1) << 2 | request->rq_lun));
    wire_put_u8(&out, out.failed ? 0 : ipmi_msg_checksum(bytes, 2));
    wire_put_u8(&out, request->rs_address);
    wire_put_u8(&out, (uint8_t)(request->rq_seq << 2 | request->rs_lun));
    wire_put_u8(&out, request->command);
    wire_put_u8(&out, response->completion_code);
    wire_put_bytes(&out, response->data, ipmi_msg_response_data_length(request, response));
    wire_put_u8(&out, out.failed ? 0 : ipmi_msg_checksum(bytes + 3, out.pos - 3));
    return out.failed ? -EMSGSIZE : (int)out.pos;
}
