/* Is the host at the other end the one it should be? Its key must stand in known_hosts (OpenSSH's
 * format, sshd(8)), for this host and port; nobody is asked, and nothing is ever written there.
 *
 * libssh asks a host first for the kinds of key that known_hosts has for it, so that a host with
 * several keys shows the known one. */
#ifndef VBMC_SSH_KNOWN_HOSTS_H
#define VBMC_SSH_KNOWN_HOSTS_H

#include <libssh/libssh.h>
#include <stddef.h>

struct ssh_uri;

#define SSH_KNOWN_HOSTS_TEXT_SIZE 128

/* Checks the key that a connected session was shown, before anything is sent that matters. 0 with
 * kind and fingerprint ("ssh-ed25519 SHA256:...") in `key`; -EACCES with the reason, and what to do
 * about it, in `error`. */
int ssh_known_hosts_check(ssh_session session, const struct ssh_uri *uri,
                          char key[SSH_KNOWN_HOSTS_TEXT_SIZE], char *error, size_t size);

/* The part of that which libssh leaves out: whether the key, which `shown` describes, stands behind
 * @revoked for the host. 0, or -EACCES with the reason in `error`. */
int ssh_known_hosts_check_revoked(const struct ssh_uri *uri, const ssh_key key, const char *shown,
                                  char *error, size_t size);

#endif
