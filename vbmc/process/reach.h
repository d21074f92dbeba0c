/* What the configuration names and a user cannot use: files that root could read and the user that
 * vbmcd runs as cannot. Whatever was read at the start as root would fail at the next reload, so it
 * is named, with the command that mends it, by vbmcd when it starts and by `vbmc doctor`. */
#ifndef VBMC_PROCESS_REACH_H
#define VBMC_PROCESS_REACH_H

struct config;
struct openstack;

/* One finding. `what` is the key, or what the file is for; `why` an error's text; `advice` a
 * command for root. */
typedef void (*reach_fn)(void *context, const char *what, const char *path, const char *why,
                         const char *advice);

/* Tries them as the user and with the groups that the process has now, whose name is `user` and
 * whose $HOME is this user's. `openstack` is what was read of the other tool's files, or NULL. */
void reach_check(const struct config *config, const struct openstack *openstack, const char *user,
                 reach_fn say, void *context);

#endif
