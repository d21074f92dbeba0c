/* ASF presence ping and pong (ASF 2.0, sections 3.2.4.2 and 3.2.4.3; IPMI 2.0, section 13.2.3). No
 * state: everybody who asks gets a pong. */
#ifndef VBMC_RMCP_ASF_H
#define VBMC_RMCP_ASF_H

#include <stddef.h>
#include <stdint.h>

#define ASF_PONG_SIZE 28

/* `bytes` is the whole datagram. Writes the pong (header included) that answers a ping; 0, or
 * -EBADMSG for anything that is not a ping. */
int asf_answer_ping(const uint8_t *bytes, size_t length, uint8_t pong[ASF_PONG_SIZE]);

#endif
