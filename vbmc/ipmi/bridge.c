#include "vbmc/ipmi/bridge.h"

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/service.h"

#define CHANNEL_MASK     0x0f
#define CHANNEL_IPMB     0x00
#define TRACKING_SHIFT   6
#define TRACKING_REQUEST 1

#define CC_NAK_ON_WRITE 0x83

bool ipmi_bridge_is_send(const struct ipmi_msg *message)
{
    return message->netfn == NETFN_APP && message->command == CMD_SEND_MESSAGE;
}

/* Channels that there are, but take no messages of others. From the LAN to system software a
 * message goes by the BMC's LUN 2, not by Send Message to channel 0Fh (section 6.13.1), and its
 * answer by a Send Message to the session on the LAN channel. No tool and no driver does either,
 * and it would let each client of the LAN fill a queue that the guest's own answers need: neither
 * is offered. */
static bool is_other_channel(uint8_t channel)
{
    return channel == CHANNEL_LAN || channel == CHANNEL_THIS || channel == CHANNEL_SYSTEM_INTERFACE;
}

int ipmi_bridge_open(const struct ipmi_msg *outer, struct ipmi_msg *inner)
{
    uint8_t how = outer->data_length > 0 ? outer->data[0] : 0;
    uint8_t channel = how & CHANNEL_MASK;

    if (outer->data_length < 1 + IPMI_MSG_OVERHEAD)
        return CC_REQUEST_LENGTH_INVALID;
    if (is_other_channel(channel))
        return CC_DESTINATION_UNAVAILABLE;
    if (channel != CHANNEL_IPMB || how >> TRACKING_SHIFT > TRACKING_REQUEST)
        return CC_INVALID_DATA_FIELD;
    if (outer->data[1] != IPMI_BMC_ADDRESS)
        return CC_NAK_ON_WRITE;
    if (ipmi_msg_parse(outer->data + 1, outer->data_length - 1, inner) < 0 ||
        ipmi_bridge_is_send(inner))
        return CC_INVALID_DATA_FIELD;
    return CC_SUCCESS;
}

bool ipmi_bridge_is_tracked(const struct ipmi_msg *message)
{
    return ipmi_bridge_is_send(message) && message->data_length > 0 &&
           message->data[0] >> TRACKING_SHIFT == TRACKING_REQUEST;
}

void ipmi_bridge_put(const struct ipmi_msg *outer, const struct ipmi_msg *inner,
                     const struct ipmi_response *response, struct wire_out *out)
{
    struct ipmi_msg to = *inner;

    to.rq_address = outer->rq_address;
    to.rq_lun = outer->rq_lun;
    to.rq_seq = outer->rq_seq;
    int length = ipmi_msg_build_response(&to, response, out->base + out->pos, out->size - out->pos);
    if (length < 0)
        out->failed = true;
    else
        out->pos += (size_t)length;
}

void ipmi_bridge_complete(const struct ipmi_msg *outer, struct ipmi_response *response)
{
    struct ipmi_response of_outer = {.completion_code = CC_SUCCESS};
    struct wire_out out = wire_out_init(of_outer.data, sizeof of_outer.data);
    struct ipmi_msg inner;

    if (!ipmi_bridge_is_send(outer) || ipmi_bridge_open(outer, &inner) != CC_SUCCESS)
        return;
    ipmi_bridge_put(outer, &inner, response, &out);
    of_outer.data_length = out.pos;
    if (out.failed)
        of_outer = (struct ipmi_response){.completion_code = CC_RESPONSE_NOT_PROVIDED};
    *response = of_outer;
}

/* Of an IPMB message the address of who it is for is left out (section 22.6): the BMC's own. */
void ipmi_bridge_queue(struct bmc *bmc, const struct ipmi_msg *inner,
                       const struct ipmi_response *response)
{
    uint8_t bytes[1 + IPMI_MSG_OVERHEAD + 1 + IPMI_RESPONSE_MAX];
    int length = ipmi_msg_build_response(inner, response, bytes, sizeof bytes);

    if (length < 0)
        return;
    bytes[0] = CHANNEL_IPMB; /* in place of the address; no privilege level */
    const struct caller guest = {.front_end = CALLER_SYSTEM_INTERFACE,
                                 .channel = CHANNEL_SYSTEM_INTERFACE,
                                 .one_bmc = true,
                                 .uuid = bmc->core.uuid};
    const struct service_call call = {.caller = &guest, .bmc = bmc};
    service_call(SERVICE_MESSAGE_PUT, &call,
                 &(union service_arguments){.message = {bytes, (size_t)length}});
}

void ipmi_bridge_complete_to_queue(struct bmc *bmc, const struct ipmi_msg *outer,
                                   struct ipmi_response *response)
{
    struct ipmi_msg inner;

    if (!ipmi_bridge_is_send(outer) || ipmi_bridge_open(outer, &inner) != CC_SUCCESS)
        return;
    ipmi_bridge_queue(bmc, &inner, response);
    *response = (struct ipmi_response){.completion_code = CC_SUCCESS};
}
