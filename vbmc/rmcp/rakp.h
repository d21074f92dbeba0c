/* Session set-up on the BMC's side: Open Session and RAKP 1 to 4 (IPMI 2.0, sections 13.17 to
 * 13.24). */
#ifndef VBMC_RMCP_RAKP_H
#define VBMC_RMCP_RAKP_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/rmcp/session.h"

struct endpoint;
struct rmcp_server;
struct wire_in;

/* Status codes of table 13-15 that this BMC gives. */
enum rakp_status {
    RAKP_OK = 0x00,
    RAKP_NO_RESOURCES = 0x01,
    RAKP_INVALID_SESSION_ID = 0x02,
    RAKP_INVALID_AUTHENTICATION_ALGORITHM = 0x04,
    RAKP_INVALID_INTEGRITY_ALGORITHM = 0x05,
    RAKP_NO_AUTHENTICATION_PAYLOAD = 0x06,
    RAKP_NO_INTEGRITY_PAYLOAD = 0x07,
    RAKP_INVALID_ROLE = 0x09,
    RAKP_UNAUTHORIZED_ROLE = 0x0a,
    RAKP_INVALID_NAME_LENGTH = 0x0c,
    RAKP_INVALID_INTEGRITY_CHECK_VALUE = 0x0f,
    RAKP_INVALID_CONFIDENTIALITY_ALGORITHM = 0x10,
    RAKP_NO_CIPHER_SUITE = 0x11,
    RAKP_ILLEGAL_PARAMETER = 0x12,
};

/* Takes a payload that came outside of a session. Any type but the three requests, and any payload
 * of a wrong length, is dropped. */
void rakp_receive(struct rmcp_server *server, const struct endpoint *from, uint8_t type,
                  struct wire_in payload, uint64_t now_ms);

/* Whether a payload is a RAKP 1 or 3 with a session id that its source was given, and is not one of
 * very many: then its source gets what is sent to its address. */
bool rakp_expects(const struct rmcp_server *server, const struct endpoint *from, uint8_t type,
                  struct wire_in payload);

/* A session in CHALLENGED is gone. Its console went without a word: that is how ipmitool and
 * FreeIPMI find out that a password is wrong (RAKP 2 does not verify). Or it was made to go: in any
 * case somebody has fetched what it takes to guess a password at leisure. */
void rakp_lost(struct rmcp_server *server, const struct session *session, enum session_loss loss);

#endif
