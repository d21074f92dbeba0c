/* What the messages of a log-in share: how answers begin (IPMI 2.0, sections 13.18 to 13.23), and
 * the privilege that is asked for. Internal to rmcp. */
#ifndef VBMC_RMCP_RAKP_ANSWER_H
#define VBMC_RMCP_RAKP_ANSWER_H

#include <stdint.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/rmcp/rakp.h"

struct endpoint;
struct rmcp_server;

#define RAKP_ANSWER_MAX     128
#define RAKP_PRIVILEGE_MASK 0x0f /* of the byte of the role */

/* All four answers begin alike; the cursor leads into `room`. */
struct wire_out rakp_answer_begin(uint8_t room[RAKP_ANSWER_MAX], uint8_t tag,
                                  enum rakp_status status, uint8_t privilege, uint32_t console_id);
/* An error ends there. */
void rakp_answer_error(struct rmcp_server *server, const struct endpoint *to, uint8_t type,
                       uint8_t tag, enum rakp_status status, uint32_t console_id);

/* Whether that privilege may be had where that is the limit: RAKP_OK or why not; `too_high` is the
 * status for one above the limit. */
enum rakp_status rakp_check_privilege(uint8_t wanted, enum privilege limit,
                                      enum rakp_status too_high);

#endif
