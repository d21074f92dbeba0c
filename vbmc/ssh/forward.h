/* Sockets of the host at the other end of an SSH session, offered as listening sockets in a folder
 * of ours. Each connection to one of these becomes a channel of the session (direct-streamlocal,
 * OpenSSH's PROTOCOL file, section 2.4), and is closed at once while there is no session.
 *
 * Nothing waits for anything else: what one end of a connection does not take stays in a bounded
 * buffer, and the other end is not read meanwhile. Towards us that bound is the channel's window,
 * which libssh keeps at 1.25 MiB: at most one window full in libssh and one here. Towards the host
 * it is one chunk, beside what fits the channel's window there.
 *
 * ssh_forwards_add may be called from any thread; all else belongs to the session's thread. */
#ifndef VBMC_SSH_FORWARD_H
#define VBMC_SSH_FORWARD_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>

#define SSH_FORWARDS_MAX   1024
#define SSH_LOCAL_PATH_MAX 108 /* of a Unix socket's address, with its end */

struct pollfd;
struct ssh_forwards;

/* Makes a folder of our own below `runtime_dir`, which must be nobody else's: another process with
 * the same one would lose its sockets. 0, or a negative error with its text. */
int ssh_forwards_new(const char *runtime_dir, struct ssh_forwards **forwards, char *error,
                     size_t size);
/* Removes the sockets and the folder. There must be no connection left (ssh_forwards_close_all). */
void ssh_forwards_free(struct ssh_forwards *forwards);

/* Any thread. The local path of the socket that leads to `far_path` on the host; made if there is
 * none yet. To be asked for again before each connection: of many, those that were not used for
 * long are given up. 0; -EINVAL unless it is absolute, -ENAMETOOLONG from 108 bytes on or if `size`
 * is too small; -ENOSPC from the 1025th that is in use on; -ESHUTDOWN after ssh_forwards_shut;
 * another negative error. */
int ssh_forwards_add(struct ssh_forwards *forwards, const char *far_path, char *local, size_t size);
/* Any thread. True with a text if the host would not connect to that path the last time. */
bool ssh_forwards_failure(struct ssh_forwards *forwards, const char *far_path, char *text,
                          size_t size);

/* Removes all sockets; none is made any more. */
void ssh_forwards_shut(struct ssh_forwards *forwards);

/* What to poll for: appends to *polls, which is grown as needed, from *count on. Entries of one
 * call belong to the next ssh_forwards_turn or ssh_forwards_refuse. Returns in how many ms the turn
 * must come in any case; -1: whenever there is an event; -ENOMEM. `session` is NULL while there is
 * none (and no connection then). */
int ssh_forwards_poll(struct ssh_forwards *forwards, ssh_session session, struct pollfd **polls,
                      size_t *capacity, size_t *count);
/* Accepts and moves bytes; `polls` are ssh_forwards_poll's own entries, with what poll found. */
void ssh_forwards_turn(struct ssh_forwards *forwards, ssh_session session,
                       const struct pollfd *polls);
/* There is no session: accepts, and closes at once. */
void ssh_forwards_refuse(struct ssh_forwards *forwards, const struct pollfd *polls);
/* The session is over or about to be ended, and still allocated. */
void ssh_forwards_close_all(struct ssh_forwards *forwards);

#endif
