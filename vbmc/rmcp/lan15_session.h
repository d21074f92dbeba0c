/* Packets of IPMI 1.5 that name a session, temporary or not. What does not fit is dropped without a
 * word: an unknown id, another authentication type, a wrong code, a sequence number that was seen
 * or is out of the window (section 6.12.12).
 *
 * A packet needs the code of its session, of the type that it was activated with. It may go without
 * where that was agreed on at the log-in (per-message authentication is off), or while user-level
 * authentication is off and it is a command of that level (section 22.23). Internal to rmcp. */
#ifndef VBMC_RMCP_LAN15_SESSION_H
#define VBMC_RMCP_LAN15_SESSION_H

#include <stdint.h>

#include "vbmc/rmcp/server.h"

struct endpoint;
struct lan15_packet;

void lan15_receive(struct rmcp_server *server, const struct endpoint *from,
                   const struct lan15_packet *packet, uint64_t now_ms);

/* What a packet that names a session costs, and of whom it comes: of a session, or of a log-in
 * whose challenge its source was given and not one of very many. */
struct rmcp_weight lan15_weigh(const struct rmcp_server *server, const struct endpoint *from,
                               const struct lan15_packet *packet);

#endif
