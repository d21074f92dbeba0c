/* From a URI to an SSH session that is logged in. Nobody is asked anything: keys without a
 * passphrase and the agent are all that is tried, in this order:
 *
 *   - the URI's keyfile, and then nothing else;
 *   - without one: the agent of $SSH_AUTH_SOCK, then id_ed25519, id_ecdsa and id_rsa of ~/.ssh.
 *
 * Runs on a thread of its own; every wait goes through struct ssh_wait, so that it can be given up.
 * (Looking up a host name, and an agent that does not answer, cannot.) */
#ifndef VBMC_SSH_LOGIN_H
#define VBMC_SSH_LOGIN_H

#include <libssh/libssh.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/ssh/known_hosts.h"

struct ssh_uri;

/* How to wait. */
struct ssh_wait {
    /* Until the descriptor has one of poll's `events`; `deadline` is as of ssh_now_ms. 0,
     * -ETIMEDOUT, or -ECANCELED: give up. */
    int (*wait)(void *context, int fd, short events, int64_t deadline);
    void *context;
};

/* Milliseconds of the monotonic clock. */
int64_t ssh_now_ms(void);

/* Connects, verifies the host, logs in. 0 with *session, which does not block and is ended by
 * ssh_silent_disconnect and ssh_free, and with kind and fingerprint of the host's key; or a
 * negative error with one line for people in `error`. */
int ssh_login(const struct ssh_uri *uri, const struct ssh_wait *wait, ssh_session *session,
              char key[SSH_KNOWN_HOSTS_TEXT_SIZE], char *error, size_t size);

#endif
