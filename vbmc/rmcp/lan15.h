/* The IPMI 1.5 packet (IPMI 2.0, section 13.6) as far as it is offered: outside of a session,
 * without authentication. Clients ask for the authentication capabilities this way before they turn
 * to RMCP+. Packets of IPMI 1.5 sessions are refused by their session id or authentication type. */
#ifndef VBMC_RMCP_LAN15_H
#define VBMC_RMCP_LAN15_H

#include "vbmc/base/wire.h"

/* Reads from the byte behind the RMCP header. *message becomes a cursor over the IPMI message. One
 * byte behind it is accepted (the legacy pad) and not counted. 0; -EBADMSG for lengths that do not
 * fit; -EACCES for a packet of a session or with an authentication type. */
int lan15_parse(struct wire_in in, struct wire_in *message);

/* Writes a whole datagram around an IPMI message of at most 255 bytes. Returns its length, or
 * -EMSGSIZE. */
int lan15_build(const uint8_t *message, size_t message_length, uint8_t *bytes, size_t size);

#endif
