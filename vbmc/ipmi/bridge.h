/* Send Message (IPMI 2.0, sections 6.13 and 22.7). There is no IPMB; the one address on channel 0
 * that answers is the BMC's own, by which clients probe whether a BMC bridges. */
#ifndef VBMC_IPMI_BRIDGE_H
#define VBMC_IPMI_BRIDGE_H

#include <stdbool.h>

struct bmc;
struct ipmi_msg;
struct ipmi_response;
struct wire_out;

#define CMD_SEND_MESSAGE 0x34

bool ipmi_bridge_is_send(const struct ipmi_msg *message);

/* The message that a Send Message carries, whose data points into that of `outer`. A completion
 * code: CC_SUCCESS, or why it cannot be sent. */
int ipmi_bridge_open(const struct ipmi_msg *outer, struct ipmi_msg *inner);

/* Whether the message is a Send Message of which the client wants the response as a message of its
 * own, behind the answer ("track request"). */
bool ipmi_bridge_is_tracked(const struct ipmi_msg *message);

/* Writes the response to `inner` as a message to who has sent `outer`, with the sequence number of
 * that (section 6.13.4). */
void ipmi_bridge_put(const struct ipmi_msg *outer, const struct ipmi_msg *inner,
                     const struct ipmi_response *response, struct wire_out *out);

/* Puts the response to `inner` into the Receive Message Queue (section 22.6), as system software
 * that has sent `outer` expects. What has no room there is lost, as on a bus. */
void ipmi_bridge_queue(struct bmc *bmc, const struct ipmi_msg *inner,
                       const struct ipmi_response *response);
/* A late response to a message that `outer` has carried, for system software: it goes to the queue,
 * and becomes success without data. Does nothing if `outer` is no Send Message. */
void ipmi_bridge_complete_to_queue(struct bmc *bmc, const struct ipmi_msg *outer,
                                   struct ipmi_response *response);

/* A late response to a message that `outer` has carried becomes that of `outer`: success, and the
 * message as its data. Does nothing if `outer` is no Send Message. */
void ipmi_bridge_complete(const struct ipmi_msg *outer, struct ipmi_response *response);

#endif
