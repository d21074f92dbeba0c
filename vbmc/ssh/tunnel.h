/* One connection through a forward: a local socket and a channel of the SSH session. Part of
 * forward.c; session's thread. */
#ifndef VBMC_SSH_TUNNEL_H
#define VBMC_SSH_TUNNEL_H

#include <libssh/libssh.h>
#include <stdbool.h>

struct ssh_tunnel;

/* What a turn has come to. */
enum ssh_tunnel_result {
    SSH_TUNNEL_GOES_ON,
    SSH_TUNNEL_ENDED,   /* by either end */
    SSH_TUNNEL_REFUSED, /* the host does not connect to that path; why is in the session's error */
};

/* Starts opening the channel. Owns `fd`, which does not block, in every case; NULL: no memory. */
struct ssh_tunnel *ssh_tunnel_new(ssh_session session, const char *far_path, int fd);
/* Closes both ends. */
void ssh_tunnel_free(struct ssh_tunnel *tunnel);
int ssh_tunnel_fd(const struct ssh_tunnel *tunnel);
bool ssh_tunnel_is_open(const struct ssh_tunnel *tunnel);
/* The events of poll to wait for at the descriptor; negative: none, not even its end. */
int ssh_tunnel_events(const struct ssh_tunnel *tunnel, ssh_session session);
/* In how many ms it wants a turn whatever poll says; -1: it can wait. */
int ssh_tunnel_due(const struct ssh_tunnel *tunnel);
/* Moves what can be moved. `revents`: what poll found. */
enum ssh_tunnel_result ssh_tunnel_turn(struct ssh_tunnel *tunnel, ssh_session session,
                                       short revents);

#endif
