/* The way into a session of IPMI 1.5 (IPMI 2.0, sections 22.16 and 22.17), where the channel's
 * configuration has it:
 *
 *   Get Session Challenge  ->  an opening   temporary id and challenge, to anybody for any name
 *   Activate Session       ->  ESTABLISHED  its authentication code is right, so the console knows
 *                                           the password; the id stays what it was
 *
 * Where a challenge goes, and how many are kept, is as with Open Session (opening.h). It tells
 * nothing about the password, so that there is no session before the password is proved, and one
 * that is never answered is no failed log-in.
 *
 * Unknown names. 81h in answer to Get Session Challenge would tell which names exist. A name that
 * nobody may log in by is challenged as any other, and nobody knows its password. Only the null
 * name, which there is on every BMC, gets 82h.
 *
 * Repeats. Activate Session again, with the same or (FreeIPMI) another rqSeq, gets its answer again
 * until the session is used.
 *
 * A wrong code is not answered (section 22.17.1), and takes the temporary id with it: each guess at
 * a password costs a new challenge. */
#ifndef VBMC_RMCP_LAN15_LOGIN_H
#define VBMC_RMCP_LAN15_LOGIN_H

#include <stdint.h>

#include "vbmc/ipmi/dispatch.h"

struct opening;
struct rmcp_server;

/* The context of each call of lan15_login_ops, for the time of one request. */
struct lan15_login {
    struct rmcp_server *server;
    const struct endpoint *from;
    uint32_t id; /* temporary, of a message whose code is right; 0: it has neither */
    uint64_t now_ms;
};

extern const struct ipmi_login_ops lan15_login_ops;

/* The key of the codes that whoever was challenged has to make: it is nobody's where the account is
 * not there any more, may not log in, or has a password that is too long for IPMI 1.5. Valid until
 * the users change. `user_id` becomes 0 then; may be NULL. */
const uint8_t *lan15_login_key(const struct rmcp_server *server, const struct opening *opening,
                               uint8_t *user_id);

#endif
