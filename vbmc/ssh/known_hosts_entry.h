/* Where the known_hosts files are, whether there is an entry for a host in them, and what is said
 * where a host is refused: what a program uses that is not linked with libssh. */
#ifndef VBMC_SSH_KNOWN_HOSTS_ENTRY_H
#define VBMC_SSH_KNOWN_HOSTS_ENTRY_H

#include <libssh/libssh.h>
#include <stddef.h>

struct ssh_uri;

#define SSH_SYSTEM_KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"

typedef __typeof__(ssh_options_set) ssh_set_option;

/* Tells the session, which is not connected yet, host, port, and where known_hosts files are. `set`
 * is libssh's ssh_options_set. 0, or -EINVAL. */
int ssh_known_hosts_prepare(ssh_set_option *set, ssh_session session, const struct ssh_uri *uri);
/* Without a connection: is there an entry for the host at all? 0, or -EACCES with what to do in
 * `error`. Loads libssh where the program is not linked with it. */
int ssh_known_hosts_find(const struct ssh_uri *uri, char *error, size_t size);

/* What is said in each case; `found` is anything but SSH_KNOWN_HOSTS_OK. Returns -EACCES. */
int ssh_known_hosts_refuse(enum ssh_known_hosts_e found, const struct ssh_uri *uri, const char *key,
                           char *error, size_t size);

#endif
