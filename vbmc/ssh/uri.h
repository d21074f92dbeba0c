/* The URI of a hypervisor that is reached by SSH, with libvirt's words for its parts:
 *
 *   qemu+ssh://[USER@]HOST[:PORT]/system[?PARAMETER=VALUE[&...]]
 *
 *   keyfile=PATH       private key, not encrypted; then no other key is tried
 *   known_hosts=PATH   instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts
 *   socket=PATH        libvirt's socket on the host
 *
 * HOST is a name, an IPv4 address or an IPv6 address in brackets. ssh_config files are not read:
 * what a hypervisor is must stand in one place, and a ProxyCommand of somebody's ~/.ssh/config has
 * no business in a daemon. */
#ifndef VBMC_SSH_URI_H
#define VBMC_SSH_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSH_URI_SOCKET "/var/run/libvirt/libvirt-sock" /* unless socket= says otherwise */

struct ssh_uri {
    char *user; /* NULL: the user we run as */
    char *host; /* without brackets */
    uint16_t port;
    char *keyfile;     /* NULL: none given */
    char *known_hosts; /* NULL: none given */
    char *socket;
    char *ignored; /* names of parameters that have no effect here, ", " between; NULL: none */
};

/* True for qemu+ssh://, well-formed or not. */
bool ssh_uri_is(const char *text);
/* 0, with strings to be freed by ssh_uri_clear; -EINVAL with one line for people in `error`, or
 * -ENOMEM. After an error nothing has to be freed. */
int ssh_uri_parse(const char *text, struct ssh_uri *uri, char *error, size_t size);
void ssh_uri_clear(struct ssh_uri *uri);

/* The home directory: $HOME if it is absolute, as libvirt has it, else that of the user database.
 * 0, or -ENOENT. */
int ssh_uri_home(char *path, size_t size);
/* The known_hosts file that messages should name: the given one, else ~/.ssh/known_hosts. 0, or a
 * negative error. */
int ssh_uri_known_hosts(const struct ssh_uri *uri, char *path, size_t size);
/* The host as known_hosts files have it: with brackets and the port, unless that is 22. */
void ssh_uri_host_port(const struct ssh_uri *uri, char *text, size_t size);

#endif
