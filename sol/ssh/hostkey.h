/* The host key of the SSH server: one ed25519 key in OpenSSH's format, made at the first start. */
#ifndef SOL_SSH_HOSTKEY_H
#define SOL_SSH_HOSTKEY_H

#include <libssh/libssh.h>
#include <stddef.h>

/* Reads the key at `path`, which must be a regular file of ours with mode 0600 or less; where there
 * is no file, makes a key and writes it there, whole or not at all. The caller frees the key with
 * ssh_key_free. A negative error, with one line that says what to do in `error`. */
int ssh_hostkey_load(const char *path, ssh_key *key, char *error, size_t error_size);

#endif
