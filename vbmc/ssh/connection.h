/* The one SSH connection to a hypervisor of a qemu+ssh:// URI (vbmc/ssh/uri.h), and a thread
 * for it. Everything of the host that is a Unix socket goes through it: libvirt's own, second QMP
 * sockets, serial ports. Each is offered as a local socket, so that who uses it needs no other
 * transport; see vbmc/ssh/forward.h.
 *
 *   connecting  TCP, host key, login
 *   up          until the host closes it or says nothing for 15 s (it is asked every 5 s)
 *   pausing     0.25 s at first, doubling up to 5 s; then connecting again, as long as it lives
 *
 * There is never more than one connection. While it is not up, local connections are closed at
 * once; their users try again by themselves. */
#ifndef VBMC_SSH_CONNECTION_H
#define VBMC_SSH_CONNECTION_H

#include <stddef.h>

struct inbox;
struct inbox_item;
struct sshconn;

/* `name` is the hypervisor's, for the log. `runtime_dir` is where sockets may be made. 0, or a
 * negative error with one line for people (a malformed URI, for one). */
int sshconn_start(const char *name, const char *uri, const char *runtime_dir,
                  struct sshconn **connection, char *error, size_t size);
/* Ends the connection and removes the sockets; `ended` is posted when that is done. Does not
 * block. */
void sshconn_stop(struct sshconn *connection, struct inbox *inbox, struct inbox_item *ended);
/* After `ended` was delivered. */
void sshconn_free(struct sshconn *connection);

/* Any thread. The local path of the socket that leads to `far_path` there: as ssh_forwards_add. */
int sshconn_forward(struct sshconn *connection, const char *far_path, char *local, size_t size);
/* What libvirt is to be opened with: its own driver, at our end of its socket. Valid until
 * sshconn_free. */
const char *sshconn_libvirt_uri(const struct sshconn *connection);

/* Not the loop thread: waits until the connection is up, or why it is not is known. 0, or
 * -EHOSTUNREACH with the reason. */
int sshconn_wait(struct sshconn *connection, char *error, size_t size);
/* Any thread. libvirt could not be opened: replaces its words in `error`, which are about our end
 * of the socket, where the SSH connection or the host's socket was the reason. */
void sshconn_explain(struct sshconn *connection, char *error, size_t size);

#endif
