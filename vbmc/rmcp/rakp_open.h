/* Open Session (IPMI 2.0, sections 13.17 and 13.18): the algorithms are chosen from what the
 * channel offers, and what was asked is kept as an opening. Internal to rmcp. */
#ifndef VBMC_RMCP_RAKP_OPEN_H
#define VBMC_RMCP_RAKP_OPEN_H

#include <stdint.h>

struct endpoint;
struct rmcp_server;
struct wire_in;

/* Takes the payload of an Open Session Request and answers it; one of a wrong length is dropped. */
void rakp_receive_open(struct rmcp_server *server, const struct endpoint *from, struct wire_in *in,
                       uint64_t now_ms);

#endif
