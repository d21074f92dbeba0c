/* The IPMI message as it travels over LAN (IPMI 2.0, section 13.8): two addresses, two checksums.
 */
#ifndef VBMC_IPMI_MSG_H
#define VBMC_IPMI_MSG_H

#include <stddef.h>
#include <stdint.h>

#define IPMI_MSG_OVERHEAD 7   /* bytes of a request around its data */
#define IPMI_MSG_DATA_MAX 255 /* longest request data that is looked at */
#define IPMI_RESPONSE_MAX 259 /* longest response data behind the completion code */
#define IPMI_BMC_ADDRESS  0x20

struct ipmi_msg {
    uint8_t rs_address;
    uint8_t netfn;
    uint8_t rs_lun;
    uint8_t rq_address;
    uint8_t rq_seq;
    uint8_t rq_lun;
    uint8_t command;
    const uint8_t *data; /* points into the bytes that were parsed */
    size_t data_length;
};

struct ipmi_response {
    uint8_t completion_code;
    uint8_t data[IPMI_RESPONSE_MAX];
    size_t data_length;
};

/* 8-bit checksum: makes the sum of the covered bytes and itself 0 modulo 256. */
uint8_t ipmi_msg_checksum(const uint8_t *bytes, size_t length);

/* Parses a request. 0; -EBADMSG for what must be dropped without an answer (shorter than 7 bytes, a
 * wrong checksum, an odd NetFn, a responder that is not the BMC); -EMSGSIZE for data over
 * IPMI_MSG_DATA_MAX. */
int ipmi_msg_parse(const uint8_t *bytes, size_t length, struct ipmi_msg *request);

/* Bytes of the response's data that may be sent: all of them, unless it is a general error. */
size_t ipmi_msg_response_data_length(const struct ipmi_msg *request,
                                     const struct ipmi_response *response);

/* Writes the response that mirrors the request's addresses, LUNs and sequence (section 13.8). Data
 * of the response is dropped unless its completion code is 0 or below 0xC0. Returns the length, or
 * -EMSGSIZE if it does not fit into size bytes. */
int ipmi_msg_build_response(const struct ipmi_msg *request, const struct ipmi_response *response,
                            uint8_t *bytes, size_t size);

#endif
