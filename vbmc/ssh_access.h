/* Logins by SSH: what the configuration and the BMCs say about addresses and accounts is handed to
 * the SSH server, and who has logged in gets a control connection of his own. Loop thread. */
#ifndef VBMC_SSH_ACCESS_H
#define VBMC_SSH_ACCESS_H

#include <uv.h>

struct control;
struct fleet;
struct ssh_access;

/* Follows the fleet's configuration from now on; the server is started when [ssh] first asks for
 * it. Both outlive it. What goes wrong with SSH is logged and keeps nothing else from running. 0 or
 * -ENOMEM. */
int ssh_access_start(uv_loop_t *loop, struct fleet *fleet, struct control *control,
                     struct ssh_access **access);
/* The configuration, or a BMC's address or users, may have changed. */
void ssh_access_review(struct ssh_access *access);
/* Ends all sessions and waits for the server's thread. The loop has to turn once more. NULL is
 * allowed. */
void ssh_access_free(struct ssh_access *access);

#endif
