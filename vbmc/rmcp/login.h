/* What is told of log-ins, of IPMI 1.5 and of RMCP+ alike: the log, the counters, and who counts
 * bad passwords. Internal to rmcp. */
#ifndef VBMC_RMCP_LOGIN_H
#define VBMC_RMCP_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rmcp_server;
struct session;

/* Who tried: the name is as it was sent; user_id is 0 for a name that nobody may log in by. */
struct login_attempt {
    const union endpoint_address *remote;
    const uint8_t *name;
    size_t name_length;
    uint8_t user_id;
};

/* The reason that is logged of a password that was tried. */
extern const char login_wrong[];

/* Whether no password of that user is right for now: whoever gives it gets what a wrong one gets.
 */
bool login_is_locked_out(const struct rmcp_server *server, uint8_t user_id);
/* Whether somebody has logged in from there of late. */
bool login_is_from_known(const struct rmcp_server *server, const union endpoint_address *remote);
/* Whether the user of a session to come has as many as he may have (IPMI 2.0, section 22.26, byte
 * 4). One of an administrator's makes room for it, if it can. */
bool login_user_is_full(struct rmcp_server *server, const struct session *newcomer);
/* The session was established. */
void login_succeeded(struct rmcp_server *server, const struct session *session);
/* It was not, and it costs: somebody has shown that he does not know the password, or has fetched
 * what it takes to guess it. */
void login_failed(struct rmcp_server *server, const struct login_attempt *attempt,
                  const char *reason);
/* The password was right, and the channel has been closed, or the cipher suite, meanwhile. */
void login_closed(struct rmcp_server *server, const struct login_attempt *attempt);
/* The password was right, and there is no session left. */
void login_no_room(struct rmcp_server *server, const struct login_attempt *attempt);

#endif
