/* libvirt's event loop interface (virEventRegisterImpl) on libuv: the descriptors and timers that
 * libvirt's connections need are served by our loop. libvirt adds, changes and removes them from
 * any thread, so that each call only records what is wanted and wakes the loop. */
#ifndef VBMC_VIRT_LOOP_H
#define VBMC_VIRT_LOOP_H

#include <stdbool.h>

#include <uv.h>

/* The socket of a libvirt connection, by which calls that wait on it can be ended. All zero: not
 * known yet. */
struct virt_loop_socket {
    int id;       /* of the source */
    bool is_shut; /* asked for; done as soon as it is known */
};

/* Once per process (libvirt's registration is global), before the first connection is opened.
 * 0, or -ENOMEM. */
int virt_loop_start(uv_loop_t *loop);
/* After the last connection was closed; the loop has to turn once more. */
void virt_loop_stop(void);

/* What this thread's connection is being opened with: the descriptor that libvirt adds on this
 * thread is noted in *socket. NULL ends that. */
void virt_loop_note_socket(struct virt_loop_socket *socket);
/* Any thread. Shuts the socket down for good, as if the other end had closed it: what waits for
 * that connection, or for its opening, ends with an error. Nothing happens once libvirt has closed
 * it. libvirt may write to it still: the program must ignore SIGPIPE. */
void virt_loop_shut(struct virt_loop_socket *socket);

#endif
